use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::failure::Failure;
use super::problem::Problem;

/// What a path segment and a query value may hold as it is (RFC 3986, section 2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Long enough for a distant server, short enough for somebody who waits.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest answer that is taken.
const LONGEST_ANSWER: usize = 64 * 1024 * 1024;

/// The header that makes a repeat safe.
pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The address of a resource from its segments, each encoded, so that no id can reach out of its place.
pub(super) fn path(segments: &[&str]) -> String {
    let encode = |segment: &&str| match *segment {
        // A path of dots means another place to every proxy on the way.
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        segment => utf8_percent_encode(segment, ENCODED).to_string(),
    };
    format!("/v1/{}", segments.iter().map(encode).collect::<Vec<_>>().join("/"))
}

/// One request to the server.
#[derive(Clone, Debug)]
pub(super) struct Request {
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    headers: HeaderMap,
    body: Bytes,
    /// Whether it may change something, so that a lost answer leaves a doubt.
    changes: bool,
}

impl Request {
    pub(super) fn get(path: String) -> Self {
        Self { changes: false, ..Self::new(Method::GET, path) }
    }

    /// A request that changes something.
    pub(super) fn new(method: Method, path: String) -> Self {
        Self { method, path, query: Vec::new(), headers: HeaderMap::new(), body: Bytes::new(), changes: true }
    }

    /// Says that the request changes nothing, whatever its method.
    pub(super) fn reading(self) -> Self {
        Self { changes: false, ..self }
    }

    /// Adds to the query, if there is a value.
    pub(super) fn query(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.query.extend(value.map(|value| (name, value.to_string())));
        self
    }

    /// Adds a header, if there is a value.
    pub(super) fn header(mut self, name: HeaderName, value: Option<&str>) -> Result<Self, Failure> {
        if let Some(value) = value {
            let value = HeaderValue::from_str(value)
                .map_err(|_| Failure::Usage(format!("`{value}` cannot be the value of a header")))?;
            self.headers.insert(name, value);
        }
        Ok(self)
    }

    pub(super) fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string().into())
    }

    pub(super) fn body(mut self, media_type: &'static str, body: Bytes) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        self.body = body;
        self
    }

    fn target(&self) -> String {
        let pairs: Vec<String> =
            self.query.iter().map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, ENCODED))).collect();
        if pairs.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, pairs.join("&")) }
    }
}

/// What the server answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

/// Asks one server. Each request is sent once; nothing is repeated behind the caller's back.
#[derive(Debug)]
pub(super) struct Client {
    pool: Pool<HttpsConnector<HttpConnector>, Full<Bytes>>,
    base: String,
    token: Option<HeaderValue>,
    timeout: Duration,
}

impl Client {
    /// `base` is the server's address without a slash at its end.
    pub(super) fn new(
        base: String,
        token: Option<HeaderValue>,
        tls: Arc<rustls::ClientConfig>,
        timeout: Duration,
    ) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        connector.enforce_http(false);
        connector.set_nodelay(true);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(Arc::unwrap_or_clone(tls))
            .https_or_http()
            .enable_http1()
            .enable_http2()
            .wrap_connector(connector);
        let pool = Pool::builder(TokioExecutor::new()).retry_canceled_requests(false).build(connector);
        Self { pool, base, token, timeout }
    }

    /// Sends a request and reads the whole answer. A problem is a failure.
    pub(super) async fn send(&self, request: Request) -> Result<Answer, Failure> {
        let exchange = async {
            let response = self.start(&request).await?;
            let (status, headers) = (response.status(), response.headers().clone());
            let body = Limited::new(response.into_body(), LONGEST_ANSWER)
                .collect()
                .await
                .map_err(|error| self.lost(&request, &error.to_string()))?;
            read(&request, status, headers, &body.to_bytes())
        };
        match tokio::time::timeout(self.timeout, exchange).await {
            Ok(answer) => answer,
            Err(_) => {
                Err(self.lost(&request, &format!("no answer within {}", humantime::format_duration(self.timeout))))
            }
        }
    }

    /// Sends a request and gives the answer's body as it comes. A problem is a failure.
    pub(super) async fn stream(&self, request: Request) -> Result<Incoming, Failure> {
        let response = match tokio::time::timeout(self.timeout, self.start(&request)).await {
            Ok(response) => response?,
            Err(_) => return Err(self.lost(&request, "no answer in time")),
        };
        if response.status().is_success() {
            return Ok(response.into_body());
        }
        let (status, headers) = (response.status(), response.headers().clone());
        let body = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await;
        let body = body.map_err(|error| self.lost(&request, &error.to_string()))?.to_bytes();
        match read(&request, status, headers, &body) {
            Err(failure) => Err(failure),
            Ok(_) => Err(self.lost(&request, "an answer that is no stream")),
        }
    }

    async fn start(&self, request: &Request) -> Result<http::Response<Incoming>, Failure> {
        let mut outgoing = http::Request::new(Full::new(request.body.clone()));
        *outgoing.method_mut() = request.method.clone();
        *outgoing.uri_mut() = format!("{}{}", self.base, request.target())
            .parse()
            .map_err(|error| Failure::Usage(format!("{} is no address: {error}", self.base)))?;
        let headers = outgoing.headers_mut();
        headers.clone_from(&request.headers);
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("crosspoint/", env!("CARGO_PKG_VERSION"))));
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        headers.extend(self.token.clone().map(|token| (AUTHORIZATION, token)));
        self.pool.request(outgoing).await.map_err(|error| {
            let reason = causes(&error);
            if error.is_connect() { self.unreachable(reason) } else { self.lost(request, &reason) }
        })
    }

    fn unreachable(&self, reason: String) -> Failure {
        Failure::Unreachable { url: self.base.clone(), reason }
    }

    fn lost(&self, request: &Request, reason: &str) -> Failure {
        if !request.changes {
            return self.unreachable(reason.to_owned());
        }
        let key = request.headers.get(IDEMPOTENCY_KEY).and_then(|key| key.to_str().ok());
        Failure::Lost { url: self.base.clone(), reason: reason.to_owned(), idempotency_key: key.map(str::to_owned) }
    }
}

fn read(request: &Request, status: StatusCode, headers: HeaderMap, body: &[u8]) -> Result<Answer, Failure> {
    let value = if body.is_empty() { Some(Value::Null) } else { serde_json::from_slice(body).ok() };
    match value {
        Some(body) if status.is_success() => Ok(Answer { status, headers, body }),
        Some(answer) if let Some(problem) = Problem::read(&answer) => {
            Err(Failure::Problem { answer, problem: Box::new(problem) })
        }
        _ => Err(Failure::Foreign {
            status: status.as_u16(),
            text: String::from_utf8_lossy(body).into_owned(),
            in_doubt: request.changes && (status.is_success() || status.is_server_error()),
        }),
    }
}

/// An error and its causes on one line: the outermost one alone says "client error (Connect)".
fn causes(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn no_id_reaches_out_of_its_place_in_the_address() {
        assert_eq!(
            path(&["backends", "fw", "objects", "rule", "a/b?c#d e"]),
            "/v1/backends/fw/objects/rule/a%2Fb%3Fc%23d%20e"
        );
        assert_eq!(path(&["x", ".."]), "/v1/x/%2E%2E");
        assert_eq!(path(&["x", "a:adopt"]), "/v1/x/a%3Aadopt");
        assert_eq!(path(&["x", "é"]), "/v1/x/%C3%A9");
    }

    #[test]
    fn a_query_value_stays_a_value() {
        let request = Request::get(path(&["mappings"])).query("label", Some("a=b&c")).query("limit", None::<u32>);
        assert_eq!(request.target(), "/v1/mappings?label=a%3Db%26c");
    }
}
