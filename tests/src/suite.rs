//! What every driver has to show, through REST, with the real host and the real Wasm: that one call is one exchange,
//! counted at the far side, and that the caller is told the truth, whatever goes wrong.
//!
//! A test brings three things: the backend's settings, a [`FarSide`] that counts and makes trouble, and for each kind a
//! [`Subject`] that says what such an object looks like. Which verbs a kind has, whether it carries a marker, what a
//! second creation does: that is what the driver's own description promises, and the suite holds the driver to it.
//!
//! ```no_run
//! # use crosspoint_tests::suite::{HttpFarSide, Stage, Subject};
//! # use serde_json::json;
//! # async fn test(simulator_url: &str) -> anyhow::Result<()> {
//! let far = HttpFarSide::before(simulator_url).await?.logins("/api/login");
//! let settings = json!({
//!     "endpoints": {"default": far.url()},
//!     "authentication": {"scheme": "login", "secrets": {"username": "admin", "password": "secret"}},
//! });
//! let stage = Stage::set("switch", settings, far).await;
//! let vlan = Subject::of("vlan", |n| json!({"name": format!("office-{n}"), "tag": 100 + n}))
//!     .replacing(|n| json!({"name": format!("office-{n}"), "tag": 200 + n, "note": "moved"}))
//!     .patching(json!({"note": "2nd floor"}))
//!     .bad(json!({"tag": 5000}), "/tag")
//!     .refused(json!({"tag": 1}), 409, "backend_conflict")
//!     .action("clear-counters", json!({}));
//! stage.life(&vlan).await; // from creation to deletion
//! stage.refusals(&vlan).await; // bad specs, duplicates
//! stage.troubles(&vlan).await; // each trouble, met by a creation and by a read; the backend gone and back
//! stage.doubt(&vlan).await; // replies and requests that get lost, and how doubt ends
//! # Ok(())
//! # }
//! ```
//!
//! HTTP backends, simulators and real ones, get all of it from [`HttpFarSide`], which is a proxy before them, and
//! messages on a TCP connection from [`FramedFarSide`], unary gRPC calls from [`GrpcFarSide`]. Other protocols implement [`FarSide`]. What is particular to one
//! driver is tested with [`Stage::making`] and [`Stage::one`], which count in the same way.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "to panic is how a test's harness says that the test fails"
)]
#![allow(clippy::must_use_candidate, clippy::return_self_not_must_use, reason = "some are called for what they assert")]

mod doubt;
mod far_side;
mod framed;
mod grpc;
mod http;
mod life;
mod refusals;
mod stage;
mod subject;
mod troubles;

pub use far_side::{FarSide, Told, Trouble};
pub use framed::{FramedFarSide, Messages};
pub use grpc::GrpcFarSide;
pub use http::{HttpFarSide, RETRY_AFTER};
pub use stage::{BACKEND, Stage};
pub use subject::{Subject, assert_holds, merged};
