use std::fmt;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

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
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
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
    announce(&format!("installing Debian packages for the OpenStack tests: apt-get install {}", PACKAGES.join(" ")));
    // The lists of packages may be absent (container images ship without) or too old to still be served.
    if apt_get(&install_arguments()).is_err() {
        apt_get(&["update"])?;
        apt_get(&install_arguments())?;
    }
    if !installed() {
        bail!("the packages are installed, but not all of these are there: {}", PROGRAMS.join(", "));
    }
    Ok(())
}

/// Writes a line that the test harness does not capture.
pub(super) fn announce(line: &str) {
    // A closed standard error is no reason to fail.
    let _ = writeln!(std::io::stderr(), "openstack: {line}");
}

fn installed() -> bool {
    PROGRAMS.iter().all(|program| Path::new(program).exists())
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

fn install_arguments() -> Vec<&'static str> {
    // The machine is there for tests: what a power cut leaves behind matters less than the time that syncing takes.
    let mut arguments = vec!["install", "--yes", "--no-install-recommends", "-o", "Dpkg::Options::=--force-unsafe-io"];
    arguments.extend(PACKAGES);
    arguments
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
