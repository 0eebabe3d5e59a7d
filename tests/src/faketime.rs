//! A system's clock that jumps when a test says so, for one process: Debian's libfaketime.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::packages::{install_packages, is_root};
use crate::skip::skipped;

/// The clock.
#[derive(Debug)]
pub struct Faketime {
    library: PathBuf,
    folder: TempDir,
}

impl Faketime {
    /// A clock that is right so far; none where there can be none here, which is said.
    ///
    /// # Errors
    /// Where the library cannot be installed, or no file be written.
    pub fn start() -> Result<Option<Self>> {
        if let Err(reason) = available() {
            skipped(&reason);
            return Ok(None);
        }
        if library().is_none() {
            install_packages(&["libfaketime"])?;
        }
        let library = library().context("libfaketime is installed, but not there")?;
        let faketime = Self { library, folder: TempDir::with_prefix("crosspoint-clock-")? };
        faketime.set("+0")?;
        Ok(Some(faketime))
    }

    /// Sets the clock of the processes that run by it: `+3h`, `-3h`, `+0`, beside the true time.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn set(&self, offset: &str) -> Result<()> {
        // Whole or not at all, because it is read at any moment.
        fs::write(self.folder.path().join("next"), offset)?;
        Ok(fs::rename(self.folder.path().join("next"), self.file())?)
    }

    /// What makes a process run by this clock. What measures how much time passes goes on undisturbed, as it does on a
    /// real system whose clock is set.
    ///
    /// # Errors
    /// Where a path is no text.
    pub fn environment(&self) -> Result<[(&'static str, String); 4]> {
        let text = |path: PathBuf| path.into_os_string().into_string().ok().context("a path that is no text");
        Ok([
            ("LD_PRELOAD", text(self.library.clone())?),
            ("FAKETIME_TIMESTAMP_FILE", text(self.file())?),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ])
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("clock")
    }
}

fn available() -> Result<(), String> {
    if library().is_some() {
        return Ok(());
    }
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    if !release.lines().any(|line| line == "ID=debian") {
        return Err("libfaketime is not there, and this machine does not run Debian".to_owned());
    }
    if is_root() {
        Ok(())
    } else {
        Err("libfaketime is not there; run as root: apt-get install libfaketime".to_owned())
    }
}

/// The variant for processes with threads.
fn library() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?.flatten();
    folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1")).find(|file| file.exists())
}
