use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, sleep_until, timeout};

use crate::driver::engine::QUICK;

/// What a failure weighs; a success takes one off. So a driver is let alone that fails less often than once in five
/// calls.
const FAILURE: u32 = 4;
/// The weight from which on calls are paced: the second failure in a row.
const PACED: u32 = 2 * FAILURE;
/// The greatest weight: so many successes later a driver that fails no more is free again.
const GREATEST: u32 = 8 * FAILURE;
/// How much longer than a failed call took the next one waits: a driver that only fails gets a tenth of one core.
const PAUSE: u32 = 9;
/// The longest such wait. What computes for longer than this is slow, and the lanes see to it.
const LONGEST: Duration = Duration::from_millis(250);

/// Paces a driver whose calls fail again and again, so that the others do not feel it: a call that fails is dear, since
/// a trap is explained and an allocation undone.
///
/// It slows such a driver down and refuses nothing: whoever makes calls that fail must not take the driver away from
/// those whose calls do not.
#[derive(Debug)]
pub struct Parole {
    weight: AtomicU32,
    /// When the next call may run.
    gate: Mutex<Instant>,
}

impl Parole {
    /// For a driver that nothing is held against.
    pub fn new() -> Self {
        Self { weight: AtomicU32::new(0), gate: Mutex::new(Instant::now()) }
    }

    /// Does `work`: at once, unless the driver keeps failing; then one at a time, in the order in which they came.
    /// Says besides whether this failure is what made the driver one to be paced. Cancel-safe: `work` is dropped.
    pub async fn paced<T, E>(&self, work: impl Future<Output = Result<T, E>>) -> (Result<T, E>, bool) {
        let mut work = pin!(work);
        let mut gate = self.turn().await;
        let started = Instant::now();
        // What is slow keeps nobody waiting here: the lanes see to it.
        let early = match gate {
            Some(_) => timeout(QUICK, work.as_mut()).await.ok(),
            None => None,
        };
        let done = match early {
            Some(done) => done,
            None => {
                gate = None;
                work.await
            }
        };
        match done {
            Ok(value) => {
                self.forgive();
                (Ok(value), false)
            }
            Err(error) => {
                if let Some(gate) = &mut gate {
                    **gate = Instant::now() + (started.elapsed() * PAUSE).min(LONGEST);
                }
                (Err(error), self.blame())
            }
        }
    }

    async fn turn(&self) -> Option<MutexGuard<'_, Instant>> {
        if self.weight.load(Relaxed) < PACED {
            return None;
        }
        let gate = self.gate.lock().await;
        sleep_until(*gate).await;
        Some(gate)
    }

    fn blame(&self) -> bool {
        let more = |weight: u32| Some((weight + FAILURE).min(GREATEST));
        // The closure always gives a value, so this always succeeds.
        let before = self.weight.fetch_update(Relaxed, Relaxed, more).unwrap_or_default();
        before < PACED && before + FAILURE >= PACED
    }

    fn forgive(&self) {
        if self.weight.load(Relaxed) > 0 {
            // It may have become nothing meanwhile, which is as well.
            let _ = self.weight.fetch_update(Relaxed, Relaxed, |weight| weight.checked_sub(1));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tokio::sync::oneshot;
    use tokio::time::sleep;

    use super::*;

    /// A call that fails; whether it made the driver one to be paced.
    async fn fails(parole: &Parole) -> bool {
        parole.paced(async { Err::<(), ()>(()) }).await.1
    }

    async fn succeeds(parole: &Parole) {
        let (_, paced) = parole.paced(async { Ok::<(), ()>(()) }).await;
        assert!(!paced);
    }

    async fn is_paced(parole: &Parole) -> bool {
        parole.turn().await.is_some()
    }

    #[tokio::test]
    async fn a_driver_that_keeps_failing_is_paced_and_one_that_recovers_is_not() {
        let parole = Parole::new();
        assert!(!fails(&parole).await && !is_paced(&parole).await);
        assert!(fails(&parole).await && is_paced(&parole).await, "the second failure in a row");
        for _ in 0..20 {
            assert!(!fails(&parole).await, "it was paced before");
        }
        for _ in 0..=GREATEST - PACED {
            assert!(is_paced(&parole).await);
            succeeds(&parole).await;
        }
        assert!(!is_paced(&parole).await);
    }

    #[tokio::test]
    async fn one_failure_in_ten_calls_paces_nobody() {
        let parole = Parole::new();
        for _ in 0..100 {
            assert!(!fails(&parole).await);
            for _ in 0..9 {
                assert!(!is_paced(&parole).await);
                succeeds(&parole).await;
            }
        }
    }

    #[tokio::test]
    async fn after_a_failure_the_next_call_waits_for_longer_than_that_took() {
        const TOOK: Duration = Duration::from_millis(2);
        let parole = Parole::new();
        for _ in 0..2 {
            fails(&parole).await;
        }
        let work = async {
            sleep(TOOK).await;
            Err::<(), ()>(())
        };
        parole.paced(work).await.0.unwrap_err();
        let failed = Instant::now();
        succeeds(&parole).await;
        assert!(failed.elapsed() > TOOK * (PAUSE - 1));
    }

    #[tokio::test]
    async fn whoever_is_slow_keeps_nobody_waiting() {
        let parole = Parole::new();
        for _ in 0..2 {
            fails(&parole).await;
        }
        // The first ends only when the second has ended.
        let (end, ended) = oneshot::channel::<()>();
        let slow = async { ended.await.map_err(|_| ()) };
        let other = async {
            succeeds(&parole).await;
            end.send(())
        };
        let ((slow, _), other) = tokio::join!(parole.paced(slow), other);
        assert_eq!((slow, other), (Ok(()), Ok(())));
    }
}
