use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;

/// What can cut a connection: at once, or once certain bytes are on their way.
#[derive(Clone, Default)]
pub struct Cut {
    now: Arc<Notify>,
    awaited: Arc<Mutex<Option<Awaited>>>,
}

/// The bytes after which the connection is cut, and what was written since they were named.
struct Awaited {
    bytes: Vec<u8>,
    written: Vec<u8>,
}

impl Cut {
    /// Cuts the connection, and never returns.
    pub async fn now<T>(&self) -> T {
        self.now.notify_one();
        std::future::pending().await
    }

    /// Cuts the connection once these bytes have been handed to the kernel.
    pub fn after(&self, bytes: Vec<u8>) {
        let awaited = Awaited { bytes, written: Vec::new() };
        *self.awaited.lock().unwrap_or_else(PoisonError::into_inner) = Some(awaited);
    }

    /// Ends when the connection is to be cut.
    pub async fn cut(&self) {
        self.now.notified().await;
    }

    fn wrote(&self, bytes: &[u8]) {
        let mut awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Awaited { bytes: wanted, written }) = awaited.as_mut() else { return };
        written.extend_from_slice(bytes);
        if written.windows(wanted.len()).any(|window| window == wanted) {
            *awaited = None;
            self.now.notify_one();
        }
    }
}

/// A connection that tells its [`Cut`] what is written.
pub struct Cuttable {
    stream: TcpStream,
    cut: Cut,
}

/// A connection, and what can cut it.
pub fn cuttable(stream: TcpStream) -> (Cuttable, Cut) {
    let cut = Cut::default();
    (Cuttable { stream, cut: cut.clone() }, cut)
}

impl AsyncRead for Cuttable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Cuttable {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let wrote = std::task::ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.cut.wrote(bytes.get(..wrote).unwrap_or_default());
        Poll::Ready(Ok(wrote))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
