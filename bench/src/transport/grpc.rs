//! Unary gRPC.

use std::convert::Infallible;
use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use crosspoint_contract::{
    AuthScheme, Bytes as Body, Correlation, Exchange, Framing, MessageProtocol, Protocol, Reply, Request,
};
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2 as client;
use hyper::header::{HeaderMap, HeaderValue};
use hyper::server::conn::http2 as server;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::load::{Client, together};
use super::{Wire, settings};

/// The bytes of a message.
const SIZE: usize = 1024;

/// The raw client: one connection, a stream for each call.
struct Connection {
    sender: client::SendRequest<Full<Bytes>>,
    address: SocketAddr,
    calls: JoinSet<Result<u64>>,
}

impl Client for Connection {
    async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = client::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        // It ends when the sender is dropped.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self { sender, address, calls: JoinSet::new() })
    }

    async fn send(&mut self, number: u64) -> Result<()> {
        self.sender.ready().await?;
        let request = hyper::Request::post(format!("http://{}/bench.Echo/Echo", self.address))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(Full::new(framed(&message(number))))?;
        let reply = self.sender.send_request(request);
        self.calls.spawn(async move {
            let body = reply.await?.into_body().collect().await?;
            let status = body.trailers().and_then(|trailers| trailers.get("grpc-status"));
            ensure!(status.is_some_and(|status| status == "0"), "the call failed");
            Ok(number)
        });
        Ok(())
    }

    async fn receive(&mut self) -> Result<u64> {
        self.calls.join_next().await.context("nothing was asked")?.context("a call failed")?
    }
}

fn message(number: u64) -> Vec<u8> {
    let mut message = vec![b'x'; SIZE];
    message.splice(..8, number.to_be_bytes());
    message
}

fn framed(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).unwrap_or_default();
    [&[0], length.to_be_bytes().as_slice(), message].concat().into()
}

/// Answers each call with its own message.
async fn echo(
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<impl hyper::body::Body<Data = Bytes, Error = Infallible>>> {
    let message = request.into_body().collect().await?.to_bytes();
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let frames = [Ok(Frame::data(message)), Ok(Frame::trailers(trailers))];
    let body = StreamBody::new(futures_util::stream::iter(frames));
    Ok(hyper::Response::builder().header("content-type", "application/grpc").body(body)?)
}

/// An echo.
pub async fn wire() -> Result<Wire> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Where it cannot be set, the connection works all the same.
            let _ = stream.set_nodelay(true);
            let serving =
                server::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service_fn(echo));
            // Whoever breaks off has gone.
            tokio::spawn(async move { drop(serving.await) });
        }
    });
    let protocol = MessageProtocol {
        framing: Framing::Grpc,
        correlation: Correlation::InOrder,
        preamble: None,
        keepalives: Vec::new(),
        extensions: Vec::new(),
    };
    Ok(Wire {
        name: "grpc",
        protocol: Protocol::Message(protocol),
        scheme: AuthScheme::None,
        secrets: crosspoint::transport::Secrets::new(),
        settings: settings(format!("http://{address}")),
        exchange: |number| Exchange {
            context: Body::default(),
            endpoint: "default".to_owned(),
            request: Request::Message(Body(message(number))),
            extensions: vec![("path".to_owned(), "/bench.Echo/Echo".to_owned())],
        },
        is_reply: |number, reply| matches!(reply, Reply::Http(http) if http.body.0 == message(number)),
        raw: together::<Connection>(address),
    })
}
