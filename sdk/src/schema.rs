use crosspoint_contract::Json;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;

/// The JSON Schema (2020-12) of `T`.
///
/// Subschemas are written where they are used, so that each schema stands alone; only recursive types need `$defs`.
#[must_use]
pub fn schema<T: JsonSchema>() -> Json {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    Json::from(settings.into_generator().into_root_schema_for::<T>().to_value())
}
