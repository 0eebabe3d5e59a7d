//! Cargo's commands in documents.
//!
//! | command | in a test |
//! |---|---|
//! | `cargo xtask test`, `demo`, … | would run this very test, or take minutes: there has to be such a command with such flags |
//! | `cargo xtask drivers` | the drivers are there already; with names, it is run |
//! | `cargo build` | is done already; the packages have to exist |
//! | any other | is run |

use std::env;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

/// Whether a command is looked at rather than run.
pub(super) fn is_checked_only(command: &str) -> bool {
    match words(command).as_slice() {
        ["cargo", "build", ..] | ["cargo", "xtask", "drivers"] => true,
        ["cargo", "xtask", "drivers", ..] => false,
        ["cargo", "xtask", ..] => true,
        _ => false,
    }
}

/// Checks a command that is not run.
pub(super) fn check(project: &Path, command: &str) -> Result<()> {
    match words(command).as_slice() {
        ["cargo", "xtask", name, rest @ ..] => {
            let help = cargo(project, &["xtask", name, "--help"])?;
            let known: Vec<_> = help.split(|c: char| c.is_whitespace() || "[],=<>".contains(c)).collect();
            let stranger = rest.iter().find(|word| word.starts_with('-') && !known.contains(word));
            stranger.map_or(Ok(()), |flag| bail!("`cargo xtask {name}` has no `{flag}`:\n\n{help}"))
        }
        ["cargo", "build", rest @ ..] => {
            let metadata = cargo(project, &["metadata", "--no-deps", "--format-version", "1"])?;
            let metadata: Value = serde_json::from_str(&metadata)?;
            let packages = metadata.pointer("/packages").and_then(Value::as_array).context("no packages")?;
            let named = rest.iter().zip(rest.iter().skip(1)).filter(|(flag, _)| ["-p", "--package"].contains(flag));
            for (_, name) in named {
                let known = packages.iter().any(|package| package.pointer("/name").is_some_and(|own| own == name));
                ensure!(known, "there is no package `{name}`");
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The words of a command, up to a comment.
fn words(command: &str) -> Vec<&str> {
    command.split_whitespace().take_while(|word| !word.starts_with('#')).collect()
}

fn cargo(project: &Path, arguments: &[&str]) -> Result<String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo).args(arguments).current_dir(project).output().context("cannot run cargo")?;
    let shown = arguments.join(" ");
    ensure!(output.status.success(), "`cargo {shown}` fails:\n\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn what_would_run_the_tests_again_is_only_looked_at() {
        for looked_at in
            ["cargo xtask test  # all", "cargo xtask demo --keep", "cargo xtask drivers", "cargo build -p x"]
        {
            assert!(is_checked_only(looked_at), "{looked_at}");
        }
        for run in ["cargo xtask drivers switch", "cargo test -p switch-driver", "echo cargo build"] {
            assert!(!is_checked_only(run), "{run}");
        }
    }

    #[test]
    fn a_command_a_flag_or_a_package_that_is_not_there_is_found() {
        let check = |command| check(&super::super::project(), command);
        check("cargo xtask test --quick   # soon done").unwrap();
        check("cargo build -p crosspoint -p firewall-appliance").unwrap();
        for wrong in ["cargo xtask tset", "cargo xtask test --quickly", "cargo build -p crosspiont"] {
            assert!(check(wrong).is_err(), "{wrong}");
        }
    }
}
