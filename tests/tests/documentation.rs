//! Every command in the documents is run, see [`crosspoint_tests::documentation`].
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use anyhow::Result;
use crosspoint_tests::documentation::{Untrue, documents, follow};

#[test]
fn the_readme_does_what_it_says() -> Result<(), Untrue> {
    follow("README.md")
}

#[test]
fn callers_can_do_everything_as_it_is_written() -> Result<(), Untrue> {
    follow("docs/callers.md")
}

#[test]
fn the_driver_of_the_tutorial_builds_and_loads() -> Result<(), Untrue> {
    follow("docs/drivers.md")
}

#[test]
fn operators_can_do_everything_as_it_is_written() -> Result<(), Untrue> {
    follow("docs/operators.md")
}

#[test]
fn no_document_is_left_out() -> Result<()> {
    assert_eq!(documents()?, ["README.md", "docs/callers.md", "docs/drivers.md", "docs/operators.md"]);
    Ok(())
}
