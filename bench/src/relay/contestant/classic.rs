//! The classic stack: Falcon under gunicorn, with MariaDB beside it on the same cores. The application is in `app.py`.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use crosspoint::auth::TokenDigest;
use tokio::net::UnixStream;

use super::{Started, Surroundings};
use crate::host::CALLER;
use crate::relay::server::{Server, free_address};
use crate::relay::workload::Door;
use crate::relay::{debian, python};

/// What the application is made of.
const PYTHON: [&str; 4] = ["falcon==4.4.0", "gunicorn==27.0.1", "PyMySQL==1.2.4", "urllib3==2.8.0"];
/// The database and the libraries that it wants and a small system may lack.
const PACKAGES: [&str; 5] = ["mariadb-server-core", "libnuma1", "liburing2", "libpcre2-8-0", "libssl3"];
/// The threads of a worker: while some wait for the disk or the backend, others work.
const THREADS: usize = 4;

pub async fn start(around: &Surroundings<'_>) -> Result<Started> {
    let environment = python::environment(&around.programs.join("python"), &PYTHON).await?;
    let socket = around.folder.join("data/mariadb.sock");
    let database = database(around, &socket).await?;
    let application = around.folder.join("app.py");
    std::fs::write(application, include_str!("classic/app.py"))?;
    let address = free_address()?;
    // What gunicorn's documentation advises.
    let workers = 2 * around.cores.contestant() + 1;
    let mut command = Command::new(environment.join("bin/gunicorn"));
    command.current_dir(&around.folder);
    command.env("RELAY_BACKEND", format!("http://{}", around.origin)).env("RELAY_DATABASE", &socket);
    command.env("RELAY_TOKEN_SHA256", TokenDigest::of(CALLER.as_bytes()).to_string());
    command.arg("--bind").arg(address.to_string()).args(["--worker-class", "gthread", "--keep-alive", "75"]);
    command.arg(format!("--workers={workers}")).arg(format!("--threads={THREADS}"));
    command.args(["--backlog", "4096", "--worker-connections", "4096", "--log-level", "warning", "app:app"]);
    let mut gunicorn = Server::start("gunicorn", &mut command, around.folder.join("gunicorn.log"), around.cores)?;
    gunicorn.listens(address).await?;
    Ok((address, Door::Relay, vec![gunicorn, database]))
}

/// MariaDB with its defaults, so every commit is on disk; without accounts, which only a new connection would notice.
async fn database(around: &Surroundings<'_>, socket: &Path) -> Result<Server> {
    let root = debian::unpacked(&around.programs.join("mariadb"), &PACKAGES).await?;
    let data = around.folder.join("data");
    std::fs::create_dir_all(&data)?;
    let tables = around.folder.join("tables.sql");
    // One statement a line is what an initial file is made of.
    let statements = include_str!("classic/tables.sql").replace('\n', " ").replace(';', ";\n");
    std::fs::write(&tables, statements)?;
    let mut command = Command::new(root.program("usr/sbin/mariadbd"));
    root.libraries(&mut command);
    command.args(["--no-defaults", "--skip-networking", "--skip-grant-tables", "--max-connections=1000"]);
    if rustix::process::getuid().is_root() {
        command.arg("--user=root");
    }
    command.arg(format!("--basedir={}", root.program("usr").display()));
    command.arg(format!("--lc-messages-dir={}", root.program("usr/share/mysql").display()));
    command.arg(format!("--datadir={}", data.display())).arg(format!("--init-file={}", tables.display()));
    // A socket's path must be short: it is given relative to the data.
    command.arg("--socket=mariadb.sock");
    let mut server = Server::start("mariadbd", &mut command, around.folder.join("mariadbd.log"), around.cores)?;
    server.until(async || UnixStream::connect(socket).await.is_ok()).await?;
    Ok(server)
}
