//! One exchange as its caller and its connection share it: who may still take it back, and how far it has come.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout_at};

use super::wire::Message;
use crate::sent::Sent;
use crate::transport::{ErrorKind, TransportError};

/// What a connection says in the end.
pub(super) type Answer = Result<Vec<u8>, TransportError>;

/// How far an exchange has come.
#[derive(Debug, Default)]
struct Progress {
    /// Set once: by the connection that begins to send the message, or by the caller who gives it up before that.
    claimed: AtomicBool,
    /// A part of the reply has come.
    answering: AtomicBool,
}

/// An exchange on its way to a connection.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) message: Message,
    progress: Arc<Progress>,
    answer: oneshot::Sender<Answer>,
}

/// An exchange that its connection has begun.
#[derive(Debug)]
pub(super) struct Waiter {
    progress: Arc<Progress>,
    answer: oneshot::Sender<Answer>,
    /// Where its bytes begin among all that the connection was ever given to send.
    pub(super) begins: u64,
}

/// The caller's end. Dropping it gives the exchange up and tells the connection so.
#[derive(Debug)]
pub(super) struct Awaited {
    progress: Arc<Progress>,
    answer: Option<oneshot::Receiver<Answer>>,
    given_up: Arc<Notify>,
}

impl Job {
    /// `given_up` is told when the caller no longer waits.
    pub(super) fn new(message: Message, given_up: &Arc<Notify>) -> (Self, Awaited) {
        let (answer, receiver) = oneshot::channel();
        let progress = Arc::<Progress>::default();
        let awaited =
            Awaited { progress: Arc::clone(&progress), answer: Some(receiver), given_up: Arc::clone(given_up) };
        (Self { message, progress, answer }, awaited)
    }

    /// Begins the exchange: from here on its caller can no longer be sure that nothing was sent. None if the caller has
    /// given it up.
    pub(super) fn begin(self, begins: u64) -> Option<(Message, Waiter)> {
        if self.answer.is_closed() || self.progress.claimed.swap(true, SeqCst) {
            return None;
        }
        Some((self.message, Waiter { progress: self.progress, answer: self.answer, begins }))
    }

    /// The exchange fails before anything of it was sent.
    pub(super) fn refuse(self, error: TransportError) {
        // A caller who has gone needs no answer.
        let _ = self.answer.send(Err(error));
    }
}

impl Waiter {
    /// A part of the reply has come.
    pub(super) fn answering(&self) {
        self.progress.answering.store(true, SeqCst);
    }

    /// Whether nobody waits any more.
    pub(super) fn is_given_up(&self) -> bool {
        self.answer.is_closed()
    }

    /// Hands over what the exchange came to; false where nobody waits any more.
    pub(super) fn answer(self, answer: Answer) -> bool {
        self.answer.send(answer).is_ok()
    }
}

impl Awaited {
    /// Waits for the answer until `limit`; none where the connection vanished without giving one.
    ///
    /// # Errors
    /// What the connection says, or that it took too long; `sent` is `No` where the connection had not begun to send,
    /// and never will.
    ///
    /// # Cancel-safety
    /// Dropping the future gives the exchange up.
    pub(super) async fn until(mut self, limit: Instant) -> Answer {
        let Some(answer) = &mut self.answer else { return Err(late(Sent::Maybe)) };
        let waited = timeout_at(limit, answer).await;
        if waited.is_ok() {
            self.answer = None;
        }
        match waited {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => {
                let message = "the connection ended without a word: this node stops";
                Err(TransportError::new(ErrorKind::Reset, self.reached(), message))
            }
            Err(_) => Err(late(self.reached())),
        }
    }

    /// How far the exchange has come. If the connection had not begun it, it will not.
    fn reached(&self) -> Sent {
        if !self.progress.claimed.swap(true, SeqCst) {
            Sent::No
        } else if self.progress.answering.load(SeqCst) {
            Sent::Yes
        } else {
            Sent::Maybe
        }
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        // The connection must find nobody waiting when it is told to look.
        if self.answer.take().is_some() {
            self.given_up.notify_one();
        }
    }
}

fn late(sent: Sent) -> TransportError {
    let message = match sent {
        Sent::No => "the message could not be sent in time",
        Sent::Maybe | Sent::Yes => "the backend did not send a whole reply in time",
    };
    TransportError::new(ErrorKind::ReplyTimeout, sent, message)
}
