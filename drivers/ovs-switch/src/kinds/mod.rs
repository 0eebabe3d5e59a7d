//! The kinds of object: what each is made of. How all of them are handled is in `change.rs` and `look.rs`.
#![allow(dead_code, reason = "a spec's type is there for its shape: what is sent is the spec as it came")]

mod bridge;
pub mod interface;
mod mirror;
mod port;
mod qos;
mod queue;

use std::collections::BTreeMap;

use crate::resource::Kind;

/// Strings by strings, as the database keeps them.
type Strings = BTreeMap<String, String>;
/// A patch of such: what is null goes away, what is not named stays.
type StringsPatch = BTreeMap<String, Option<String>>;

/// All kinds.
pub const ALL: [Kind; 5] = [
    Kind::of::<bridge::Bridge>(),
    Kind::of::<port::Port>(),
    Kind::of::<queue::Queue>(),
    Kind::of::<qos::Qos>(),
    Kind::of::<mirror::Mirror>(),
];

/// The kind of this name.
pub fn named(name: &str) -> Option<&'static Kind> {
    const { &ALL }.iter().find(|kind| kind.name == name)
}
