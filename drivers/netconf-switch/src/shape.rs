//! Interfaces as callers write and see them.

use std::net::IpAddr;

use crosspoint_sdk::prelude::*;

/// Longest description, in characters: what most devices take.
pub const DESCRIPTION: usize = 240;

/// The type of an Ethernet port, in the registry of IANA.
pub const ETHERNET: &str = "ethernetCsmacd";

/// An interface: a port, a VLAN's interface (`l2vlan`), a loopback (`softwareLoopback`), an aggregate (`ieee8023adLag`).
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Interface {
    /// The name by which the device knows it, such as `eth7`. Devices have rules for names, and make some of them ports.
    #[schemars(length(min = 1, max = 64), regex(pattern = r"^[^\s\p{C}](?:[^\p{C}]*[^\s\p{C}])?$"))]
    pub name: String,
    #[serde(default)]
    #[schemars(length(max = 205))]
    pub description: String,
    /// The name of its type in IANA's registry (`iana-if-type`).
    #[serde(default = "ethernet")]
    #[schemars(regex(pattern = r"^[A-Za-z][A-Za-z0-9]{0,63}$"))]
    pub r#type: String,
    #[serde(default = "enabled")]
    pub enabled: bool,
    /// The IP addresses. On a device without RFC 8344, leave them out.
    #[serde(default)]
    #[schemars(length(max = 256))]
    pub addresses: Vec<Address>,
}

/// What of an interface is changed; the rest stays as it is.
#[allow(clippy::option_option, reason = "a member that is null is not one that is missing (RFC 7396)")]
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Patch {
    /// Null takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schemars(length(max = 205))]
    pub description: Option<Option<String>>,
    pub enabled: Option<bool>,
    /// All of them. Null takes them away.
    #[serde(default, deserialize_with = "given")]
    #[schemars(length(max = 256))]
    pub addresses: Option<Option<Vec<Address>>>,
}

/// An IP address of an interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// IPv4 or IPv6.
    #[schemars(with = "String", length(min = 2, max = 45))]
    pub ip: IpAddr,
    /// At most 32 for IPv4.
    #[schemars(range(max = 128))]
    pub prefix_length: u8,
}

/// What a change answers: what it was about. A device confirms a change without showing the interface.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Shown {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Vec<Address>>,
}

impl Interface {
    /// What no schema can say.
    ///
    /// # Errors
    /// With the place of each violation.
    pub fn check(&self) -> Result<(), Fault> {
        check(&self.addresses)
    }

    pub fn shown(self) -> Shown {
        Shown {
            name: self.name,
            description: Some(self.description),
            r#type: Some(self.r#type),
            enabled: Some(self.enabled),
            addresses: Some(self.addresses),
        }
    }
}

impl Patch {
    /// As for an interface.
    ///
    /// # Errors
    /// With the place of each violation.
    pub fn check(&self) -> Result<(), Fault> {
        check(self.addresses.iter().flatten().flatten())
    }
}

fn check<'a>(addresses: impl IntoIterator<Item = &'a Address>) -> Result<(), Fault> {
    let mut violations = Vec::new();
    let mut seen = Vec::new();
    for (index, address) in addresses.into_iter().enumerate() {
        if address.ip.is_ipv4() && address.prefix_length > 32 {
            let pointer = format!("/addresses/{index}/prefix_length");
            violations.push(Violation { pointer, message: "must be at most 32 for IPv4".to_owned() });
        }
        if seen.contains(&address.ip) {
            let pointer = format!("/addresses/{index}/ip");
            violations.push(Violation { pointer, message: "is there twice".to_owned() });
        }
        seen.push(address.ip);
    }
    if violations.is_empty() { Ok(()) } else { Err(Fault::Invalid(violations)) }
}

fn ethernet() -> String {
    ETHERNET.to_owned()
}

fn enabled() -> bool {
    true
}

/// Tells null from what is not there.
#[allow(clippy::option_option, reason = "see `Patch`")]
fn given<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}
