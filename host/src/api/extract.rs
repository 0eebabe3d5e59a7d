//! From what a stranger sent to values: every way in which that can go wrong is a problem that says so.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Query, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use crosspoint_contract::Violation;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body as _;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::problem::Problem;
use super::{App, json};
use crate::mapping::{Code, Failure, valid_id, valid_name};
use crate::relay::Precondition;

/// Longest idempotency key, in bytes.
const LONGEST_KEY: usize = 255;

/// A request that is malformed.
pub fn malformed(detail: impl Into<String>) -> Problem {
    Problem(Failure::new(Code::InvalidRequest, detail))
}

/// The parts of the path, decoded and by name.
pub struct Path(Vec<(String, String)>);

impl FromRequestParts<App> for Path {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, app)
            .await
            .map_err(|error| malformed(format!("the path is not readable: {error}")))?;
        Ok(Self(params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()))
    }
}

impl Path {
    /// A part, as it is.
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// A part that names a backend, a kind, a driver or an action.
    pub fn name(&self, name: &str) -> Result<&str, Problem> {
        let text = self.text(name);
        let shown = text.escape_debug();
        valid_name(text).map_err(|error| malformed(format!("`{shown}` in the path is no name: {error}")))?;
        Ok(text)
    }

    /// A part that is a CMP's id.
    pub fn id(&self, name: &str) -> Result<&str, Problem> {
        let text = self.text(name);
        valid_id(text).map_err(|error| malformed(format!("the id in the path is not acceptable: {error}")))?;
        Ok(text)
    }

    /// A part of the form `WHAT:VERB`; the verb follows the last colon.
    pub fn command(&self, name: &str) -> Option<(&str, &str)> {
        self.text(name).rsplit_once(':')
    }
}

/// The query's parameters; unknown ones are refused.
pub struct Params<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, app).await {
            Ok(Query(params)) => Ok(Self(params)),
            Err(error) => Err(malformed(format!("the query is not acceptable: {}", error.body_text()))),
        }
    }
}

/// The body, as at most `limit` bytes that came in time.
pub async fn bytes(body: Body, limit: usize, patience: Duration) -> Result<Vec<u8>, Problem> {
    let too_large = || Problem(Failure::new(Code::TooLarge, format!("the body may have {limit} bytes at most")));
    if usize::try_from(body.size_hint().lower()).map_or(true, |said| said > limit) {
        return Err(too_large());
    }
    let collected = timeout(patience, Limited::new(body, limit).collect()).await.map_err(|_| {
        let text = format!("the body did not come within {} s", patience.as_secs_f64());
        Problem(Failure::new(Code::RequestTimeout, text).retry(None))
    })?;
    match collected {
        Ok(collected) => Ok(collected.to_bytes().into()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(error) => Err(malformed(format!("the body broke off: {error}"))),
    }
}

/// The body, as JSON of the given shape. An empty body stands for `{}`.
pub struct Input<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Input<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        json_type(request.headers())?;
        let body = bytes(request.into_body(), app.body_limit, app.body_patience).await?;
        parse(if body.is_empty() { b"{}" } else { &body }).map(Self)
    }
}

fn json_type(headers: &HeaderMap) -> Result<(), Problem> {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let Some(value) = values.next() else { return Ok(()) };
    if values.next().is_some() {
        return Err(malformed("header content-type is given more than once"));
    }
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence.is_empty() || essence == "application/json" || essence.ends_with("+json") {
        return Ok(());
    }
    Err(malformed(format!("the body is `{essence}`; send `application/json`")))
}

/// Reads JSON; what is wrong is told with its JSON Pointer.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(body).map_err(|error| malformed(format!("the body is no UTF-8: {error}")))?;
    json::check(text).map_err(misfit)?;
    // An array would be taken for an object's members in the order of their declaration.
    if text.trim_ascii_start().starts_with('[') {
        return Err(malformed("the body is an array; it must be a JSON object"));
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(&mut deserializer, &mut track);
    let value = T::deserialize(tracked)
        .map_err(|error| misfit(Violation { pointer: pointer(&track.path()), message: error.to_string() }))?;
    deserializer.end().map_err(|error| malformed(format!("the body holds more than one JSON text: {error}")))?;
    Ok(value)
}

fn misfit(violation: Violation) -> Problem {
    Problem(
        Failure::new(Code::InvalidRequest, format!("the body is not acceptable: {violation}")).errors(vec![violation]),
    )
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter().fold(String::new(), |pointer, segment| match segment {
        Segment::Seq { index } => format!("{pointer}/{index}"),
        Segment::Map { key } => pointer + &json::segment(key),
        Segment::Enum { .. } | Segment::Unknown => pointer,
    })
}

/// The headers that object routes honour.
pub struct Conditions {
    /// `If-Match` and `If-None-Match`.
    pub precondition: Precondition,
    /// `Idempotency-Key`.
    pub idempotency_key: Option<String>,
}

impl FromRequestParts<App> for Conditions {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let text = |name: HeaderName| -> Result<Option<&str>, Problem> {
            let mut values = parts.headers.get_all(&name).iter();
            let Some(value) = values.next() else { return Ok(None) };
            if values.next().is_some() {
                return Err(malformed(format!("header {name} is given more than once")));
            }
            value.to_str().map(Some).map_err(|_| malformed(format!("header {name} is not readable")))
        };
        let precondition = match (text(header::IF_MATCH)?, text(header::IF_NONE_MATCH)?) {
            (None, None) => Precondition::None,
            (Some("*"), None) => Precondition::Present,
            (Some(tag), None) => Precondition::Match(entity_tag(tag)?),
            (None, Some("*")) => Precondition::Absent,
            (None, Some(_)) => return Err(malformed("If-None-Match is understood as `*` alone")),
            (Some(_), Some(_)) => return Err(malformed("If-Match and If-None-Match exclude each other")),
        };
        let idempotency_key = text(HeaderName::from_static("idempotency-key"))?.map(str::to_owned);
        if idempotency_key.as_ref().is_some_and(|key| key.is_empty() || key.len() > LONGEST_KEY) {
            return Err(malformed(format!("an Idempotency-Key has 1 to {LONGEST_KEY} characters")));
        }
        Ok(Self { precondition, idempotency_key })
    }
}

fn entity_tag(text: &str) -> Result<String, Problem> {
    super::render::revision(text)
        .ok_or_else(|| malformed("If-Match is understood as `*` or as one strong entity tag in quotes: \"…\""))
}
