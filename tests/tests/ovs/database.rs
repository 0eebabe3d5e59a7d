//! A real `ovsdb-server`, private to one test. It needs no rights: what is in a database touches no network.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use crosspoint_tests::folder::Folder;
use crosspoint_tests::packages::Packages;
use crosspoint_tests::server::{Server, free_address, run};
use tokio::net::TcpStream;

const SERVER: &str = "/usr/sbin/ovsdb-server";
const TOOL: &str = "/usr/bin/ovsdb-tool";
const VSCTL: &str = "/usr/bin/ovs-vsctl";
const SCHEMA: &str = "/usr/share/openvswitch/vswitch.ovsschema";

static OVS: Packages =
    Packages { names: &["openvswitch-switch"], programs: &[SERVER, TOOL, VSCTL, SCHEMA, "/usr/sbin/ovs-vswitchd"] };

/// A database server on a loopback port, with an empty configuration.
pub struct Database {
    address: SocketAddr,
    server: Server,
    // The last: it is removed when the server is gone.
    folder: Folder,
}

impl Database {
    /// Starts one; none where this machine cannot have it.
    pub async fn start() -> Result<Option<Self>> {
        if !OVS.ensure("tests against Open vSwitch").await? {
            return Ok(None);
        }
        let folder = Folder::new("ovs")?;
        let file = folder.path().join("conf.db");
        run(Command::new(TOOL).arg("create").arg(&file).arg(SCHEMA), &folder.path().join("tool.log")).await?;
        let address = free_address()?;
        let server = serve(folder.path(), address)?;
        let mut database = Self { address, server, folder };
        database.ready().await?;
        run(database.vsctl().arg("init"), &database.folder.path().join("init.log")).await?;
        Ok(Some(database))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The socket that the switch's own programs use.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("db.sock")
    }

    /// Kills it, and starts it again on the same file and port.
    pub async fn restart(&mut self) -> Result<()> {
        self.server.kill();
        self.server = serve(self.folder.path(), self.address)?;
        self.ready().await
    }

    /// What `ovs-vsctl` answers: what somebody sees, or does, who is not Crosspoint.
    pub fn ask(&self, arguments: &[&str]) -> Result<String> {
        let output = self.vsctl().args(arguments).output().context("cannot run ovs-vsctl")?;
        let errors = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "ovs-vsctl {}: {errors}", arguments.join(" "));
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn vsctl(&self) -> Command {
        let mut command = Command::new(VSCTL);
        command.arg(format!("--db=unix:{}", self.socket().display())).args(["--no-wait", "--timeout=30"]);
        command
    }

    async fn ready(&mut self) -> Result<()> {
        let address = self.address;
        self.server.ready(|| async move { TcpStream::connect(address).await.is_ok() }).await
    }
}

fn serve(folder: &Path, address: SocketAddr) -> Result<Server> {
    let mut command = Command::new(SERVER);
    command
        .arg(folder.join("conf.db"))
        .arg(format!("--remote=punix:{}", folder.join("db.sock").display()))
        .arg(format!("--remote=ptcp:{}:{}", address.port(), address.ip()))
        .arg("--remote=db:Open_vSwitch,Open_vSwitch,manager_options")
        .arg(format!("--unixctl={}", folder.join("ovsdb.ctl").display()))
        .arg("--no-chdir");
    // A killed server leaves its sockets behind.
    for socket in ["db.sock", "ovsdb.ctl"] {
        match std::fs::remove_file(folder.join(socket)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    command.env("OVS_RUNDIR", folder).env("OVS_LOGDIR", folder).env("OVS_DBDIR", folder).env("OVS_SYSCONFDIR", folder);
    Server::spawn("ovsdb-server", &command, folder.join("ovsdb.log"))
}
