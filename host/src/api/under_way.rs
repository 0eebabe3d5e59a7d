//! How many requests of a connection are under way: from a request's head to the end of its answer.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use hyper::body::{Frame, SizeHint};

/// The requests of one connection.
#[derive(Clone, Debug, Default)]
pub struct UnderWay(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    begun: AtomicU64,
    ended: AtomicU64,
    /// What `begun` was when somebody last looked, and one more, so that the first look finds a change.
    seen: AtomicU64,
}

impl UnderWay {
    /// A request begins.
    pub fn enter(&self) -> Request {
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        Request(Arc::clone(&self.0))
    }

    /// Whether nothing was under way since this was last asked.
    pub fn was_idle(&self) -> bool {
        let (ended, begun) = (self.0.ended.load(Ordering::Acquire), self.0.begun.load(Ordering::Relaxed));
        self.0.seen.swap(begun + 1, Ordering::Relaxed) == begun + 1 && ended == begun
    }
}

/// One request. Dropped, it is over.
#[derive(Debug)]
pub struct Request(Arc<Counts>);

impl Drop for Request {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Release);
    }
}

/// The body of an answer, whose end is the end of its request.
#[derive(Debug)]
pub struct Counted {
    body: Body,
    _request: Request,
}

impl Counted {
    /// The body of this request's answer.
    pub fn new(body: Body, request: Request) -> Self {
        Self { body, _request: request }
    }
}

impl hyper::body::Body for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_idle_only_if_nothing_was_under_way_since_the_last_look() {
        let under_way = UnderWay::default();
        assert!(!under_way.was_idle(), "it has only just begun");
        assert!(under_way.was_idle());
        let request = under_way.enter();
        assert!(!under_way.was_idle() && !under_way.was_idle());
        drop(under_way.enter());
        drop(request);
        assert!(!under_way.was_idle(), "something was under way since");
        assert!(under_way.was_idle());
    }
}
