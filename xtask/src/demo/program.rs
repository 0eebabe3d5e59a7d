//! A program that runs beside us: how one knows that it is ready, and how it ends.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::patience::Patience;

/// How long a program may take to say that it is ready.
const READY: Duration = Duration::from_secs(20);
/// How long it may take to end when asked to; more than the grace that Crosspoint is given.
const END: Duration = Duration::from_secs(10);

/// A running program. Dropping it ends it.
pub struct Program {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts `command`; what it writes goes to the file `log`.
    pub fn start(name: &'static str, command: &mut Command, log: PathBuf) -> Result<Self> {
        use std::os::unix::process::CommandExt;
        let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        // Ctrl-C shall reach us alone: we end the programs in order, and a second signal would cut Crosspoint's drain
        // short.
        command.process_group(0);
        let child = command.spawn().with_context(|| format!("{name} could not be started"))?;
        Ok(Self { name, child, log })
    }

    /// Waits until the program's log says `mark`, and gives the word that follows it.
    pub fn says(&mut self, mark: &str, patience: &Patience) -> Result<String> {
        let (name, log) = (self.name, &self.log);
        patience.until(&format!("{name} to be ready"), READY, || {
            // Looked at before the log is read, so that last words are not missed.
            let over = self.child.try_wait()?;
            let text = fs::read_to_string(log).with_context(|| format!("cannot read {}", log.display()))?;
            let word = text.split_once(mark).and_then(|(_, rest)| rest.split_once(char::is_whitespace));
            match (word, over) {
                (Some((word, _)), _) => Ok(Some(word.to_owned())),
                (None, Some(status)) => bail!("{name} did not start ({status}):\n{text}"),
                (None, None) => Ok(None),
            }
        })
    }

    /// Asks the program to end, and waits for it. One that does not within 10 s is killed.
    ///
    /// # Errors
    /// If it ended by itself before, badly, or not at all.
    pub fn end(&mut self) -> Result<()> {
        let name = self.name;
        if let Some(status) = self.child.try_wait()? {
            bail!("{name} ended before its time ({status}); its log is {}", self.log.display());
        }
        kill_process(Pid::from_child(&self.child), Signal::TERM).with_context(|| format!("{name} cannot be ended"))?;
        let deadline = Instant::now() + END;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                if status.success() {
                    return Ok(());
                }
                bail!("{name} ended badly ({status}); its log is {}", self.log.display());
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.child.kill()?;
        self.child.wait()?;
        bail!("{name} did not end within {} s and was killed; its log is {}", END.as_secs(), self.log.display());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Whoever wants to know how it ended has called `end`.
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.end();
        }
    }
}
