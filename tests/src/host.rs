//! A real Crosspoint process, and the means to speak to it, to trouble it and to kill it.
//!
//! Everything in here fails the test by panicking, with what was seen; and everything that waits, waits for a condition
//! and not longer than [`BOUND`].
//!
//! ```no_run
//! # use crosspoint_tests::host::{Scene, create, rule};
//! # async fn test() {
//! let scene = Scene::start().await;
//! let made = scene.acme().put(&rule("web")).json(&create("web")).await.expect(201);
//! assert_eq!(made["/mapping/backend_id"], "rule-1");
//! assert_eq!(scene.appliance.requests().len(), 1);
//! # }
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "to panic is how a test's harness says that the test fails"
)]
#![allow(clippy::must_use_candidate, clippy::return_self_not_must_use, reason = "some are called for what they assert")]

mod cli;
mod client;
mod events;
mod places;
mod process;
mod recorder;
mod scene;
mod swap;
mod wait;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crosspoint::auth::TokenDigest;
use serde_json::Value;
use tempfile::TempDir;

pub use cli::Ran;
pub use client::{Call, Client, Reply};
pub use events::{Event, Events};
pub use places::driver;
pub use recorder::{Answer, Recorded, Recorder};
pub use scene::{Scene, create, rule, settings, spec};
pub use swap::{VERSIONS, Way};
pub use wait::{BOUND, until, within};

use process::Process;

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// An operator, bound to no tenant.
    Operator,
    /// A viewer, bound to no tenant.
    Viewer,
    /// The CMP of tenant `acme`.
    Acme,
    /// The CMP of tenant `globex`.
    Globex,
    /// A caller of tenant `acme` that reaches objects of kind `rule` at backend `fw` alone.
    Bound,
    /// Somebody with a token that nobody was given.
    Stranger,
    /// Somebody without a token.
    Nobody,
}

impl Who {
    const KNOWN: [Self; 5] = [Self::Operator, Self::Viewer, Self::Acme, Self::Globex, Self::Bound];

    fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    /// The token itself.
    #[must_use]
    pub fn token(self) -> Option<String> {
        (self != Self::Nobody).then(|| format!("xp_token-of-{}", self.name()))
    }

    /// What the configuration says of it.
    fn stanza(self) -> String {
        let rest = match self {
            Self::Operator => "role = \"operator\"",
            Self::Viewer => "role = \"viewer\"",
            Self::Globex => "role = \"caller\"\ntenant = \"globex\"",
            Self::Bound => "role = \"caller\"\ntenant = \"acme\"\nbackends = [\"fw\"]\nkinds = [\"rule\"]",
            _ => "role = \"caller\"\ntenant = \"acme\"",
        };
        let digest = TokenDigest::of(self.token().unwrap_or_default().as_bytes());
        format!("[[auth.token]]\nname = \"{}\"\nsha256 = \"{digest}\"\n{rest}\n", self.name())
    }
}

/// What differs from an ordinary configuration.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Lines of `[limits]`.
    pub limits: &'static str,
    /// Lines of `[backends]`.
    pub backends: &'static str,
    /// Lines of `[driver]`.
    pub driver: &'static str,
    /// Lines of `[log]`.
    pub log: &'static str,
    /// Whether a drivers folder is watched, see [`Host::drivers_folder`].
    pub watch: bool,
    /// A program that runs the process, with its arguments: `prlimit --nofile=64`. It has to become the process.
    pub under: &'static [&'static str],
    /// Whether compiled drivers are kept in the data folder, and not where all tests find them.
    pub own_cache: bool,
}

/// A Crosspoint process on data of its own. Dropped, both are gone.
pub struct Host {
    folder: TempDir,
    under: &'static [&'static str],
    environment: Vec<(String, String)>,
    process: Process,
    earlier_log: String,
}

impl Host {
    /// Starts a process on an empty data folder and waits until it serves.
    pub async fn start(options: Options) -> Self {
        Self::start_in(TempDir::with_prefix("crosspoint-").unwrap(), options).await
    }

    /// Starts a process in a folder, whose `data` it serves if there is any.
    pub async fn start_in(folder: TempDir, options: Options) -> Self {
        let started = Self::try_start_in(folder, options).await;
        started.unwrap_or_else(|log| panic!("Crosspoint does not start:\n{log}"))
    }

    /// The same, where it may refuse to start.
    ///
    /// # Errors
    /// What it logged, if it ended before it served.
    pub async fn try_start_in(folder: TempDir, options: Options) -> Result<Self, String> {
        let config = configuration(folder.path(), &options);
        fs::create_dir_all(folder.path().join("drivers")).unwrap();
        fs::write(folder.path().join("crosspoint.toml"), config).unwrap();
        let process = Process::try_start(&folder.path().join("crosspoint.toml"), options.under, &[]).await?;
        Ok(Self { folder, under: options.under, environment: Vec::new(), process, earlier_log: String::new() })
    }

    /// Ends the process as a power cut does: SIGKILL.
    pub async fn kill(&mut self) {
        self.process.kill().await;
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        self.process.terminate();
    }

    /// Sends SIGTERM and waits for the end; gives the exit code.
    pub async fn stop(&mut self) -> Option<i32> {
        self.terminate();
        self.ended().await
    }

    /// Waits for the process to end by itself; gives the exit code.
    pub async fn ended(&mut self) -> Option<i32> {
        self.process.ended().await
    }

    /// Starts a process on the same data, after whatever is left of the one before was killed.
    pub async fn restart(&mut self) {
        if let Err(log) = self.try_restart().await {
            panic!("Crosspoint does not start:\n{log}");
        }
    }

    /// The same, where it may refuse to start.
    ///
    /// # Errors
    /// What it logged, if it ended before it served.
    pub async fn try_restart(&mut self) -> Result<(), String> {
        self.kill().await;
        let process =
            Process::try_start(&self.folder.path().join("crosspoint.toml"), self.under, &self.environment).await?;
        self.earlier_log += &std::mem::replace(&mut self.process, process).log();
        Ok(())
    }

    /// What the next process finds in its environment besides the usual.
    pub fn set_environment(&mut self, variables: &[(&str, &str)]) {
        self.environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    }

    /// Has later processes run by nothing, see [`Options::under`].
    pub fn run_freely(&mut self) {
        self.under = &[];
    }

    /// The process id of the present process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Where the present process listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.process.address()
    }

    /// Everything that was logged, by all processes so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.earlier_log.clone() + &self.process.log()
    }

    /// Waits until the present process has logged a line that holds all of these.
    pub async fn logs(&self, parts: &[&str]) -> String {
        until(&format!("a log line with {parts:?}"), async || self.process.line(parts)).await
    }

    /// The folder that holds everything the process keeps.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The watched folder, with [`Options::watch`].
    #[must_use]
    pub fn drivers_folder(&self) -> PathBuf {
        self.folder.path().join("drivers")
    }

    /// Someone who speaks to the present process.
    #[must_use]
    pub fn client(&self, who: Who) -> Client {
        Client::new(self.address(), who.token())
    }

    /// Runs the command line against the present process.
    pub async fn cli(&self, who: Who, arguments: &[&str]) -> Ran {
        cli::run(&format!("http://{}", self.address()), who.token(), self.folder.path(), arguments).await
    }

    /// Has a driver take over.
    pub async fn load_driver(&self, package: Vec<u8>) -> Reply {
        self.client(Who::Operator).post("/v1/drivers").bytes("application/wasm", package).await.expect(201)
    }

    /// Configures a backend.
    pub async fn put_backend(&self, name: &str, settings: &Value) -> Reply {
        let reply = self.client(Who::Operator).put(&format!("/v1/backends/{name}")).json(settings).await;
        assert!(reply.status == 200 || reply.status == 201, "{reply:?}");
        reply
    }

    /// The value of a metric, its labels included in its name; none if it is not shown.
    pub async fn metric(&self, name: &str) -> Option<f64> {
        let reply = self.client(Who::Viewer).get("/metrics").await.expect(200);
        let line = reply.text().lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
        Some(line.parse().unwrap())
    }
}

fn configuration(folder: &Path, options: &Options) -> String {
    // What JSON quotes, TOML reads.
    let quoted = |path: &Path| Value::from(path.to_str().unwrap()).to_string();
    let data = quoted(&folder.join("data"));
    let drivers =
        if options.watch { format!("drivers_dir = {}", quoted(&folder.join("drivers"))) } else { String::new() };
    let cache = if options.own_cache { folder.join("data/cache") } else { places::cache() };
    let cache = quoted(&cache);
    let Options { limits, backends, driver, log, .. } = options;
    let tokens: String = Who::KNOWN.map(Who::stanza).concat();
    format!(
        "listen = \"127.0.0.1:0\"\ndata_dir = {data}\n{drivers}\n[limits]\n{limits}\n[backends]\n{backends}\n[driver]\ncache_dir = {cache}\n{driver}\n\
         [log]\n{log}\n[drain]\ngrace = \"20s\"\n{tokens}"
    )
}
