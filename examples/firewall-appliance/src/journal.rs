use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use tokio::sync::watch;

/// One request to the API, as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Request {
    /// Counts from 1, also across resets.
    pub number: u64,
    /// `GET` and so on.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// The status that was answered, or would have been; `None` while the request waits.
    pub status: Option<u16>,
    /// Whether it changed something.
    pub effect: bool,
    /// The id of the rule that it created.
    pub created: Option<String>,
}

impl Request {
    /// Whether it has this method and a path that starts so.
    #[must_use]
    pub fn is(&self, method: &str, path: &str) -> bool {
        self.method.eq_ignore_ascii_case(method) && self.path.starts_with(path)
    }
}

/// What a handler adds to its reply when it changed something.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effect {
    pub created: Option<String>,
}

/// All requests so far. Whoever waits for one is told.
#[derive(Default)]
pub(crate) struct Journal {
    pages: watch::Sender<Pages>,
}

#[derive(Default)]
struct Pages {
    last: u64,
    requests: Vec<Request>,
}

impl Journal {
    pub fn all(&self) -> Vec<Request> {
        self.pages.borrow().requests.clone()
    }

    /// Records an arrival and gives its number.
    pub fn arrive(&self, method: &str, path: &str) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut number = 0;
        self.pages.send_modify(|pages| {
            pages.last += 1;
            number = pages.last;
            pages.requests.push(Request {
                number,
                method: method.to_owned(),
                path: path.to_owned(),
                at_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
                status: None,
                effect: false,
                created: None,
            });
        });
        number
    }

    /// Adds how a request ended.
    pub fn settle(&self, number: u64, status: u16, effect: Option<&Effect>) {
        self.pages.send_modify(|pages| {
            if let Some(request) = pages.requests.iter_mut().find(|request| request.number == number) {
                request.status = Some(status);
                request.effect = effect.is_some();
                request.created = effect.and_then(|effect| effect.created.clone());
            }
        });
    }

    pub async fn until(&self, mut condition: impl FnMut(&[Request]) -> bool) {
        // The sender lives as long as `self`, so the wait cannot fail.
        let _ = self.pages.subscribe().wait_for(|pages| condition(&pages.requests)).await;
    }

    pub fn clear(&self) {
        self.pages.send_modify(|pages| pages.requests.clear());
    }
}
