//! Which cores are measured, and which do the measuring.

use std::fmt;

use anyhow::{Context as _, Result};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The machine, cut in two, so that what the load costs is not taken from who bears it.
pub struct Cores {
    contestant: Vec<usize>,
    load: Vec<usize>,
}

impl Cores {
    /// Cuts what this process may use in two halves; a single core is both.
    pub fn split() -> Result<Self> {
        let ours = sched_getaffinity(None).context("cannot tell which cores there are")?;
        let all: Vec<_> = (0..CpuSet::MAX_CPU).filter(|core| ours.is_set(*core)).collect();
        let (contestant, load) = all.split_at(all.len() / 2);
        let contestant = if contestant.is_empty() { load } else { contestant };
        Ok(Self { contestant: contestant.to_vec(), load: load.to_vec() })
    }

    /// How many a contestant has.
    pub fn contestant(&self) -> usize {
        self.contestant.len()
    }

    /// How many the load generator and the origin have together.
    pub fn load(&self) -> usize {
        self.load.len()
    }

    /// Moves this thread, and those that it starts, to the cores of the load.
    pub fn to_load(&self) -> Result<()> {
        move_to(&self.load)
    }

    /// Does `start`, which starts a process, so that it runs on the cores of the contestants.
    pub fn as_contestant<T>(&self, start: impl FnOnce() -> T) -> Result<T> {
        move_to(&self.contestant)?;
        let started = start();
        self.to_load()?;
        Ok(started)
    }
}

impl fmt::Display for Cores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "contestants run on cores {:?}, load and origin on cores {:?}", self.contestant, self.load)
    }
}

fn move_to(cores: &[usize]) -> Result<()> {
    let mut set = CpuSet::new();
    for core in cores {
        set.set(*core);
    }
    sched_setaffinity(None, &set).with_context(|| format!("cannot run on cores {cores:?}"))
}
