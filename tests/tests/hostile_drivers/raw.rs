//! A backend at the level of bytes.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// A listener that keeps every byte it gets and follows a script on each connection. Dropped, it stops.
pub struct Raw {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Vec<u8>>>>,
    accepting: AbortHandle,
}

/// One accepted connection.
pub struct Line {
    stream: TcpStream,
    index: usize,
    received: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Raw {
    pub async fn start<F, S>(script: F) -> Self
    where
        F: Fn(Line) -> S + Send + 'static,
        S: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::<Mutex<Vec<Vec<u8>>>>::default();
        let kept = Arc::clone(&received);
        let accepting = tokio::spawn(async move {
            for index in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                lock(&kept).push(Vec::new());
                tokio::spawn(script(Line { stream, index, received: Arc::clone(&kept) }));
            }
        });
        Self { address, received, accepting: accepting.abort_handle() }
    }

    /// One that answers each HTTP/1.1 request with an object of its own.
    pub async fn obliging() -> Self {
        Self::start(|mut line| async move {
            let mut number = 0;
            while line.request().await {
                let body = format!("{{\"id\":\"t-{}-{number}\"}}", line.index);
                line.write(&format!("HTTP/1.1 201 Created\r\ncontent-length: {}\r\n\r\n{body}", body.len())).await;
                number += 1;
            }
        })
        .await
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How often somebody connected.
    pub fn connections(&self) -> usize {
        lock(&self.received).len()
    }

    /// Every byte so far, of all connections in their order.
    pub fn bytes(&self) -> Vec<u8> {
        lock(&self.received).concat()
    }

    /// The bytes since the last time they were taken.
    pub fn take(&self) -> String {
        let bytes = lock(&self.received).iter_mut().flat_map(std::mem::take).collect::<Vec<_>>();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Line {
    /// How many connections were accepted before.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Some bytes; none at the end.
    pub async fn read(&mut self) -> Option<Vec<u8>> {
        let mut buffer = vec![0; 16 << 10];
        let count = self.stream.read(&mut buffer).await.unwrap_or(0);
        buffer.truncate(count);
        lock(&self.received)[self.index].extend_from_slice(&buffer);
        (count > 0).then_some(buffer)
    }

    /// One HTTP/1.1 request with its body; false at the end.
    pub async fn request(&mut self) -> bool {
        let mut request = Vec::new();
        while !is_whole(&request) {
            match self.read().await {
                Some(bytes) => request.extend(bytes),
                None => return false,
            }
        }
        true
    }

    /// The first number in the target of the last request.
    pub fn number_in_target(&self) -> usize {
        let received = lock(&self.received);
        let text = String::from_utf8_lossy(&received[self.index]);
        let line = text.lines().rfind(|line| line.ends_with(" HTTP/1.1")).unwrap();
        line.split(['/', ' ']).find_map(|part| part.parse().ok()).unwrap()
    }

    /// False where nobody listens any more, which is the other end's right.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).await.is_ok()
    }

    /// Waits for the other end to close.
    pub async fn hold(mut self) {
        while self.read().await.is_some() {}
    }

    /// Passes everything on to a server and back.
    pub async fn relay_to(mut self, server: SocketAddr) {
        let Ok(mut upstream) = TcpStream::connect(server).await else { return };
        let (mut from_server, mut to_server) = upstream.split();
        let (mut from_client, mut to_client) = self.stream.split();
        let requests = async {
            let mut buffer = vec![0; 16 << 10];
            while let Ok(count @ 1..) = from_client.read(&mut buffer).await {
                lock(&self.received)[self.index].extend_from_slice(&buffer[..count]);
                if to_server.write_all(&buffer[..count]).await.is_err() {
                    break;
                }
            }
        };
        tokio::select! {
            () = requests => {}
            _ = copy(&mut from_server, &mut to_client) => {}
        }
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, _)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    request.len() >= head.len() + 4 + length.map_or(0, |length| length.parse().unwrap())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
