//! A driver's tests, run natively by plain `cargo test`.
//!
//! ```text
//! #[test]
//! fn it_keeps_the_contract() {
//!     crosspoint_sdk::harness::check::<Firewall>();
//! }
//! ```
//!
//! The functions here are assertions: they panic, with everything that is wrong and not only the first thing.

mod bend;
mod description;
mod fixtures;
mod schema;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crosspoint_contract::{Call, Exchange, Fault, Outcome, Reply};

use crate::{Driver, Packaged};

pub use bend::bend_replies;
pub use description::check_description;
pub use fixtures::run_fixtures;

/// Checks all that can be checked without a host: the description, name and version, the fixtures that travel with the
/// driver, and that no bent reply makes it panic.
///
/// # Panics
/// With a list of what is wrong.
pub fn check<D: Packaged>() {
    let description = D::describe();
    assert_eq!(
        (description.name.as_str(), description.version.as_str()),
        (D::NAME, D::VERSION),
        "`describe` and `export!` must agree on name and version"
    );
    check_description::<D>();
    run_fixtures::<D>(D::FIXTURES);
    bend_replies::<D>(D::FIXTURES);
}

/// [`Driver::encode`], with a panic turned into a fault, much as the host shows it.
///
/// # Errors
/// The driver's fault, or [`Fault::Other`] saying that it panicked.
pub fn encode<D: Driver>(call: &Call) -> Result<Exchange, Fault> {
    guarded(|| D::encode(call)).unwrap_or_else(|panic| Err(Fault::Other(panic)))
}

/// [`Driver::decode`], with a panic turned into a fault, much as the host shows it.
///
/// # Errors
/// The driver's fault, or [`Fault::Other`] saying that it panicked.
pub fn decode<D: Driver>(call: &Call, context: &[u8], reply: &Reply) -> Result<Outcome, Fault> {
    guarded(|| D::decode(call, context, reply)).unwrap_or_else(|panic| Err(Fault::Other(panic)))
}

/// Runs one of a driver's functions; `Err` is a panic's message.
fn guarded<T>(function: impl FnOnce() -> T) -> Result<T, String> {
    // A driver keeps nothing between calls, so a panic leaves nothing half-done.
    catch_unwind(AssertUnwindSafe(function)).map_err(|payload| format!("the driver panicked: {}", words(&*payload)))
}

fn words(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("it said nothing")
}

/// Panics with a list, if there is anything on it.
fn assert_none(what: &str, wrong: &[String]) {
    assert!(wrong.is_empty(), "{what}:\n  - {}", wrong.join("\n  - "));
}
