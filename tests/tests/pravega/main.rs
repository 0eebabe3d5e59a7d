//! The drivers for Pravega before simulators: of the controller's REST API, and of a segment store's wire protocol.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod controller;
mod frames;
mod scopes;
mod segments;
mod store;
mod streams;
