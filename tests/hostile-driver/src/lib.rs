//! A driver that does whatever harm its spec asks for, in the phase that it names: what the sandbox is tested with.
//!
//! Asked for nothing, it works: `create` is `POST /things`, answered with an object that has an `id`. A login is
//! `POST /login`, and tells the backend all that the driver was told; a job is asked about with `GET /jobs/…`.

use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering};

use crosspoint_sdk::KindBuilder;
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
    /// How much of it: bytes to allocate or to return.
    pub size: usize,
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
    /// Returns `size` bytes.
    ReturnHuge,
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

/// The driver.
#[derive(Debug)]
pub struct Hostile;

impl Driver for Hostile {
    fn describe() -> Description {
        driver("hostile", "0.1.0", "Does whatever harm its spec asks for")
            .auth(AuthScheme::None)
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
        let mut exchange = Http::post(path("/things", &[])?).json(&thing).into_exchange()?;
        match thing.harm {
            Harm::Echo => return Http::post(path("/things", &[])?).json(&given(call)).into_exchange(),
            Harm::ReturnHuge if thing.phase == Phase::Encode => exchange.context = vec![1; thing.size].into(),
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
        let made: Made = reply.http()?.success()?.json()?;
        if thing.harm == Harm::Wait {
            return outcome(&made)?.pending(&made.id).into();
        }
        let mut outcome = outcome(&made)?.id(&made.id).build();
        match thing.harm {
            Harm::ReturnHuge if thing.phase == Phase::Decode => outcome.revision = Some("x".repeat(thing.size)),
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
            Self::Nothing | Self::ReturnHuge | Self::Garbage | Self::Echo | Self::Wait => String::new(),
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

fn logged_in(reply: &Reply) -> Result<Outcome, Fault> {
    reply.http()?.success()?;
    let session = Header { name: "x-session".to_owned(), value: b"given".to_vec() };
    outcome(&())?.session(SessionGrant { headers: vec![session], ..SessionGrant::default() }).into()
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
