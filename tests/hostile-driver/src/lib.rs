//! A driver that does whatever harm its spec asks for, in the phase that it names: what the sandbox is tested with.
//!
//! Asked for nothing, it works: `create` is `POST /things`, answered with an object that has an `id`. A login is
//! `POST /login`, and tells the backend all that the driver was told; a job is asked about with `GET /jobs/…`.

use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering};

use crosspoint_sdk::KindBuilder;
use crosspoint_sdk::contract::HttpRequest;
use crosspoint_sdk::prelude::*;

/// The spec of a `thing`.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Thing {
    /// The harm to do.
    #[serde(rename = "do")]
    pub harm: Harm,
    /// Where to do it.
    #[serde(rename = "in")]
    pub phase: Phase,
    /// How much of it: bytes to allocate or to return, or how many of something.
    pub size: usize,
    /// The exchange to make, to the letter, in place of `POST /things`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Written>,
}

/// An HTTP exchange as its author wrote it, whether it is one or not.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Written {
    method: String,
    target: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    body: String,
}

impl From<Written> for Exchange {
    fn from(Written { method, target, headers, body }: Written) -> Self {
        let headers = headers.into_iter().map(|(name, value)| Header { name, value: value.into_bytes() }).collect();
        Self {
            context: Bytes::default(),
            endpoint: "default".to_owned(),
            request: Request::Http(HttpRequest { method, target, headers, body: body.into_bytes().into() }),
            extensions: Vec::new(),
        }
    }
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Harm {
    /// Nothing.
    #[default]
    Nothing,
    /// The instruction that only traps.
    Trap,
    /// Never comes back.
    Loop,
    /// Takes `size` bytes and writes to them.
    Allocate,
    /// Panics with a text.
    Panic,
    /// Returns `size` bytes in one piece.
    ReturnHuge,
    /// Returns `size` records: headers, or found objects.
    ReturnMany,
    /// Keeps `size` bytes as the object's attributes.
    Hoard,
    /// Returns a backend id of `size` bytes.
    LongId,
    /// Returns a fault whose text has `size` bytes.
    Lament,
    /// Reads the whole reply, however deep it is nested.
    Delve,
    /// Calls itself until the stack ends.
    Recurse,
    /// Returns what the contract does not allow.
    Garbage,
    /// Says how often this instance has been used.
    Remember,
    /// Sends all that it was given to the backend.
    Echo,
    /// Takes the object that it gets for a job that must be asked about, see [`Job`].
    Wait,
}

/// One of the two functions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// `encode`
    #[default]
    Encode,
    /// `decode`
    Decode,
}

/// What the simulated backend says of a `thing`.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
pub struct Made {
    id: String,
}

/// What the simulated backend says of a job.
#[derive(Debug, Deserialize)]
pub struct Job {
    /// `done`, `failed`, or anything else while it goes on.
    state: String,
    /// The object that was made, when it is done.
    #[serde(default)]
    id: String,
}

/// What the simulated backend says to a login.
#[derive(Debug, Deserialize)]
#[serde(default)]
struct Granted {
    headers: Vec<(String, String)>,
    query: Vec<(String, String)>,
    expires_in: Option<u64>,
    /// How the session is ended, in whatever form.
    logout: Option<serde_json::Value>,
}

impl Default for Granted {
    fn default() -> Self {
        let headers = vec![("x-session".to_owned(), "given".to_owned())];
        Self { headers, query: Vec::new(), expires_in: None, logout: None }
    }
}

/// The driver.
#[derive(Debug)]
pub struct Hostile;

impl Driver for Hostile {
    fn describe() -> Description {
        driver("hostile", "0.1.0", "Does whatever harm its spec asks for")
            .auth(AuthScheme::None)
            .unauthorized_precedes_effects()
            .auth(AuthScheme::ApiKey(ApiKey::Query("key".to_owned())))
            .auth(AuthScheme::OAuth2ClientCredentials)
            .auth(AuthScheme::Login(Login { secrets: vec!["password".to_owned()], ..Login::default() }))
            .kind(thing())
            .build()
    }

    fn encode(call: &Call) -> Result<Exchange, Fault> {
        match (&call.verb, &call.poll_token) {
            (Verb::Login, _) => return Http::post(path("/login", &[])?).json(&given(call)).into_exchange(),
            (Verb::Poll, Some(job)) => return Http::get(path("/jobs/{job}", &[("job", job)])?).into_exchange(),
            _ => {}
        }
        let thing: Thing = call.spec()?;
        if let Some(written) = thing.exchange {
            return Ok(written.into());
        }
        let mut exchange = Http::post(path("/things", &[])?).json(&thing).into_exchange()?;
        match thing.harm {
            Harm::Echo => return Http::post(path("/things", &[])?).json(&given(call)).into_exchange(),
            Harm::ReturnHuge if thing.phase == Phase::Encode => exchange.context = vec![1; thing.size].into(),
            Harm::ReturnMany if thing.phase == Phase::Encode => exchange.request = many_headers(thing.size),
            Harm::Lament if thing.phase == Phase::Encode => return Err(Fault::Conflict("x".repeat(thing.size))),
            Harm::Garbage if thing.phase == Phase::Encode => exchange.endpoint = String::from("nowhere"),
            harm if thing.phase == Phase::Encode => exchange.context = harm.done(thing.size).into(),
            _ => {}
        }
        Ok(exchange)
    }

    fn decode(call: &Call, _context: &[u8], reply: &Reply) -> Result<Outcome, Fault> {
        match (&call.verb, &call.poll_token) {
            (Verb::Login, _) => return logged_in(reply),
            (Verb::Poll, Some(job)) => return asked(reply, job),
            _ => {}
        }
        let thing: Thing = call.spec()?;
        if thing.harm == Harm::Delve {
            let depth = depth_of(&reply.http()?.success()?.json()?);
            return outcome(&())?.id("t-deep").revision(Some(depth.to_string())).into();
        }
        let made: Made = reply.http()?.success()?.json()?;
        if thing.harm == Harm::Wait {
            return outcome(&made)?.pending(&made.id).into();
        }
        let mut outcome = outcome(&made)?.id(&made.id).build();
        match thing.harm {
            Harm::ReturnHuge if thing.phase == Phase::Decode => outcome.revision = Some("x".repeat(thing.size)),
            Harm::ReturnMany if thing.phase == Phase::Decode => outcome.found = vec![Found::default(); thing.size],
            Harm::Hoard => outcome.attributes = Json::trusted(format!("\"{}\"", "x".repeat(thing.size))),
            Harm::LongId => outcome.backend_id = Some("x".repeat(thing.size)),
            Harm::Lament if thing.phase == Phase::Decode => return Err(Fault::Conflict("x".repeat(thing.size))),
            Harm::Garbage if thing.phase == Phase::Decode => outcome.result = Json::trusted("{\"id\":".to_owned()),
            harm if thing.phase == Phase::Decode => outcome.revision = Some(harm.done(thing.size)),
            _ => {}
        }
        Ok(outcome)
    }
}

impl Harm {
    fn done(self, size: usize) -> String {
        static USES: AtomicU32 = AtomicU32::new(0);
        match self {
            Self::Nothing | Self::ReturnHuge | Self::ReturnMany | Self::Garbage | Self::Echo | Self::Wait => {
                String::new()
            }
            Self::Hoard | Self::LongId | Self::Lament | Self::Delve => String::new(),
            Self::Trap => trap(),
            Self::Loop => loop {
                black_box(self);
            },
            Self::Allocate => black_box(vec![1u8; size]).len().to_string(),
            #[allow(clippy::panic, reason = "what it was asked for")]
            Self::Panic => panic!("the spec asked for it: {size}"),
            Self::Recurse => recurse(1).to_string(),
            Self::Remember => USES.fetch_add(1, Ordering::Relaxed).to_string(),
        }
    }
}

fn thing() -> KindBuilder {
    let kind = kind("thing", "Harm to do").spec::<Thing>().result::<Made>();
    kind.verbs([Verb::Create, Verb::Poll]).asynchronous([Verb::Create])
}

/// The session that the backend writes into its answer, to the letter; an ordinary one if it writes none.
fn logged_in(reply: &Reply) -> Result<Outcome, Fault> {
    let granted: Granted = reply.http()?.success()?.json().unwrap_or_default();
    let header = |(name, value): (String, String)| Header { name, value: value.into_bytes() };
    let headers = granted.headers.into_iter().map(header).collect();
    let logout = granted.logout.map(|logout| (SessionGrant::LOGOUT.to_owned(), logout.to_string()));
    let (query, expires_in, extensions) = (granted.query, granted.expires_in, logout.into_iter().collect());
    outcome(&())?.session(SessionGrant { headers, query, expires_in, extensions }).into()
}

fn asked(reply: &Reply, token: &str) -> Result<Outcome, Fault> {
    let job: Job = reply.http()?.success()?.json()?;
    match job.state.as_str() {
        "done" => outcome(&Made { id: job.id.clone() })?.id(&job.id).into(),
        "failed" => Err(Fault::Conflict("the job failed".to_owned())),
        _ => outcome(&())?.pending(token).into(),
    }
}

/// All that a call brings, its credentials too, which are left out of its ordinary JSON form.
fn given(call: &Call) -> serde_json::Value {
    let secrets = call.credentials.as_ref().map(|credentials| &credentials.secrets);
    serde_json::json!({"call": call, "credentials": secrets})
}

fn many_headers(count: usize) -> Request {
    let headers = vec![Header { name: String::new(), value: Vec::new() }; count];
    let (method, target) = ("POST".to_owned(), "/things".to_owned());
    Request::Http(HttpRequest { method, target, headers, body: Bytes::default() })
}

fn depth_of(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Array(items) => 1 + items.iter().map(depth_of).max().unwrap_or(0),
        serde_json::Value::Object(members) => 1 + members.values().map(depth_of).max().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(target_arch = "wasm32")]
fn trap() -> ! {
    std::arch::wasm32::unreachable()
}

#[cfg(not(target_arch = "wasm32"))]
fn trap() -> ! {
    std::process::abort()
}

/// Not a tail call, and nothing that a compiler could foresee.
#[allow(unconditional_recursion, reason = "what it was asked for")]
fn recurse(depth: u64) -> u64 {
    black_box(depth) + recurse(black_box(depth + 1))
}

crosspoint_sdk::export!(Hostile, name = "hostile", version = "0.1.0");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asked_for_nothing_it_keeps_the_contract() {
        crosspoint_sdk::harness::check::<Hostile>();
    }
}
