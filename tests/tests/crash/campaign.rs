//! Crosspoint is killed again and again under mixed load, on the same data. After each kill: what was acknowledged is
//! there, every call that got no answer is in doubt, decided or has left no trace, each doubt can be ended, and the
//! appliance and the mappings agree.
//!
//! `CROSSPOINT_CRASH_KILLS` says how many kills, `CROSSPOINT_CRASH_SEED` which ones.

pub mod book;
mod chance;
pub mod doubt;
pub mod truth;

use std::env;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use book::Book;
use chance::Chance;
use crosspoint::failpoint::FailPoint;
use crosspoint_tests::host::{Options, Scene, until};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use truth::Truth;

/// Callers at once, and the objects that each has to itself.
const CALLERS: usize = 4;
const OBJECTS: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whenever_it_is_killed_nothing_acknowledged_is_lost_and_nothing_is_done_twice() {
    let (kills, seed) = (variable("CROSSPOINT_CRASH_KILLS", 25_usize), variable("CROSSPOINT_CRASH_SEED", 42_u64));
    println!("seed {seed}, {kills} kills");
    let limits = json!({"mutation_concurrency": 4, "connect_timeout_ms": 100, "reply_timeout_ms": 200});
    let mut scene = Scene::with(Options::default(), limits).await;
    let mut chance = Chance::seeded(seed);
    let mut books: Vec<Book> = (0..CALLERS).map(|caller| Book::new(caller, OBJECTS, chance.fork())).collect();
    let (mut ended, mut met) = (doubt::Ended::new(), 0);
    for kill in 1..=kills {
        if chance.below(4) == 0 {
            arm(&mut scene, &mut chance).await;
        }
        met += usize::from(killed_under_load(&mut scene, &mut books, chance.below(40)).await);
        scene.host.restart().await;

        let unknown = all(&scene, "/v1/operations?state=unknown").await;
        let unanswered: usize = books.iter().map(|book| book.unanswered.len()).sum();
        assert!(unknown.len() <= unanswered, "doubt about a call that was answered: {unknown:#?}");
        assert_eq!(all(&scene, "/v1/operations?state=open").await, Vec::<Value>::new());
        let truth = Truth::of(&scene).await;
        truth.knows_every_rule();
        for book in &books {
            truth.holds_what_was_acknowledged(book);
        }

        doubt::end(&scene, &mut books, &unknown, &mut chance, &mut ended).await;
        assert_eq!(all(&scene, "/v1/operations?state=unknown").await, Vec::<Value>::new(), "kill {kill}");
        let truth = Truth::of(&scene).await;
        for book in &mut books {
            truth.settle(book);
        }
        truth.agrees_both_ways(&scene).await;
    }
    println!("{met} of {kills} crashes were at a fail point");
    report(&scene, &books, &ended);
}

/// Has the process end at some fail point, if it passes that often enough.
async fn arm(scene: &mut Scene, chance: &mut Chance) {
    let point = FailPoint::all()[chance.below(FailPoint::all().len())].name();
    let armed = format!("{point}:{}", 1 + chance.below(20));
    scene.host.set_environment(&[("CROSSPOINT_FAILPOINT", &armed)]);
    let started = scene.host.try_restart().await;
    scene.host.set_environment(&[]);
    if started.is_err() {
        // What it replayed at the start was enough.
        scene.host.restart().await;
    }
}

/// Lets the callers call until there were so many answers, or until a fail point was met, and kills the process. Says
/// whether a fail point was met.
async fn killed_under_load(scene: &mut Scene, books: &mut Vec<Book>, enough: usize) -> bool {
    let answered = Arc::<AtomicUsize>::default();
    let calling: Vec<_> =
        books.drain(..).map(|book| tokio::spawn(book.keep_calling(scene.acme(), Arc::clone(&answered)))).collect();
    let met = until("enough load", async || {
        let met = calling.iter().any(JoinHandle::is_finished);
        (met || answered.load(Ordering::Relaxed) > enough).then_some(met)
    })
    .await;
    scene.host.kill().await;
    for caller in calling {
        books.push(caller.await.unwrap());
    }
    met
}

/// What came of it, and the counts that must agree.
fn report(scene: &Scene, books: &[Book], ended: &doubt::Ended) {
    let requests = scene.appliance.requests();
    let made = requests.iter().filter(|request| request.created.is_some()).count();
    let commits = requests.iter().filter(|request| request.is("POST", "/api/v1/commit")).count();
    let sum = |count: fn(&Book) -> usize| books.iter().map(count).sum::<usize>();
    println!(
        "{} calls acknowledged, {} refused, {made} rules made, {commits} commits; calls without an answer: {ended:#?}",
        sum(|book| book.acknowledged),
        sum(|book| book.refused),
    );
    assert_eq!(made, sum(|book| book.created), "each creation that is known to have happened happened once");
    let (least, most) = (sum(|book| book.committed), sum(|book| book.commits_asked));
    assert!((least..=most).contains(&commits), "{least} commits acknowledged, {most} asked for, {commits} made");
    assert!(ended.keys().any(|what| what.starts_with("in doubt")), "no crash fell into a call, which shows nothing");
}

async fn all(scene: &Scene, path: &str) -> Vec<Value> {
    scene.acme().get(path).await.expect(200).items().to_vec()
}

fn variable<T: FromStr>(name: &str, default: T) -> T {
    env::var(name).map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{name} is no number: {value}")))
}
