use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

/// A backend that keeps every request whole and answers what it was told to answer. Dropped, it stops.
pub struct Recorder {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Recorded>>>,
    serving: AbortHandle,
}

/// One request.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// `GET` and so on.
    pub method: Method,
    /// Path and query.
    pub target: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Recorded {
    /// Whether the text stands anywhere in the request.
    #[must_use]
    pub fn holds(&self, text: &str) -> bool {
        let Self { target, headers, body, .. } = self;
        let headers = headers.iter().any(|(_, value)| String::from_utf8_lossy(value.as_bytes()).contains(text));
        target.contains(text) || headers || String::from_utf8_lossy(body).contains(text)
    }
}

/// A status, headers and a JSON body.
pub type Answer = (u16, Vec<(&'static str, String)>, Value);

impl Recorder {
    /// Starts one that answers so.
    pub async fn start(answer: impl Fn(&Recorded) -> Answer + Clone + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::<Mutex<Vec<Recorded>>>::default();
        let kept = Arc::clone(&requests);
        let handler = async move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let request = Recorded { method, target: uri.to_string(), headers, body };
            let answer = response(answer(&request));
            kept.lock().unwrap_or_else(PoisonError::into_inner).push(request);
            answer
        };
        let serving = tokio::spawn(async move { axum::serve(listener, Router::new().fallback(handler)).await });
        Self { address, requests, serving: serving.abort_handle() }
    }

    /// Where it listens, as a URL without a trailing slash.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn response((status, headers, body): Answer) -> Response {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap().into_response()
}
