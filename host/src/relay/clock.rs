//! The time of day for records, and the time that has passed for deadlines. Waiting is measured elsewhere.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

use super::mutate::millis;

/// How far ahead of the system's clock a record may be to be believed: beyond it, the system's clock was wrong then.
const AHEAD: Duration = Duration::from_hours(24);

/// Milliseconds since the Unix epoch, as two hands show them that began together.
#[derive(Debug)]
pub struct Clock {
    started: Instant,
    /// What both hands showed then.
    origin: Duration,
    /// What the time of day was when it was last asked for.
    latest: Mutex<(Duration, Instant)>,
}

impl Clock {
    /// A clock that starts at the system's time, but not before what is recorded.
    #[must_use]
    pub fn after(recorded: u64) -> Self {
        let (started, system) = (Instant::now(), system());
        let origin = system.max(Duration::from_millis(recorded).min(system + AHEAD));
        Self { started, origin, latest: Mutex::new((origin, started)) }
    }

    /// The time of day. It follows the system's clock forwards; where that is set back, it goes on as if it had not been.
    pub fn now(&self) -> u64 {
        let mut latest = self.latest.lock();
        let (time, at) = *latest;
        let moment = Instant::now();
        let time = system().max(time + moment.saturating_duration_since(at));
        *latest = (time, moment);
        millis(time)
    }

    /// What the time of day would be if nobody had set the system's clock since the start: for deadlines.
    pub fn steady(&self) -> u64 {
        millis(self.origin + self.running())
    }

    /// How long it is since the start.
    pub fn running(&self) -> Duration {
        self.started.elapsed()
    }
}

fn system() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
