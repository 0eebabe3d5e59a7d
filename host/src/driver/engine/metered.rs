use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;
use tokio::sync::Semaphore;
use tokio::task::yield_now;

/// What has computed for longer than this is slow: two ticks, for the first may come at once.
pub const QUICK: Duration = Duration::from_millis(10);

/// Runs `work` until it is done or has computed for longer than `limit`.
///
/// Only time on a core counts, once `work` has shown to be slow: on a loaded machine both this task and its thread wait,
/// and that kills nobody. `work` must come back from `poll` now and then, which an epoch that yields makes sure of. What is slow
/// goes on from tick to tick in turns, on one of the `lanes`: there are fewer of them than worker threads, so whatever
/// loops, calls that are over in microseconds find a thread. Cancel-safe: dropping it drops `work`.
///
/// # Errors
/// The time spent, where it was too long; `work` is dropped.
pub async fn metered<T>(limit: Duration, lanes: &Semaphore, work: impl Future<Output = T>) -> Result<T, Duration> {
    let mut work = pin!(work);
    let mut spent = Duration::ZERO;
    loop {
        let slow = spent >= QUICK;
        // Closing is the only error of a semaphore, and nobody closes this one.
        let lane = if slow { lanes.acquire().await.ok() } else { None };
        let turn = poll_fn(|context| Poll::Ready(timed(slow, || work.as_mut().poll(context))));
        let (polled, took) = turn.await;
        drop(lane);
        spent += took;
        match polled {
            Poll::Ready(result) => return Ok(result),
            Poll::Pending if spent >= limit => return Err(spent),
            Poll::Pending => yield_now().await,
        }
    }
}

/// Does it, and says how long that took: by the clock on the wall, which is cheap to read and good enough to tell the
/// quick from the slow; for the slow, on a core.
fn timed<T>(slow: bool, work: impl FnOnce() -> T) -> (T, Duration) {
    if slow {
        let started = ThreadTime::now();
        (work(), started.elapsed())
    } else {
        let started = Instant::now();
        (work(), started.elapsed().min(QUICK))
    }
}
