//! Write a Crosspoint driver in Rust: three pure functions and one macro.
//!
//! A driver says what it is ([`Driver::describe`]), which single request a call becomes ([`Driver::encode`]), and what
//! the backend's reply means ([`Driver::decode`]). It does no I/O and keeps no state. Compiled for
//! `wasm32-unknown-unknown` it imports nothing; compiled natively it is an ordinary library, so `cargo test` tests it.
//!
//! ```
//! use crosspoint_sdk::prelude::*;
//!
//! /// What the CMP asks for.
//! #[derive(Serialize, Deserialize, JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! struct Vlan {
//!     name: String,
//! }
//!
//! struct Switch;
//!
//! impl Driver for Switch {
//!     fn describe() -> Description {
//!         driver("switch", "0.1.0", "A switch")
//!             .auth(AuthScheme::Basic)
//!             .kind(kind("vlan", "A VLAN").spec::<Vlan>().result::<Vlan>().verbs([Verb::Create, Verb::Read]))
//!             .build()
//!     }
//!
//!     fn encode(call: &Call) -> Result<Exchange, Fault> {
//!         match call.verb {
//!             Verb::Create => Http::post(path("/vlans", &[])?).json(&call.spec::<Vlan>()?).into_exchange(),
//!             Verb::Read => Http::get(path("/vlans/{id}", &[("id", call.backend_id()?)])?).into_exchange(),
//!             _ => Err(call.unsupported()),
//!         }
//!     }
//!
//!     fn decode(_call: &Call, _context: &[u8], reply: &Reply) -> Result<Outcome, Fault> {
//!         let vlan: Vlan = reply.http()?.success()?.json()?;
//!         outcome(&vlan)?.id(&vlan.name).into()
//!     }
//! }
//!
//! crosspoint_sdk::export!(Switch, name = "switch", version = "0.1.0");
//!
//! # fn main() { crosspoint_sdk::harness::check::<Switch>(); }
//! ```
//!
//! The rules of the contract are in `wit/v1/driver.wit`; `docs/drivers.md` is the tutorial.

#[doc(hidden)]
pub mod bindings;
mod call;
mod convert;
mod describe;
mod driver;
#[doc(hidden)]
pub mod export;
mod grpc;
#[cfg(not(target_arch = "wasm32"))]
pub mod harness;
mod http;
pub mod json_rpc;
pub mod marker;
mod outcome;
mod panic;
mod reply;
mod schema;
mod section;
mod status;
mod target;
mod typed;
pub mod xml;

#[doc(no_inline)]
pub use crosspoint_contract as contract;

pub use call::CallExt;
pub use describe::{ActionBuilder, DriverBuilder, KindBuilder, action, driver, kind};
pub use driver::{Driver, Packaged};
pub use grpc::{GrpcReplyExt, GrpcStatus, fault_for_grpc, grpc, grpc_protocol};
pub use http::{Http, command, message};
pub use outcome::{OutcomeBuilder, SessionBuilder, found, outcome, session};
pub use reply::{HttpReplyExt, ReplyExt};
pub use schema::schema;
pub use status::fault_for_status;
pub use target::{Target, path};
pub use typed::read;

/// Everything that a driver's source usually names: `use crosspoint_sdk::prelude::*;`.
pub mod prelude {
    pub use crate::{
        CallExt, Driver, GrpcReplyExt, Http, HttpReplyExt, Packaged, ReplyExt, action, command, driver, fault_for_grpc,
        fault_for_status, found, grpc, grpc_protocol, kind, marker, message, outcome, path, schema, session,
    };
    pub use crosspoint_contract::{
        ApiKey, AuthScheme, Bytes, Call, Creation, Description, Exchange, Existing, Fault, Found, Header, HttpReply,
        Json, Limits, Login, Outcome, Protocol, Rejection, Reply, Request, SessionGrant, State, Throttle, Verb,
        Violation,
    };
    pub use schemars::JsonSchema;
    pub use serde::{Deserialize, Serialize};
}
