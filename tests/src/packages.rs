//! Debian's packages of real servers: whether a machine can have them, and how it gets them.

use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::process::Command;
use std::{fmt, fs, io};

use anyhow::{Context as _, Result, bail};

use crate::skip::skipped;

/// What a testbed needs that is not part of this project.
#[derive(Clone, Copy, Debug)]
pub struct Packages {
    /// The packages.
    pub names: &'static [&'static str],
    /// What they bring that the testbed runs.
    pub programs: &'static [&'static str],
}

/// Why a testbed cannot be had on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// Whoever runs the tests does not want it.
    Off,
    /// The packages are those of Debian, and this is another system.
    NotDebian,
    /// These packages are missing, and only root may install them.
    NotRoot(&'static [&'static str]),
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("CROSSPOINT_TESTBED=off; run them with `cargo xtask test`"),
            Self::NotDebian => {
                f.write_str("this machine does not run Debian; run them on Debian 12, in a container for instance")
            }
            Self::NotRoot(packages) => write!(
                f,
                "some packages are missing and only root may install them; run as root: apt-get install {}",
                packages.join(" ")
            ),
        }
    }
}

impl Packages {
    /// Whether the testbed can be had here, perhaps after [`Packages::install`].
    ///
    /// # Errors
    /// Where it can not.
    pub fn available(&self) -> Result<(), Skip> {
        if std::env::var_os("CROSSPOINT_TESTBED").is_some_and(|wish| wish == "off") {
            return Err(Skip::Off);
        }
        let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
        if !release.lines().any(|line| line == "ID=debian") {
            return Err(Skip::NotDebian);
        }
        if self.installed() || is_root() { Ok(()) } else { Err(Skip::NotRoot(self.names)) }
    }

    /// Installs what is missing with apt-get, and says so, since that changes the machine outside the project's folder.
    ///
    /// # Errors
    /// Where apt-get fails.
    pub fn install(&self) -> Result<()> {
        if self.installed() {
            return Ok(());
        }
        install_packages(self.names)?;
        if !self.installed() {
            bail!("the packages are installed, but not all of these are there: {}", self.programs.join(", "));
        }
        Ok(())
    }

    /// Both of them. Where this machine cannot have the packages, it says that the calling test is skipped, and gives
    /// false.
    ///
    /// # Errors
    /// Where apt-get fails.
    pub async fn ensure(&'static self, tests: &str) -> Result<bool> {
        if let Err(skip) = self.available() {
            skipped(&format!("{tests}: {skip}"));
            return Ok(false);
        }
        tokio::task::spawn_blocking(|| self.install()).await??;
        Ok(true)
    }

    fn installed(&self) -> bool {
        self.programs.iter().all(|program| Path::new(program).exists())
    }
}

/// Installs Debian packages, and says so.
pub(crate) fn install_packages(packages: &[&str]) -> Result<()> {
    announce(&format!("installing Debian packages for these tests: apt-get install {}", packages.join(" ")));
    let _policy = NoServices::declare()?;
    // The machine is there for tests: what a power cut leaves behind matters less than the time that syncing takes.
    let mut arguments = vec!["install", "--yes", "--no-install-recommends", "-o", "Dpkg::Options::=--force-unsafe-io"];
    arguments.extend(packages);
    // The lists of packages may be absent (container images ship without) or too old to still be served.
    if apt_get(&arguments).is_err() {
        apt_get(&["update"])?;
        apt_get(&arguments)?;
    }
    Ok(())
}

/// Writes a line that the test harness does not capture.
pub(crate) fn announce(line: &str) {
    // A closed standard error is no reason to fail.
    let _ = writeln!(io::stderr(), "testbed: {line}");
}

/// Whether the tests run as root.
#[must_use]
pub fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// While this lives, no package that is installed starts a service: what a server depends on may bring some.
struct NoServices {
    ours: bool,
}

impl NoServices {
    /// Asked by `invoke-rc.d` before it starts anything; 101 forbids it.
    const POLICY: &str = "/usr/sbin/policy-rc.d";

    fn declare() -> io::Result<Self> {
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o755).open(Self::POLICY);
        match file {
            Ok(mut file) => file.write_all(b"#!/bin/sh\nexit 101\n").map(|()| Self { ours: true }),
            // The machine has a policy of its own, as container images do.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Self { ours: false }),
            Err(error) => Err(error),
        }
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.ours {
            // Left behind it would only keep services from starting when they are installed.
            let _ = fs::remove_file(Self::POLICY);
        }
    }
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    // Another test binary may be installing the same.
    let output = Command::new("apt-get")
        .args(["-q", "-o", "Dpkg::Use-Pty=0", "-o", "DPkg::Lock::Timeout=600"])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .output()
        .context("cannot run apt-get")?;
    if !output.status.success() {
        bail!("apt-get {} failed:\n{}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}
