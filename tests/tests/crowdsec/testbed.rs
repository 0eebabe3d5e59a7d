use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use crosspoint_tests::folder::Folder;
use crosspoint_tests::openstack::send;
use crosspoint_tests::packages::{Packages, is_root};
use crosspoint_tests::server::{Server, free_address, run};
use http::Method;
use serde_json::Value;

/// The machine that Crosspoint logs in as.
pub const MACHINE: &str = "machine-of-the-tests";

/// Its password.
pub const PASSWORD: &str = "password-of-the-machine";

/// With this key a bouncer asks what it shall enforce.
pub const BOUNCER_KEY: &str = "key-of-the-bouncer";

static PACKAGES: Packages = Packages { names: &["crowdsec"], programs: &["/usr/bin/crowdsec", "/usr/bin/cscli"] };

/// A Local API with a database of its own. It ends when this is dropped.
pub struct CrowdSec {
    server: Server,
    address: SocketAddr,
    // The last: it is removed when the server is gone.
    folder: Folder,
}

impl CrowdSec {
    /// Installs what is missing and starts it; none where this machine cannot have it, which is said.
    pub async fn start() -> Result<Option<Self>> {
        if is_root() {
            forget_central_api()?;
        }
        if !PACKAGES.ensure("tests against CrowdSec").await? {
            return Ok(None);
        }
        let folder = Folder::new("crowdsec")?;
        let address = free_address()?;
        configure(folder.path(), address)?;
        let machine = ["machines", "add", MACHINE, "--password", PASSWORD, "--force", "-f"];
        let credentials = folder.path().join("machine.yaml");
        run(cscli(folder.path()).args(machine).arg(credentials), &folder.path().join("machine.log")).await?;
        let bouncer = ["bouncers", "add", "tests", "-k", BOUNCER_KEY];
        run(cscli(folder.path()).args(bouncer), &folder.path().join("bouncer.log")).await?;
        let server = spawn(folder.path(), address).await?;
        Ok(Some(Self { server, address, folder }))
    }

    /// Ends it and starts it again: the tokens of before are worth nothing then.
    pub async fn restart(&mut self) -> Result<()> {
        self.server.kill();
        self.server = spawn(self.folder.path(), self.address).await?;
        Ok(())
    }

    /// Its URL, without a path.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has written, in which nothing secret of others should be.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What a bouncer is told about an address: the types of the decisions that are in force.
    pub async fn enforced(&self, address: &str) -> Result<Vec<String>> {
        let url = format!("{}/v1/decisions?ip={address}", self.url());
        let told = send(Method::GET, &url, &[("X-Api-Key", BOUNCER_KEY)], None).await?.success()?;
        let decisions = told.body.as_array().map(Vec::as_slice).unwrap_or_default();
        let kind = |decision: &Value| decision["type"].as_str().map(str::to_owned);
        Ok(decisions.iter().filter_map(kind).collect())
    }

    /// A ban that an administrator makes at the server's own command line.
    pub async fn ban_by_hand(&self, address: &str) -> Result<()> {
        let add = ["decisions", "add", "--ip", address, "--duration", "1h", "--reason", "by hand"];
        run(cscli(self.folder.path()).args(add), &self.folder.path().join("by-hand.log")).await
    }
}

/// When it is installed, the package makes itself known to its makers, and fails where it cannot; but it leaves it at
/// this file if that is there.
fn forget_central_api() -> Result<()> {
    const FILE: &str = "/etc/crowdsec/online_api_credentials.yaml";
    fs::create_dir_all("/etc/crowdsec")?;
    match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(FILE) {
        Ok(mut file) => Ok(file.write_all(b"# no central API\n")?),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn configure(folder: &Path, address: SocketAddr) -> Result<()> {
    let path = folder.to_str().context("a folder whose name is no text")?;
    for name in ["data", "hub", "notifications", "plugins"] {
        fs::create_dir(folder.join(name))?;
    }
    let configuration = include_str!("crowdsec.yaml").replace("{folder}", path);
    fs::write(folder.join("crowdsec.yaml"), configuration.replace("{address}", &address.to_string()))?;
    fs::write(folder.join("simulation.yaml"), "simulation: false\n")?;
    // At least one profile is required. Decisions that come with an alert need none.
    fs::write(folder.join("profiles.yaml"), "name: none\nfilters: [\"false\"]\ndecisions: []\non_success: break\n")?;
    fs::write(folder.join("machine.yaml"), format!("url: http://{address}\nlogin: {MACHINE}\npassword: {PASSWORD}\n"))?;
    Ok(())
}

fn cscli(folder: &Path) -> Command {
    let mut command = Command::new("/usr/bin/cscli");
    command.arg("-c").arg(folder.join("crowdsec.yaml"));
    command
}

async fn spawn(folder: &Path, address: SocketAddr) -> Result<Server> {
    let mut command = Command::new("/usr/bin/crowdsec");
    command.arg("-c").arg(folder.join("crowdsec.yaml")).args(["-no-cs", "-no-capi"]);
    let mut server = Server::spawn("crowdsec", &command, folder.join("crowdsec.log"))?;
    let url = format!("http://{address}/v1/heartbeat");
    // It refuses, which it does not before it serves.
    let up = || async { send(Method::GET, &url, &[], None).await.is_ok_and(|answer| answer.status == 401) };
    server.ready(up).await?;
    if !folder.join("data/crowdsec.db").exists() {
        bail!("CrowdSec keeps its database elsewhere than in {}", folder.display());
    }
    Ok(server)
}
