//! What Crosspoint *is*: one file for each invariant, under its own words.
//!
//! All of them are about a real process, the drivers as they are shipped, and a backend that counts what reaches it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod a_call_never_sees_another_call;
mod a_swap_loses_nothing;
mod drivers_are_pure;
mod full_house;
mod intent_before_effect;
mod nothing_acknowledged_is_lost;
mod one_in_one_out;
mod packages;
mod secrets_stay_outside;
mod the_truth_about_doubt;
