//! Running other programs: what they inherit, and errors that name the command.

use std::{
    env,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

/// Cargo, the one that runs us.
pub fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    forget_our_package(&mut command);
    command
}

/// Keeps from `command` what `cargo run` told us about our own package in environment variables.
///
/// Some build scripts (ring's) watch them, and would run again whenever a build by hand follows a build by us.
pub fn forget_our_package(command: &mut Command) {
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            command.env_remove(name);
        }
    }
}

/// Runs `command` to its end without input, its output shown as it comes.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.stdin(Stdio::null()).status().with_context(|| cannot_start(command))?;
    if !status.success() {
        bail!("`{}` failed: {status}", show(command));
    }
    Ok(())
}

/// Runs `command` to its end without input and returns what it wrote to its standard output; the rest is shown.
pub fn output(command: &mut Command) -> Result<String> {
    command.stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = command.output().with_context(|| cannot_start(command))?;
    if !output.status.success() {
        bail!("`{}` failed: {}", show(command), output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{}` wrote something other than text", show(command)))
}

/// Whether `command` can be run and succeeds; nothing is shown.
pub fn succeeds(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|it| it.success())
}

/// `command` as one would type it, without its folder.
pub fn show(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args()).map(|word| word.to_string_lossy().into_owned());
    words.collect::<Vec<_>>().join(" ")
}

fn cannot_start(command: &Command) -> String {
    format!("`{}` could not be started", show(command))
}
