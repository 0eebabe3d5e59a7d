//! What Crosspoint *is*: one file for each invariant, under its own words.
//!
//! All of them are about a real process, the drivers as they are shipped, and a backend that counts what reaches it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod drivers_are_pure;
mod intent_before_effect;
mod one_in_one_out;
mod packages;
