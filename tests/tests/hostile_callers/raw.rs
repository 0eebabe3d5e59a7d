//! Bytes to Crosspoint's listener and back, with no client between that would tidy them up.

use std::io;

use crosspoint_tests::host::{Scene, Who, within};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A connection to the listener.
pub struct Raw {
    stream: TcpStream,
    read: Vec<u8>,
}

/// An answer, as it stood on the wire.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Raw {
    pub async fn connect(scene: &Scene) -> Self {
        let stream = TcpStream::connect(scene.host.address()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, read: Vec::new() }
    }

    /// Sends bytes; whether they could be sent is the listener's business.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        within("bytes to be sent", self.stream.write_all(bytes.as_ref())).await
    }

    /// Says that nothing more will be sent.
    pub async fn finish(&mut self) {
        // The other side may have closed already.
        let _ = self.stream.shutdown().await;
    }

    /// The next answer; none if the connection ends without one.
    pub async fn answer(&mut self) -> Option<Answer> {
        within("an answer, or the end of the connection", async {
            loop {
                if let Some(answer) = self.take() {
                    return Some(answer);
                }
                match self.stream.read_buf(&mut self.read).await {
                    Ok(0) | Err(_) => return None,
                    Ok(_) => {}
                }
            }
        })
        .await
    }

    /// Every answer until the listener closes the connection, which it has to do.
    pub async fn answers_to_end(&mut self) -> Vec<Answer> {
        let mut answers = Vec::new();
        while let Some(answer) = self.answer().await {
            answers.push(answer);
        }
        assert!(self.read.is_empty(), "half an answer: {:?}", String::from_utf8_lossy(&self.read));
        answers
    }

    /// Waits until the listener has closed the connection; what it says before does not matter.
    pub async fn closed(&mut self) {
        let mut rest = Vec::new();
        let read = within("the connection to be closed", self.stream.read_to_end(&mut rest)).await;
        // It may be reset where something of ours lay unread.
        drop(read);
    }

    fn take(&mut self) -> Option<Answer> {
        let end = self.read.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let head = String::from_utf8(self.read[..end].to_vec()).unwrap();
        let field = |name: &str| {
            head.lines().find_map(|line| {
                let (found, value) = line.split_once(':')?;
                found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
            })
        };
        let length = field("content-length").map_or(0, |length| length.parse().unwrap());
        if self.read.len() < end + length {
            return None;
        }
        let body = String::from_utf8(self.read[end..end + length].to_vec()).unwrap();
        self.read.drain(..end + length);
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Some(Answer { status, head, body })
    }
}

/// A request's head: line and headers, the caller's token and a `Host` among them.
pub fn head(line: &str, headers: &[&str]) -> String {
    let token = Who::Acme.token().unwrap();
    let headers = headers.iter().fold(String::new(), |headers, header| headers + header + "\r\n");
    format!("{line} HTTP/1.1\r\nHost: crosspoint\r\nAuthorization: Bearer {token}\r\n{headers}\r\n")
}

/// A whole request that changes something, with its length.
pub fn put(path: &str, body: &str) -> String {
    head(&format!("PUT {path}"), &["Content-Type: application/json", &format!("Content-Length: {}", body.len())]) + body
}

/// What bytes are answered with, on a connection of their own, and that the connection is closed then.
pub async fn exchange(scene: &Scene, bytes: impl AsRef<[u8]>) -> Vec<Answer> {
    let mut raw = Raw::connect(scene).await;
    // A listener that has seen enough may close before all is sent.
    let _ = raw.send(bytes).await;
    raw.finish().await;
    raw.answers_to_end().await
}
