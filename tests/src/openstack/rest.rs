use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// What a server answered. `body` is `null` where it is no JSON.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Value,
}

impl Answer {
    /// The answer itself if it is a success.
    ///
    /// # Errors
    /// Any other status, with the body.
    pub fn success(self) -> Result<Self> {
        if !self.status.is_success() {
            bail!("answered {}: {}", self.status, self.body);
        }
        Ok(self)
    }

    /// The text at a JSON Pointer into the body.
    ///
    /// # Errors
    /// Where there is none.
    pub fn text(&self, pointer: &str) -> Result<&str> {
        let text = self.body.pointer(pointer).and_then(Value::as_str);
        text.with_context(|| format!("no text at {pointer} in {}", self.body))
    }
}

/// Makes one request on a connection of its own: a pooled one would be tied to the runtime of the test that opened it.
///
/// # Errors
/// Where the server cannot be reached or closes the connection before it has answered.
pub async fn send(method: Method, url: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Result<Answer> {
    let uri: Uri = url.parse()?;
    let authority = uri.authority().context("a URL without a host")?.as_str();
    let mut request = Request::builder()
        .method(method)
        .uri(uri.path_and_query().context("a URL without a path")?.as_str())
        .header("Host", authority);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if body.is_some() {
        request = request.header("Content-Type", "application/json");
    }
    let request = request.body(Full::new(body.map(Value::to_string).map(Bytes::from).unwrap_or_default()))?;

    let stream = TokioIo::new(TcpStream::connect(authority).await?);
    let (mut sender, connection) = http1::handshake(stream).await?;
    let exchange = async {
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        let body = serde_json::from_slice(&body).unwrap_or_default();
        Ok(Answer { status: head.status, headers: head.headers, body })
    };
    // The connection makes progress only while it is polled; it ends with the exchange.
    let driver = tokio::spawn(connection);
    let answer = exchange.await;
    driver.abort();
    answer
}
