//! The Neutron driver and the testbed that it is proved on. One binary, so that the servers start once for all of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod fixtures;
mod recorder;
mod relay;
mod testbed;
