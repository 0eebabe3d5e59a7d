use crosspoint_sdk::prelude::*;
use crosspoint_sdk::xml::Element;

use super::{Resource, leaf, listed, tags};
use crate::configuration::Container;

/// An address object.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// Unique among the address objects and groups.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$"))]
    name: String,
    /// What `value` is.
    r#type: Type,
    /// `10.0.0.0/8`, `10.0.0.1-10.0.0.9`, `www.example.com` or `10.20.1.0/0.0.248.255`, as the type says.
    #[schemars(length(min = 1, max = 255))]
    value: String,
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
enum Type {
    IpNetmask,
    IpRange,
    Fqdn,
    IpWildcard,
}

impl Type {
    const ALL: [Self; 4] = [Self::IpNetmask, Self::IpRange, Self::Fqdn, Self::IpWildcard];

    const fn element(self) -> &'static str {
        match self {
            Self::IpNetmask => "ip-netmask",
            Self::IpRange => "ip-range",
            Self::Fqdn => "fqdn",
            Self::IpWildcard => "ip-wildcard",
        }
    }
}

impl Resource for Address {
    const NAME: &'static str = "address";
    const SUMMARY: &'static str = "An address object";
    const CONTAINER: Container = Container::Objects("address");
    const FIELDS: &'static [(&'static str, &'static str)] =
        &[("ip-netmask", "value"), ("ip-range", "value"), ("fqdn", "value"), ("ip-wildcard", "value"), ("tag", "tags")];

    fn name(&self) -> &str {
        &self.name
    }

    fn note(&self) -> &str {
        &self.description
    }

    fn write(&self) -> Vec<Element> {
        let mut entry = vec![leaf(self.r#type.element(), &self.value)];
        entry.extend(tags(&self.tags));
        entry
    }

    fn read(name: &str, note: &str, entry: &Element) -> Result<Self, Fault> {
        let value = Type::ALL.into_iter().find_map(|kind| Some((kind, entry.child(kind.element())?.text())));
        let Some((kind, value)) = value else {
            return Err(Fault::MalformedReply("the reply holds an address object without an address".to_owned()));
        };
        Ok(Self {
            name: name.to_owned(),
            r#type: kind,
            value: value.to_owned(),
            description: note.to_owned(),
            tags: listed(entry, "tag"),
        })
    }
}
