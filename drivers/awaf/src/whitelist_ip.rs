//! IP address exceptions of a policy. Their backend id is `{policy}/{id}`: the appliance's own ids are those of an
//! entry within its policy.
#![allow(clippy::struct_excessive_bools, reason = "the members are the appliance's")]

use crosspoint_sdk::prelude::*;
use crosspoint_sdk::{KindBuilder, Target};
use serde_json::{Value, json};

use crate::kind::{Kind, Object, Shown, unchanged};

pub const NAME: &str = "whitelist-ip";

/// Longest description that we give the appliance, in characters.
const DESCRIPTION: usize = 255;

const VERBS: [Verb; 6] = [Verb::Create, Verb::Read, Verb::Replace, Verb::Update, Verb::Delete, Verb::Find];

/// Members that stay as they were made.
const FIXED: [&str; 3] = ["policy", "ipAddress", "ipMask"];

/// The kind.
pub struct WhitelistIp;

/// What a policy does with requests from an address or a network, instead of the usual. It is in force after the
/// policy's `apply-policy`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(title = "whitelist-ip")]
struct Spec {
    /// The backend's id of the policy. It is set at creation only.
    #[schemars(length(min = 1))]
    policy: String,
    /// The address. It is set at creation only.
    #[schemars(length(min = 2, max = 64))]
    ip_address: String,
    /// The network's mask, such as `255.255.255.0`; that of a single address by default. It is set at creation only.
    #[schemars(length(min = 1, max = 64))]
    ip_mask: Option<String>,
    /// A text for people.
    #[serde(default)]
    #[schemars(length(max = 220))]
    description: String,
    /// Whether the requests are blocked.
    #[serde(default)]
    block_requests: Block,
    /// Whether they count for nothing where anomalies are looked for.
    #[serde(default)]
    ignore_anomalies: bool,
    /// Whether the address's reputation is left aside.
    #[serde(default)]
    ignore_ip_reputation: bool,
    /// Whether they are left out of the log.
    #[serde(default)]
    never_log_requests: bool,
    /// Whether the policy builder learns from them without doubt.
    #[serde(default)]
    trusted_by_policy_builder: bool,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Block {
    /// As the policy says.
    #[default]
    PolicyDefault,
    Never,
    Always,
}

/// A change of an exception; what is missing stays as it is.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(title = "whitelist-ip-patch")]
struct Patch {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 220))]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    block_requests: Option<Block>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ignore_anomalies: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ignore_ip_reputation: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    never_log_requests: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trusted_by_policy_builder: Option<bool>,
}

/// An exception as it is.
#[derive(JsonSchema)]
#[schemars(title = "whitelist-ip-result", rename_all = "camelCase")]
#[allow(dead_code, reason = "it is there for its schema: what is shown are the appliance's own values")]
struct View {
    /// The appliance's id of it within its policy.
    id: String,
    /// The backend's id of the policy.
    policy: String,
    ip_address: Option<String>,
    ip_mask: Option<String>,
    description: Option<String>,
    block_requests: Option<String>,
    ignore_anomalies: Option<bool>,
    ignore_ip_reputation: Option<bool>,
    never_log_requests: Option<bool>,
    trusted_by_policy_builder: Option<bool>,
}

const SHOWN: [&str; 9] = [
    "id",
    "ipAddress",
    "ipMask",
    "description",
    "blockRequests",
    "ignoreAnomalies",
    "ignoreIpReputation",
    "neverLogRequests",
    "trustedByPolicyBuilder",
];

impl Kind for WhitelistIp {
    fn name(&self) -> &'static str {
        NAME
    }

    fn describe(&self) -> KindBuilder {
        kind(NAME, "An IP address exception of a policy")
            .spec::<Spec>()
            .patch::<Patch>()
            .result::<View>()
            .verbs(VERBS)
            .reissuable([Verb::Replace, Verb::Update, Verb::Delete])
            .creation(Creation::Conditional)
            .marker()
    }

    fn verbs(&self) -> &'static [Verb] {
        &VERBS
    }

    fn collection(&self, call: &Call) -> Result<Target, Fault> {
        let spec: Spec = call.spec()?;
        path("/mgmt/tm/asm/policies/{policy}/whitelist-ips", &[("policy", &spec.policy)])
            .map_err(|_| Fault::invalid("/policy", "this is no id"))
    }

    fn member(&self, call: &Call) -> Result<Target, Fault> {
        let (policy, id) = parts(call.backend_id()?)?;
        path("/mgmt/tm/asm/policies/{policy}/whitelist-ips/{id}", &[("policy", policy), ("id", id)])
    }

    fn creation(&self, call: &Call) -> Result<Value, Fault> {
        let spec: Spec = call.spec()?;
        let mut body = whole(&spec, call)?;
        body.insert("ipAddress".to_owned(), spec.ip_address.into());
        if let Some(mask) = spec.ip_mask {
            body.insert("ipMask".to_owned(), mask.into());
        }
        Ok(body.into())
    }

    fn replacement(&self, call: &Call) -> Result<Value, Fault> {
        let spec: Spec = call.spec()?;
        let given = [
            ("policy", Some(spec.policy.as_str())),
            ("ipAddress", Some(spec.ip_address.as_str())),
            ("ipMask", spec.ip_mask.as_deref()),
        ];
        unchanged(&call.attributes, &given)?;
        Ok(whole(&spec, call)?.into())
    }

    fn patch(&self, call: &Call) -> Result<Value, Fault> {
        let mut patch: Patch = call.spec()?;
        if let Some(description) = &mut patch.description {
            *description = described(description, call)?;
        }
        Ok(json!(patch))
    }

    fn shown(&self, call: &Call, object: &Object) -> Result<Shown, Fault> {
        let policy = match &call.backend_id {
            Some(id) => parts(id)?.0.to_owned(),
            None => call.spec::<Spec>()?.policy,
        };
        let mut shown = Shown::pick(object, &SHOWN)?.unmark(Some(&call.marker));
        shown.id = format!("{policy}/{}", shown.id);
        shown.view.insert("policy".to_owned(), policy.into());
        Ok(shown.keep(call, &FIXED))
    }
}

/// The policy's id and the entry's own.
fn parts(id: &str) -> Result<(&str, &str), Fault> {
    let parts = id.split_once('/').filter(|(policy, entry)| !policy.is_empty() && !entry.is_empty());
    parts.ok_or_else(|| {
        Fault::invalid("", format!("`{id}` is not `POLICY/ENTRY`, the backend id of an IP address exception"))
    })
}

/// All that may change.
fn whole(spec: &Spec, call: &Call) -> Result<Object, Fault> {
    let patch = Patch {
        description: Some(described(&spec.description, call)?),
        block_requests: Some(spec.block_requests),
        ignore_anomalies: Some(spec.ignore_anomalies),
        ignore_ip_reputation: Some(spec.ignore_ip_reputation),
        never_log_requests: Some(spec.never_log_requests),
        trusted_by_policy_builder: Some(spec.trusted_by_policy_builder),
    };
    match json!(patch) {
        Value::Object(body) => Ok(body),
        other => Err(Fault::Other(format!("a body is an object, not {other}"))),
    }
}

fn described(text: &str, call: &Call) -> Result<String, Fault> {
    marker::fit(text, &call.marker, DESCRIPTION, "/description")
}
