use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use anyhow::Result;
use crosspoint_tests::folder::Folder;
use crosspoint_tests::openstack::send;
use crosspoint_tests::packages::Packages;
use crosspoint_tests::server::{Server, free_address};
use http::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

static PACKAGES: Packages = Packages { names: &["haproxy"], programs: &["/usr/sbin/haproxy"] };

/// An HAProxy that answers every request itself, unless it denies it. It ends when this is dropped.
pub struct HaProxy {
    server: Server,
    frontend: SocketAddr,
    runtime_api: SocketAddr,
    // The last: it is removed when the server is gone.
    folder: Folder,
}

impl HaProxy {
    /// Installs what is missing and starts it; none where this machine cannot have it, which is said.
    pub async fn start() -> Result<Option<Self>> {
        if !PACKAGES.ensure("tests against HAProxy").await? {
            return Ok(None);
        }
        let folder = Folder::new("haproxy")?;
        let (frontend, runtime_api) = (free_address()?, free_address()?);
        let configuration = include_str!("haproxy.cfg")
            .replace("{frontend}", &frontend.to_string())
            .replace("{runtime_api}", &runtime_api.to_string());
        fs::write(folder.path().join("haproxy.cfg"), configuration)?;
        for file in ["deny.acl", "agents.acl", "paths.map", "unused.acl"] {
            fs::write(folder.path().join(file), "")?;
        }
        let server = spawn(&folder, frontend).await?;
        Ok(Some(Self { server, frontend, runtime_api, folder }))
    }

    /// Ends it and starts it again, with nothing but what stands in its files.
    pub async fn restart(&mut self) -> Result<()> {
        self.server.kill();
        self.server = spawn(&self.folder, self.frontend).await?;
        Ok(())
    }

    /// Where its runtime API listens.
    pub fn runtime_api(&self) -> SocketAddr {
        self.runtime_api
    }

    /// The status of a request: for this path, from this address, by this user agent.
    pub async fn request(&self, path: &str, address: &str, agent: &str) -> Result<u16> {
        let headers = [("X-Real-IP", address), ("User-Agent", agent)];
        let answer = send(Method::GET, &format!("http://{}{path}", self.frontend), &headers, None).await?;
        Ok(answer.status.as_u16())
    }

    /// What the runtime API itself answers, asked without Crosspoint.
    pub async fn truth(&self, command: &str) -> Result<String> {
        let mut stream = TcpStream::connect(self.runtime_api).await?;
        stream.write_all(format!("{command}\n").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }
}

async fn spawn(folder: &Folder, frontend: SocketAddr) -> Result<Server> {
    let mut command = Command::new("/usr/sbin/haproxy");
    // Files are named in the configuration as seen from there.
    command.arg("-db").arg("-C").arg(folder.path()).args(["-f", "haproxy.cfg"]);
    let mut server = Server::spawn("haproxy", &command, folder.path().join("haproxy.log"))?;
    let url = format!("http://{frontend}/");
    let up = || async { send(Method::GET, &url, &[], None).await.is_ok_and(|answer| answer.status == 200) };
    server.ready(up).await?;
    Ok(server)
}
