//! The surface that CMPs and operators see, against a real process: a file for each promise of the API.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod adoption;
mod command_line;
mod drain;
mod events;
mod idempotency;
mod lists;
mod openapi;
mod pending;
mod preconditions;
mod problems;
mod queue;
mod tenants;
