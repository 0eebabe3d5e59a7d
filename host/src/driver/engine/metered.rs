use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tokio::sync::Semaphore;
use tokio::task::yield_now;

/// What has computed for longer than this is slow: two ticks, for the first may come at once.
const QUICK: Duration = Duration::from_millis(10);

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
        // Closing is the only error of a semaphore, and nobody closes this one.
        let lane = if spent < QUICK { None } else { lanes.acquire().await.ok() };
        let turn = poll_fn(|context| Poll::Ready(work.as_mut().poll(context)));
        let polled = if lane.is_some() {
            let before = time_on_a_core();
            let polled = turn.await;
            spent += time_on_a_core().saturating_sub(before);
            polled
        } else {
            // The clock on the wall is cheaper to read, and good enough to tell the quick from the slow.
            let started = Instant::now();
            let polled = turn.await;
            spent += started.elapsed().min(QUICK);
            polled
        };
        drop(lane);
        match polled {
            Poll::Ready(result) => return Ok(result),
            Poll::Pending if spent >= limit => return Err(spent),
            Poll::Pending => yield_now().await,
        }
    }
}

/// How long this thread has run. One poll never changes threads.
fn time_on_a_core() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap_or_default()
}
