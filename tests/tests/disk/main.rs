//! Disks that fail, are full, or bring what nobody expects: a clear refusal or a clean recovery, never half a truth.
//!
//! All of it is about a real process on real files; disks that lose power are simulated beside the store itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod beside;
mod damage;
mod forbidden;
mod frozen;
mod full;
mod newer;
mod packages;
mod upgrade;
