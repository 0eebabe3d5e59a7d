//! What the process tells of itself: a log for each event, and metrics for all of them together.
//!
//! Neither ever holds a secret, a spec or a reply body. A log line may name an object; a metric's label never does:
//! the values of a label are few, and [`Metrics`] sees to it.

mod labels;
mod log;
mod metrics;
mod request_id;
mod transport;

pub use labels::{ExchangeResult, LoginResult, LogoutResult, Phase, QueueClass};
pub use log::{LogError, init};
pub use metrics::{GaugeGuard, Metrics, QueueGauges};
pub use request_id::{REQUEST_ID, RequestId};
pub use transport::TransportCounts;
