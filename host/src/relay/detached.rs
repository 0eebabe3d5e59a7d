use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// Work that runs to its end even if whoever waits for it goes away.
///
/// It runs where it is awaited: a task of its own would be one more wake-up and one more hand-over between threads for
/// every call. Only when this is dropped before the end does what remains become a task. Work that was never polled is
/// begun all the same.
pub(super) struct Detached<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    /// None when it has ended. On the heap, so that it can move house.
    work: Option<Pin<Box<F>>>,
    /// Counts it for the drain.
    counted: TaskTrackerToken,
}

impl<F> Detached<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    pub fn new(work: Pin<Box<F>>, counted: TaskTrackerToken) -> Self {
        Self { work: Some(work), counted }
    }
}

/// The work panicked, with this.
pub(super) type Panicked = Box<dyn Any + Send>;

/// What a panic said, if it was words.
pub(super) fn words(panicked: &(dyn Any + Send)) -> &str {
    let text = panicked.downcast_ref::<&str>().copied();
    text.or_else(|| panicked.downcast_ref::<String>().map(String::as_str)).unwrap_or_default()
}

impl<F> Future for Detached<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    type Output = Result<F::Output, Panicked>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(work) = &mut self.work else {
            // Awaited again after its end, which nobody can do who awaits it by value.
            return Poll::Pending;
        };
        // Nobody looks at the work again after it has panicked.
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)));
        let ended = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(output)) => Ok(output),
            Err(panicked) => Err(panicked),
        };
        self.work = None;
        Poll::Ready(ended)
    }
}

impl<F> Drop for Detached<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    fn drop(&mut self) {
        let Some(work) = self.work.take() else { return };
        // Without a runtime the process is ending, and whatever was begun is found again at the next start.
        let Ok(runtime) = Handle::try_current() else { return };
        let counted = self.counted.clone();
        drop(runtime.spawn(async move {
            let _counted = counted;
            work.await
        }));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use tokio::sync::oneshot;
    use tokio_util::task::TaskTracker;

    use super::*;

    #[tokio::test]
    async fn work_goes_on_when_nobody_waits_for_it_any_more() {
        let tracker = TaskTracker::new();
        let (begun, has_begun) = oneshot::channel();
        let (release, released) = oneshot::channel::<()>();
        let (tell, told) = oneshot::channel();
        let work = async move {
            begun.send(()).unwrap();
            released.await.unwrap();
            tell.send("the end").unwrap();
        };
        let mut detached = Box::pin(Detached::new(Box::pin(work), tracker.token()));
        tokio::select! {
            biased;
            _ = detached.as_mut() => panic!("it cannot have ended"),
            () = async { has_begun.await.unwrap() } => {}
        }
        drop(detached);
        tracker.close();
        assert_eq!(tracker.len(), 1, "what goes on is counted");
        release.send(()).unwrap();
        assert_eq!(told.await, Ok("the end"));
        tracker.wait().await;
    }

    #[tokio::test]
    async fn work_that_nobody_ever_waited_for_is_done() {
        let tracker = TaskTracker::new();
        let (tell, told) = oneshot::channel();
        drop(Detached::new(Box::pin(async move { tell.send(7).unwrap() }), tracker.token()));
        assert_eq!(told.await, Ok(7));
    }

    #[tokio::test]
    async fn a_panic_is_an_answer_and_its_work_is_over() {
        let tracker = TaskTracker::new();
        let text = "on purpose".to_owned();
        let panicking = Box::pin(async move {
            assert!(text.is_empty(), "{text}");
        });
        let panicked = Detached::new(panicking, tracker.token()).await.unwrap_err();
        assert_eq!(words(&*panicked), "on purpose");
        assert!(tracker.is_empty());
    }
}
