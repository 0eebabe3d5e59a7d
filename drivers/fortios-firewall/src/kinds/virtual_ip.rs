use crosspoint_sdk::prelude::*;
use serde_json::{Value, json};

use super::Switch;
use crate::resource::{Key, Object, Resource, Shape, missing};

/// An outer address that stands for an inner one: static NAT, of all ports or of some.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "virtual-ip")]
pub struct VirtualIp {
    /// Unique in the virtual domain, and given for good.
    #[schemars(required, length(min = 1, max = 79), regex(pattern = r#"^[^<>()#'"]+$"#))]
    name: Option<String>,
    /// The outer address, or a range such as `192.0.2.10-192.0.2.20`.
    #[schemars(required, length(min = 1, max = 31))]
    extip: Option<String>,
    /// The inner address or range, which is as large as the outer one.
    #[schemars(required, length(min = 1, max = 1))]
    mappedip: Option<Vec<String>>,
    /// The interface on which the outer address is; `any` by default.
    #[schemars(length(min = 1, max = 35))]
    extintf: Option<String>,
    /// Whether some ports alone are forwarded; `disable` by default.
    portforward: Option<Switch>,
    /// The protocol of the ports; `tcp` by default.
    protocol: Option<Protocol>,
    /// The outer port, or a range such as `8000-8010`; with `portforward`.
    #[schemars(regex(pattern = r"^[0-9]{1,5}(-[0-9]{1,5})?$"))]
    extport: Option<String>,
    /// The inner port or range; with `portforward`.
    #[schemars(regex(pattern = r"^[0-9]{1,5}(-[0-9]{1,5})?$"))]
    mappedport: Option<String>,
    /// A text for people.
    #[schemars(length(max = 220))]
    comment: Option<String>,
    /// The colour of its icon; 0, the default, for the usual one.
    #[schemars(range(max = 32))]
    color: Option<u8>,
}

/// A protocol with ports.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Protocol {
    Tcp,
    Udp,
    Sctp,
}

impl Resource for VirtualIp {
    const NAME: &'static str = "virtual-ip";
    const SUMMARY: &'static str = "An outer address that stands for an inner one";
    const PATH: &'static str = "vip";
    const KEY: Key = Key::Name;
    const COMMENT: (&'static str, usize) = ("comment", 255);
    const SHAPES: &'static [(&'static str, Shape)] = &[("mappedip", Shape::List("range"))];

    fn defaults() -> Value {
        json!({"extintf": "any", "portforward": "disable", "protocol": "tcp", "comment": "", "color": 0})
    }

    fn idle(object: &Object) -> &'static [&'static str] {
        if object.get("portforward").is_some_and(|forward| forward == "enable") { &[] } else { &["protocol"] }
    }

    fn faults(&self) -> Vec<Violation> {
        let forwards = self.portforward == Some(Switch::Enable);
        [
            ("name", self.name.is_none(), "as the object's key"),
            ("extip", self.extip.is_none(), "as the outer address"),
            ("mappedip", self.mappedip.is_none(), "as the inner address"),
            ("extport", forwards && self.extport.is_none(), "with `portforward`"),
            ("mappedport", forwards && self.mappedport.is_none(), "with `portforward`"),
        ]
        .into_iter()
        .filter(|(_, absent, _)| *absent)
        .map(|(name, _, why)| missing(name, why))
        .collect()
    }
}
