//! Programs out of Debian's packages, unpacked below the target folder: nothing is installed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use tokio::process::Command;

/// A folder that looks like the root of a system, as far as the packages go.
pub struct Root(PathBuf);

impl Root {
    pub fn program(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }

    /// Has `command` look for its libraries in the packages first.
    pub fn libraries(&self, command: &mut std::process::Command) {
        let architecture = format!("{}-linux-gnu", std::env::consts::ARCH);
        let folders = ["lib", "usr/lib"].map(|folder| self.0.join(folder).join(&architecture).display().to_string());
        command.env("LD_LIBRARY_PATH", folders.join(":"));
    }
}

/// The packages, downloaded and unpacked in `folder`, unless they are there already.
pub async fn unpacked(folder: &Path, packages: &[&str]) -> Result<Root> {
    let root = folder.join("root");
    if !root.exists() {
        eprintln!("downloading Debian packages into {}: {}", folder.display(), packages.join(" "));
        let _ = fs::remove_dir_all(folder);
        let unfinished = folder.join("unfinished");
        fs::create_dir_all(&unfinished).with_context(|| format!("cannot make {}", unfinished.display()))?;
        download(folder, packages).await?;
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "deb") {
                run(Command::new("dpkg-deb").arg("--extract").arg(&path).arg(&unfinished)).await?;
                fs::remove_file(path)?;
            }
        }
        fs::rename(&unfinished, &root)?;
    }
    Ok(Root(root))
}

/// Puts the packages' files into `folder`. The lists of packages may be absent or too old to still be served, and only
/// root may renew them: then we use lists of our own.
async fn download(folder: &Path, packages: &[&str]) -> Result<()> {
    if run(apt_get(folder).arg("download").args(packages)).await.is_ok() {
        return Ok(());
    }
    let lists = folder.join("lists");
    fs::create_dir_all(lists.join("partial"))?;
    let ours = format!("Dir::State::Lists={}", lists.display());
    run(apt_get(folder).args(["-o", &ours, "update"])).await?;
    run(apt_get(folder).args(["-o", &ours, "download"]).args(packages)).await?;
    fs::remove_dir_all(lists)?;
    Ok(())
}

fn apt_get(folder: &Path) -> Command {
    let mut command = Command::new("apt-get");
    let cache = format!("Dir::Cache={}", folder.join("cache").display());
    command.args(["-q", "-o", "APT::Sandbox::User=root", "-o", &cache]).current_dir(folder);
    command
}

/// Runs a program to its end; nothing is shown unless it fails.
pub async fn run(command: &mut Command) -> Result<()> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    let output = command.kill_on_drop(true).output().await.with_context(|| format!("{name} cannot be run"))?;
    if !output.status.success() {
        let arguments: Vec<_> = command.as_std().get_args().map(|argument| argument.to_string_lossy()).collect();
        bail!("{name} {} failed:\n{}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim_end());
    }
    Ok(())
}
