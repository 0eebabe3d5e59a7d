//! A process that is measured, and how one knows that it is ready.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};

use super::cores::Cores;

/// The longest that a server may take to be ready.
const READY: Duration = Duration::from_mins(1);

/// A server and all its processes, which are a process group. Dropped, they are killed.
pub struct Server {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Starts `command` on the contestants' cores; what it writes goes to the file `log`.
    pub fn start(name: &'static str, command: &mut Command, log: PathBuf, cores: &Cores) -> Result<Self> {
        let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        // A group of its own also keeps Ctrl-C away from it: we end it ourselves.
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).process_group(0);
        let child = cores.as_contestant(|| command.spawn())?.with_context(|| format!("{name} could not be started"))?;
        Ok(Self { name, child, log })
    }

    /// The group of its processes.
    pub fn group(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Waits until `ready` says so.
    pub async fn until(&mut self, mut ready: impl AsyncFnMut() -> bool) -> Result<()> {
        let start = Instant::now();
        while !ready().await {
            let over = self.child.try_wait()?;
            if let Some(status) = over {
                bail!("{} ended ({status}):\n{}", self.name, self.last_words());
            }
            if start.elapsed() > READY {
                bail!("{} is not ready after {READY:?}:\n{}", self.name, self.last_words());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Waits until it takes connections at `address`.
    pub async fn listens(&mut self, address: SocketAddr) -> Result<()> {
        self.until(async || tokio::net::TcpStream::connect(address).await.is_ok()).await
    }

    /// The end of what it wrote.
    pub fn last_words(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        lines.get(lines.len().saturating_sub(20)..).unwrap_or_default().join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // What they have stored goes as well, so there is nothing to be orderly about.
        let _ = kill_process_group(self.group(), Signal::KILL);
        let _ = self.child.wait();
    }
}

/// An address on loopback that nobody listens on.
pub fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("there is no free port")?;
    Ok(listener.local_addr()?)
}
