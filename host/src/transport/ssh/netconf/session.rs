//! One NETCONF session.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::framing::{Decoder, Framing, FramingError, encode};
use super::message::{CLOSE, HELLO, Incoming, hello, read};
use crate::sent::Sent;
use crate::transport::ssh::connection::{Event, Line, Start};
use crate::transport::{ErrorKind, Stats, TransportError};

/// How long the backend may take to say goodbye.
const FAREWELL: Duration = Duration::from_secs(1);

/// One session, between two exchanges.
pub(in crate::transport::ssh) struct Session {
    line: Line,
    decoder: Decoder,
    framing: Framing,
}

impl Session {
    /// Starts a session on a new channel; messages from the backend may have `limit` bytes.
    ///
    /// # Errors
    /// Always with `sent: no`.
    pub(in crate::transport::ssh) async fn open(mut line: Line, limit: usize) -> Result<Self, TransportError> {
        let failed = |message: String| TransportError::new(ErrorKind::Protocol, Sent::No, message);
        line.start(Start::Subsystem("netconf")).await?;
        let greeting = encode(Framing::EndOfMessage, HELLO).map_err(|reason| failed(reason.to_owned()))?;
        line.write(greeting, &mut Sent::No).await.map_err(|error| TransportError { sent: Sent::No, ..error })?;
        let mut own = Self { line, decoder: Decoder::new(limit), framing: Framing::EndOfMessage };
        let said = loop {
            if let Some(message) = own.decoder.next_message().map_err(|error| failed(error.to_string()))? {
                break message;
            }
            match own.line.read().await {
                Event::Output(bytes) => own.decoder.push(&bytes),
                Event::Errors(_) => continue,
                _ => {
                    let message = "the backend closed the session before its hello";
                    return Err(TransportError::new(ErrorKind::Reset, Sent::No, message));
                }
            }
            // Else one would wait for the end of a message that never comes.
            match own.decoder.partial().first() {
                None | Some(b'<') => {}
                Some(b'#') => return Err(failed("the backend's hello is chunked, which a hello never is".to_owned())),
                Some(_) => return Err(failed("the backend's first bytes are no hello of NETCONF".to_owned())),
            }
        };
        own.framing = hello(&said).map_err(|reason| failed(format!("the backend's hello {reason}")))?;
        own.decoder.switch(own.framing);
        Ok(own)
    }

    /// Makes one exchange. `sent` is kept true at every moment. After an error, or if the future is dropped, the
    /// session must not be used again.
    ///
    /// # Errors
    /// There is no reply, or none that could be handed on.
    pub(in crate::transport::ssh) async fn call(
        &mut self,
        id: &str,
        message: &[u8],
        sent: &mut Sent,
        stats: &Stats,
    ) -> Result<Vec<u8>, TransportError> {
        let framed = encode(self.framing, message).map_err(TransportError::refused)?;
        stats.body_sent(message.len());
        self.line.write(framed, sent).await?;
        loop {
            while let Some(message) = self.decoder.next_message().map_err(|error| broken(&error, *sent))? {
                match read(&message) {
                    Ok(Incoming::Reply(Some(answered))) if answered == id => return Ok(message),
                    Ok(Incoming::Reply(Some(_)) | Incoming::Unasked) => stats.unknown_reply(),
                    Ok(Incoming::Reply(None)) => {
                        let message = "the backend's reply has no `message-id`";
                        return Err(TransportError::new(ErrorKind::Protocol, Sent::Yes, message));
                    }
                    Err(reason) => {
                        let message = format!("what the backend sent {reason}");
                        return Err(TransportError::new(ErrorKind::Protocol, Sent::Yes, message));
                    }
                }
            }
            let begun = |id: &str, partial| matches!(read(partial), Ok(Incoming::Reply(Some(own))) if own == id);
            if *sent == Sent::Maybe && begun(id, self.decoder.partial()) {
                *sent = Sent::Yes;
            }
            match self.line.read().await {
                Event::Output(bytes) => {
                    stats.body_received(bytes.len());
                    self.decoder.push(&bytes);
                }
                Event::Errors(_) | Event::Status(_) => {}
                Event::End | Event::Closed => {
                    let message = "the backend ended the session before its whole reply had arrived";
                    return Err(TransportError::new(ErrorKind::Reset, *sent, message));
                }
                Event::Lost => {
                    let message = "the connection was lost before the whole reply had arrived";
                    return Err(TransportError::new(ErrorKind::Reset, *sent, message));
                }
            }
        }
    }

    /// Waits to be woken, and watches the backend meanwhile. None if the session ended, or was closed because nobody
    /// woke it for a while.
    pub(super) async fn rest(
        mut self,
        mut woken: oneshot::Receiver<()>,
        idle: Duration,
        stats: &Stats,
    ) -> Option<Self> {
        let enough = sleep(idle);
        tokio::pin!(enough);
        loop {
            tokio::select! {
                biased;
                // The transport may have been dropped instead.
                woken = &mut woken => match woken {
                    Ok(()) => return Some(self),
                    Err(_) => break,
                },
                () = &mut enough => break,
                event = self.line.read() => match event {
                    Event::Output(bytes) => {
                        self.decoder.push(&bytes);
                        while self.decoder.next_message().ok()?.is_some() {
                            stats.unknown_reply();
                        }
                    }
                    Event::Errors(_) | Event::Status(_) => {}
                    Event::End | Event::Closed | Event::Lost => return None,
                },
            }
        }
        self.close().await;
        None
    }

    /// Ends the session in order, but does not insist on it: the channel is closed in any case.
    async fn close(mut self) {
        let Ok(goodbye) = encode(self.framing, CLOSE) else { return };
        let farewell = async {
            self.line.write(goodbye, &mut Sent::No).await?;
            while !matches!(self.line.read().await, Event::Output(_) | Event::End | Event::Closed | Event::Lost) {}
            Ok::<_, TransportError>(())
        };
        // A backend that does not answer, or is gone, has its channel closed all the same.
        let _ = timeout(FAREWELL, farewell).await;
    }
}

fn broken(error: &FramingError, sent: Sent) -> TransportError {
    match error {
        FramingError::TooLarge(_) => TransportError::new(ErrorKind::TooLarge, Sent::Yes, format!("the reply: {error}")),
        FramingError::Chunk(_) => TransportError::new(ErrorKind::Protocol, sent, error.to_string()),
    }
}
