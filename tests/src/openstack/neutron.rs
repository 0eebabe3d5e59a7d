use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use http::Method;
use serde_json::{Value, json};

use super::keystone::Keystone;
use super::rest::{Answer, send};
use super::{SERVICE_PASSWORD, filled};
use crate::server::{Server, free_address, run};

/// One request as Neutron's own log tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// `GET` and the like.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The status that was answered.
    pub status: u16,
}

/// A private Neutron server. Several can share one database, as they do in a real deployment.
#[derive(Debug)]
pub struct Neutron {
    url: String,
    command: Command,
    log: PathBuf,
    server: Option<Server>,
}

impl Neutron {
    /// Makes the tables in an empty database.
    pub(super) async fn make_schema(folder: &Path, database: &str) -> Result<()> {
        let script = folder.join("neutron_schema.py");
        std::fs::write(&script, include_str!("neutron_schema.py"))?;
        run(Command::new("/usr/bin/python3").arg(script).arg(database), &folder.join("neutron-schema.log")).await
    }

    /// Starts a server whose files are in a new folder `folder`.
    pub(super) fn spawn(folder: &Path, database: &str, keystone: &str) -> Result<Self> {
        let address = free_address()?;
        let settings = [
            ("database", database),
            ("folder", &folder.display().to_string()),
            ("keystone", keystone),
            ("port", &address.port().to_string()),
            ("service_password", SERVICE_PASSWORD),
        ];
        std::fs::create_dir(folder)?;
        let configuration = folder.join("neutron.conf");
        std::fs::write(&configuration, filled(include_str!("neutron.conf"), &settings))?;
        std::fs::write(folder.join("api-paste.ini"), include_str!("api-paste.ini"))?;
        std::fs::create_dir(folder.join("policy.d"))?;
        std::fs::write(folder.join("policy.d/qos.yaml"), include_str!("qos-policy.yaml"))?;
        let mut command = Command::new("/usr/bin/python3");
        command.args(["-c", "from neutron.cmd.eventlet.server import main; main()"]);
        command.arg("--config-file").arg(configuration);
        let log = folder.join("neutron.log");
        let server = Server::spawn("neutron", &command, log.clone())?;
        Ok(Self { url: format!("http://{address}"), command, log, server: Some(server) })
    }

    /// Waits until the server answers a request that carries a token.
    pub(super) async fn ready(&mut self, keystone: &Keystone) -> Result<()> {
        let url = format!("{}/v2.0/networks?limit=1", self.url);
        let Some(server) = &mut self.server else { return Ok(()) };
        server
            .ready(|| async {
                let Ok(token) = keystone.admin_token().await else { return false };
                send(Method::GET, &url, &[("X-Auth-Token", &token)], None).await.is_ok_and(|a| a.status.is_success())
            })
            .await
    }

    /// Neutron's root, without `/v2.0`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Kills the server with SIGKILL, whatever it is doing.
    pub fn kill(&mut self) {
        self.server = None;
    }

    /// Starts it again at the same address, with the same log, and waits until it serves.
    ///
    /// # Errors
    /// Where it does not.
    pub async fn restart(&mut self, keystone: &Keystone) -> Result<()> {
        self.kill();
        self.server = Some(Server::spawn("neutron", &self.command, self.log.clone())?);
        self.ready(keystone).await
    }

    /// Makes one request. `path` starts with `/v2.0/`.
    ///
    /// # Errors
    /// Where Neutron is not there or does not answer.
    pub async fn ask(&self, token: &str, method: Method, path: &str, body: Option<&Value>) -> Result<Answer> {
        send(method, &format!("{}{path}", self.url), &[("X-Auth-Token", token)], body).await
    }

    /// Limits how many objects of a sort (`network`, `security_group_rule`) a project may have; -1 is no limit.
    ///
    /// # Errors
    /// Where Neutron refuses or is not there.
    pub async fn set_quota(&self, admin_token: &str, project: &str, sort: &str, limit: i32) -> Result<()> {
        let path = format!("/v2.0/quotas/{project}");
        let answer = self.ask(admin_token, Method::PUT, &path, Some(&json!({"quota": {sort: limit}}))).await?;
        answer.success().context("cannot set a quota")?;
        Ok(())
    }

    /// What the server has logged of the requests whose method and target `wanted` accepts, oldest first.
    ///
    /// Neutron logs a request after it has answered it, so this first waits until the log has caught up: until a
    /// request that is made now stands in it.
    ///
    /// # Errors
    /// Where Neutron is not there or the log cannot be read.
    pub async fn access_log(&self, wanted: impl Fn(&str, &str) -> bool) -> Result<Vec<Access>> {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let last = format!("/?last={}", NUMBER.fetch_add(1, Ordering::Relaxed));
        send(Method::GET, &format!("{}{last}", self.url), &[], None).await?;
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let log = tokio::fs::read(&self.log).await?;
            let log = String::from_utf8_lossy(&log);
            let accesses: Vec<Access> = log.lines().filter_map(access).collect();
            if accesses.iter().any(|access| access.target == last) {
                return Ok(accesses.into_iter().filter(|access| wanted(&access.method, &access.target)).collect());
            }
            if Instant::now() > end {
                bail!("Neutron does not log its requests");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Reads a line like `… "GET /v2.0/networks HTTP/1.1" status: 200  len: 9 time: 0.1`.
fn access(line: &str) -> Option<Access> {
    let (_, rest) = line.split_once('"')?;
    let (request, rest) = rest.split_once('"')?;
    let mut words = request.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let (_, rest) = rest.split_once("status: ")?;
    let status = rest.split(' ').next()?.parse().ok()?;
    Some(Access { method: method.to_owned(), target: target.to_owned(), status })
}
