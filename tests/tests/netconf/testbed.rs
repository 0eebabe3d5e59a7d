//! `netconfd` and an SSH server before it.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use crosspoint_tests::folder::Folder;
use crosspoint_tests::host::BOUND;
use crosspoint_tests::server::{Server, free_address, run};
use serde_json::{Value, json};
use tokio::net::{TcpStream, UnixStream};

/// The models that the server is told to have.
const MODELS: [&str; 3] = ["iana-if-type", "ietf-interfaces", "ietf-ip"];

/// A datastore that the server lets one change.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    Running,
    Candidate,
}

/// Both servers, and what they write.
pub struct Testbed {
    /// Where the SSH server listens.
    pub address: SocketAddr,
    folder: Folder,
    _netconfd: Server,
    sshd: Option<Server>,
}

impl Testbed {
    /// Starts both. The subsystem `netconf` is a pipe to `relay`, which must run [`Testbed::subsystem`] for each session.
    pub async fn start(target: Target, relay: SocketAddr) -> Result<Self> {
        let folder = Folder::new("netconf")?;
        let address = free_address()?;
        for key in ["host_key", "client_key"] {
            let mut keygen = Command::new("ssh-keygen");
            keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(folder.path().join(key));
            run(&mut keygen, &folder.path().join("keygen.log")).await?;
        }
        fs::create_dir_all("/run/sshd").context("OpenSSH keeps an empty folder there")?;
        fs::create_dir_all(folder.path().join("home"))?;
        fs::write(folder.path().join("startup-cfg.xml"), EMPTY)?;
        fs::write(folder.path().join("sshd_config"), sshd_config(folder.path(), address, relay))?;
        let mut netconfd =
            Server::spawn("netconfd", &netconfd(folder.path(), address, target), folder.path().join("netconfd.log"))?;
        let socket = socket(folder.path());
        netconfd.ready(|| async { UnixStream::connect(&socket).await.is_ok() }).await?;
        let mut own = Self { address, folder, _netconfd: netconfd, sshd: None };
        own.open().await?;
        Ok(own)
    }

    /// Starts the SSH server.
    pub async fn open(&mut self) -> Result<()> {
        let mut command = Command::new("/usr/sbin/sshd");
        command.args(["-D", "-e", "-f"]).arg(self.folder.path().join("sshd_config"));
        let mut sshd = Server::spawn("sshd", &command, self.folder.path().join("sshd.log"))?;
        sshd.ready(|| async { TcpStream::connect(self.address).await.is_ok() }).await?;
        self.sshd = Some(sshd);
        Ok(())
    }

    /// Ends the SSH server and its connections: each has a process, which leaves the server's group.
    pub fn close(&mut self) {
        let pid = fs::read_to_string(self.folder.path().join("sshd.pid")).unwrap_or_default();
        let mut all = vec![pid.trim().to_owned()];
        let mut next = 0;
        while let Some(parent) = all.get(next).cloned() {
            let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
            all.extend(children.split_whitespace().map(str::to_owned));
            next += 1;
        }
        // Those that ended a moment ago are none to worry about.
        let _ = Command::new("kill").arg("-KILL").args(&all).status();
        self.sshd.take();
    }

    /// What runs a session, as the SSH server would start it.
    pub fn subsystem(&self) -> Subsystem {
        Subsystem {
            address: self.address,
            socket: socket(self.folder.path()),
            log: self.folder.path().join("netconfd.log"),
        }
    }

    /// The settings of a backend that is this one.
    pub fn settings(&self) -> Value {
        json!({
            "endpoints": {"default": format!("ssh://{}", self.address)},
            "authentication": {"scheme": "basic", "secrets": {"username": "root", "private_key": self.read("client_key")}},
            "ssh": {"host_keys": [self.read("host_key.pub")]},
            "configuration": {},
        })
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).expect("a key that ssh-keygen wrote").trim_end().to_owned()
            + "\n"
    }
}

/// How a session is run.
#[derive(Clone, Debug)]
pub struct Subsystem {
    address: SocketAddr,
    socket: PathBuf,
    log: PathBuf,
}

impl Subsystem {
    /// The program that carries a session's messages to `netconfd`.
    pub fn command(&self) -> tokio::process::Command {
        let mut command = tokio::process::Command::new("/usr/sbin/netconf-subsystem");
        let port = self.address.port();
        command
            .arg(format!("--ncxserver-sockname={port}@{}", self.socket.display()))
            .env("USER", "root")
            .env("SSH_CONNECTION", format!("127.0.0.1 1 127.0.0.1 {port}"))
            .kill_on_drop(true);
        command
    }

    /// Waits until `netconfd` has read the client's hello. It never answers a request that it reads together with the
    /// hello, though a client may send both as soon as it has the server's.
    pub async fn active(&self, session: &str) {
        let line = format!("Session {session} for ");
        let end = Instant::now() + BOUND;
        while !fs::read_to_string(&self.log).unwrap_or_default().contains(&line) {
            assert!(Instant::now() < end, "netconfd did not read the hello of session {session}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

const EMPTY: &str = "<config xmlns=\"urn:ietf:params:xml:ns:netconf:base:1.0\"/>\n";

fn socket(folder: &Path) -> PathBuf {
    folder.join("ncx.sock")
}

fn netconfd(folder: &Path, address: SocketAddr, target: Target) -> Command {
    // Its log is waited for, so each line has to be written when it is made.
    let mut command = Command::new("stdbuf");
    command.args(["-oL", "/usr/sbin/netconfd"]);
    let target = match target {
        Target::Running => "running",
        Target::Candidate => "candidate",
    };
    command
        .env("HOME", folder.join("home"))
        .args(["--superuser=root", "--access-control=off", "--with-startup=false", "--log-level=debug2"])
        .arg(format!("--target={target}"))
        .arg(format!("--port={}", address.port()))
        .arg(format!("--ncxserver-sockname={}", socket(folder).display()))
        .arg(format!("--startup={}", folder.join("startup-cfg.xml").display()))
        .args(MODELS.map(|model| format!("--module={model}")));
    command
}

/// The subsystem is a pipe (what bash runs in the background would have no standard input of its own): each session becomes a connection to the relay. Where the client closes the session, so does
/// the pipe; where the relay does, the session ends.
fn sshd_config(folder: &Path, address: SocketAddr, relay: SocketAddr) -> String {
    let at = folder.display();
    let pipe = format!(
        "exec 3<>/dev/tcp/{}/{} 4<&0; {{ cat <&4 >&3; kill $$; }} >/dev/null 2>&1 & exec cat <&3",
        relay.ip(),
        relay.port()
    );
    let script = folder.join("subsystem");
    fs::write(&script, format!("#!/bin/bash\n{pipe}\n")).expect("the folder is ours");
    format!(
        "Port {}\nListenAddress {}\nHostKey {at}/host_key\nAuthorizedKeysFile {at}/client_key.pub\nPidFile {at}/sshd.pid\n\
         PermitRootLogin prohibit-password\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\n\
         StrictModes no\nMaxSessions 20\nSubsystem netconf /bin/bash {}\n",
        address.port(),
        address.ip(),
        script.display(),
    )
}
