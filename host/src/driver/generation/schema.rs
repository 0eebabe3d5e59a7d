use crosspoint_contract::{Json, Violation};
use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value;

/// How many violations are told of one value.
const VIOLATIONS: usize = 32;
/// The longest message of one, in bytes.
const MESSAGE: usize = 300;

/// A compiled JSON Schema, draft 2020-12, formats checked. It refers to nothing outside itself.
pub struct Schema(Validator);

impl Schema {
    /// # Errors
    /// In words: what is wrong with the schema.
    pub fn compile(schema: &Json) -> Result<Self, String> {
        jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            .offline()
            // Linear in the input: a driver's pattern must not be able to keep the host busy.
            .with_pattern_options(PatternOptions::regex())
            .build(&schema.value())
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
        Err(self
            .0
            .iter_errors(value)
            .take(VIOLATIONS)
            .map(|error| Violation {
                pointer: error.instance_path().to_string(),
                message: bounded(error.masked().to_string()),
            })
            .collect())
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
        let schema = schema(json!({"pattern": "^(a+)+$"})).unwrap();
        assert!(schema.validate(&json!(format!("{}b", "a".repeat(100_000)))).is_err());
    }

    #[test]
    fn what_is_no_schema_is_refused() {
        assert!(schema(json!({"type": "sting"})).is_err());
        assert!(schema(json!(17)).is_err());
    }
}
