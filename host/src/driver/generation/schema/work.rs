//! How much work a schema makes. A validator follows references as often as it meets them, so a few lines can make it work
//! for years: such schemas are refused.

use serde_json::Value;

/// The most subschemas that there may be when every reference is written out, down to where a definition meets itself.
const SUBSCHEMAS: usize = 20_000;
/// The most definitions that meet themselves again: the work grows with the value's depth to this power.
const RECURSIVE: usize = 3;

/// # Errors
/// In words: why the schema would make too much work.
pub fn check(schema: &Value) -> Result<(), String> {
    let root = Definition { schema, depth: 0, met_at: Vec::new() };
    Expansion { root: schema, open: vec![root], place: Vec::new(), subschemas: 0, recursive: 0 }.follow(schema)
}

/// A step from a value to a part of it: the member of a name, or any part.
type Step<'a> = Option<&'a str>;

/// A schema that a reference leads to, while it is being followed.
struct Definition<'a> {
    schema: &'a Value,
    /// How deep in the value it was met first.
    depth: usize,
    /// The parts of the value at which it is met again, as steps from there.
    met_at: Vec<Vec<Step<'a>>>,
}

struct Expansion<'a> {
    root: &'a Value,
    open: Vec<Definition<'a>>,
    place: Vec<Step<'a>>,
    subschemas: usize,
    recursive: usize,
}

impl<'a> Expansion<'a> {
    fn follow(&mut self, schema: &'a Value) -> Result<(), String> {
        self.subschemas += 1;
        if self.subschemas > SUBSCHEMAS {
            return Err(format!("with its references written out it has more than {SUBSCHEMAS} parts"));
        }
        let Value::Object(keywords) = schema else { return Ok(()) };
        for (keyword, value) in keywords {
            match (keyword.as_str(), value) {
                ("$ref", Value::String(reference)) => self.refer(reference)?,
                ("$dynamicRef" | "$recursiveRef", _) => {
                    return Err(format!("`{keyword}` is not supported: use `$ref`"));
                }
                ("allOf" | "anyOf" | "oneOf", Value::Array(schemas)) => {
                    schemas.iter().try_for_each(|schema| self.follow(schema))?;
                }
                ("not" | "if" | "then" | "else", schema) => self.follow(schema)?,
                ("dependentSchemas", Value::Object(schemas)) => {
                    schemas.values().try_for_each(|schema| self.follow(schema))?;
                }
                ("properties", Value::Object(schemas)) => {
                    schemas.iter().try_for_each(|(name, schema)| self.descend(Some(name), schema))?;
                }
                ("patternProperties", Value::Object(schemas)) => {
                    schemas.values().try_for_each(|schema| self.descend(None, schema))?;
                }
                ("prefixItems" | "items", Value::Array(schemas)) => {
                    schemas.iter().try_for_each(|schema| self.descend(None, schema))?;
                }
                (
                    "items"
                    | "contains"
                    | "additionalItems"
                    | "unevaluatedItems"
                    | "additionalProperties"
                    | "unevaluatedProperties"
                    | "propertyNames",
                    schema,
                ) => self.descend(None, schema)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn descend(&mut self, step: Step<'a>, schema: &'a Value) -> Result<(), String> {
        self.place.push(step);
        let followed = self.follow(schema);
        self.place.pop();
        followed
    }

    fn refer(&mut self, reference: &str) -> Result<(), String> {
        let pointer = reference.strip_prefix('#').filter(|pointer| pointer.is_empty() || pointer.starts_with('/'));
        let target = pointer.and_then(|pointer| self.root.pointer(pointer));
        let Some(target) = target else {
            return Err(format!(
                "`$ref` to `{reference:.64}`: it must lead to a place in the same schema, as `#/$defs/NAME` does"
            ));
        };
        let Some(met) = self.open.iter_mut().find(|definition| std::ptr::eq(definition.schema, target)) else {
            self.open.push(Definition { schema: target, depth: self.place.len(), met_at: Vec::new() });
            let followed = self.follow(target);
            self.open.pop();
            return followed;
        };
        let steps = self.place.get(met.depth..).unwrap_or_default();
        if steps.is_empty() {
            return Err(format!("`$ref` to `{reference:.64}` leads back to itself without an end"));
        }
        if met.met_at.iter().any(|other| may_be_one(other, steps)) {
            return Err(format!("`{reference:.64}` refers to itself more than once for the same part of a value"));
        }
        self.recursive += usize::from(met.met_at.is_empty());
        met.met_at.push(steps.to_vec());
        match self.recursive {
            0..=RECURSIVE => Ok(()),
            _ => Err(format!("more than {RECURSIVE} of its definitions refer to themselves")),
        }
    }
}

/// Whether there is a part of a value that both lead to.
fn may_be_one(one: &[Step<'_>], other: &[Step<'_>]) -> bool {
    let matches = |(one, other): (&Step<'_>, &Step<'_>)| one.is_none() || other.is_none() || one == other;
    one.len() == other.len() && one.iter().zip(other).all(matches)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_driver_needs_is_no_work() {
        let expression = json!({"oneOf": [
            {"properties": {"and": {"items": {"$ref": "#/$defs/expression"}}}},
            {"properties": {"or": {"items": {"$ref": "#/$defs/expression"}}}},
            {"properties": {"not": {"$ref": "#/$defs/expression"}}},
        ]});
        for schema in [
            json!({}),
            json!(true),
            json!({"properties": {"a": {"$ref": "#/$defs/a"}, "b": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"minimum": 1}}}),
            json!({"items": {"$ref": "#"}}),
            json!({"$ref": "#/$defs/expression", "$defs": {"expression": expression}}),
        ] {
            assert_eq!(check(&schema), Ok(()), "{schema}");
        }
    }

    #[test]
    fn a_schema_that_would_make_a_validator_work_for_ever_is_refused() {
        let mut doubling = json!({"$ref": "#/$defs/0"});
        for level in 0..40 {
            let next = json!({"$ref": format!("#/$defs/{}", level + 1)});
            doubling["$defs"][level.to_string()] = json!({"allOf": [next, next]});
        }
        doubling["$defs"]["40"] = json!(true);
        let mut nested = json!({"$ref": "#/$defs/0"});
        for level in 0..10 {
            let next = json!({"$ref": format!("#/$defs/{}", level + 1)});
            let again = json!({"properties": {"a": {"$ref": format!("#/$defs/{level}")}}});
            nested["$defs"][level.to_string()] = json!({"allOf": [next, again]});
        }
        nested["$defs"]["10"] = json!(true);
        let twice = json!({"$ref": "#"});
        for (schema, reason) in [
            (doubling, "more than 20000 parts"),
            (nested, "more than 3 of its definitions"),
            (json!({"$ref": "#"}), "without an end"),
            (json!({"not": {"$ref": "#"}}), "without an end"),
            (json!({"items": {"allOf": [twice, twice]}}), "more than once"),
            (json!({"properties": {"a": twice}, "patternProperties": {".*": twice}}), "more than once"),
            (json!({"oneOf": [{"properties": {"a": twice}}, {"properties": {"a": twice}}]}), "more than once"),
            (json!({"$dynamicRef": "#a"}), "not supported"),
            (json!({"$ref": "#anchor"}), "same schema"),
            (json!({"$ref": "http://example.com/"}), "same schema"),
        ] {
            let refused = check(&schema);
            assert!(refused.as_ref().is_err_and(|refused| refused.contains(reason)), "{schema}: {refused:?}");
        }
    }
}
