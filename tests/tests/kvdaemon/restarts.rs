//! Five hundred callers at once, and a backend that is restarted five times under them: nobody gets another's reply, every
//! error is one of those that there can be, and nothing is left behind. Once with all calls on one connection, told apart
//! by their ids; once with one call at a time on each of many.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use crosspoint_tests::host::{Client, Host, Options, Reply, Who, driver, until, within};
use kvdaemon::Daemon;
use serde_json::json;
use tokio::task::JoinSet;

use crate::usage::Usage;

const CALLERS: usize = 500;
const RESTARTS: usize = 5;

/// What a caller may be told while the backend is away: it was not reached, or the connection ended.
const KNOWN: [(&str, &str); 4] = [
    ("backend_unreachable", "no"),
    ("backend_connection_lost", "no"),
    ("backend_connection_lost", "maybe"),
    ("backend_connection_lost", "yes"),
];

/// What the callers have seen so far.
#[derive(Default)]
struct Seen {
    right: AtomicUsize,
    errors: AtomicUsize,
    told: Mutex<BTreeMap<(String, String), usize>>,
    enough: AtomicBool,
}

impl Seen {
    /// Notes an error, which has to be one of those that there can be.
    fn error(&self, reply: &Reply) {
        let told = (reply.string("/code"), reply.string("/sent"));
        assert!(KNOWN.contains(&(&told.0, &told.1)), "{reply:#?}");
        *self.told.lock().unwrap().entry(told).or_default() += 1;
        self.errors.fetch_add(1, SeqCst);
    }
}

fn path(number: usize) -> String {
    format!("/v1/backends/kv/objects/entry/object-{number}")
}

fn value(number: usize) -> String {
    format!("the value of {number}").repeat(1 + number % 50)
}

/// Creates an object; where that is in doubt, the same call with the same key ends it. Gives up only with the test.
async fn create(acme: Client, number: usize, seen: Arc<Seen>) {
    let body = json!({"spec": {"key": format!("key-{number}"), "value": value(number)}});
    loop {
        let reply = acme.put(&path(number)).key(&format!("create-{number}")).json(&body).await;
        if reply.status == 200 || reply.status == 201 {
            seen.right.fetch_add(1, SeqCst);
            return;
        }
        seen.error(&reply);
    }
}

/// Reads an object over and over; each time it is that object, or an error.
async fn read(acme: Client, number: usize, seen: Arc<Seen>) {
    let expected = json!([format!("key-{number}"), value(number)]);
    while !seen.enough.load(SeqCst) {
        let reply = acme.get(&path(number)).await;
        if reply.status == 200 {
            assert_eq!(json!([reply["/result/key"], reply["/result/value"]]), expected, "the reply of another");
            seen.right.fetch_add(1, SeqCst);
        } else {
            seen.error(&reply);
        }
    }
}

/// Starts all callers; what fails in one fails the test when they are waited for.
fn callers<F>(host: &Host, seen: &Arc<Seen>, call: impl Fn(Client, usize, Arc<Seen>) -> F) -> JoinSet<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let acme = host.client(Who::Acme);
    let mut callers = JoinSet::new();
    for number in 0..CALLERS {
        callers.spawn(call(acme.clone(), number, Arc::clone(seen)));
    }
    callers
}

async fn all(callers: &mut JoinSet<()>) {
    while let Some(ended) = callers.join_next().await {
        ended.unwrap();
    }
}

/// Takes the backend away until somebody has noticed, and gives it back until all goes well again.
async fn restart(daemon: &mut Daemon, seen: &Seen, callers: &mut JoinSet<()>) {
    let more = async |count: &AtomicUsize, by: usize, what: &str, callers: &mut JoinSet<()>| {
        let before = count.load(SeqCst);
        until(what, async || {
            if let Some(ended) = callers.try_join_next() {
                ended.unwrap();
            }
            (count.load(SeqCst) >= before + by).then_some(())
        })
        .await;
    };
    more(&seen.right, CALLERS, "replies while all is well", callers).await;
    daemon.stop().await;
    more(&seen.errors, CALLERS, "errors while the backend is away", callers).await;
    daemon.start_again().await.unwrap();
    more(&seen.right, CALLERS, "replies after a restart", callers).await;
}

async fn survives(package: &str, connections_at_once: usize) {
    let mut daemon = Daemon::start(([127, 0, 0, 1], 0).into()).await.unwrap();
    let host = Host::start(Options::default()).await;
    host.load_driver(driver(package)).await;
    host.put_backend(
        "kv",
        &json!({
            "driver": "kvdaemon",
            "endpoints": {"default": daemon.url()},
            "authentication": {"scheme": "none"},
            "limits": {"read_concurrency": CALLERS, "mutation_concurrency": CALLERS, "queue": CALLERS},
        }),
    )
    .await;
    let mut open = daemon.connections();

    let created = Arc::<Seen>::default();
    let mut creations = callers(&host, &created, create);
    until("some to be created", async || (daemon.entries().len() > CALLERS / 10).then_some(())).await;
    daemon.stop().await;
    daemon.start_again().await.unwrap();
    within("all creations", all(&mut creations)).await;
    assert_eq!(daemon.entries().len(), CALLERS);
    let kept = daemon.entries();
    for number in 0..CALLERS {
        assert_eq!(kept[format!("key-{number}").as_bytes()].value, value(number).as_bytes(), "the value of another");
    }

    let seen = Arc::<Seen>::default();
    let mut readers = callers(&host, &seen, read);
    restart(&mut daemon, &seen, &mut readers).await;
    let before = Usage::of(&host);
    for _ in 0..RESTARTS {
        restart(&mut daemon, &seen, &mut readers).await;
        let now = *open.borrow();
        assert!((1..=connections_at_once).contains(&now), "{now} connections for {CALLERS} callers");
    }
    let after = Usage::of(&host);
    seen.enough.store(true, SeqCst);
    within("the last replies", all(&mut readers)).await;
    let (right, told) = (seen.right.load(SeqCst), seen.told.lock().unwrap().clone());
    eprintln!("{package}: {right} right replies; told {told:?}; before {before:?}, after {after:?}");

    // Connections that nobody uses are closed; each has a task of its own, which ends with it.
    until("idle connections to be closed", async || (*open.borrow_and_update() == 0).then_some(())).await;
    let calm = until("the callers' own connections to end", async || {
        let usage = Usage::of(&host);
        (usage.descriptors + CALLERS / 2 < before.descriptors).then_some(usage)
    })
    .await;
    assert!(after.memory <= before.memory + 48, "{before:?}, {after:?}");
    assert!(after.threads <= before.threads + 16, "{before:?}, {after:?}");
    assert!(after.descriptors <= before.descriptors + 16, "{before:?}, {after:?}, {calm:?}");
    let traps = host.metric("crosspoint_driver_traps_total{driver=\"kvdaemon\"}").await.unwrap_or_default();
    assert!(traps < 1.0, "{traps} traps");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_calls_on_one_connection_survive_five_restarts() {
    survives("kvdaemon", 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_calls_in_turn_on_many_connections_survive_five_restarts() {
    survives("kvdaemon-next", CALLERS).await;
}
