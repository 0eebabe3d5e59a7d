//! NETCONF (RFC 6241) over SSH (RFC 6242).
//!
//! A session is one channel, opened with an exchange of hellos, that makes one exchange at a time. It is kept for the
//! next exchange only where the last one came to its end: who gives up, or gets an error, leaves a closed channel, and
//! with it the backend ends the session and releases whatever locks it held. A session at rest is watched: one that the
//! backend closes is gone at once, and one that has not been used for a while is closed in order.

pub mod framing;
mod message;
mod pool;
mod session;

pub(super) use message::check;
pub(super) use pool::Pool;
pub(super) use session::Session;
