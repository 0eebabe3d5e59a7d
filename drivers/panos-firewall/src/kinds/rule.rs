use crosspoint_sdk::prelude::*;
use crosspoint_sdk::xml::Element;

use super::{Resource, leaf, listed, members, tags};
use crate::configuration::Container;

/// A rule of the security policy. A list that is not given means `any`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools, reason = "these are the firewall's own switches")]
pub struct Rule {
    /// Unique among the rules.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$"))]
    name: String,
    /// What happens to matching traffic.
    action: Action,
    /// Zones that the traffic comes from.
    #[serde(default = "any")]
    #[schemars(length(min = 1), inner(length(min = 1, max = 255)))]
    from: Vec<String>,
    /// Zones that it goes to.
    #[serde(default = "any")]
    #[schemars(length(min = 1), inner(length(min = 1, max = 255)))]
    to: Vec<String>,
    /// Addresses, or names of address objects and groups.
    #[serde(default = "any")]
    #[schemars(length(min = 1), inner(length(min = 1, max = 255)))]
    source: Vec<String>,
    /// The same.
    #[serde(default = "any")]
    #[schemars(length(min = 1), inner(length(min = 1, max = 255)))]
    destination: Vec<String>,
    #[serde(default = "any")]
    #[schemars(length(min = 1), inner(length(min = 1, max = 255)))]
    source_user: Vec<String>,
    /// Names of URL categories.
    #[serde(default = "any")]
    #[schemars(length(min = 1), inner(length(min = 1, max = 255)))]
    category: Vec<String>,
    #[serde(default = "any")]
    #[schemars(length(min = 1), inner(length(min = 1, max = 255)))]
    application: Vec<String>,
    /// Names of service objects, `any`, or `application-default`.
    #[serde(default = "application_default")]
    #[schemars(length(min = 1), inner(length(min = 1, max = 255)))]
    service: Vec<String>,
    /// Match every source but those that are named.
    #[serde(default)]
    negate_source: bool,
    /// Match every destination but those that are named.
    #[serde(default)]
    negate_destination: bool,
    #[serde(default)]
    disabled: bool,
    #[serde(default)]
    log_start: bool,
    #[serde(default = "yes")]
    log_end: bool,
    /// The name of a log forwarding profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    log_setting: Option<String>,
    /// The name of a group of security profiles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    profile_group: Option<String>,
    #[serde(default)]
    #[schemars(length(max = 988))]
    description: String,
    /// Names of tags that the firewall has.
    #[serde(default)]
    #[schemars(length(max = 64), inner(length(min = 1, max = 127)))]
    tags: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Action {
    Allow,
    Deny,
    Drop,
    ResetClient,
    ResetServer,
    ResetBoth,
}

impl Action {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Allow, "allow"),
        (Self::Deny, "deny"),
        (Self::Drop, "drop"),
        (Self::ResetClient, "reset-client"),
        (Self::ResetServer, "reset-server"),
        (Self::ResetBoth, "reset-both"),
    ];

    fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(action, _)| *action == self).map_or("deny", |(_, name)| name)
    }
}

const ANY: &str = "any";

fn any() -> Vec<String> {
    vec![ANY.to_owned()]
}

fn application_default() -> Vec<String> {
    vec!["application-default".to_owned()]
}

fn yes() -> bool {
    true
}

fn switch(name: &'static str, on: bool) -> Element {
    leaf(name, if on { "yes" } else { "no" })
}

impl Resource for Rule {
    const NAME: &'static str = "security-rule";
    const SUMMARY: &'static str = "A rule of the security policy";
    const CONTAINER: Container = Container::Rules("security/rules");
    const ORDERED: bool = true;
    const FIELDS: &'static [(&'static str, &'static str)] = &[
        ("from", "from"),
        ("to", "to"),
        ("source", "source"),
        ("destination", "destination"),
        ("source-user", "source_user"),
        ("category", "category"),
        ("application", "application"),
        ("service", "service"),
        ("action", "action"),
        ("log-setting", "log_setting"),
        ("group", "profile_group"),
        ("tag", "tags"),
    ];

    fn name(&self) -> &str {
        &self.name
    }

    fn note(&self) -> &str {
        &self.description
    }

    fn write(&self) -> Vec<Element> {
        let group = |name: &String| Element::new("profile-setting").with(members("group", std::slice::from_ref(name)));
        let mut entry = vec![
            members("from", &self.from),
            members("to", &self.to),
            members("source", &self.source),
            members("destination", &self.destination),
            members("source-user", &self.source_user),
            members("category", &self.category),
            members("application", &self.application),
            members("service", &self.service),
            leaf("action", self.action.name()),
            switch("negate-source", self.negate_source),
            switch("negate-destination", self.negate_destination),
            switch("disabled", self.disabled),
            switch("log-start", self.log_start),
            switch("log-end", self.log_end),
        ];
        entry.extend(self.log_setting.as_ref().map(|name| leaf("log-setting", name)));
        entry.extend(self.profile_group.as_ref().map(group));
        entry.extend(tags(&self.tags));
        entry
    }

    fn read(name: &str, note: &str, entry: &Element) -> Result<Self, Fault> {
        let shown = entry.text_at("action").unwrap_or_default();
        let Some((action, _)) = Action::ALL.into_iter().find(|(_, name)| *name == shown) else {
            return Err(Fault::MalformedReply("the reply holds a rule without an action that PAN-OS has".to_owned()));
        };
        let list = |name| Some(listed(entry, name)).filter(|members| !members.is_empty()).unwrap_or_else(any);
        let on = |name, default| entry.text_at(name).map_or(default, |text| text == "yes");
        Ok(Self {
            name: name.to_owned(),
            action,
            from: list("from"),
            to: list("to"),
            source: list("source"),
            destination: list("destination"),
            source_user: list("source-user"),
            category: list("category"),
            application: list("application"),
            service: list("service"),
            negate_source: on("negate-source", false),
            negate_destination: on("negate-destination", false),
            disabled: on("disabled", false),
            log_start: on("log-start", false),
            log_end: on("log-end", true),
            log_setting: entry.text_at("log-setting").map(str::to_owned),
            profile_group: entry.text_at("profile-setting/group/member").map(str::to_owned),
            description: note.to_owned(),
            tags: listed(entry, "tag"),
        })
    }
}
