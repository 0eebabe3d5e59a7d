mod work;

use crosspoint_contract::{Json, Violation};
use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use serde_json::Value;

/// How many violations are told of one value.
const VIOLATIONS: usize = 32;
/// The longest message of one, in bytes.
const MESSAGE: usize = 300;

/// The longest text of a schema, in bytes.
const SCHEMA: usize = 256 << 10;
/// The most memory that one pattern may take compiled, in bytes, and again while it is matched.
const PATTERN: usize = 2 << 20;
/// A value with more parts than this is told its first violation alone: finding them all takes memory for each.
const PARTS: usize = 20_000;

/// A compiled JSON Schema, draft 2020-12, formats checked. It refers to nothing outside itself.
pub struct Schema(Validator);

impl Schema {
    /// # Errors
    /// In words: what is wrong with the schema.
    pub fn compile(schema: &Json) -> Result<Self, String> {
        if schema.as_str().len() > SCHEMA {
            return Err(format!("it has {} bytes; at most {SCHEMA} are accepted", schema.as_str().len()));
        }
        let schema = schema.value();
        work::check(&schema)?;
        jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            .offline()
            // Linear in the input: a driver's pattern must not be able to keep the host busy.
            .with_pattern_options(PatternOptions::regex().size_limit(PATTERN).dfa_size_limit(PATTERN))
            .build(&schema)
            .map(Self)
            .map_err(|error| {
                let place = error.instance_path().to_string();
                bounded(if place.is_empty() { error.to_string() } else { format!("{error}, at {place}") })
            })
    }

    /// # Errors
    /// Where the value does not fit and why. Values are not repeated: one of them may be a secret.
    pub fn validate(&self, value: &Value) -> Result<(), Vec<Violation>> {
        if self.0.is_valid(value) {
            return Ok(());
        }
        let violation = |error: ValidationError<'_>| Violation {
            pointer: error.instance_path().to_string(),
            message: bounded(error.masked().to_string()),
        };
        Err(match parts(value, PARTS) {
            0 => self.0.validate(value).err().into_iter().map(violation).collect(),
            _ => self.0.iter_errors(value).take(VIOLATIONS).map(violation).collect(),
        })
    }
}

/// What is left of `budget` after the value and all that is in it, no further than to 0.
fn parts(value: &Value, budget: usize) -> usize {
    let budget = budget.saturating_sub(1);
    match value {
        _ if budget == 0 => 0,
        Value::Array(items) => items.iter().fold(budget, |budget, item| parts(item, budget)),
        Value::Object(members) => members.values().fold(budget, |budget, member| parts(member, budget)),
        _ => budget,
    }
}

/// How many patterns a schema has.
pub fn patterns(schema: &Value) -> usize {
    match schema {
        Value::Array(items) => items.iter().map(patterns).sum(),
        Value::Object(members) => members.iter().fold(0, |count, (name, member)| {
            count
                + patterns(member)
                + match (name.as_str(), member) {
                    ("pattern", Value::String(_)) => 1,
                    ("patternProperties", Value::Object(members)) => members.len(),
                    _ => 0,
                }
        }),
        _ => 0,
    }
}

fn bounded(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MESSAGE));
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn schema(schema: Value) -> Result<Schema, String> {
        Schema::compile(&Json::from(schema))
    }

    #[test]
    fn a_violation_points_at_its_place_and_does_not_repeat_the_value() {
        let schema = schema(json!({
            "type": "object",
            "properties": {"ports": {"type": "array", "items": {"type": "integer"}}, "address": {"format": "ipv4"}},
            "required": ["ports"],
        }))
        .unwrap();
        assert_eq!(schema.validate(&json!({"ports": [1]})), Ok(()));
        let violations = schema.validate(&json!({"ports": [1, "hunter2"], "address": "hunter2"})).unwrap_err();
        let pointers: Vec<_> = violations.iter().map(|violation| violation.pointer.as_str()).collect();
        assert_eq!(pointers, ["/address", "/ports/1"]);
        assert!(violations.iter().all(|violation| !violation.message.contains("hunter2")), "{violations:?}");
        assert_eq!(schema.validate(&json!({})).unwrap_err().first().unwrap().pointer, "");
    }

    #[test]
    fn a_value_that_is_wrong_everywhere_gives_a_bounded_list() {
        let schema = schema(json!({"items": {"type": "integer"}})).unwrap();
        assert_eq!(schema.validate(&json!(vec!["x"; 10_000])).unwrap_err().len(), VIOLATIONS);
        assert_eq!(schema.validate(&json!(vec!["x"; 100_000])).unwrap_err().len(), 1);
    }

    #[test]
    fn a_schema_that_refers_elsewhere_is_refused() {
        for reference in ["https://example.com/schema.json", "file:///etc/passwd"] {
            assert!(schema(json!({"$ref": reference})).is_err(), "{reference}");
        }
        assert!(schema(json!({"$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}})).is_ok());
    }

    #[test]
    fn a_pattern_that_could_take_forever_is_refused_or_linear() {
        assert!(schema(json!({"pattern": "(?=a)(a+)+$"})).is_err());
        assert!(schema(json!({"pattern": "((a{1000}){1000}){1000}"})).is_err());
        let schema = schema(json!({"pattern": "^(a+)+$"})).unwrap();
        assert!(schema.validate(&json!(format!("{}b", "a".repeat(100_000)))).is_err());
    }

    #[test]
    fn what_is_no_schema_is_refused() {
        assert!(schema(json!({"type": "sting"})).is_err());
        assert!(schema(json!(17)).is_err());
    }
}
