//! Crosspoint as it is shipped, on data of its own.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use crosspoint::auth::TokenDigest;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::places;
use crate::relay::server::free_address;
use crate::relay::wire::Wire;

/// Who configures, and who calls for tenant `acme`.
pub const OPERATOR: &str = "xp_the-token-of-whoever-prepares";
pub const CALLER: &str = "xp_the-token-of-whoever-measures";
/// The longest to wait for a start or an end.
const BOUND: Duration = Duration::from_mins(1);
/// How often one looks whether it is ready.
const LOOK: Duration = Duration::from_micros(500);

/// A configuration, a folder and an address.
pub struct Site {
    folder: PathBuf,
    pub address: SocketAddr,
    // Removes the folder, where it is ours.
    _temporary: Option<TempDir>,
}

/// A process at a site, in a group of its own. Dropped, it is killed.
pub struct Host {
    child: Child,
    /// From its being started to `/readyz` being answered with 200.
    pub ready_after: Duration,
}

impl Site {
    /// An empty one below the target folder, which goes when this is dropped; `limits` are lines of that section.
    pub fn new(limits: &str) -> Result<Self> {
        let folder = TempDir::with_prefix_in("run-", places::folder()?)?;
        let site = Self::at(folder.path().to_owned(), limits)?;
        Ok(Self { _temporary: Some(folder), ..site })
    }

    /// One in an empty folder.
    pub fn at(folder: PathBuf, limits: &str) -> Result<Self> {
        let site = Self { folder, address: free_address()?, _temporary: None };
        let (operator, caller) = (TokenDigest::of(OPERATOR.as_bytes()), TokenDigest::of(CALLER.as_bytes()));
        // What JSON quotes, TOML reads.
        let (address, data) = (site.address, json!(site.data()));
        let configuration = format!(
            "listen = \"{address}\"\ndata_dir = {data}\n[limits]\n{limits}\n\
             [[auth.token]]\nname = \"operator\"\nsha256 = \"{operator}\"\nrole = \"operator\"\n\
             [[auth.token]]\nname = \"caller\"\nsha256 = \"{caller}\"\nrole = \"caller\"\ntenant = \"acme\"\n"
        );
        fs::write(site.folder.join("crosspoint.toml"), configuration)?;
        Ok(site)
    }

    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// What starts a process here, without the variables that would configure it from outside.
    pub fn command(&self) -> Result<Command> {
        let mut command = Command::new(places::crosspoint()?);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CROSSPOINT_")) {
            command.env_remove(name);
        }
        command.arg("serve").arg("--config").arg(self.folder.join("crosspoint.toml"));
        Ok(command)
    }

    /// Starts a process and waits until it is ready.
    pub fn start(&self) -> Result<Host> {
        let log = self.folder.join("log");
        let mut command = self.command()?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log)?).process_group(0);
        let started = Instant::now();
        let child = command.spawn().context("crosspoint could not be started")?;
        let mut host = Host { child, ready_after: Duration::ZERO };
        while !self.is_ready() {
            let ended = host.child.try_wait()?.is_some();
            if ended || started.elapsed() > BOUND {
                bail!("crosspoint is not ready:\n{}", fs::read_to_string(&log).unwrap_or_default());
            }
            std::thread::sleep(LOOK);
        }
        host.ready_after = started.elapsed();
        Ok(host)
    }

    fn is_ready(&self) -> bool {
        use std::io::{Read as _, Write as _};
        let ask = || -> std::io::Result<bool> {
            let mut stream = std::net::TcpStream::connect(self.address)?;
            stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: crosspoint\r\nconnection: close\r\n\r\n")?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer)?;
            Ok(answer.starts_with(b"HTTP/1.1 200 "))
        };
        ask().unwrap_or(false)
    }

    /// Loads a driver.
    pub async fn load(&self, package: &[u8]) -> Result<()> {
        self.ask(OPERATOR, "POST /v1/drivers", "application/wasm", package).await.map(|_| ())
    }

    /// Configures a backend with one of the drivers, without authentication.
    pub async fn put_backend(&self, name: &str, driver: &str, address: SocketAddr, limits: &Value) -> Result<()> {
        self.put_backend_speaking("1.1", name, driver, address, limits).await
    }

    /// The same, with the version of HTTP that is spoken to it.
    pub async fn put_backend_speaking(
        &self,
        version: &str,
        name: &str,
        driver: &str,
        address: SocketAddr,
        limits: &Value,
    ) -> Result<()> {
        let endpoints = json!({"default": format!("http://{address}")});
        let settings = json!({"driver": driver, "endpoints": endpoints, "limits": limits, "http_version": version});
        let path = format!("PUT /v1/backends/{name}");
        self.ask(OPERATOR, &path, "application/json", settings.to_string().as_bytes()).await.map(|_| ())
    }

    /// One call that must succeed.
    pub async fn ask(&self, token: &str, what: &str, content_type: &str, body: &[u8]) -> Result<Bytes> {
        let mut wire = Wire::connect(self.address).await?;
        wire.send(&request(self.address, token, what, content_type, body)).await?;
        let response = wire.response().await?;
        let said = String::from_utf8_lossy(&response.body);
        ensure!((200..300).contains(&response.status), "{what} was answered {}: {said}", response.status);
        Ok(response.body)
    }
}

/// A request as it is written on the wire.
pub fn request(address: SocketAddr, token: &str, what: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "{what} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\ncontent-type: {content_type}\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

impl Host {
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// A line of `/proc/PID/status`, in KiB.
    pub fn memory(&self, line: &str) -> Result<f64> {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        let value = status.lines().find_map(|it| it.strip_prefix(line)?.strip_prefix(':'));
        let value = value.and_then(|value| value.trim().strip_suffix("kB")?.trim().parse().ok());
        value.with_context(|| format!("{path} has no {line}"))
    }

    /// How many files and sockets it has open.
    pub fn descriptors(&self) -> Result<usize> {
        Ok(fs::read_dir(Path::new("/proc").join(self.child.id().to_string()).join("fd"))?.count())
    }

    /// Asks it to end, and waits.
    pub fn stop(mut self) -> Result<()> {
        kill_process(self.pid(), Signal::TERM)?;
        let asked = Instant::now();
        while self.child.try_wait()?.is_none() {
            ensure!(asked.elapsed() < BOUND, "crosspoint does not end");
            std::thread::sleep(LOOK);
        }
        Ok(())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // It may have ended.
        let _ = kill_process_group(self.pid(), Signal::KILL);
        let _ = self.child.wait();
    }
}
