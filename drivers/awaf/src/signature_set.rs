//! Sets of attack signatures, made by users.
#![allow(clippy::struct_excessive_bools, clippy::struct_field_names, reason = "the members are the appliance's")]

use crosspoint_sdk::prelude::*;
use crosspoint_sdk::{KindBuilder, Target};
use serde_json::{Value, json};

use crate::kind::{Kind, Object, Shown, unchanged};
use crate::link;

pub const NAME: &str = "signature-set";
const COLLECTION: &str = "/mgmt/tm/asm/signature-sets";
const SIGNATURES: &str = "/mgmt/tm/asm/signatures";
const SYSTEMS: &str = "/mgmt/tm/asm/signature-systems";

const VERBS: [Verb; 6] = [Verb::Create, Verb::Read, Verb::Replace, Verb::Update, Verb::Delete, Verb::List];

/// Members that stay as they were made.
const FIXED: [&str; 2] = ["name", "type"];

/// The kind.
pub struct SignatureSet;

/// A set of attack signatures: those that are named, or those that a filter finds.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(title = "signature-set")]
struct Spec {
    /// Unique on the appliance. It is set at creation only.
    #[schemars(length(min = 1, max = 255))]
    name: String,
    /// How its signatures are told. It is set at creation only.
    r#type: Type,
    /// The ids of the signatures, for type `manual`.
    #[serde(default)]
    signatures: Vec<String>,
    /// Which signatures belong to it, for type `filter-based`; all by default.
    filter: Option<Filter>,
    /// The ids of the systems whose signatures it takes; all by default.
    #[serde(default)]
    systems: Vec<String>,
    /// Whether new policies get it.
    #[serde(default)]
    assign_to_policy_by_default: bool,
    /// Whether a policy that gets it logs what matches it.
    #[serde(default = "yes")]
    default_alarm: bool,
    /// Whether a policy that gets it blocks what matches it.
    #[serde(default = "yes")]
    default_block: bool,
    /// Whether a policy that gets it learns from what matches it.
    #[serde(default = "yes")]
    default_learn: bool,
}

/// A change of a signature set; what is missing stays as it is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(title = "signature-set-patch")]
struct Patch {
    signatures: Option<Vec<String>>,
    filter: Option<Filter>,
    systems: Option<Vec<String>>,
    assign_to_policy_by_default: Option<bool>,
    default_alarm: Option<bool>,
    default_block: Option<bool>,
    default_learn: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Type {
    /// The signatures are named one by one.
    Manual,
    /// A filter finds them, and those of later updates too.
    FilterBased,
}

impl Type {
    fn text(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::FilterBased => "filter-based",
        }
    }
}

/// All of it must be true of a signature.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Filter {
    /// What it looks at: requests or responses.
    #[serde(default)]
    signature_type: Side,
    /// How its risk is to `riskValue`.
    #[serde(default)]
    risk_filter: Comparison,
    #[serde(default)]
    risk_value: Level,
    /// How its accuracy is to `accuracyValue`.
    #[serde(default)]
    accuracy_filter: Comparison,
    #[serde(default)]
    accuracy_value: Level,
    /// Whether a user made it.
    #[serde(default)]
    user_defined_filter: Choice,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Side {
    #[default]
    All,
    Request,
    Response,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Comparison {
    /// Any will do.
    #[default]
    All,
    /// Equal to the value.
    Eq,
    /// At least the value.
    Ge,
    /// At most the value.
    Le,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Level {
    #[default]
    All,
    Low,
    Medium,
    High,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Choice {
    #[default]
    All,
    Yes,
    No,
}

/// A signature set as it is.
#[derive(JsonSchema)]
#[schemars(title = "signature-set-result", rename_all = "camelCase")]
#[allow(dead_code, reason = "it is there for its schema: what is shown are the appliance's own values")]
struct View {
    /// The appliance's id.
    id: String,
    name: String,
    r#type: Option<String>,
    category: Option<String>,
    /// False for the sets that came with the appliance, which nobody can change.
    is_user_defined: Option<bool>,
    /// The ids of its signatures, if the appliance shows them.
    signatures: Option<Vec<String>>,
    filter: Option<Object>,
    /// The ids of its systems.
    systems: Option<Vec<String>>,
    assign_to_policy_by_default: Option<bool>,
    default_alarm: Option<bool>,
    default_block: Option<bool>,
    default_learn: Option<bool>,
}

const SHOWN: [&str; 9] = [
    "id",
    "name",
    "type",
    "category",
    "isUserDefined",
    "assignToPolicyByDefault",
    "defaultAlarm",
    "defaultBlock",
    "defaultLearn",
];

impl Kind for SignatureSet {
    fn name(&self) -> &'static str {
        NAME
    }

    fn describe(&self) -> KindBuilder {
        // It has no text but its name, so it carries no marker.
        kind(NAME, "A set of attack signatures")
            .spec::<Spec>()
            .patch::<Patch>()
            .result::<View>()
            .verbs(VERBS)
            .reissuable([Verb::Replace, Verb::Update, Verb::Delete])
            .creation(Creation::Conditional)
    }

    fn verbs(&self) -> &'static [Verb] {
        &VERBS
    }

    fn collection(&self, _: &Call) -> Result<Target, Fault> {
        path(COLLECTION, &[])
    }

    fn member(&self, call: &Call) -> Result<Target, Fault> {
        path("/mgmt/tm/asm/signature-sets/{id}", &[("id", call.backend_id()?)])
    }

    fn creation(&self, call: &Call) -> Result<Value, Fault> {
        let spec = checked(call)?;
        let mut body = whole(&spec)?;
        body.insert("name".to_owned(), spec.name.into());
        body.insert("type".to_owned(), spec.r#type.text().into());
        Ok(body.into())
    }

    fn replacement(&self, call: &Call) -> Result<Value, Fault> {
        let spec = checked(call)?;
        unchanged(&call.attributes, &[("name", Some(&spec.name)), ("type", Some(spec.r#type.text()))])?;
        Ok(whole(&spec)?.into())
    }

    fn patch(&self, call: &Call) -> Result<Value, Fault> {
        let patch: Patch = call.spec()?;
        let mut body = Object::new();
        if let Some(signatures) = &patch.signatures {
            body.insert("signatureReferences".to_owned(), signature_links(signatures)?);
        }
        if let Some(filter) = &patch.filter {
            body.insert("filter".to_owned(), json!(filter));
        }
        if let Some(systems) = &patch.systems {
            body.insert("systems".to_owned(), system_links(systems)?);
        }
        let flags = [
            ("assignToPolicyByDefault", patch.assign_to_policy_by_default),
            ("defaultAlarm", patch.default_alarm),
            ("defaultBlock", patch.default_block),
            ("defaultLearn", patch.default_learn),
        ];
        body.extend(flags.into_iter().filter_map(|(name, flag)| Some((name.to_owned(), flag?.into()))));
        Ok(body.into())
    }

    fn shown(&self, call: &Call, object: &Object) -> Result<Shown, Fault> {
        let mut shown = Shown::pick(object, &SHOWN)?.named()?;
        if let Some(Value::Object(filter)) = object.get("filter") {
            let plain = |(name, value): (&String, &Value)| value.is_string().then(|| (name.clone(), value.clone()));
            shown.view.insert("filter".to_owned(), filter.iter().filter_map(plain).collect::<Object>().into());
        }
        if let Some(signatures) = object.get("signatureReferences").and_then(Value::as_array) {
            let ids: Vec<_> = signatures.iter().filter_map(link::id).collect();
            shown.view.insert("signatures".to_owned(), json!(ids));
        }
        if let Some(systems) = object.get("systems").and_then(Value::as_array) {
            let ids: Vec<_> = systems.iter().filter_map(|system| link::id(system.get("systemReference")?)).collect();
            shown.view.insert("systems".to_owned(), json!(ids));
        }
        Ok(shown.keep(call, &FIXED))
    }
}

/// The spec, where what tells the signatures fits the type.
fn checked(call: &Call) -> Result<Spec, Fault> {
    let spec: Spec = call.spec()?;
    match spec.r#type {
        Type::Manual if spec.filter.is_some() => {
            Err(Fault::invalid("/filter", "only a set of type `filter-based` has a filter"))
        }
        Type::FilterBased if !spec.signatures.is_empty() => {
            Err(Fault::invalid("/signatures", "only a set of type `manual` names its signatures"))
        }
        _ => Ok(spec),
    }
}

/// All that may change.
fn whole(spec: &Spec) -> Result<Object, Fault> {
    let mut body = Object::new();
    match (spec.r#type, &spec.filter) {
        (Type::Manual, _) => {
            body.insert("signatureReferences".to_owned(), signature_links(&spec.signatures)?);
        }
        (Type::FilterBased, filter) => {
            body.insert("filter".to_owned(), json!(filter.as_ref().unwrap_or(&Filter::default())));
        }
    }
    body.insert("systems".to_owned(), system_links(&spec.systems)?);
    body.insert("assignToPolicyByDefault".to_owned(), spec.assign_to_policy_by_default.into());
    body.insert("defaultAlarm".to_owned(), spec.default_alarm.into());
    body.insert("defaultBlock".to_owned(), spec.default_block.into());
    body.insert("defaultLearn".to_owned(), spec.default_learn.into());
    Ok(body)
}

fn signature_links(ids: &[String]) -> Result<Value, Fault> {
    Ok(link::to_each(SIGNATURES, ids, "/signatures")?.into())
}

fn system_links(ids: &[String]) -> Result<Value, Fault> {
    let links = link::to_each(SYSTEMS, ids, "/systems")?;
    Ok(links.into_iter().map(|link| json!({"systemReference": link})).collect())
}

fn yes() -> bool {
    true
}
