//! Every command in the documents is run, see [`crosspoint_tests::documentation`].
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use anyhow::Result;
use crosspoint_tests::documentation::{Untrue, documents, follow, follow_text};

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

#[test]
fn a_document_that_is_not_true_is_found_out_with_its_line() {
    let found_out = |text: &str, what: &str| {
        let untrue = follow_text("untrue.md", text).unwrap_err().to_string();
        assert!(untrue.starts_with("untrue.md:5: ") && untrue.contains(what), "{untrue}");
    };
    let page = |command: &str| format!("# Title\n\n```console\n$ true\n$ {command}\n```\n");
    found_out(&page("echo one\ntwo"), "prints\n\none");
    found_out(&page("false"), "ends with 1");
    found_out(&page("crosspoint serve --config nowhere.toml &"), "does not serve");
    found_out(&page("cargo xtask tset"), "unrecognized subcommand");
}
