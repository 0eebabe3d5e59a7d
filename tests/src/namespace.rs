//! Network namespaces, in which a test has a network of its own.

use std::fs::{self, File};
use std::os::fd::AsFd as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use anyhow::{Context as _, Result, anyhow, bail};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::packages::{Packages, is_root};
use crate::skip::skipped;

/// Where iproute2 keeps the names.
const NAMES: &str = "/run/netns";

/// A namespace. It goes away when it is dropped; what a killed test has left behind goes when the next one is made.
#[derive(Debug)]
pub struct Namespace {
    name: String,
}

/// What makes and joins namespaces.
static IPROUTE: Packages = Packages { names: &["iproute2"], programs: &["/usr/sbin/ip"] };

/// Whether namespaces can be had here; where they cannot, it says that the calling test is skipped.
///
/// # Errors
/// Where apt-get fails.
pub async fn available(tests: &str) -> Result<bool> {
    if !IPROUTE.ensure(tests).await? {
        return Ok(false);
    }
    // To be root is not enough: a container may lack the right.
    match is_root().then(|| Namespace::new("try")) {
        Some(Ok(_)) => Ok(true),
        Some(Err(error)) => {
            skipped(&format!("{tests}: this machine makes no network namespaces: {error:#}"));
            Ok(false)
        }
        None => {
            skipped(&format!("{tests}: only root may make network namespaces"));
            Ok(false)
        }
    }
}

impl Namespace {
    /// A new one, whose loopback interface is up. The name is for people.
    ///
    /// # Errors
    /// Where iproute2 says no.
    pub fn new(name: &str) -> Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        sweep();
        let name = format!("xp-{}-{}-{name}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        ip(&["netns", "add", &name])?;
        let namespace = Self { name };
        namespace.ip(&["link", "set", "lo", "up"])?;
        Ok(namespace)
    }

    /// Its name, as `ip netns` wants it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Joins two of them by a cable: an interface of this name and address in each.
    ///
    /// # Errors
    /// Where iproute2 says no.
    pub fn join(&self, interface: &str, address: &str, other: &Self, other_address: &str) -> Result<()> {
        let cable = ["link", "add", interface, "type", "veth", "peer", "name", interface, "netns", other.name()];
        self.ip(&cable)?;
        for (namespace, address) in [(self, address), (other, other_address)] {
            namespace.ip(&["address", "add", address, "dev", interface])?;
            namespace.ip(&["link", "set", interface, "up"])?;
        }
        Ok(())
    }

    /// Runs `ip` in it.
    ///
    /// # Errors
    /// Where it fails, with what it says.
    pub fn ip(&self, arguments: &[&str]) -> Result<()> {
        ip(&[["-n", self.name()].as_slice(), arguments].concat())
    }

    /// A program that will run in it.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("/usr/sbin/ip");
        command.args(["netns", "exec", self.name(), program]);
        command
    }

    /// Does something on a thread that is in it: sockets made there stay in it, wherever they are used afterwards.
    ///
    /// # Errors
    /// Where the namespace cannot be entered, or the work panics.
    pub fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        let namespace = File::open(Path::new(NAMES).join(&self.name))?;
        let worker = || -> Result<T> {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
            Ok(work())
        };
        thread::scope(|scope| scope.spawn(worker).join())
            .map_err(|_| anyhow!("what was done in {} panicked", self.name))?
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // Nobody is left to tell; the next test sweeps.
        let _ = ip(&["netns", "delete", &self.name]);
    }
}

/// Removes the namespaces of tests that are no more.
fn sweep() {
    let Ok(names) = fs::read_dir(NAMES) else { return };
    for name in names.flatten() {
        let name = name.file_name().to_string_lossy().into_owned();
        let owner = name.strip_prefix("xp-").and_then(|rest| rest.split('-').next());
        if owner.is_some_and(|owner| !Path::new("/proc").join(owner).exists()) {
            // Another test may be sweeping, too.
            let _ = ip(&["netns", "delete", &name]);
        }
    }
}

fn ip(arguments: &[&str]) -> Result<()> {
    let output = Command::new("/usr/sbin/ip").args(arguments).output().context("cannot run ip")?;
    if !output.status.success() {
        bail!("ip {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
