//! The one Bash in which a document's commands run.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use super::folder::{self, Folder};
use super::ports::{self, Ports};

/// The longest that a command may take. Some build a crate, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_mins(10);
/// The longest that a server may take to listen.
const START: Duration = Duration::from_mins(1);
/// How often it is looked at.
const PERIOD: Duration = Duration::from_millis(20);

/// A running Bash. Dropped, it ends with everything that it started.
pub(super) struct Session<'a> {
    bash: Child,
    input: ChildStdin,
    answers: Receiver<String>,
    ports: &'a Ports,
    /// Holds what each command is and prints.
    notes: PathBuf,
    count: usize,
}

/// What a command did.
pub(super) struct Ran {
    pub printed: String,
    pub status: i32,
}

impl<'a> Session<'a> {
    pub fn start(folder: &Folder, ports: &'a Ports) -> Result<Self> {
        let notes = folder.path().join(".commands");
        fs::create_dir(&notes)?;
        let programs = folder::profile();
        for program in ["crosspoint", "firewall-appliance"] {
            let file = programs.join(program);
            ensure!(file.is_file(), "{} is not there: run `cargo build --workspace --bins` first", file.display());
        }
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc"]).current_dir(folder.path()).process_group(0);
        environment(&mut command, folder, ports, programs)?;
        let mut bash = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("cannot start Bash")?;
        let (Some(mut input), Some(output)) = (bash.stdin.take(), bash.stdout.take()) else {
            bail!("Bash has no pipes")
        };
        let (sender, answers) = channel();
        thread::spawn(move || {
            // Ends with Bash, or with the session.
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        // If the test is killed, Bash sees the end of its input, and takes along what it started.
        writeln!(input, "trap 'trap - TERM; kill 0' EXIT")?;
        Ok(Self { bash, input, answers, ports, notes, count: 0 })
    }

    /// Runs a command, as a document has it. One that starts a server is over when the server listens.
    pub fn run(&mut self, command: &str) -> Result<Ran> {
        let listening = self.ports.listening();
        let ran = self.source(&self.ports.chosen(command))?;
        if is_server(command) {
            let start = Instant::now();
            while self.ports.listening().iter().all(|port| listening.contains(port)) {
                let ended = self.source("kill -0 $! 2> /dev/null")?.status != 0;
                ensure!(
                    !ended && start.elapsed() < START,
                    "`{command}` does not serve:\n\n{}",
                    self.printed(ran.number)
                );
                thread::sleep(PERIOD);
            }
        }
        Ok(Ran { printed: self.printed(ran.number), status: ran.status })
    }

    /// Has Bash read a command, so that variables, functions and folders last.
    fn source(&mut self, command: &str) -> Result<Sourced> {
        self.count += 1;
        let number = self.count;
        fs::write(self.note(number, "sh"), command.to_owned() + "\n")?;
        let (script, output) = (self.note(number, "sh"), self.note(number, "out"));
        writeln!(self.input, ". '{}' > '{}' 2>&1 < /dev/null; echo $?", script.display(), output.display())?;
        self.input.flush()?;
        let answer = self.answers.recv_timeout(PATIENCE);
        let answer = answer.with_context(|| format!("`{command}` does not end:\n\n{}", self.printed(number)))?;
        Ok(Sourced { number, status: answer.trim().parse().context("Bash answers something else than a status")? })
    }

    fn note(&self, number: usize, what: &str) -> PathBuf {
        self.notes.join(format!("{number:03}.{what}"))
    }

    fn printed(&self, number: usize) -> String {
        let bytes = fs::read(self.note(number, "out")).unwrap_or_default();
        self.ports.named(&String::from_utf8_lossy(&bytes))
    }
}

struct Sourced {
    number: usize,
    status: i32,
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        // Its own child, in a group of its own: none of this can fail, and there is nobody to tell if it does.
        let group = format!("-{}", self.bash.id());
        let _ = Command::new("bash").args(["-c", "kill -KILL -- $0", &group]).stderr(Stdio::null()).status();
        let _ = self.bash.wait();
    }
}

fn is_server(command: &str) -> bool {
    let starts = command.contains("crosspoint serve") || command.contains("firewall-appliance");
    starts && command.trim_end().ends_with('&')
}

/// The environment of a reader who has set nothing yet.
fn environment(command: &mut Command, folder: &Folder, ports: &Ports, programs: PathBuf) -> Result<()> {
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CROSSPOINT_")) {
        command.env_remove(name);
    }
    command.env_remove("CARGO_TARGET_DIR").env_remove("CARGO_BUILD_TARGET_DIR");
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths([programs].into_iter().chain(env::split_paths(&path)))?;
    // Settings that are kept in the home folder are the document's own, but for those of the toolchain.
    let home = PathBuf::from(env::var_os("HOME").unwrap_or_default());
    for (name, usual) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
        command.env(name, env::var_os(name).map_or_else(|| home.join(usual), PathBuf::from));
    }
    let crosspoint = ports.chosen(&format!("127.0.0.1:{}", ports::CROSSPOINT));
    command.env("PATH", path).env("HOME", folder.path()).env_remove("XDG_CONFIG_HOME");
    command.env("CROSSPOINT_URL", format!("http://{crosspoint}")).env("CROSSPOINT_LISTEN", crosspoint);
    command.env("NO_PROXY", "127.0.0.1,localhost").env("no_proxy", "127.0.0.1,localhost");
    Ok(())
}
