//! What strangers may send, as fuzz targets: for any bytes at all, the promise that each makes must hold.
//!
//! A target is a plain function that panics where a promise is broken. `cargo test` runs each over its seeds in
//! `corpus/` and over a fixed number of inputs grown from them; `cargo xtask fuzz` runs them under libFuzzer, which
//! looks for inputs that reach new code. An input that broke something once stays a seed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a target says what is wrong by panicking"
)]

mod api;
mod config;
mod cursor;
mod description;
mod drivers;
mod exchange;
mod frames;
mod grpc;
mod guest;
mod helpers;
mod idempotency;
mod input;
mod lift;
pub mod machine;
mod netconf;
mod package;
mod paging;
mod problem;
mod replies;
mod settings;
mod store;
mod wire;
mod xml;

/// One thing that strangers can reach, and what must hold for whatever they send.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Names it on the command line, and its folder of seeds.
    pub name: &'static str,
    /// Takes any bytes.
    pub run: fn(&[u8]),
}

const fn target(name: &'static str, run: fn(&[u8])) -> Target {
    Target { name, run }
}

/// All of them.
pub const TARGETS: &[Target] = &[
    target("api", api::target),
    target("config", config::target),
    target("cursor", cursor::target),
    target("delimited", frames::delimited),
    target("describe", package::describe),
    target("exchange", exchange::target),
    target("fixed", frames::fixed),
    target("grpc", grpc::target),
    target("helpers", helpers::target),
    target("idempotency", idempotency::target),
    target("json-values", frames::json_values),
    target("length-prefixed", frames::length_prefixed),
    target("lift", lift::target),
    target("machine", machine::target),
    target("netconf", netconf::target),
    target("package", package::target),
    target("problem", problem::target),
    target("prompted", frames::prompted),
    target("replies", replies::target),
    target("settings", settings::target),
    target("store", store::target),
    target("translate", drivers::target),
    target("until-close", frames::until_close),
    target("xml", xml::target),
];

/// The target of this name.
#[must_use]
pub fn named(name: &str) -> Option<Target> {
    TARGETS.iter().copied().find(|target| target.name == name)
}
