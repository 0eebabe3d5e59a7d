//! The backend that everybody speaks to: it answers from memory and does next to nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result};
use bench_driver::sample;
use tokio::net::TcpListener;

use super::wire::{Request, Wire};
use super::workload::Size;

/// How long an id is: a size and a number. Answers with ids of one length have one length themselves.
const ID: usize = "16384-".len() + 12;

/// Everything of a policy's path but its number. The origin tells from the path how large it shall be.
pub fn path(size: Size) -> String {
    format!("/policies/{}", prefix(size))
}

fn prefix(size: Size) -> String {
    format!("{:05}-", size.bytes())
}

/// Answers requests from now on, in tasks of its own.
pub async fn start() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("the origin cannot listen")?;
    let address = listener.local_addr()?;
    let policies = Arc::new(Policies::new());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let policies = Arc::clone(&policies);
            tokio::spawn(async move {
                let Ok(mut wire) = Wire::new(stream) else { return };
                let mut answer = Vec::with_capacity(20 << 10);
                // A contestant that breaks off is noticed where its own answers are read.
                while let Ok(Some(request)) = wire.request().await {
                    policies.answer(&request, &mut answer);
                    if wire.send(&answer).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    Ok(address)
}

struct Policies {
    shapes: [Shape; 2],
    created: AtomicU64,
}

/// A policy of one size, around its id.
struct Shape {
    size: Size,
    before: String,
    after: String,
}

impl Policies {
    fn new() -> Self {
        let id = "x".repeat(ID);
        let shapes = Size::ALL.map(|size| {
            let policy = sample::stored(&id, size.bytes()).to_string();
            let (before, after) = policy.split_once(&id).unwrap_or_default();
            Shape { size, before: before.to_owned(), after: after.to_owned() }
        });
        Self { shapes, created: AtomicU64::new(0) }
    }

    fn answer(&self, request: &Request, answer: &mut Vec<u8>) {
        answer.clear();
        let id = request.path.strip_prefix("/policies/").filter(|id| id.len() == ID);
        let known = id.and_then(|id| Some((id, self.shapes.iter().find(|shape| id.starts_with(&prefix(shape.size)))?)));
        match (request.method.as_str(), known) {
            ("GET", Some((id, shape))) => shape.write("200 OK", id, answer),
            ("POST", None) => {
                let nearest = |shape: &&Shape| shape.size.bytes().abs_diff(request.body.len());
                let number = self.created.fetch_add(1, Ordering::Relaxed);
                if let Some(shape) = self.shapes.iter().min_by_key(nearest) {
                    shape.write("201 Created", &format!("{}{number:012}", prefix(shape.size)), answer);
                }
            }
            _ => answer.extend_from_slice(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"),
        }
    }
}

impl Shape {
    fn write(&self, status: &str, id: &str, answer: &mut Vec<u8>) {
        let length = self.before.len() + ID + self.after.len();
        let revision = sample::REVISION;
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\netag: {revision}\r\ncontent-length: {length}\r\n\r\n"
        );
        for part in [&head, &self.before, id, &self.after] {
            answer.extend_from_slice(part.as_bytes());
        }
    }
}
