//! Adding up what many test binaries say.

use std::fmt;

/// How many tests came out how.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
    /// Why tests were skipped, a line for each.
    pub skips: Vec<String>,
    /// Test binaries that have said how many tests they will run, but not yet how it went.
    running: usize,
}

impl Tally {
    /// Takes in one line of `cargo test`'s standard output.
    pub fn read(&mut self, line: &str) {
        if let Some((_, counts)) = line.split_once("test result: ") {
            self.running = self.running.saturating_sub(1);
            self.passed += number_before(counts, " passed");
            self.failed += number_before(counts, " failed");
            self.skipped += number_before(counts, " ignored");
        } else if line.starts_with("running ") && (line.ends_with(" test") || line.ends_with(" tests")) {
            self.running += 1;
        }
    }

    /// Takes in what only the end tells: the tests that skipped themselves, which their harness counts as passed, and
    /// binaries that died without a result.
    pub fn close(&mut self, skips: &str, success: bool) {
        self.skips = skips.lines().map(str::to_owned).collect();
        self.passed = self.passed.saturating_sub(self.skips.len());
        self.skipped += self.skips.len();
        self.failed += self.running;
        self.running = 0;
        if !success && self.failed == 0 {
            self.failed = 1;
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// The number that stands just before `word`; 0 if there is none.
fn number_before(text: &str, word: &str) -> usize {
    let number = text.split_once(word).and_then(|(before, _)| before.rsplit(' ').next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally_of(lines: &[&str], skips: &str, success: bool) -> String {
        let mut tally = Tally::default();
        for line in lines {
            tally.read(line);
        }
        tally.close(skips, success);
        tally.to_string()
    }

    const RESULT: &str =
        "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.1s";

    #[test]
    fn binaries_are_summed() {
        let coloured =
            "test result: \u{1b}[31mFAILED\u{1b}[m. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out";
        let lines = ["running 13 tests", RESULT, "running 3 tests", coloured];
        assert_eq!(tally_of(&lines, "", false), "14 passed, 1 failed, 1 skipped");
    }

    #[test]
    fn a_test_that_skipped_itself_has_not_passed() {
        assert_eq!(tally_of(&[RESULT], "neutron: not root\n", true), "11 passed, 0 failed, 2 skipped");
    }

    #[test]
    fn a_binary_that_died_counts_as_a_failure() {
        assert_eq!(tally_of(&[RESULT, "running 1 test"], "", false), "12 passed, 1 failed, 1 skipped");
        assert_eq!(tally_of(&[RESULT], "", false), "12 passed, 1 failed, 1 skipped");
    }
}
