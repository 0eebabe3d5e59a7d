//! Programs out of Python packages, in an environment below the target folder.

use std::path::{Path, PathBuf};

use anyhow::Result;
use tokio::process::Command;

use super::debian::run;

/// A virtual environment with these packages in `folder`; made unless it is there already.
pub async fn environment(folder: &Path, packages: &[&str]) -> Result<PathBuf> {
    let finished = folder.join("finished");
    // Others than before are installed anew.
    if std::fs::read_to_string(&finished).is_ok_and(|installed| installed == packages.join(" ")) {
        return Ok(folder.to_owned());
    }
    eprintln!("downloading Python packages into {}: {}", folder.display(), packages.join(" "));
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder)).await?;
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args(["-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--only-binary=:all:"]);
    run(pip.args(packages)).await?;
    std::fs::write(finished, packages.join(" "))?;
    Ok(folder.to_owned())
}
