use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use ::http::{HeaderName, HeaderValue, Response, StatusCode, header, request};
use anyhow::Result;
use bytes::Bytes;

use super::far_side::{FarSide, Told, Trouble};
use crate::proxy::{Held, Proxy, Spoil};

/// What `Retry-After` says where an [`HttpFarSide`] throttles, in seconds.
pub const RETRY_AFTER: u64 = 7;

/// The far side of any HTTP backend: a proxy before it.
///
/// Unless [`HttpFarSide::answering`] says otherwise, an exchange that is not authenticated gets 401, and one too many 429
/// with `Retry-After`, both with an empty JSON object; a malformed reply is a page of HTML with status 200.
pub struct HttpFarSide {
    proxy: Proxy,
    logins: Vec<String>,
    answers: BTreeMap<Trouble, Response<Bytes>>,
    held: Mutex<Vec<Held>>,
}

impl HttpFarSide {
    /// Before the server at this URL, whose path is ignored.
    ///
    /// # Errors
    /// Where the URL has no host, or no port is free.
    pub async fn before(upstream: &str) -> Result<Self> {
        let seconds = HeaderValue::from(RETRY_AFTER);
        let mut throttled = answer(StatusCode::TOO_MANY_REQUESTS, "application/json", "{}");
        throttled.headers_mut().insert(header::RETRY_AFTER, seconds);
        let answers = BTreeMap::from([
            (Trouble::Unauthenticated, answer(StatusCode::UNAUTHORIZED, "application/json", "{}")),
            (Trouble::Throttled, throttled),
            (Trouble::Malformed, answer(StatusCode::OK, "text/html", "<!doctype html><title>Another page</title>")),
        ]);
        let proxy = Proxy::start(upstream).await?;
        Ok(Self { proxy, logins: Vec::new(), answers, held: Mutex::default() })
    }

    /// Requests whose target starts so are logins: they are not counted, and meet no trouble.
    #[must_use]
    pub fn logins(mut self, target: &str) -> Self {
        self.logins.push(target.to_owned());
        self
    }

    /// What the backend itself would say: to an exchange that is not authenticated, to one too many, or as nonsense.
    #[must_use]
    pub fn answering(mut self, trouble: Trouble, status: u16, headers: &[(&'static str, &str)], body: &str) -> Self {
        let mut answer = answer(StatusCode::from_u16(status).unwrap(), "application/json", body);
        for (name, value) in headers {
            answer.headers_mut().insert(HeaderName::from_static(name), value.parse().unwrap());
        }
        self.answers.insert(trouble, answer);
        self
    }

    /// The URL that the backend's settings name.
    pub fn url(&self) -> String {
        self.proxy.url()
    }

    /// The proxy itself, which has kept every exchange.
    pub fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    fn is_exchange(&self) -> impl Fn(&request::Parts) -> bool + Send + 'static {
        let logins = self.logins.clone();
        move |head| !is_login(&logins, &head.uri.to_string())
    }
}

impl FarSide for HttpFarSide {
    fn exchanges(&self) -> usize {
        self.proxy.exchanges().iter().filter(|exchange| !is_login(&self.logins, &exchange.target)).count()
    }

    fn trouble(&self, trouble: Trouble) {
        let answer = || self.answers[&trouble].clone();
        let spoil = match trouble {
            Trouble::Unauthenticated | Trouble::Throttled => Spoil::Answer(answer()),
            Trouble::Malformed => Spoil::ReplaceReply(answer()),
            Trouble::Truncated => Spoil::CutReply,
            Trouble::LostRequest => Spoil::LoseRequest,
            Trouble::LostReply => Spoil::LoseReply,
            Trouble::Late => {
                let held = self.proxy.hold_reply_of(self.is_exchange());
                self.held.lock().unwrap_or_else(PoisonError::into_inner).push(held);
                return;
            }
        };
        self.proxy.spoil(self.is_exchange(), spoil);
    }

    fn release(&self) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).drain(..).for_each(Held::release);
    }

    async fn gone(&self) {
        self.proxy.close().await;
    }

    async fn back(&self) {
        self.proxy.open().await.unwrap();
    }

    fn told(&self, trouble: Trouble) -> Option<Told> {
        let retry_after = || {
            let value = self.answers[&trouble].headers().get(header::RETRY_AFTER)?;
            value.to_str().unwrap().parse().ok()
        };
        let retry_after = if trouble == Trouble::Throttled { retry_after() } else { None };
        Some(Told { retry_after, ..trouble.usually() })
    }
}

fn is_login(logins: &[String], target: &str) -> bool {
    logins.iter().any(|login| target.starts_with(login.as_str()))
}

fn answer(status: StatusCode, content_type: &'static str, body: &str) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from(body.to_owned()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}
