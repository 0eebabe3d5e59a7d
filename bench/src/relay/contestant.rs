//! Who is measured: each is started anew, on data of its own, in front of the same origin.

mod classic;
mod crosspoint;
mod envoy;
mod native;
mod nginx;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::ValueEnum;

use super::cores::Cores;
use super::load;
use super::server::Server;
use super::usage::Usage;
use super::workload::{Door, OBJECTS, Requests, Size};

/// Which contestant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Name {
    /// Crosspoint, with the bench driver in its sandbox
    Crosspoint,
    /// The same relay written by hand, with the driver linked in
    Native,
    /// Envoy as a plain proxy
    Envoy,
    /// nginx as a plain proxy
    Nginx,
    /// Falcon, gunicorn and MariaDB
    Classic,
    /// Nobody: the load speaks to the origin
    Direct,
}

impl Name {
    /// As figures name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Crosspoint => "crosspoint",
            Self::Native => "native",
            Self::Envoy => "envoy",
            Self::Nginx => "nginx",
            Self::Classic => "classic",
            Self::Direct => "direct",
        }
    }
}

/// What a contestant is started with.
pub struct Surroundings<'a> {
    pub cores: &'a Cores,
    pub origin: SocketAddr,
    /// Where programs are kept from run to run.
    pub programs: &'a Path,
    /// A folder for this contestant and this run alone.
    pub folder: PathBuf,
}

/// One that is running.
pub struct Contestant {
    pub name: Name,
    pub address: SocketAddr,
    pub door: Door,
    servers: Vec<Server>,
}

impl Contestant {
    /// Installs what is missing below the target folder, and starts it. A relay gets the objects that are read later.
    pub async fn start(name: Name, around: &Surroundings<'_>) -> Result<Self> {
        std::fs::create_dir_all(&around.folder).context("cannot make a folder")?;
        let (address, door, servers) = match name {
            Name::Crosspoint => crosspoint::start(around).await?,
            Name::Envoy => envoy::start(around).await?,
            Name::Nginx => nginx::start(around).await?,
            Name::Native => native::start(around).await?,
            Name::Classic => classic::start(around).await?,
            Name::Direct => (around.origin, Door::Proxy, Vec::new()),
        };
        let contestant = Self { name, address, door, servers };
        if door == Door::Relay {
            for size in Size::ALL {
                let made = load::make(address, Requests::objects(size, address), OBJECTS).await;
                made.with_context(|| contestant.last_words()).context("the objects to read cannot be created")?;
            }
        }
        Ok(contestant)
    }

    /// What its processes have used so far.
    pub fn usage(&self) -> Result<Usage> {
        let groups: Vec<_> = self.servers.iter().map(Server::group).collect();
        Usage::of_groups(&groups)
    }

    /// The end of what its processes wrote.
    pub fn last_words(&self) -> String {
        self.servers.iter().map(Server::last_words).collect::<Vec<_>>().join("\n")
    }
}

/// A contestant's address, what it speaks and its processes.
type Started = (SocketAddr, Door, Vec<Server>);
