use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdin};

use crate::packages::is_root;
use crate::server::{Server, free_address, run};

/// A private MariaDB with an empty database each for Keystone and for Neutron.
#[derive(Debug)]
pub struct Database {
    address: SocketAddr,
    _server: Server,
}

impl Database {
    pub(super) async fn start(folder: &Path) -> Result<Self> {
        let data = folder.join("data");
        run(
            Command::new("/usr/bin/mariadb-install-db")
                .args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"])
                .args(as_root())
                .arg(format!("--datadir={}", data.display())),
            &folder.join("install.log"),
        )
        .await?;
        let setup = folder.join("setup.sql");
        std::fs::write(&setup, include_str!("setup.sql"))?;
        let address = free_address()?;
        let mut command = Command::new("/usr/sbin/mariadbd");
        command
            // The socket is named relative to the data, because the path of a socket must be short.
            .args(["--no-defaults", "--bind-address=127.0.0.1", "--socket=mariadb.sock"])
            .args(as_root())
            .args(["--skip-name-resolve", "--max-connections=500", "--innodb-buffer-pool-size=128M"])
            // Nothing here has to outlive a power cut.
            .arg("--innodb-flush-log-at-trx-commit=2")
            .arg(format!("--port={}", address.port()))
            .arg(format!("--datadir={}", data.display()))
            .arg(format!("--init-file={}", setup.display()));
        let mut server = Server::spawn("mariadbd", &command, folder.join("mariadbd.log"))?;
        server.ready(|| greets(address)).await?;
        Ok(Self { address, _server: server })
    }

    /// The SQLAlchemy URL of one of the databases.
    pub(super) fn url(&self, database: &str) -> String {
        format!("mysql+pymysql://testbed:testbed@{}/{database}", self.address)
    }

    /// Keeps every other connection from a table (`neutron.networks`) until the lock is dropped: what reads or writes
    /// the table waits.
    ///
    /// # Errors
    /// Where MariaDB's client cannot be run or does not get the lock.
    pub async fn lock_table(&self, table: &str) -> Result<TableLock> {
        let mut client = self
            .client()
            .arg("--unbuffered")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot run the client of MariaDB")?;
        let mut input = client.stdin.take().context("the client has no input")?;
        let output = client.stdout.take().context("the client has no output")?;
        input.write_all(format!("LOCK TABLES {table} WRITE; SELECT 'locked';\n").as_bytes()).await?;
        match BufReader::new(output).lines().next_line().await?.as_deref() {
            Some("locked") => Ok(TableLock { _client: client, _input: input }),
            answer => bail!("cannot lock {table}: {answer:?}"),
        }
    }

    /// Waits until a statement that contains `text` waits for a table that somebody else has locked.
    ///
    /// # Errors
    /// Where none does for half a minute.
    pub async fn statement_waits(&self, text: &str) -> Result<()> {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let output = self
                .client()
                .arg("--execute=SELECT info FROM information_schema.processlist WHERE state LIKE 'Waiting for table%'")
                .output()
                .await?;
            if String::from_utf8_lossy(&output.stdout).contains(text) {
                return Ok(());
            }
            if Instant::now() > end {
                bail!("no statement with `{text}` waits for a lock");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn client(&self) -> tokio::process::Command {
        let mut command = tokio::process::Command::new("/usr/bin/mariadb");
        command
            .args(["--no-defaults", "--host=127.0.0.1", "--user=testbed", "--password=testbed"])
            .args(["--skip-column-names", "--batch"])
            .arg(format!("--port={}", self.address.port()));
        command
    }
}

/// A lock on a table; dropped, it ends.
#[derive(Debug)]
pub struct TableLock {
    // MariaDB takes the lock back when the client's connection ends.
    _client: Child,
    _input: ChildStdin,
}

/// MariaDB wants to be told to run as root, and refuses to be told so by anybody else.
fn as_root() -> Option<&'static str> {
    is_root().then_some("--user=root")
}

/// Whether MariaDB sends its greeting, which it does once the initial statements have run.
async fn greets(address: SocketAddr) -> bool {
    match TcpStream::connect(address).await {
        Ok(mut stream) => stream.read_u8().await.is_ok(),
        Err(_) => false,
    }
}
