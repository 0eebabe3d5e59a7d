//! Documents that are true: every command in them is run, and says what the document says.
//!
//! A document is read from top to bottom, as a reader would who tries everything. Its fenced blocks mean:
//!
//! | block | meaning |
//! |---|---|
//! | ` ```console ` | commands, each after `$ `; one that ends in `\` goes on in the next line; what follows is what it prints |
//! | ` ```console,ignore ` | is not run; an HTML comment right above says why that is impossible |
//! | ` ```LANGUAGE,file=NAME ` | a file that the reader is told to write, and that is written |
//! | ` ```sh ` and other shells | an error: a command that nobody runs |
//! | any other | for the eye |
//!
//! - What is printed may differ from what is shown in white space, so that JSON can be shown indented; and `…` stands
//!   for anything. A command that is shown without output has to succeed; one with output has to print that.
//! - All commands of a document run in one Bash, in a folder that looks like the project's: what they write lands
//!   there, not in the project. `crosspoint` and `firewall-appliance` are those under test.
//! - A server is started with `&` at the end, and is waited for. Ports in a document stand for free ones, so that
//!   documents do not meet, nor whatever else runs on the machine.
//! - `cargo build` and most `cargo xtask` commands are checked rather than run, see [`cargo`].

mod cargo;
mod expected;
mod folder;
mod page;
mod ports;
mod session;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::skip::skipped;
use anyhow::{Context as _, Result, bail};

use self::folder::Folder;
use self::page::{Page, Step, Task};
use self::ports::Ports;
use self::session::Session;

/// The programs that documents may use, besides what every system has and what is built here.
const PROGRAMS: [&str; 3] = ["bash", "curl", "jq"];

/// Where the project is.
fn project() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// The documents that there are, by their path within the project.
///
/// # Errors
/// Where the folder of documents cannot be read.
pub fn documents() -> Result<Vec<String>> {
    let mut documents = vec!["README.md".to_owned()];
    for entry in fs::read_dir(project().join("docs"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if Path::new(&name).extension().is_some_and(|extension| extension == "md") {
            documents.push(format!("docs/{name}"));
        }
    }
    documents.sort();
    Ok(documents)
}

/// What a document says that is not so.
#[derive(thiserror::Error)]
#[error("{0:#}")]
pub struct Untrue(#[from] anyhow::Error);

/// For people: this is what a failed test shows.
impl fmt::Debug for Untrue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Does everything that a document says.
///
/// Where a program that documents use is missing, it does nothing but say so, for the person who runs the tests and for
/// the one who counts them.
///
/// # Errors
/// Where something does not go as the document says, with the line.
pub fn follow(document: &str) -> Result<(), Untrue> {
    if let Some(missing) = PROGRAMS.iter().find(|program| !there_is(program)) {
        skipped(&format!("{document}: {missing} is missing; install it, and the commands are tried"));
        return Ok(());
    }
    let text = fs::read_to_string(project().join(document)).with_context(|| format!("cannot read {document}"))?;
    follow_text(document, &text)
}

/// Does everything that a text says, which need not be one of the project's documents. Needs Bash.
///
/// # Errors
/// Where something does not go as the text says, with the line.
pub fn follow_text(document: &str, text: &str) -> Result<(), Untrue> {
    let page = Page::read(text).with_context(|| document.to_owned())?;
    let ports = Ports::of(text)?;
    let folder = Folder::make(&project(), document)?;
    let mut session = Session::start(&folder, &ports)?;
    for Step { line, task } in &page.steps {
        perform(task, &folder, &ports, &mut session).with_context(|| format!("{document}:{line}"))?;
    }
    Ok(())
}

fn perform(task: &Task, folder: &Folder, ports: &Ports, session: &mut Session) -> Result<()> {
    match task {
        Task::Write { name, text } => folder.write(name, &ports.chosen(text)),
        Task::Run { command, .. } if cargo::is_checked_only(command) => cargo::check(&project(), command),
        Task::Run { command, shown } => {
            let ran = session.run(command)?;
            match shown {
                Some(shown) if !expected::matches(shown, &ran.printed) => {
                    bail!("`{command}` prints\n\n{}\n\nand not\n\n{shown}", ran.printed)
                }
                None if ran.status != 0 => bail!("`{command}` ends with {} and prints\n\n{}", ran.status, ran.printed),
                _ => Ok(()),
            }
        }
    }
}

fn there_is(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
