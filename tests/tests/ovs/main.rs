//! The driver for Open vSwitch against the real one: its database, and packets that it forwards or does not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod connection;
mod database;
mod kinds;
mod messages;
mod packets;
mod switch;
