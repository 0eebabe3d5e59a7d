//! HTTP/1.1.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use crosspoint_contract::{AuthScheme, Bytes as Body, Exchange, HttpProtocol, HttpRequest, Protocol, Reply, Request};
use tokio::net::TcpListener;

use super::load::{Client, apart};
use super::{Wire, settings};
use crate::relay::wire;

/// The bytes of a reply's body.
const SIZE: usize = 1024;

impl Client for wire::Wire {
    async fn connect(address: SocketAddr) -> Result<Self> {
        Ok(Self::connect(address).await?)
    }

    async fn send(&mut self, _: u64) -> Result<()> {
        Ok(self.send(b"GET /thing HTTP/1.1\r\nhost: bench\r\n\r\n").await?)
    }

    async fn receive(&mut self) -> Result<u64> {
        ensure!(self.response().await?.status == 200, "the server refused");
        Ok(0)
    }
}

/// A GET for a kilobyte.
pub async fn wire() -> Result<Wire> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        let reply = [
            format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {SIZE}\r\n\r\n").into_bytes(),
            vec![b'x'; SIZE],
        ];
        let reply = std::sync::Arc::new(reply.concat());
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut wire) = wire::Wire::new(stream) else { continue };
            let reply = reply.clone();
            tokio::spawn(async move {
                // Whoever breaks off has gone.
                while let Ok(Some(_)) = wire.request().await {
                    if wire.send(&reply).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    Ok(Wire {
        name: "http1",
        protocol: Protocol::Http(HttpProtocol::default()),
        scheme: AuthScheme::None,
        secrets: crosspoint::transport::Secrets::new(),
        settings: settings(format!("http://{address}")),
        exchange: |_| Exchange {
            context: Body::default(),
            endpoint: "default".to_owned(),
            request: Request::Http(HttpRequest {
                method: "GET".to_owned(),
                target: "/thing".to_owned(),
                headers: Vec::new(),
                body: Body::default(),
            }),
            extensions: Vec::new(),
        },
        is_reply: |_, reply| matches!(reply, Reply::Http(http) if http.status == 200 && http.body.0.len() == SIZE),
        raw: apart::<wire::Wire>(address),
    })
}
