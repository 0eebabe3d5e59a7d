//! A real etcd of one member, private to one test.

use std::net::SocketAddr;
use std::process::Command;

use anyhow::{Context as _, Result};
use crosspoint_tests::folder::Folder;
use crosspoint_tests::host::Client;
use crosspoint_tests::packages::Packages;
use crosspoint_tests::server::{Server, free_address};
use serde_json::{Value, json};

/// The plain program. The package of that name would run it as a service, which it is kept from.
static PACKAGES: Packages = Packages { names: &["etcd-server"], programs: &["/usr/bin/etcd"] };

/// The server, and its JSON gateway, through which a test looks at the truth behind Crosspoint's back.
pub struct Etcd {
    address: SocketAddr,
    _server: Server,
    _folder: Folder,
}

impl Etcd {
    /// `None` where this machine cannot run it; the test then says that it is skipped.
    pub async fn start() -> Result<Option<Self>> {
        if !PACKAGES.ensure("the tests before a real etcd").await? {
            return Ok(None);
        }
        let folder = Folder::new("etcd")?;
        let (address, peers) = (free_address()?, free_address()?);
        let mut command = Command::new("/usr/bin/etcd");
        for (flag, value) in [
            ("--name", "only".to_owned()),
            ("--data-dir", folder.path().join("data").display().to_string()),
            ("--listen-client-urls", format!("http://{address}")),
            ("--advertise-client-urls", format!("http://{address}")),
            ("--listen-peer-urls", format!("http://{peers}")),
            ("--initial-advertise-peer-urls", format!("http://{peers}")),
            ("--initial-cluster", format!("only=http://{peers}")),
            ("--logger", "zap".to_owned()),
        ] {
            command.args([flag, &value]);
        }
        // The tests end before the machine loses power.
        command.arg("--unsafe-no-fsync");
        let mut server = Server::spawn("etcd", &command, folder.path().join("log"))?;
        server
            .ready(|| async move {
                let health = Client::of(address).get("/health").attempt().await;
                health.is_ok_and(|health| health["/health"] == "true")
            })
            .await?;
        Ok(Some(Self { address, _server: server, _folder: folder }))
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A call of the JSON gateway.
    pub async fn ask(&self, method: &str, body: &Value) -> Result<Value> {
        self.ask_as(None, method, body).await
    }

    /// The same with a token.
    pub async fn ask_as(&self, token: Option<&str>, method: &str, body: &Value) -> Result<Value> {
        let mut call = Client::of(self.address).post(&format!("/v3/{method}")).json(body);
        if let Some(token) = token {
            call = call.header("authorization", token);
        }
        let reply = call.attempt().await.map_err(anyhow::Error::msg)?;
        anyhow::ensure!(reply.status == 200, "{method}: {reply:#?}");
        Ok(reply.body)
    }

    /// What etcd has under a key.
    pub async fn value(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let found = self.ask("kv/range", &json!({"key": encode(key)})).await?;
        let value = found.pointer("/kvs/0").map(|kv| decode(kv["value"].as_str().unwrap_or_default()));
        value.transpose()
    }

    /// The names of all keys.
    pub async fn keys(&self) -> Result<Vec<String>> {
        let all = json!({"key": "AA==", "range_end": "AA==", "keys_only": true});
        let found = self.ask("kv/range", &all).await?;
        let kvs = found["kvs"].as_array().cloned().unwrap_or_default();
        let name = |kv: &Value| Ok(String::from_utf8(decode(kv["key"].as_str().context("a key without a name")?)?)?);
        kvs.iter().map(name).collect()
    }

    /// Writes a key behind Crosspoint's back.
    pub async fn put(&self, key: &str, value: &str) -> Result<()> {
        self.ask("kv/put", &json!({"key": encode(key), "value": encode(value)})).await.map(drop)
    }

    /// Deletes a key behind Crosspoint's back.
    pub async fn delete(&self, key: &str) -> Result<()> {
        self.ask("kv/deleterange", &json!({"key": encode(key)})).await.map(drop)
    }

    /// Makes users and roles and turns authentication on: `root`, and `cmp` with password `s3cret-of-cmp`, who may do
    /// anything with the keys below `fw/` and with markers.
    pub async fn secure(&self) -> Result<()> {
        self.ask("auth/user/add", &json!({"name": "root", "password": "root"})).await?;
        self.ask("auth/user/add", &json!({"name": "cmp", "password": "s3cret-of-cmp"})).await?;
        self.ask("auth/role/add", &json!({"name": "root"})).await?;
        self.ask("auth/role/add", &json!({"name": "cmp"})).await?;
        for (from, to) in [("fw/", "fw0"), ("crosspoint/marker/", "crosspoint/marker0")] {
            let range = json!({"permType": "READWRITE", "key": encode(from), "range_end": encode(to)});
            self.ask("auth/role/grant", &json!({"name": "cmp", "perm": range})).await?;
        }
        self.ask("auth/user/grant", &json!({"user": "root", "role": "root"})).await?;
        self.ask("auth/user/grant", &json!({"user": "cmp", "role": "cmp"})).await?;
        self.ask("auth/enable", &json!({})).await.map(drop)
    }

    /// Ends every token, as a restart of the cluster does: tokens live in memory.
    pub async fn change_password(&self) -> Result<()> {
        let login = self.ask("auth/authenticate", &json!({"name": "root", "password": "root"})).await?;
        let token = login["token"].as_str().context("no token")?.to_owned();
        let change = json!({"name": "cmp", "password": "s3cret-of-cmp"});
        self.ask_as(Some(&token), "auth/user/changepw", &change).await.map(drop)
    }
}

fn encode(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

fn decode(text: &str) -> Result<Vec<u8>> {
    use base64::Engine as _;
    Ok(base64::engine::general_purpose::STANDARD.decode(text)?)
}
