//! A real Open vSwitch between network namespaces: a database, the daemon that forwards packets in user space, and
//! hosts that are cabled to it.

use std::process::{Command, Output};

use anyhow::{Context as _, Result};
use crosspoint_tests::namespace::{self, Namespace};
use crosspoint_tests::packages::Packages;
use crosspoint_tests::server::Server;

use super::database::Database;

const DAEMON: &str = "/usr/sbin/ovs-vswitchd";
const PING: &str = "/usr/bin/ping";

static TOOLS: Packages = Packages { names: &["iputils-ping"], programs: &[PING] };

/// How many hosts there are. Host n has the address 10.77.0.n and is cabled to the switch's device `host{n}`.
const HOSTS: usize = 3;

/// The switch with its hosts.
pub struct Switch {
    pub database: Database,
    _daemon: Server,
    hosts: Vec<Namespace>,
    _inside: Namespace,
}

impl Switch {
    /// Starts it, with no bridge and no port; none where this machine cannot have it.
    pub async fn start() -> Result<Option<Self>> {
        if !namespace::available("packets through Open vSwitch").await? || !TOOLS.ensure("packets").await? {
            return Ok(None);
        }
        let Some(database) = Database::start().await? else { return Ok(None) };
        let inside = Namespace::new("switch")?;
        let hosts = (1..=HOSTS).map(|n| host(&inside, n)).collect::<Result<Vec<_>>>()?;
        let daemon = daemon(&database, &inside).await?;
        Ok(Some(Self { database, _daemon: daemon, hosts, _inside: inside }))
    }

    /// Whether a packet gets from one host to another, and its answer back.
    pub fn reaches(&self, from: usize, to: usize) -> Result<bool> {
        let host = self.hosts.get(from - 1).context("there is no such host")?;
        let ping = host.command(PING).args(["-n", "-c", "1", "-W", "1", &address(to)]).output()?;
        match ping.status.code() {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => anyhow::bail!("ping: {}", said(&ping)),
        }
    }
}

fn host(inside: &Namespace, n: usize) -> Result<Namespace> {
    let host = Namespace::new(&format!("host{n}"))?;
    let device = format!("host{n}");
    inside.ip(&["link", "add", &device, "type", "veth", "peer", "name", "eth0", "netns", host.name()])?;
    inside.ip(&["link", "set", &device, "up"])?;
    host.ip(&["address", "add", &format!("{}/24", address(n)), "dev", "eth0"])?;
    host.ip(&["link", "set", "eth0", "up"])?;
    Ok(host)
}

fn address(n: usize) -> String {
    format!("10.77.0.{n}")
}

/// The daemon has a network of its own, in which it makes devices; the database is reached through a socket in a
/// folder.
async fn daemon(database: &Database, inside: &Namespace) -> Result<Server> {
    let folder = database.folder();
    let control = folder.join("vswitchd.ctl");
    let mut command = inside.command(DAEMON);
    command
        .arg(format!("unix:{}", database.socket().display()))
        .arg(format!("--unixctl={}", control.display()))
        // Without the kernel's module: what it would do is done in user space.
        .arg("--disable-system")
        .env("OVS_RUNDIR", folder)
        .env("OVS_LOGDIR", folder)
        .env("OVS_DBDIR", folder)
        .env("OVS_SYSCONFDIR", folder);
    let mut daemon = Server::spawn("ovs-vswitchd", &command, folder.join("vswitchd.log"))?;
    let asked = || {
        let version = Command::new("/usr/bin/ovs-appctl").arg("-t").arg(&control).arg("version").output();
        std::future::ready(version.is_ok_and(|version| version.status.success()))
    };
    daemon.ready(asked).await?;
    Ok(daemon)
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
