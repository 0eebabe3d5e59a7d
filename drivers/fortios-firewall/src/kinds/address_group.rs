use crosspoint_sdk::prelude::*;
use serde_json::{Value, json};

use super::Switch;
use crate::resource::{Key, Resource, Shape, missing};

/// A group of addresses.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "address-group")]
pub struct AddressGroup {
    /// Unique in the virtual domain, among addresses as well, and given for good.
    #[schemars(required, length(min = 1, max = 79), regex(pattern = r#"^[^<>()#'"]+$"#))]
    name: Option<String>,
    /// The names of the addresses and groups in it.
    #[schemars(required, length(min = 1))]
    member: Option<Vec<String>>,
    /// Whether static routes may use it; `disable` by default.
    allow_routing: Option<Switch>,
    /// A text for people.
    #[schemars(length(max = 220))]
    comment: Option<String>,
    /// The colour of its icon; 0, the default, for the usual one.
    #[schemars(range(max = 32))]
    color: Option<u8>,
}

impl Resource for AddressGroup {
    const NAME: &'static str = "address-group";
    const SUMMARY: &'static str = "A group of addresses";
    const PATH: &'static str = "addrgrp";
    const KEY: Key = Key::Name;
    const COMMENT: (&'static str, usize) = ("comment", 255);
    const SHAPES: &'static [(&'static str, Shape)] = &[("member", Shape::List("name"))];

    fn defaults() -> Value {
        json!({"allow-routing": "disable", "comment": "", "color": 0})
    }

    fn faults(&self) -> Vec<Violation> {
        let needed = [
            (self.name.is_none(), missing("name", "as the object's key")),
            (self.member.is_none(), missing("member", "because a group holds something")),
        ];
        needed.into_iter().filter(|(absent, _)| *absent).map(|(_, fault)| fault).collect()
    }
}
