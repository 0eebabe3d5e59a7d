//! Time on a core: it does not pass while others run, so a busy machine moves it little.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Whose time.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// This thread's.
    Thread,
    /// All threads' of this process.
    Process,
}

impl Clock {
    /// How much has passed.
    pub fn now(self) -> Duration {
        let id = match self {
            Self::Thread => ClockId::ThreadCPUTime,
            Self::Process => ClockId::ProcessCPUTime,
        };
        // Neither clock goes below zero.
        clock_gettime(id).try_into().unwrap_or_default()
    }

    /// What `work` takes.
    pub fn measure<T>(self, work: impl FnOnce() -> T) -> (T, Duration) {
        let start = self.now();
        let result = work();
        (result, self.now().saturating_sub(start))
    }
}

/// What `work` takes by the clock on the wall.
pub fn wall<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

/// The middle of many; zero of none.
pub fn median(mut samples: Vec<Duration>) -> Duration {
    samples.sort_unstable();
    samples.get(samples.len() / 2).copied().unwrap_or_default()
}

/// Microseconds.
pub fn us(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// Milliseconds.
pub fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
