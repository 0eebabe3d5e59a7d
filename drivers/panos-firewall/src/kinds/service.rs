use crosspoint_sdk::prelude::*;
use crosspoint_sdk::xml::Element;

use super::{Resource, leaf, listed, tags};
use crate::configuration::Container;

/// A service object.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Unique among the service objects and groups.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$"))]
    name: String,
    protocol: Protocol,
    /// Destination ports: `443`, `8000-8080`, or several of these with commas.
    #[schemars(length(min = 1, max = 1023), regex(pattern = "^[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*$"))]
    port: String,
    /// Source ports, in the same form; any where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1023), regex(pattern = "^[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*$"))]
    source_port: Option<String>,
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
enum Protocol {
    Tcp,
    Udp,
    Sctp,
}

impl Protocol {
    const ALL: [Self; 3] = [Self::Tcp, Self::Udp, Self::Sctp];

    const fn element(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }
}

impl Resource for Service {
    const NAME: &'static str = "service";
    const SUMMARY: &'static str = "A service object: a protocol and its ports";
    const CONTAINER: Container = Container::Objects("service");
    const FIELDS: &'static [(&'static str, &'static str)] =
        &[("source-port", "source_port"), ("port", "port"), ("protocol", "protocol"), ("tag", "tags")];

    fn name(&self) -> &str {
        &self.name
    }

    fn note(&self) -> &str {
        &self.description
    }

    fn write(&self) -> Vec<Element> {
        let ports = Element::new(self.protocol.element())
            .with(leaf("port", &self.port))
            .with_all(self.source_port.as_deref().map(|port| leaf("source-port", port)));
        let mut entry = vec![Element::new("protocol").with(ports)];
        entry.extend(tags(&self.tags));
        entry
    }

    fn read(name: &str, note: &str, entry: &Element) -> Result<Self, Fault> {
        let protocol = entry.child("protocol");
        let found = Protocol::ALL.into_iter().find_map(|kind| Some((kind, protocol?.child(kind.element())?)));
        let Some((protocol, ports)) = found else {
            return Err(Fault::MalformedReply("the reply holds a service object without a protocol".to_owned()));
        };
        Ok(Self {
            name: name.to_owned(),
            protocol,
            port: ports.text_at("port").unwrap_or_default().to_owned(),
            source_port: ports.text_at("source-port").map(str::to_owned),
            description: note.to_owned(),
            tags: listed(entry, "tag"),
        })
    }
}
