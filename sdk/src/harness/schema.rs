use crosspoint_contract::Json;
use jsonschema::{Draft, PatternOptions, Validator};

/// Compiles a schema under the host's rules: draft 2020-12, no references outside, patterns that take linear time.
pub(super) fn compile(schema: &Json) -> Result<Validator, String> {
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .offline()
        .with_pattern_options(PatternOptions::regex())
        .build(&schema.value())
        .map_err(|error| error.to_string())
}

/// Where and why `value` does not fit `schema`; `None` where it does.
pub(super) fn misfit(schema: &Json, value: &Json) -> Option<String> {
    let validator = match compile(schema) {
        Ok(validator) => validator,
        Err(error) => return Some(error),
    };
    let value = value.value();
    let wrong: Vec<String> =
        validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    (!wrong.is_empty()).then(|| wrong.join(", "))
}
