use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use super::places;
use super::wait::within;

/// One run of `crosspoint serve`. Dropped, it is killed.
pub(super) struct Process {
    child: Child,
    pid: u32,
    address: SocketAddr,
    log: watch::Receiver<Vec<String>>,
}

impl Process {
    /// Starts it and waits until it serves, or has ended; then gives what it logged.
    pub async fn try_start(config: &Path, under: &[&str], environment: &[(String, String)]) -> Result<Self, String> {
        let mut command = command(under);
        command.arg("serve").arg("--config").arg(config).envs(environment.iter().cloned());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let pid = child.id().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (written, mut log) = watch::channel(Vec::new());
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                written.send_modify(|log: &mut Vec<String>| log.push(line));
            }
        });
        let served = within("Crosspoint to serve", log.wait_for(|log| address(log).is_some())).await;
        let address = served.as_ref().ok().and_then(|log| address(log));
        drop(served);
        let Some(address) = address else { return Err(log.borrow().join("\n")) };
        Ok(Self { child, pid, address, log })
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub async fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.start_kill();
        self.ended().await;
    }

    pub fn terminate(&self) {
        let sent = std::process::Command::new("sh").args(["-c", &format!("kill -TERM {}", self.pid)]).status().unwrap();
        assert!(sent.success(), "SIGTERM could not be sent");
    }

    /// Waits for its end, and for the last line of its log.
    pub async fn ended(&mut self) -> Option<i32> {
        let status = within("Crosspoint to end", self.child.wait()).await.unwrap();
        within("the end of the log", async { while self.log.changed().await.is_ok() {} }).await;
        status.code()
    }

    pub fn log(&self) -> String {
        self.log.borrow().iter().fold(String::new(), |log, line| log + line + "\n")
    }

    pub fn line(&self, parts: &[&str]) -> Option<String> {
        self.log.borrow().iter().find(|line| parts.iter().all(|part| line.contains(part))).cloned()
    }
}

/// The binary, run by another program if one is given, without the variables that would configure it from outside.
pub(super) fn command(under: &[&str]) -> Command {
    let mut command = match under {
        [] => Command::new(places::crosspoint()),
        [program, arguments @ ..] => {
            let mut command = Command::new(program);
            command.args(arguments).arg(places::crosspoint());
            command
        }
    };
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CROSSPOINT_")) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
    command
}

fn address(log: &[String]) -> Option<SocketAddr> {
    let line = log.iter().find(|line| line.contains(" serving "))?;
    line.split_whitespace().find_map(|word| word.strip_prefix("address="))?.parse().ok()
}
