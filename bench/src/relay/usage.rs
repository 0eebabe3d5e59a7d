//! What processes use, as Linux counts it.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::Pid;

/// What some processes use together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Time on a core so far, in programs and in the kernel.
    pub cpu: Duration,
    /// Resident bytes. A page that two processes share counts twice.
    pub resident: u64,
}

impl Usage {
    /// What all processes of these groups use.
    pub fn of_groups(groups: &[Pid]) -> Result<Self> {
        let mut sum = Self::default();
        for entry in fs::read_dir("/proc").context("there is no /proc to read what processes use")? {
            // A process may end between being listed and being read.
            let Ok(stat) = fs::read_to_string(entry?.path().join("stat")) else { continue };
            let Some(process) = Stat::parse(&stat) else { continue };
            if groups.iter().any(|group| group.as_raw_nonzero().get() == process.group) {
                sum.cpu += process.usage.cpu;
                sum.resident += process.usage.resident;
            }
        }
        Ok(sum)
    }

    /// What was used since `earlier`.
    pub fn since(self, earlier: Self) -> Self {
        Self { cpu: self.cpu.saturating_sub(earlier.cpu), ..self }
    }
}

struct Stat {
    group: i32,
    usage: Usage,
}

impl Stat {
    /// Reads a line of `/proc/PID/stat`, see `proc_pid_stat(5)`.
    fn parse(line: &str) -> Option<Self> {
        // The name before may hold anything, also blanks and parentheses.
        let fields: Vec<_> = line.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        // The first of these is field 3.
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        let ticks = number(14)? + number(15)?;
        let cpu = Duration::from_secs_f64(ticks as f64 / clock_ticks_per_second() as f64);
        Some(Self {
            group: i32::try_from(number(5)?).ok()?,
            usage: Usage { cpu, resident: number(24)? * page_size() as u64 },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_whose_name_looks_like_numbers_is_read_rightly() {
        let line =
            format!("7 (a) 1 (b) S 1 42 1 0 -1 0 0 0 0 0 {0} {0} 0 0 20 0 1 0 5 99 3 0", clock_ticks_per_second());
        let stat = Stat::parse(&line).map(|stat| (stat.group, stat.usage.cpu, stat.usage.resident));
        assert_eq!(stat, Some((42, Duration::from_secs(2), 3 * page_size() as u64)));
    }
}
