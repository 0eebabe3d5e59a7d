//! What a crash leaves behind: in each window between two steps, at random moments under load, with callers that hang up
//! or insist, and with clocks that jump.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod callers;
mod campaign;
mod clocks;
mod windows;
