#![allow(clippy::struct_field_names, reason = "the names are Pravega's")]

use crosspoint_sdk::prelude::*;
use crosspoint_sdk::{KindBuilder, Target, action};
use serde_json::{Map, Value, json};

use crate::Configuration;

pub const NAME: &str = "stream";

/// The action that ends a stream.
const SEAL: &str = "seal";

/// What a tag of ours starts with.
const MARK: &str = "crosspoint:";

/// A sequence of events, spread over segments.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(title = "stream")]
struct Stream {
    /// The scope that it is in. It never changes.
    #[schemars(length(min = 1, max = 255), pattern("^[A-Za-z0-9.-]+$"))]
    scope_name: String,
    /// Its name, unique within its scope. It never changes.
    #[schemars(length(min = 1, max = 255), pattern("^[A-Za-z0-9.-]+$"))]
    stream_name: String,
    /// How its number of segments follows its load.
    scaling_policy: Scaling,
    /// When its events are let go; never by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    retention_policy: Option<Retention>,
    /// Words to find it by.
    #[serde(default)]
    #[schemars(length(max = 127), inner(length(min = 1, max = 256)))]
    stream_tags: Vec<String>,
    /// Milliseconds after which a writer that says nothing is left out of the stream's notion of time.
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp_aggregation_timeout: Option<u64>,
    /// The longest that a segment's part in long-term storage grows, in bytes; 0 for the store's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    rollover_size_bytes: Option<u64>,
}

/// How a stream's number of segments follows its load.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Scaling {
    /// Whether and by what it does.
    r#type: ScalingType,
    /// What a segment should bear, in the type's unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    target_rate: Option<u32>,
    /// Into how many a segment is split.
    #[serde(skip_serializing_if = "Option::is_none")]
    scale_factor: Option<u32>,
    /// How many segments there are at least, or with a fixed number, exactly.
    #[schemars(range(min = 1, max = 2_147_483_647))]
    min_segments: u32,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum ScalingType {
    FixedNumSegments,
    ByRateInKbytesPerSec,
    ByRateInEventsPerSec,
}

/// When events are let go.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Retention {
    /// Whether they go by age or by room.
    r#type: RetentionType,
    /// Days or mebibytes that are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<u32>,
    /// The age, where days are too coarse.
    #[serde(skip_serializing_if = "Option::is_none")]
    time_based_retention: Option<Age>,
    /// Days or mebibytes after which they go though somebody has not read them.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_value: Option<u32>,
    /// The same, where days are too coarse.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_time_based_retention: Option<Age>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum RetentionType {
    LimitedDays,
    LimitedSizeMb,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Age {
    days: u32,
    hours: u32,
    minutes: u32,
}

/// A stream as the controller shows it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Shown {
    /// Its scope.
    scope_name: String,
    /// Its name.
    stream_name: String,
    /// Its tags. The controller calls them `tags` where it answers and `streamTags` where it is asked.
    #[serde(alias = "tags", default, deserialize_with = "some_or_none")]
    stream_tags: Vec<String>,
    /// Whatever else the controller shows.
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Deserialize)]
struct Page {
    streams: Vec<Shown>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct State {
    /// `SEALED`.
    stream_state: String,
}

pub fn kind() -> KindBuilder {
    crosspoint_sdk::kind(NAME, "A sequence of events, spread over segments")
        .spec::<Stream>()
        .result::<Shown>()
        .verbs([Verb::Create, Verb::Read, Verb::Replace, Verb::Delete, Verb::Find, Verb::List])
        .reissuable([Verb::Replace, Verb::Delete])
        .creation(Creation::Conditional)
        .marker()
        .action(action(SEAL, "End the stream: nothing can be written to it any more").result::<State>().reissuable())
}

pub fn id(call: &Call) -> Result<String, Fault> {
    let stream: Stream = call.spec()?;
    Ok(format!("{}/{}", stream.scope_name, stream.stream_name))
}

pub fn encode(call: &Call) -> Result<Http, Fault> {
    Ok(match &call.verb {
        Verb::Create => {
            let stream = marked(call)?;
            Http::post(streams(&stream.scope_name)?).json(&body(&stream, &["scopeName"])?)
        }
        Verb::Replace => {
            let stream = marked(call)?;
            if id(call)? != call.backend_id()? {
                return Err(Fault::invalid("/streamName", "a stream keeps its scope and its name"));
            }
            Http::put(member(call)?).json(&body(&stream, &["scopeName", "streamName"])?)
        }
        Verb::Read => Http::get(member(call)?),
        Verb::Delete => Http::delete(member(call)?),
        Verb::Find => {
            let stream: Stream = call.spec()?;
            let tag = format!("{MARK}{}", call.marker);
            Http::get(streams(&stream.scope_name)?.query("filter_type", "tag").query("filter_value", tag))
        }
        Verb::List => {
            let configuration =
                if call.configuration.is_null() { Configuration::default() } else { call.configuration()? };
            let none =
                "name a `scope` in the backend's configuration: the controller lists the streams of one at a time";
            Http::get(streams(&configuration.scope.ok_or_else(|| Fault::Unsupported(none.to_owned()))?)?)
        }
        Verb::Action(name) if name == SEAL => {
            let (scope, stream) = parts(call)?;
            let target = path("/v1/scopes/{scope}/streams/{stream}/state", &[("scope", scope), ("stream", stream)])?;
            Http::put(target).json(&json!({"streamState": "SEALED"}))
        }
        _ => return Err(call.unsupported()),
    })
}

pub fn decode(call: &Call, reply: &HttpReply) -> Result<Outcome, Fault> {
    match &call.verb {
        Verb::Action(_) => outcome(&reply.json::<State>()?)?.into(),
        Verb::Find | Verb::List => {
            let mut found = Vec::new();
            for mut stream in reply.json::<Page>()?.streams {
                let marker = stream.unmark();
                if call.verb == Verb::List || marker.as_ref() == Some(&call.marker) {
                    found.push(Found { marker, ..crosspoint_sdk::found(stream.id(), &stream)? });
                }
            }
            crate::paged(call, found)
        }
        _ => {
            let mut stream: Shown = reply.json()?;
            stream.unmark();
            outcome(&stream)?.id(stream.id()).into()
        }
    }
}

impl Shown {
    fn id(&self) -> String {
        format!("{}/{}", self.scope_name, self.stream_name)
    }

    fn unmark(&mut self) -> Option<String> {
        let place = self.stream_tags.iter().position(|tag| tag.starts_with(MARK))?;
        self.stream_tags.remove(place).strip_prefix(MARK).map(str::to_owned)
    }
}

/// The spec with the marker among its tags.
fn marked(call: &Call) -> Result<Stream, Fault> {
    let mut stream: Stream = call.spec()?;
    if let Some(place) = stream.stream_tags.iter().position(|tag| tag.starts_with(MARK)) {
        let pointer = format!("/streamTags/{place}");
        return Err(Fault::invalid(pointer, "tags that start so are where Crosspoint marks its objects"));
    }
    stream.stream_tags.push(format!("{MARK}{}", call.marker));
    Ok(stream)
}

/// The spec without what the address says.
fn body(stream: &Stream, addressed: &[&str]) -> Result<Map<String, Value>, Fault> {
    let Value::Object(mut body) = json!(stream) else {
        return Err(Fault::Other("a stream is not written as an object".to_owned()));
    };
    body.retain(|name, _| !addressed.contains(&name.as_str()));
    Ok(body)
}

fn streams(scope: &str) -> Result<Target, Fault> {
    path("/v1/scopes/{scope}/streams", &[("scope", scope)])
}

fn member(call: &Call) -> Result<Target, Fault> {
    let (scope, stream) = parts(call)?;
    path("/v1/scopes/{scope}/streams/{stream}", &[("scope", scope), ("stream", stream)])
}

/// The two names that an id is made of.
fn parts(call: &Call) -> Result<(&str, &str), Fault> {
    let id = call.backend_id()?;
    let none = || Fault::NotFound(format!("`{id}` is no stream: its id is its scope, a slash and its name"));
    id.split_once('/').ok_or_else(none)
}

fn some_or_none<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Option::<Vec<String>>::deserialize(deserializer).map(Option::unwrap_or_default)
}
