//! Many calls at once.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use bench_driver::{KIND, sample};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2;
use hyper::{Method, Request};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::host::{CALLER, request};
use crate::relay::wire::Wire;

/// How many connections are made at once: more than that wait in the kernel, some for seconds.
const CONNECTING: usize = 128;
/// Calls on one HTTP/2 connection.
const STREAMS: usize = 200;

/// What all of them do.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    pub name: &'static str,
    /// Each creates an object of its own; else all read the same one.
    pub creates: bool,
    /// Some share a connection; else each has its own.
    pub http2: bool,
    /// Crosspoint's calls share a connection to the backend; else each has its own.
    pub backend_http2: bool,
}

/// Begins `count` calls at `backend`; each task gives the statuses that its calls were
/// answered with.
pub fn begin(kind: Kind, address: SocketAddr, backend: &'static str, count: usize) -> JoinSet<Result<Vec<u16>>> {
    let mut calls = JoinSet::new();
    let connecting = Arc::new(Semaphore::new(CONNECTING));
    let share = if kind.http2 { STREAMS } else { 1 };
    for first in (0..count).step_by(share) {
        let connecting = Arc::clone(&connecting);
        let numbers = first..count.min(first + share);
        if kind.http2 {
            calls.spawn(async move {
                let permit = connecting.acquire_owned().await?;
                let (sender, connection) =
                    http2::handshake(TokioExecutor::new(), TokioIo::new(TcpStream::connect(address).await?)).await?;
                drop(permit);
                let connection = tokio::spawn(connection);
                let mut streams = JoinSet::new();
                for number in numbers {
                    let (mut sender, request) = (sender.clone(), stream(kind, address, backend, number)?);
                    streams.spawn(async move {
                        sender.ready().await?;
                        let (head, body) = sender.send_request(request).await?.into_parts();
                        body.collect().await?;
                        anyhow::Ok(head.status.as_u16())
                    });
                }
                let statuses = streams.join_all().await.into_iter().collect();
                connection.abort();
                statuses
            });
        } else {
            calls.spawn(async move {
                let permit = connecting.acquire_owned().await?;
                let mut wire = Wire::connect(address).await?;
                drop(permit);
                let (what, body) = (what(kind, backend, first), body(kind));
                wire.send(&request(address, CALLER, &what, "application/json", &body)).await?;
                Ok(vec![wire.response().await?.status])
            });
        }
    }
    calls
}

fn what(kind: Kind, backend: &str, number: usize) -> String {
    let objects = format!("/v1/backends/{backend}/objects/{KIND}");
    if kind.creates { format!("PUT {objects}/made-{number}") } else { format!("GET {objects}/kept") }
}

fn body(kind: Kind) -> Bytes {
    if kind.creates { create() } else { Bytes::new() }
}

/// The body that creates a policy of 1 KB.
pub fn create() -> Bytes {
    serde_json::json!({"spec": sample::spec(1000)}).to_string().into()
}

fn stream(kind: Kind, address: SocketAddr, backend: &str, number: usize) -> Result<Request<Full<Bytes>>> {
    let what = what(kind, backend, number);
    let (method, path) = what.split_once(' ').context("a method and a path")?;
    let request = Request::builder()
        .method(method.parse::<Method>()?)
        .uri(format!("http://{address}{path}"))
        .header("authorization", format!("Bearer {CALLER}"))
        .header("content-type", "application/json");
    Ok(request.body(Full::new(body(kind)))?)
}
