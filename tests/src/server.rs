//! Servers as processes of the tests.

use std::fs::{File, OpenOptions};
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// How long a server may take until it serves, on a slow and busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// A server's process and all of its workers. They are killed when this is dropped, and also when the tests end in any
/// other way.
#[derive(Debug)]
pub struct Server {
    name: &'static str,
    supervisor: Child,
    log: PathBuf,
}

impl Server {
    /// Starts a program. What it writes is appended to `log`.
    ///
    /// # Errors
    /// Where the log cannot be opened or bash is not there; a server that cannot run is seen by [`Server::ready`].
    pub fn spawn(name: &'static str, command: &Command, log: PathBuf) -> Result<Self> {
        let output = OpenOptions::new().create(true).append(true).open(&log)?;
        let supervisor = Command::new("/bin/bash")
            .args(["-c", include_str!("supervise.sh"), name])
            .arg(command.get_program())
            .args(command.get_args())
            .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .stdin(Stdio::piped())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .context("cannot run bash")?;
        Ok(Self { name, supervisor, log })
    }

    /// Waits until `check` says that the server serves.
    ///
    /// # Errors
    /// Where the server ends or takes too long, with the end of its log.
    pub async fn ready<F: Future<Output = bool>>(&mut self, check: impl Fn() -> F) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        while !check().await {
            if let Some(status) = self.supervisor.try_wait()? {
                bail!("{} ended ({status}):\n{}", self.name, last_lines(&self.log));
            }
            if Instant::now() > end {
                bail!("{} does not serve after {PATIENCE:?}:\n{}", self.name, last_lines(&self.log));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Kills the server and its workers with SIGKILL, and returns when they are gone. Does nothing the second time.
    pub fn kill(&mut self) {
        drop(self.supervisor.stdin.take());
        // The supervisor ends on its own; there is nothing to do about a failure to wait for it.
        let _ = self.supervisor.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs a program to its end.
///
/// # Errors
/// Where it fails, with the end of what it wrote to `log`.
pub async fn run(command: &mut Command, log: &Path) -> Result<()> {
    let output = File::create(log)?;
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    let mut child = command.spawn().with_context(|| format!("cannot run {}", command.get_program().display()))?;
    let status = tokio::task::spawn_blocking(move || child.wait()).await??;
    if !status.success() {
        bail!("{} failed ({status}):\n{}", command.get_program().display(), last_lines(log));
    }
    Ok(())
}

/// A loopback address that nothing listens on. The ports lie below the range from which the kernel gives ports to
/// clients, so none of those can take it before the server does.
///
/// # Errors
/// Where every port that was tried is taken.
pub fn free_address() -> io::Result<SocketAddr> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test binaries that run at once start to look at different places.
    let start = u16::try_from(std::process::id() % 10_000).unwrap_or_default();
    for _ in 0..1000 {
        let port = 20_000 + start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    Err(io::Error::new(io::ErrorKind::AddrInUse, "no free port between 20000 and 32000"))
}

fn last_lines(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().rev().take(20).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
