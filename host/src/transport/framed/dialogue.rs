//! What happens on a connection before its first exchange.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use super::codec::Decoder;
use super::connection::Endpoint;
use super::failure::{self, Cause};
use super::wire::Greeting;
use crate::sent::Sent;
use crate::transport::dial::Stream;
use crate::transport::{ErrorKind, TransportError};

/// An open connection on which nothing has been asked yet.
pub(super) struct Line {
    pub(super) stream: Box<dyn Stream>,
    pub(super) decoder: Decoder,
}

/// Opens a connection and goes through the greeting, within the connect timeout.
///
/// # Errors
/// Always with `sent: no`: no exchange has begun.
///
/// # Cancel-safety
/// Dropping the future closes what there is of a connection.
pub(super) async fn open(endpoint: &Endpoint) -> Result<Line, TransportError> {
    let limit = Instant::now() + endpoint.connect_timeout;
    let mut line = Line { stream: endpoint.dialer.dial(Some(limit)).await?, decoder: endpoint.wire.codec.decoder() };
    if let Greeting::Awaited(first) = &endpoint.wire.greeting {
        let greeted = timeout_at(limit, greet(&mut line, first, endpoint)).await;
        greeted.unwrap_or_else(|_| {
            let message = "the connection is there, but the backend did not answer its greeting in time";
            Err(TransportError::new(ErrorKind::ConnectTimeout, Sent::No, message))
        })?;
    }
    Ok(line)
}

/// Sends what is said first and drops the one message that comes; keepalives are answered meanwhile.
async fn greet(line: &mut Line, first: &[u8], endpoint: &Endpoint) -> Result<(), TransportError> {
    let broken = |error: io::Error| failure::in_greeting(&Cause::io(&error));
    line.stream.write_all(first).await.map_err(broken)?;
    line.stream.flush().await.map_err(broken)?;
    loop {
        while let Some(message) =
            line.decoder.message().map_err(|error| failure::in_greeting(&Cause::Framing(error)))?
        {
            let Some(answer) = endpoint.wire.answer(&message) else { return Ok(()) };
            line.stream.write_all(answer).await.map_err(broken)?;
            line.stream.flush().await.map_err(broken)?;
        }
        if line.stream.read_buf(line.decoder.buffer()).await.map_err(broken)? == 0 {
            return Err(failure::in_greeting(&Cause::Closed));
        }
    }
}
