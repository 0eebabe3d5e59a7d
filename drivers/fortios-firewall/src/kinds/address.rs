use std::net::Ipv4Addr;

use crosspoint_sdk::prelude::*;
use serde_json::{Value, json};

use super::Switch;
use crate::resource::{Key, Resource, Shape, missing};
use crate::spec::netmask;

/// A named address: a subnet, a range or a domain name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "address")]
pub struct Address {
    /// Unique in the virtual domain, and given for good.
    #[schemars(required, length(min = 1, max = 79), regex(pattern = r#"^[^<>()#'"]+$"#))]
    name: Option<String>,
    /// What the address is given by.
    #[schemars(required)]
    r#type: Option<Form>,
    /// The subnet, such as `192.0.2.0/24`, of an `ipmask`.
    subnet: Option<String>,
    /// The first address of an `iprange`.
    start_ip: Option<Ipv4Addr>,
    /// The last address of an `iprange`.
    end_ip: Option<Ipv4Addr>,
    /// The domain name of an `fqdn`.
    #[schemars(length(min = 1, max = 255))]
    fqdn: Option<String>,
    /// The only interface or zone with which policies may use it; the empty text, the default, for any.
    #[schemars(length(max = 35))]
    associated_interface: Option<String>,
    /// Whether static routes may use it; `disable` by default.
    allow_routing: Option<Switch>,
    /// A text for people.
    #[schemars(length(max = 220))]
    comment: Option<String>,
    /// The colour of its icon; 0, the default, for the usual one.
    #[schemars(range(max = 32))]
    color: Option<u8>,
}

/// What an address is given by.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Form {
    Ipmask,
    Iprange,
    Fqdn,
}

impl Resource for Address {
    const NAME: &'static str = "address";
    const SUMMARY: &'static str = "A named address: a subnet, a range or a domain name";
    const PATH: &'static str = "address";
    const KEY: Key = Key::Name;
    const COMMENT: (&'static str, usize) = ("comment", 255);
    const SHAPES: &'static [(&'static str, Shape)] = &[("subnet", Shape::Subnet)];

    fn defaults() -> Value {
        json!({"associated-interface": "", "allow-routing": "disable", "comment": "", "color": 0})
    }

    fn faults(&self) -> Vec<Violation> {
        let mut faults = Vec::new();
        if self.name.is_none() {
            faults.push(missing("name", "as the object's key"));
        }
        let needed = match self.r#type {
            None => vec![("type", true, "to tell what the address is given by")],
            Some(Form::Ipmask) => vec![("subnet", self.subnet.is_none(), "with type `ipmask`")],
            Some(Form::Iprange) => vec![
                ("start-ip", self.start_ip.is_none(), "with type `iprange`"),
                ("end-ip", self.end_ip.is_none(), "with type `iprange`"),
            ],
            Some(Form::Fqdn) => vec![("fqdn", self.fqdn.is_none(), "with type `fqdn`")],
        };
        faults.extend(needed.iter().filter(|(_, absent, _)| *absent).map(|(name, _, why)| missing(name, why)));
        if let (Some(start), Some(end)) = (self.start_ip, self.end_ip)
            && start > end
        {
            let message = "the range ends before it starts".to_owned();
            faults.push(Violation { pointer: "/end-ip".to_owned(), message });
        }
        if let Some(Err(message)) = self.subnet.as_deref().map(netmask) {
            faults.push(Violation { pointer: "/subnet".to_owned(), message });
        }
        faults
    }
}
