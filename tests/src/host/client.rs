use std::future::IntoFuture;
use std::net::SocketAddr;
use std::ops::Index;
use std::pin::Pin;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use super::wait::within;

/// Someone who speaks to a Crosspoint. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    http: HttpClient<HttpConnector, Full<Bytes>>,
    base: String,
    token: Option<String>,
}

impl Client {
    pub(super) fn new(address: SocketAddr, token: Option<String>) -> Self {
        // A request that is sent twice would spoil every count.
        let http = HttpClient::builder(TokioExecutor::new()).retry_canceled_requests(false).build_http();
        Self { http, base: format!("http://{address}"), token }
    }

    /// Somebody without a token, who speaks to any server.
    pub fn of(address: SocketAddr) -> Self {
        Self::new(address, None)
    }

    /// `GET`.
    pub fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    /// `PUT`.
    pub fn put(&self, path: &str) -> Call {
        self.call(Method::PUT, path)
    }

    /// `PATCH`.
    pub fn patch(&self, path: &str) -> Call {
        self.call(Method::PATCH, path)
    }

    /// `POST`.
    pub fn post(&self, path: &str) -> Call {
        self.call(Method::POST, path)
    }

    /// `DELETE`.
    pub fn delete(&self, path: &str) -> Call {
        self.call(Method::DELETE, path)
    }

    /// Any method.
    pub fn call(&self, method: Method, path: &str) -> Call {
        let call = Call {
            http: self.http.clone(),
            request: Request::builder().method(method).uri(format!("{}{path}", self.base)),
            body: Bytes::new(),
        };
        match &self.token {
            Some(token) => call.header("authorization", &format!("Bearer {token}")),
            None => call,
        }
    }
}

/// A request that is sent when it is awaited.
#[must_use]
pub struct Call {
    http: HttpClient<HttpConnector, Full<Bytes>>,
    request: http::request::Builder,
    body: Bytes,
}

impl Call {
    /// Adds a header.
    pub fn header(self, name: &str, value: &str) -> Self {
        Self { request: self.request.header(name, value), ..self }
    }

    /// Adds an `Idempotency-Key`.
    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// With this body, as JSON.
    pub fn json(self, body: &Value) -> Self {
        self.bytes("application/json", body.to_string().into_bytes())
    }

    /// With these bytes as the body.
    pub fn bytes(self, content_type: &str, body: Vec<u8>) -> Self {
        Self { body: body.into(), ..self.header("content-type", content_type) }
    }

    /// Sends it; gives the response as soon as its head is there.
    ///
    /// # Errors
    /// Where no response comes.
    pub async fn open(self) -> Result<Response<Incoming>, String> {
        let request = self.request.body(Full::new(self.body)).unwrap();
        within("an answer", self.http.request(request)).await.map_err(|error| format!("{error:?}"))
    }

    /// Sends it; gives the whole answer.
    ///
    /// # Errors
    /// Where no whole answer comes.
    pub async fn attempt(self) -> Result<Reply, String> {
        let (head, body) = self.open().await?.into_parts();
        let body = within("the whole answer", body.collect()).await.map_err(|error| error.to_string())?.to_bytes();
        let text = String::from_utf8_lossy(&body).into_owned();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Reply { status: head.status.as_u16(), headers: head.headers, body })
    }
}

impl IntoFuture for Call {
    type Output = Reply;
    type IntoFuture = Pin<Box<dyn Future<Output = Reply> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async { self.attempt().await.unwrap() })
    }
}

/// An answer. Indexed by a JSON Pointer it gives that part of the body, `null` where there is none.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; a string where it is not JSON.
    pub body: Value,
}

impl Reply {
    /// The same, if it has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        self
    }

    /// The same, if it is a success.
    #[track_caller]
    pub fn success(self) -> Self {
        assert!((200..300).contains(&self.status), "{self:#?}");
        self
    }

    /// The same, if it is a problem with this status and this code, whose every part is as promised.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, &self["/code"]), (status, &Value::from(code)), "{self:#?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:#?}");
        assert_eq!(self["/type"], format!("urn:crosspoint:problem:{}", code.replace('_', "-")), "{self:#?}");
        assert_eq!(self["/status"], status, "{self:#?}");
        let text = |member: &str| self[member].as_str().is_some_and(|text| !text.is_empty());
        assert!(text("/title") && text("/detail"), "{self:#?}");
        assert!(["no", "maybe", "yes"].iter().any(|sent| self["/sent"] == *sent), "{self:#?}");
        assert!(self["/retryable"].is_boolean(), "{self:#?}");
        let retry_after = self["/retry_after"].as_u64().map(|seconds| seconds.to_string());
        assert_eq!(self.header("retry-after"), retry_after.as_deref(), "{self:#?}");
        self
    }

    /// A header, if it is there.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The body, if it is text.
    #[must_use]
    #[track_caller]
    pub fn text(&self) -> &str {
        self.body.as_str().unwrap()
    }

    /// A part of the body that is text.
    #[must_use]
    #[track_caller]
    pub fn string(&self, pointer: &str) -> String {
        self[pointer].as_str().unwrap_or_else(|| panic!("no text at {pointer}: {self:#?}")).to_owned()
    }

    /// The members of `items`.
    #[must_use]
    #[track_caller]
    pub fn items(&self) -> &[Value] {
        self["/items"].as_array().unwrap_or_else(|| panic!("no items: {self:#?}"))
    }
}

impl Index<&str> for Reply {
    type Output = Value;

    fn index(&self, pointer: &str) -> &Value {
        self.body.pointer(pointer).unwrap_or(&Value::Null)
    }
}
