use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

/// Runs `work` until it is done or has computed for longer than `limit`.
///
/// Only the time inside `poll` counts: the wait for a worker thread between two ticks does not, so a loaded machine
/// kills nobody. `work` must come back from `poll` now and then, which an epoch that yields makes sure of. Cancel-safe:
/// dropping it drops `work`.
///
/// # Errors
/// The time spent, where it was too long; `work` is dropped.
pub async fn metered<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, Duration> {
    let mut work = pin!(work);
    let mut spent = Duration::ZERO;
    poll_fn(|context| {
        let started = Instant::now();
        let poll = work.as_mut().poll(context);
        spent += started.elapsed();
        match poll {
            Poll::Ready(result) => Poll::Ready(Ok(result)),
            Poll::Pending if spent >= limit => Poll::Ready(Err(spent)),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
