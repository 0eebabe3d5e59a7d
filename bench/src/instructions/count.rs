//! Counting, by Valgrind's cachegrind: it counts compiled code and code that is compiled at run time alike, and needs no
//! counters of the processor, which virtual machines seldom have.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::expected::DEV;
use super::work::Work;

/// The instructions that doing it once takes.
pub fn of(work: &Work) -> Result<u64> {
    // In the dev profile each time takes so much that few are enough.
    let times = if DEV { work.times / 10 } else { work.times };
    let (once, twice) = (run(work, times)?, run(work, times * 2)?);
    let more =
        twice.checked_sub(once).with_context(|| format!("`{}` took less when it was done more often", work.name))?;
    Ok(more / u64::from(times))
}

/// Has the cache of compiled drivers filled: a compilation is no start that drops out.
pub fn prepare() -> Result<()> {
    Work::ALL.first().map_or(Ok(()), |work| run(work, 0).map(|_| ()))
}

fn run(work: &Work, times: u32) -> Result<u64> {
    let program = std::env::current_exe()?;
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]).arg(program);
    valgrind.args(["instructions", "--path", work.name, "--times", &times.to_string()]);
    let output =
        valgrind.output().context("valgrind cannot be run: install it (Debian: `apt-get install valgrind`)")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`{}` failed under valgrind:\n{said}", work.name);
    counted(&said).with_context(|| format!("valgrind does not say what it counted:\n{said}"))
}

/// The number in `==4711== I   refs:      1,234,567`.
fn counted(said: &str) -> Option<u64> {
    let (_, count) = said.lines().rev().find(|line| line.contains("refs:"))?.rsplit_once(':')?;
    count.trim().replace(',', "").parse().ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_count_is_found_in_what_valgrind_says() {
        let said = "==1== Cachegrind\n==1== \n==1== I   refs:      1,234,567\n";
        assert_eq!(super::counted(said), Some(1_234_567));
        assert_eq!(super::counted("==1== killed\n"), None);
    }
}
