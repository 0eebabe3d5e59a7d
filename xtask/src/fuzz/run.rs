//! One target under libFuzzer.

use std::{
    collections::VecDeque,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use super::build::Fuzzer;
use crate::process;

/// The longest input, in bytes: what is wrong is wrong with few.
const LONGEST: usize = 4096;
/// The longest that one input may take, in seconds.
const PATIENCE: usize = 20;
/// The most memory, in MiB.
const MEMORY: usize = 4096;
/// How often a sign of life is shown.
const PULSE: Duration = Duration::from_secs(10);
/// Last lines of a run, shown when it broke.
const SHOWN: usize = 40;

/// What a run came to.
pub struct Ending {
    pub target: String,
    pub cases: u64,
    pub took: Duration,
    /// How many inputs, each of which reaches what no other does, are kept.
    pub inputs: usize,
    /// The input that broke it.
    pub saved: Option<PathBuf>,
}

impl Fuzzer {
    /// Runs a target for so long, or until it breaks.
    pub fn fuzz(&self, target: &str, time: Duration) -> Result<Ending> {
        let (found, crashes) = (self.folder.join("corpus").join(target), self.folder.join("crashes"));
        for folder in [&found, &crashes] {
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let started = Instant::now();
        let mut command = self.command(target);
        command.args([
            format!("-max_total_time={}", time.as_secs()),
            format!("-artifact_prefix={}/{target}-", crashes.display()),
            format!("-max_len={LONGEST}"),
            format!("-timeout={PATIENCE}"),
            format!("-rss_limit_mb={MEMORY}"),
            "-print_final_stats=1".to_owned(),
        ]);
        // libFuzzer keeps what it finds in the first folder.
        command.arg(&found).arg(self.seeds.join(target));
        let mut running = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let mut output = Output::default();
        for line in running.stderr.take().into_iter().flat_map(|stderr| BufReader::new(stderr).split(b'\n')) {
            output.take(&String::from_utf8_lossy(&line?));
        }
        let status = running.wait()?;
        if !status.success() {
            println!("{}", output.last.make_contiguous().join("\n"));
            if output.saved.is_none() {
                bail!("libFuzzer ended with {status} and saved no input");
            }
        }
        Ok(Ending {
            target: target.to_owned(),
            cases: output.cases,
            took: started.elapsed(),
            inputs: fs::read_dir(&found)?.count(),
            saved: output.saved,
        })
    }

    /// Runs one input, its output shown.
    pub fn replay(&self, target: &str, input: &Path) -> Result<ExitCode> {
        process::run(self.command(target).arg(input))?;
        println!("the input breaks nothing");
        Ok(ExitCode::SUCCESS)
    }

    fn command(&self, target: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.env("CROSSPOINT_FUZZ_TARGET", target);
        command
    }
}

/// What libFuzzer writes, as far as it matters.
#[derive(Default)]
struct Output {
    cases: u64,
    saved: Option<PathBuf>,
    last: VecDeque<String>,
    shown: Option<Instant>,
}

impl Output {
    fn take(&mut self, line: &str) {
        // `#4096 pulse cov: 12 …`, `stat::number_of_executed_units: 4096`
        let progress = line.strip_prefix('#').and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        let total = line.strip_prefix("stat::number_of_executed_units:").and_then(|rest| rest.trim().parse().ok());
        if let Some(cases) = progress.or(total) {
            self.cases = self.cases.max(cases);
        }
        if progress.is_some() && self.shown.is_none_or(|shown| shown.elapsed() >= PULSE) {
            self.shown = Some(Instant::now());
            println!("{line}");
        }
        if let Some((_, path)) = line.split_once("Test unit written to ") {
            self.saved = Some(path.trim().into());
        }
        if self.last.len() == SHOWN {
            self.last.pop_front();
        }
        self.last.push_back(line.to_owned());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn what_a_run_came_to_is_read_from_its_output() {
        let mut output = Output::default();
        for line in [
            "#2\tINITED cov: 5 ft: 6 corp: 1/1b exec/s: 0 rss: 40Mb",
            "#4096\tpulse  cov: 9 ft: 12 corp: 3/9b lim: 4 exec/s: 2048 rss: 41Mb",
            "artifact_prefix='x/'; Test unit written to x/crash-1",
            "stat::number_of_executed_units: 5000",
        ] {
            output.take(line);
        }
        assert_eq!((output.cases, output.saved), (5000, Some("x/crash-1".into())));
    }
}
