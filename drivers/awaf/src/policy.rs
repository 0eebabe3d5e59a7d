//! Security policies.

use crosspoint_sdk::prelude::*;
use crosspoint_sdk::{KindBuilder, Target};
use serde_json::{Value, json};

use crate::kind::{Kind, Object, Shown, unchanged};
use crate::{link, task};

pub const NAME: &str = "policy";
pub const COLLECTION: &str = "/mgmt/tm/asm/policies";

/// The action that puts a policy's changes in force.
pub const APPLY: &str = "apply-policy";

const TEMPLATES: &str = "/mgmt/tm/asm/policy-templates";

/// Longest description that we give the appliance, in characters.
const DESCRIPTION: usize = 255;

const VERBS: [Verb; 7] = [Verb::Create, Verb::Read, Verb::Replace, Verb::Update, Verb::Delete, Verb::Find, Verb::List];

/// Members that stay as they were made.
const FIXED: [&str; 4] = ["name", "partition", "template", "applicationLanguage"];

/// The kind.
pub struct Policy;

/// A security policy. A change of it, or of what is in it, is in force after `apply-policy`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(title = "policy")]
struct Spec {
    /// Unique in its partition. It is set at creation only.
    #[schemars(length(min = 1, max = 255))]
    name: String,
    /// The appliance's partition, `Common` by default. It is set at creation only.
    #[schemars(length(min = 1, max = 255))]
    partition: Option<String>,
    /// A text for people.
    #[serde(default)]
    #[schemars(length(max = 220))]
    description: String,
    /// What happens to a request that violates it; `transparent` by default.
    #[serde(default)]
    enforcement_mode: Mode,
    /// The id of the policy template that it starts from. It is used at creation only.
    #[schemars(length(min = 1))]
    template: Option<String>,
    /// The encoding of the application, such as `utf-8`. It is set at creation only.
    #[schemars(length(min = 1))]
    application_language: Option<String>,
}

/// A change of a policy; what is missing stays as it is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(title = "policy-patch")]
struct Patch {
    #[schemars(length(max = 220))]
    description: Option<String>,
    enforcement_mode: Option<Mode>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Mode {
    /// It is logged and let through.
    #[default]
    Transparent,
    /// It is blocked where the policy says so.
    Blocking,
}

/// A security policy as it is.
#[derive(JsonSchema)]
#[schemars(title = "policy-result", rename_all = "camelCase")]
#[allow(dead_code, reason = "it is there for its schema: what is shown are the appliance's own values")]
struct View {
    /// The appliance's id.
    id: String,
    name: String,
    /// The name with its partition.
    full_path: Option<String>,
    partition: Option<String>,
    description: Option<String>,
    enforcement_mode: Option<String>,
    /// The id of the template that it was made from.
    template: Option<String>,
    application_language: Option<String>,
    /// `security` or `parent`.
    r#type: Option<String>,
    /// Whether a virtual server uses it.
    active: Option<bool>,
    /// Whether it has changes that are not in force.
    is_modified: Option<bool>,
}

const SHOWN: [&str; 10] = [
    "id",
    "name",
    "fullPath",
    "partition",
    "description",
    "enforcementMode",
    "applicationLanguage",
    "type",
    "active",
    "isModified",
];

impl Kind for Policy {
    fn name(&self) -> &'static str {
        NAME
    }

    fn describe(&self) -> KindBuilder {
        kind(NAME, "A security policy")
            .spec::<Spec>()
            .patch::<Patch>()
            .result::<View>()
            .verbs(VERBS)
            .verbs([Verb::Poll])
            .reissuable([Verb::Replace, Verb::Update, Verb::Delete])
            .creation(Creation::Conditional)
            .marker()
            .action(task::describe())
    }

    fn verbs(&self) -> &'static [Verb] {
        &VERBS
    }

    fn collection(&self, _: &Call) -> Result<Target, Fault> {
        path(COLLECTION, &[])
    }

    fn member(&self, call: &Call) -> Result<Target, Fault> {
        path("/mgmt/tm/asm/policies/{id}", &[("id", call.backend_id()?)])
    }

    fn creation(&self, call: &Call) -> Result<Value, Fault> {
        let spec: Spec = call.spec()?;
        let mut body = Object::new();
        body.insert("name".to_owned(), spec.name.into());
        body.insert("partition".to_owned(), spec.partition.as_deref().unwrap_or("Common").into());
        body.insert("description".to_owned(), described(&spec.description, call)?.into());
        body.insert("enforcementMode".to_owned(), json!(spec.enforcement_mode));
        if let Some(language) = spec.application_language {
            body.insert("applicationLanguage".to_owned(), language.into());
        }
        if let Some(template) = spec.template {
            let template = link::to(TEMPLATES, &template).map_err(|_| Fault::invalid("/template", "this is no id"))?;
            body.insert("templateReference".to_owned(), template);
        }
        Ok(body.into())
    }

    fn replacement(&self, call: &Call) -> Result<Value, Fault> {
        let spec: Spec = call.spec()?;
        let given = [
            ("name", Some(spec.name.as_str())),
            ("partition", spec.partition.as_deref()),
            ("template", spec.template.as_deref()),
            ("applicationLanguage", spec.application_language.as_deref()),
        ];
        unchanged(&call.attributes, &given)?;
        Ok(json!({"description": described(&spec.description, call)?, "enforcementMode": spec.enforcement_mode}))
    }

    fn patch(&self, call: &Call) -> Result<Value, Fault> {
        let patch: Patch = call.spec()?;
        let mut body = Object::new();
        if let Some(description) = patch.description {
            body.insert("description".to_owned(), described(&description, call)?.into());
        }
        if let Some(mode) = patch.enforcement_mode {
            body.insert("enforcementMode".to_owned(), json!(mode));
        }
        Ok(body.into())
    }

    fn shown(&self, call: &Call, object: &Object) -> Result<Shown, Fault> {
        let mut shown = Shown::pick(object, &SHOWN)?.named()?;
        if let Some(template) = object.get("templateReference").and_then(link::id) {
            shown.view.insert("template".to_owned(), template.into());
        }
        Ok(shown.unmark((call.verb != Verb::List).then_some(call.marker.as_str())).keep(call, &FIXED))
    }
}

fn described(text: &str, call: &Call) -> Result<String, Fault> {
    marker::fit(text, &call.marker, DESCRIPTION, "/description")
}
