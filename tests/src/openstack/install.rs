use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::process::Command;
use std::{fmt, fs, io};

use anyhow::{Context as _, Result, bail};

/// The servers as libraries and plain programs. The packages that would run them as services are left out, so nothing
/// starts by itself, no user is made and nothing is written to `/etc/neutron` or `/etc/keystone`.
const PACKAGES: [&str; 6] = [
    "python3-neutron",
    "python3-keystone",
    "python3-pymysql",
    "mariadb-server-core",
    "mariadb-client-core",
    "uwsgi-plugin-python3",
];

/// What those packages bring that the testbed runs.
const PROGRAMS: [&str; 6] = [
    "/usr/lib/python3/dist-packages/neutron/server/__init__.py",
    "/usr/lib/python3/dist-packages/pymysql/__init__.py",
    "/usr/bin/keystone-manage",
    "/usr/bin/mariadb",
    "/usr/sbin/mariadbd",
    "/usr/bin/uwsgi_python3",
];

/// Why there can be no OpenStack on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// Whoever runs the tests does not want it.
    Off,
    /// The packages are those of Debian, and this is another system.
    NotDebian,
    /// The packages are missing, and only root may install them.
    NotRoot,
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "CROSSPOINT_TESTBED=off; run them with `cargo xtask test`",
            Self::NotDebian => "this machine does not run Debian; run them on Debian 12, in a container for instance",
            Self::NotRoot => "some packages are missing and only root may install them; run as root: apt-get install ",
        })?;
        match self {
            Self::Off | Self::NotDebian => Ok(()),
            Self::NotRoot => f.write_str(&PACKAGES.join(" ")),
        }
    }
}

/// Whether the testbed can start here, perhaps after [`install`].
///
/// # Errors
/// Where it can not.
pub fn available() -> Result<(), Skip> {
    if std::env::var_os("CROSSPOINT_TESTBED").is_some_and(|wish| wish == "off") {
        return Err(Skip::Off);
    }
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    if !release.lines().any(|line| line == "ID=debian") {
        return Err(Skip::NotDebian);
    }
    if installed() || is_root() { Ok(()) } else { Err(Skip::NotRoot) }
}

/// Installs what is missing with apt-get, and says so, since that changes the machine outside the project's folder.
///
/// # Errors
/// Where apt-get fails.
pub fn install() -> Result<()> {
    if installed() {
        return Ok(());
    }
    install_packages(&PACKAGES)?;
    if !installed() {
        bail!("the packages are installed, but not all of these are there: {}", PROGRAMS.join(", "));
    }
    Ok(())
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
pub(super) fn announce(line: &str) {
    // A closed standard error is no reason to fail.
    let _ = writeln!(io::stderr(), "openstack: {line}");
}

/// While this lives, no package that is installed starts a service: what the six depend on may bring some.
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

fn installed() -> bool {
    PROGRAMS.iter().all(|program| Path::new(program).exists())
}

/// Whether the tests run as root.
pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
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
