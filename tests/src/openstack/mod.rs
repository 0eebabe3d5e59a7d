//! A real OpenStack to test against: Neutron with Keystone and MariaDB, private to one test binary.
//!
//! The servers listen on loopback ports of their own, keep their data under cargo's target folder and end with the
//! tests, however those end. They are Debian 12's: Neutron 21 (Zed) and Keystone 22. Neutron runs its ML2 plug-in
//! without agents, so networks exist in its database alone, which is all that its API needs. Quality of service and trunks
//! are on, and projects may make quality-of-service policies of their own.
//!
//! ```no_run
//! # use crosspoint_tests::openstack;
//! # async fn test() -> anyhow::Result<()> {
//! let Some(openstack) = openstack::shared().await? else { return Ok(()) };
//! let project = openstack.keystone().project("docs").await?;
//! let token = openstack.keystone().token(&project).await?;
//! openstack.neutron().ask(&token, http::Method::GET, "/v2.0/networks", None).await?;
//! # Ok(())
//! # }
//! ```

mod database;
mod install;
mod keystone;
mod neutron;
mod rest;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tokio::sync::OnceCell;

pub use database::{Database, TableLock};
pub use install::{available, install};
pub use keystone::{Keystone, Project};
pub use neutron::{Access, Neutron};
pub use rest::{Answer, send};

use crate::folder::Folder;
use crate::packages::announce;
use crate::server::free_address;
use crate::skip::skipped;

/// Neutron's own password at Keystone.
const SERVICE_PASSWORD: &str = "service-password";

/// What can be chosen for a testbed.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How long Keystone's tokens are good. Below about a minute Neutron cannot keep its own and answers 503; revoke a
    /// token to see it refused sooner.
    pub token_lifetime: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { token_lifetime: Duration::from_hours(1) }
    }
}

/// The servers. They are killed when this is dropped.
#[derive(Debug)]
pub struct OpenStack {
    neutron: Neutron,
    keystone: Keystone,
    database: Database,
    // The last: it is removed when the servers are gone.
    folder: Folder,
}

impl OpenStack {
    /// Starts the servers and waits until they serve, about a quarter of a minute.
    ///
    /// # Errors
    /// Where a server does not start, with the end of its log.
    pub async fn start(options: &Options) -> Result<Self> {
        let folder = Folder::new("openstack")?;
        let path = folder.path();
        let database = Database::start(path).await?;
        let (keystone_database, neutron_database) = (database.url("keystone"), database.url("neutron"));
        // Neutron turns to Keystone only when it is asked something, so both can start at once.
        let keystone_address = free_address()?;
        let neutron = async {
            Neutron::make_schema(path, &neutron_database).await?;
            Neutron::spawn(&path.join("neutron"), &neutron_database, &format!("http://{keystone_address}"))
        };
        let keystone = Keystone::start(path, keystone_address, &keystone_database, options);
        let (mut neutron, keystone) = tokio::try_join!(neutron, keystone)?;
        neutron.ready(&keystone).await?;
        Ok(Self { neutron, keystone, database, folder })
    }

    /// The Neutron that all tests of the binary share.
    #[must_use]
    pub fn neutron(&self) -> &Neutron {
        &self.neutron
    }

    /// Starts one more Neutron on the same database, for a test that wants to kill it.
    ///
    /// # Errors
    /// Where it does not start.
    pub async fn another_neutron(&self) -> Result<Neutron> {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let folder = self.folder.path().join(format!("neutron-{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
        let mut neutron = Neutron::spawn(&folder, &self.database.url("neutron"), self.keystone.url())?;
        neutron.ready(&self.keystone).await?;
        Ok(neutron)
    }

    /// Keystone.
    #[must_use]
    pub fn keystone(&self) -> &Keystone {
        &self.keystone
    }

    /// MariaDB.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }
}

/// The testbed that the tests of one binary share, or `None` where this machine cannot have one; a line on standard
/// error then says why, and how to run the tests. The first call installs and starts it.
///
/// # Errors
/// Where it could be had but does not start.
pub async fn shared() -> Result<Option<&'static OpenStack>> {
    // A failure is kept too: to try again for every test would take minutes and fail each time.
    static SHARED: OnceCell<Result<OpenStack>> = OnceCell::const_new();
    if let Err(skip) = available() {
        skipped(&format!("tests against OpenStack: {skip}"));
        return Ok(None);
    }
    match SHARED.get_or_init(first).await {
        Ok(openstack) => Ok(Some(openstack)),
        Err(error) => bail!("the testbed does not start: {error:#}"),
    }
}

async fn first() -> Result<OpenStack> {
    tokio::task::spawn_blocking(install).await??;
    let started = Instant::now();
    let openstack = OpenStack::start(&Options::default()).await?;
    announce(&format!("Neutron, Keystone and MariaDB serve after {:.1?}", started.elapsed()));
    Ok(openstack)
}

/// A template with each `{name}` replaced.
fn filled(template: &str, settings: &[(&str, &str)]) -> String {
    settings.iter().fold(template.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}
