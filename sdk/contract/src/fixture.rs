//! Fixtures: recorded calls that a driver must translate as written, run natively, against the compiled component,
//! and by the host before it publishes a driver.

use serde::{Deserialize, Serialize};

use crate::{Call, Exchange, Extensions, Fault, Found, HttpRequest, Outcome, Reply, Request};

/// One call and what must come of it.
///
/// With `fault` and no `exchange`, `encode` must give that fault. Else `encode` must give `exchange`, and, where there
/// is a `reply`, `decode` must make `outcome` or `fault` of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixture {
    /// A sentence that is true when the fixture passes.
    pub name: String,
    /// What the host asks.
    pub call: Call,
    /// What `encode` must answer. `context` is not compared: it is the driver's own business.
    #[serde(default)]
    pub exchange: Option<Exchange>,
    /// What the backend says.
    #[serde(default)]
    pub reply: Option<Reply>,
    /// What `decode` must make of it.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    /// The fault that must come of it instead. Messages are not compared, only what they are about.
    #[serde(default)]
    pub fault: Option<Fault>,
}

/// What differs between a fixture and the driver that it was run against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The fixture's name.
    pub fixture: String,
    /// Where: `encode` or `decode`.
    pub phase: &'static str,
    /// What was expected, as JSON or in words.
    pub expected: String,
    /// What came.
    pub actual: String,
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "fixture `{}`, {}: expected {}, got {}", self.fixture, self.phase, self.expected, self.actual)
    }
}

impl std::error::Error for Mismatch {}

impl Fixture {
    /// Reads a JSON array of fixtures.
    ///
    /// # Errors
    /// What `serde_json` says, with line and column.
    pub fn parse_all(json: &[u8]) -> Result<Vec<Self>, serde_json::Error> {
        serde_json::from_slice(json)
    }

    /// Checks what `encode` gave. `Ok(Some(reply))` asks for `decode` to be run on that reply.
    ///
    /// # Errors
    /// Where the result is not the one the fixture names.
    pub fn check_encode(&self, result: &Result<Exchange, Fault>) -> Result<Option<&Reply>, Mismatch> {
        match (&self.exchange, result) {
            (Some(expected), Ok(actual)) if same_exchange(expected, actual) => Ok(self.reply.as_ref()),
            (Some(expected), Ok(actual)) => Err(self.mismatch("encode", show(expected), show(actual))),
            (Some(expected), Err(fault)) => Err(self.mismatch("encode", show(expected), show(fault))),
            (None, Err(fault)) if self.fault.as_ref().is_some_and(|expected| same_fault(expected, fault)) => Ok(None),
            (None, Err(fault)) => Err(self.mismatch("encode", self.expected_end(), show(fault))),
            (None, Ok(actual)) => Err(self.mismatch("encode", self.expected_end(), show(actual))),
        }
    }

    /// Checks what `decode` gave.
    ///
    /// # Errors
    /// Where the result is not the one the fixture names.
    pub fn check_decode(&self, result: &Result<Outcome, Fault>) -> Result<(), Mismatch> {
        let same = match (&self.outcome, &self.fault, result) {
            (Some(expected), _, Ok(actual)) => same_outcome(expected, actual),
            (None, Some(expected), Err(actual)) => same_fault(expected, actual),
            _ => false,
        };
        if same {
            return Ok(());
        }
        Err(self.mismatch(
            "decode",
            self.expected_end(),
            match result {
                Ok(outcome) => show(outcome),
                Err(fault) => show(fault),
            },
        ))
    }

    fn expected_end(&self) -> String {
        match (&self.outcome, &self.fault) {
            (Some(outcome), _) => show(outcome),
            (None, Some(fault)) => show(fault),
            (None, None) => "an outcome or a fault, but the fixture names neither".to_owned(),
        }
    }

    fn mismatch(&self, phase: &'static str, expected: String, actual: String) -> Mismatch {
        Mismatch { fixture: self.name.clone(), phase, expected, actual }
    }
}

fn show<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| format!("something that JSON cannot show: {error}"))
}

fn same_exchange(a: &Exchange, b: &Exchange) -> bool {
    a.endpoint == b.endpoint
        && sorted(&a.extensions) == sorted(&b.extensions)
        && match (&a.request, &b.request) {
            (Request::Http(a), Request::Http(b)) => same_http(a, b),
            (Request::Message(a), Request::Message(b)) => a.means(b),
            (a, b) => a == b,
        }
}

fn sorted(extensions: &Extensions) -> Vec<&(String, String)> {
    let mut sorted: Vec<_> = extensions.iter().collect();
    sorted.sort();
    sorted
}

fn same_http(a: &HttpRequest, b: &HttpRequest) -> bool {
    let headers = |request: &HttpRequest| {
        let mut list: Vec<_> =
            request.headers.iter().map(|header| (header.name.to_ascii_lowercase(), header.value.clone())).collect();
        list.sort();
        list
    };
    a.method == b.method && a.target == b.target && headers(a) == headers(b) && a.body.means(&b.body)
}

fn same_outcome(a: &Outcome, b: &Outcome) -> bool {
    a.backend_id == b.backend_id
        && a.state == b.state
        && a.revision == b.revision
        && a.attributes.value() == b.attributes.value()
        && a.result.value() == b.result.value()
        && a.next_page == b.next_page
        && a.session == b.session
        && a.found.len() == b.found.len()
        && a.found.iter().zip(&b.found).all(|(a, b)| same_found(a, b))
}

fn same_found(a: &Found, b: &Found) -> bool {
    a.backend_id == b.backend_id
        && a.revision == b.revision
        && a.marker == b.marker
        && a.attributes.value() == b.attributes.value()
        && a.result.value() == b.result.value()
}

fn same_fault(a: &Fault, b: &Fault) -> bool {
    match (a, b) {
        (Fault::Invalid(a), Fault::Invalid(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.pointer == b.pointer)
        }
        (Fault::AlreadyExists(a), Fault::AlreadyExists(b)) => a.backend_id == b.backend_id,
        (Fault::Throttled(a), Fault::Throttled(b)) => a.seconds == b.seconds,
        (Fault::Rejected(a), Fault::Rejected(b)) => a.code == b.code && a.retryable == b.retryable,
        (a, b) => a.name() == b.name(),
    }
}
