//! What the demo needs to run: a folder of its own, two programs, tokens, and ways to ask.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::{
    client::{CommandLine, Server, without_our_variables},
    patience::Patience,
    program::Program,
};
use crate::project::Project;

/// The firewall's API key, a secret of the backend.
const KEY: (&str, &str) = ("FIREWALL_KEY", "a-key-that-only-the-firewall-and-crosspoint-know");

/// Everything that runs, and how to reach it. Dropping it ends the programs.
pub struct StageSet {
    /// Crosspoint, as the CMP asks it.
    pub cmp: Server,
    /// Crosspoint, as its operator asks it.
    pub operator: Server,
    /// The firewall's own side, where it keeps its record of requests.
    pub firewall: Server,
    /// The `crosspoint` command; its contexts are `cmp`, which is in use, and `operator`.
    pub command_line: CommandLine,
    pub patience: Patience,
    root: PathBuf,
    built: PathBuf,
    // In the order in which they end.
    crosspoint: Program,
    appliance: Program,
    claim: Claim,
}

/// The right to the demo's folder, as long as it is kept.
pub struct Claim {
    folder: PathBuf,
    _lock: File,
}

/// One demo at a time: the second would empty the first one's folder.
pub fn claim(project: &Project) -> Result<Claim> {
    let path = project.target.join("demo.lock");
    let lock = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    match lock.try_lock() {
        Ok(()) => Ok(Claim { folder: project.target.join("demo"), _lock: lock }),
        Err(fs::TryLockError::WouldBlock) => bail!("another demo is running; end that one first"),
        Err(fs::TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}

#[derive(Deserialize)]
struct NewToken {
    token: String,
    entry: TokenEntry,
}

#[derive(Deserialize)]
struct TokenEntry {
    sha256: String,
}

impl StageSet {
    /// Starts everything in a fresh folder. The binaries and the drivers have been built.
    pub fn build(project: &Project, claim: Claim, patience: Patience) -> Result<Self> {
        let (binaries, folder) = (project.target.join("debug"), claim.folder.clone());
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
        }
        fs::create_dir_all(folder.join("drivers")).with_context(|| format!("cannot make {}", folder.display()))?;
        let command_line = CommandLine {
            program: binaries.join("crosspoint"),
            folder: project.root.clone(),
            contexts: folder.join("contexts.toml"),
            secret: KEY,
        };

        let mut appliance = Command::new(binaries.join("firewall-appliance"));
        appliance.args(["--listen", "127.0.0.1:0", "--api-key", KEY.1]).current_dir(&folder);
        let mut appliance = Program::start("the firewall", &mut appliance, folder.join("firewall.log"))?;
        let firewall = Server::new(&appliance.says("firewall appliance at ", &patience)?, "FW");

        let cmp = new_token(&command_line, &["--name", "cmp", "--role", "caller", "--tenant", "acme"])?;
        let operator = new_token(&command_line, &["--name", "operator", "--role", "operator"])?;
        write_secretly(&folder.join("crosspoint.toml"), &configuration(&cmp.entry, &operator.entry))?;
        let mut crosspoint = Command::new(binaries.join("crosspoint"));
        without_our_variables(&mut crosspoint);
        crosspoint.args(["serve", "--config", "crosspoint.toml"]).current_dir(&folder);
        let mut crosspoint = Program::start("Crosspoint", &mut crosspoint, folder.join("crosspoint.log"))?;
        let address = crosspoint.says("serving address=", &patience)?;
        let server = Server::new(&format!("http://{address}"), "XP");

        let set = Self {
            cmp: server.with_token(&cmp.token, "CMP"),
            operator: server.with_token(&operator.token, "OPERATOR"),
            firewall,
            command_line,
            patience,
            root: project.root.clone(),
            built: project.drivers_folder(),
            crosspoint,
            appliance,
            claim,
        };
        set.prepare(&binaries)?;
        Ok(set)
    }

    /// What a person needs besides: contexts for the command, a file for the shell, and the backend's configuration.
    fn prepare(&self, binaries: &Path) -> Result<()> {
        for (name, server) in [("cmp", &self.cmp), ("operator", &self.operator)] {
            let token = self.claim.folder.join(format!("{name}.token"));
            write_secretly(&token, server.token())?;
            let token = token.to_string_lossy();
            said(&self.command_line, &["context", "set", name, "--url", server.url(), "--token-file", &*token])?;
        }
        let (name, key) = KEY;
        let environment = format!(
            "export PATH='{}':\"$PATH\" CROSSPOINT_CONTEXTS='{}'\nexport XP={} FW={}\nexport CMP={} OPERATOR={}\n\
             export {name}={key}\n",
            binaries.display(),
            self.command_line.contexts.display(),
            self.cmp.url(),
            self.firewall.url(),
            self.cmp.token(),
            self.operator.token(),
        );
        write_secretly(&self.claim.folder.join("env.sh"), &environment)?;
        let backend = format!(
            r#"{{
  "driver": "firewall",
  "endpoints": {{"default": "{}"}},
  "authentication": {{"scheme": "api-key", "secrets": {{"key": {{"env": "{name}"}}}}}},
  "limits": {{"reply_timeout_ms": 1500}}
}}
"#,
            self.firewall.url()
        );
        fs::write(self.claim.folder.join("fw-dc1.json"), backend).context("cannot write the backend's configuration")
    }

    /// A file of the demo's folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.claim.folder.join(name)
    }

    /// A driver that was built.
    pub fn driver(&self, name: &str) -> PathBuf {
        self.built.join(format!("{name}.wasm"))
    }

    /// The driver's file in the folder that Crosspoint watches.
    pub fn watched(&self) -> PathBuf {
        self.file("drivers/firewall.wasm")
    }

    /// A path as one would type it in the project's folder.
    pub fn short(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }

    /// Ends both programs.
    ///
    /// # Errors
    /// If one of them does not end cleanly.
    pub fn strike(mut self) -> Result<()> {
        let crosspoint = self.crosspoint.end();
        self.appliance.end().and(crosspoint)
    }
}

fn new_token(command_line: &CommandLine, options: &[&str]) -> Result<NewToken> {
    let words = [&["token", "new", "--output", "json"], options].concat();
    serde_json::from_str(&said(command_line, &words)?).context("`crosspoint token new` wrote something unexpected")
}

/// What a command wrote that has to succeed.
fn said(command_line: &CommandLine, words: &[&str]) -> Result<String> {
    let said = command_line.run(words)?;
    if said.code != Some(0) {
        bail!("`crosspoint {}` failed:\n{}", words.join(" "), said.text);
    }
    Ok(said.text)
}

fn configuration(cmp: &TokenEntry, operator: &TokenEntry) -> String {
    let (cmp, operator) = (&cmp.sha256, &operator.sha256);
    format!(
        r#"# The demo's Crosspoint; paths start in this folder.
listen = "127.0.0.1:0"
data_dir = "data"
drivers_dir = "drivers"

[drain]
grace = "5s"

[[auth.token]]
name = "cmp"
sha256 = "{cmp}"
role = "caller"
tenant = "acme"

[[auth.token]]
name = "operator"
sha256 = "{operator}"
role = "operator"
"#
    )
}

/// Writes a file that nobody else may read.
fn write_secretly(path: &Path, text: &str) -> Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))
}
