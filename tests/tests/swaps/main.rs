//! Drivers that come and go while calls are made: nothing is lost, and nothing is left behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod caller;
mod floods;
mod folder;
mod hundred;
mod packages;
mod usage;
