//! A Pravega controller as far as its published API goes (`Controller.yaml`): strict, and with a state of its own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri, header};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

type Object = Map<String, Value>;
type Answer = Result<(StatusCode, Option<Value>), StatusCode>;

/// A running controller. It ends when it is dropped.
pub struct Controller {
    url: String,
    state: Arc<Mutex<Scopes>>,
    serving: AbortHandle,
}

/// Streams by name, by scope.
type Scopes = BTreeMap<String, BTreeMap<String, Stream>>;

#[derive(Default)]
struct Stream {
    configuration: Object,
    sealed: bool,
}

impl Controller {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::<Mutex<Scopes>>::default();
        let app = Router::new().fallback(handle).with_state(Arc::clone(&state));
        let serving = tokio::spawn(async move { axum::serve(listener, app).await }).abort_handle();
        Self { url, state, serving }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The tags of a stream, the marker included.
    pub fn tags(&self, scope: &str, stream: &str) -> Value {
        lock(&self.state)[scope][stream].configuration["streamTags"].clone()
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn lock(state: &Mutex<Scopes>) -> MutexGuard<'_, Scopes> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn handle(
    State(state): State<Arc<Mutex<Scopes>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match answer(&mut lock(&state), &method, &uri, &headers, &body) {
        Ok((status, Some(body))) => (status, axum::Json(body)).into_response(),
        Ok((status, None)) | Err(status) => status.into_response(),
    }
}

fn answer(scopes: &mut Scopes, method: &Method, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Answer {
    if headers.get(header::ACCEPT).is_none_or(|accept| accept != "application/json") {
        return Err(StatusCode::NOT_ACCEPTABLE);
    }
    let path: Vec<&str> = uri.path().trim_start_matches("/v1/").split('/').collect();
    let body = || object(headers, body);
    match (method.as_str(), path.as_slice()) {
        ("GET", ["health", "readiness"]) => shown(json!(true)),
        ("GET", ["scopes"]) => shown(json!({"scopes": scopes.keys().map(|name| scope(name)).collect::<Vec<_>>()})),
        ("POST", ["scopes"]) => {
            let name = named(&only(body()?, &["scopeName"])?, "scopeName")?;
            if scopes.contains_key(&name) {
                return Err(StatusCode::CONFLICT);
            }
            scopes.insert(name.clone(), BTreeMap::new());
            Ok((StatusCode::CREATED, Some(scope(&name))))
        }
        ("GET", ["scopes", name]) => found(scopes, name).map(|_| (StatusCode::OK, Some(scope(name)))),
        ("DELETE", ["scopes", name]) => {
            if !found(scopes, name)?.is_empty() {
                return Err(StatusCode::PRECONDITION_FAILED);
            }
            scopes.remove(*name);
            Ok((StatusCode::NO_CONTENT, None))
        }
        ("GET", ["scopes", name, "streams"]) => list(found(scopes, name)?, name, uri.query()),
        ("POST", ["scopes", name, "streams"]) => {
            let mut configuration = configuration(only(body()?, &STREAM)?)?;
            let stream = named(&configuration, "streamName")?;
            configuration.remove("streamName");
            let streams = found(scopes, name)?;
            if streams.contains_key(&stream) {
                return Err(StatusCode::CONFLICT);
            }
            let made = Stream { configuration, sealed: false };
            let shown = property(name, &stream, &made);
            streams.insert(stream, made);
            Ok((StatusCode::CREATED, Some(shown)))
        }
        (_, ["scopes", name, "streams", stream, rest @ ..]) => {
            let streams = found(scopes, name)?;
            let there = streams.get_mut(*stream).ok_or(StatusCode::NOT_FOUND)?;
            match (method.as_str(), rest) {
                ("GET", []) => shown(property(name, stream, there)),
                ("PUT", []) => {
                    there.configuration = configuration(only(body()?, &STREAM[1..])?)?;
                    shown(property(name, stream, there))
                }
                ("DELETE", []) if !there.sealed => Err(StatusCode::PRECONDITION_FAILED),
                ("DELETE", []) => {
                    streams.remove(*stream);
                    Ok((StatusCode::NO_CONTENT, None))
                }
                ("PUT", ["state"]) => {
                    let state = only(body()?, &["streamState"])?;
                    if state["streamState"] != "SEALED" {
                        return Err(StatusCode::BAD_REQUEST);
                    }
                    there.sealed = true;
                    shown(state.into())
                }
                _ => Err(StatusCode::METHOD_NOT_ALLOWED),
            }
        }
        _ => Err(StatusCode::NOT_FOUND),
    }
}

const STREAM: [&str; 6] = [
    "streamName",
    "scalingPolicy",
    "retentionPolicy",
    "streamTags",
    "timestampAggregationTimeout",
    "rolloverSizeBytes",
];

#[allow(clippy::unnecessary_wraps, reason = "it is one answer among others")]
fn shown(body: Value) -> Answer {
    Ok((StatusCode::OK, Some(body)))
}

fn scope(name: &str) -> Value {
    json!({"scopeName": name})
}

fn found<'a>(scopes: &'a mut Scopes, name: &str) -> Result<&'a mut BTreeMap<String, Stream>, StatusCode> {
    scopes.get_mut(name).ok_or(StatusCode::NOT_FOUND)
}

fn list(streams: &BTreeMap<String, Stream>, scope: &str, query: Option<&str>) -> Answer {
    let tag = match query {
        None => None,
        Some(query) => {
            let tag = query.strip_prefix("filter_type=tag&filter_value=").ok_or(StatusCode::BAD_REQUEST)?;
            Some(percent_encoding::percent_decode_str(tag).decode_utf8().map_err(|_| StatusCode::BAD_REQUEST)?)
        }
    };
    let has = |stream: &Stream, tag: &str| {
        stream.configuration["streamTags"].as_array().is_some_and(|tags| tags.iter().any(|one| one == tag))
    };
    let wanted = streams.iter().filter(|(_, stream)| tag.as_deref().is_none_or(|tag| has(stream, tag)));
    shown(json!({"streams": wanted.map(|(name, stream)| property(scope, name, stream)).collect::<Vec<_>>()}))
}

/// What is shown of a stream; its tags have another name here than where they are given.
fn property(scope: &str, name: &str, stream: &Stream) -> Value {
    let mut shown = stream.configuration.clone();
    let tags = shown.remove("streamTags").unwrap_or_default();
    shown.insert("tags".to_owned(), tags);
    shown.insert("scopeName".to_owned(), scope.into());
    shown.insert("streamName".to_owned(), name.into());
    shown.into()
}

fn object(headers: &HeaderMap, body: &Bytes) -> Result<Object, StatusCode> {
    if headers.get(header::CONTENT_TYPE).is_none_or(|kind| kind != "application/json") {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    serde_json::from_slice(body).map_err(|_| StatusCode::BAD_REQUEST)
}

/// Nothing but these members.
fn only(object: Object, names: &[&str]) -> Result<Object, StatusCode> {
    if object.keys().all(|name| names.contains(&name.as_str())) { Ok(object) } else { Err(StatusCode::BAD_REQUEST) }
}

fn named(object: &Object, member: &str) -> Result<String, StatusCode> {
    let name = object.get(member).and_then(Value::as_str).ok_or(StatusCode::BAD_REQUEST)?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    // Names that start so are the system's.
    if name.is_empty() || name.starts_with("RG") || !name.bytes().all(allowed) {
        return Err(StatusCode::BAD_REQUEST);
    }
    Ok(name.to_owned())
}

fn configuration(mut object: Object) -> Result<Object, StatusCode> {
    let policy = object.get("scalingPolicy").and_then(Value::as_object).ok_or(StatusCode::BAD_REQUEST)?;
    let rated = ["targetRate", "scaleFactor"].into_iter().all(|name| policy.get(name).is_some_and(Value::is_u64));
    let known = match policy.get("type").and_then(Value::as_str) {
        Some("FIXED_NUM_SEGMENTS") => true,
        Some("BY_RATE_IN_KBYTES_PER_SEC" | "BY_RATE_IN_EVENTS_PER_SEC") => rated,
        _ => false,
    };
    let tags = object.entry("streamTags").or_insert_with(|| json!([])).as_array().ok_or(StatusCode::BAD_REQUEST)?;
    let short = tags.iter().all(|tag| tag.as_str().is_some_and(|tag| tag.len() <= 256)) && tags.len() <= 128;
    if known && short { Ok(object) } else { Err(StatusCode::BAD_REQUEST) }
}
