//! Callers that go on calling while something happens, and that forgive nothing.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::{
    client::{Reply, Request, Server},
    patience::Patience,
};

/// How many callers there are.
pub const CALLERS: usize = 4;

/// How many answers each caller wants to have seen from the old version, and then from the new one.
const ENOUGH: usize = 10;
/// How long that may take.
const BOUND: Duration = Duration::from_secs(30);

/// What all callers saw.
#[derive(Default)]
pub struct Tally {
    pub calls: usize,
    /// What went wrong, one line for each call.
    pub failures: Vec<String>,
    /// Answers without the member that only the new version shows.
    pub old: usize,
    /// Answers with it.
    pub new: usize,
    pub slowest: Duration,
}

/// What the others have to know of a caller while it calls.
#[derive(Default)]
struct Progress {
    old: AtomicUsize,
    new: AtomicUsize,
    failed: AtomicBool,
}

/// Has callers create, read, change and delete rules of their own, and runs `swap` in the middle of it.
pub fn under_load(server: &Server, patience: &Patience, swap: impl FnOnce() -> Result<()>) -> Result<Tally> {
    let stop = AtomicBool::new(false);
    let progress: [Progress; CALLERS] = Default::default();
    thread::scope(|scope| {
        let callers: Vec<_> = progress
            .iter()
            .enumerate()
            .map(|(number, progress)| {
                let stop = &stop;
                scope.spawn(move || Caller { server, number, progress, tally: Tally::default() }.run(stop))
            })
            .collect();
        let seen = |count: fn(&Progress) -> &AtomicUsize, whose: &str| {
            patience.until(&format!("every caller to have seen the {whose} version"), BOUND, || {
                let failed = progress.iter().any(|it| it.failed.load(Ordering::Relaxed));
                let enough = progress.iter().all(|it| count(it).load(Ordering::Relaxed) >= ENOUGH);
                Ok((failed || enough).then_some(()))
            })
        };
        let played = seen(|it| &it.old, "old").and_then(|()| swap()).and_then(|()| seen(|it| &it.new, "new"));
        stop.store(true, Ordering::Relaxed);
        let mut all = Tally::default();
        for caller in callers {
            let Ok(tally) = caller.join() else { bail!("a caller panicked") };
            all.add(tally);
        }
        played.map(|()| all)
    })
}

struct Caller<'a> {
    server: &'a Server,
    number: usize,
    progress: &'a Progress,
    tally: Tally,
}

impl Caller<'_> {
    fn run(mut self, stop: &AtomicBool) -> Tally {
        let number = self.number;
        let path = format!("/v1/backends/fw-dc1/objects/rule/load-{number}");
        let spec = json!({
            "name": format!("load-{number}"), "source": "0.0.0.0/0", "destination": format!("198.51.100.{number}/32"),
            "port": 80, "protocol": "tcp", "action": "permit",
        });
        self.call(&Request::new("PUT", &path).json(json!({ "spec": spec }).to_string()), 201);
        let mut port = 1000_u16;
        while !stop.load(Ordering::Relaxed) && self.tally.failures.is_empty() {
            port = port.wrapping_add(1).max(1000);
            self.call(&Request::new("PATCH", &path).json(json!({ "spec": { "port": port } }).to_string()), 200);
            self.call(&Request::new("GET", &path), 200);
        }
        self.call(&Request::new("DELETE", &path), 200);
        self.tally
    }

    fn call(&mut self, request: &Request, status: u16) {
        self.tally.calls += 1;
        match self.server.send(request) {
            Ok(reply) if reply.status == status => self.take(&reply),
            Ok(reply) => self.fail(format!("{} instead of {status}: {}", reply.status, reply.text)),
            Err(error) => self.fail(format!("{error:#}")),
        }
    }

    fn take(&mut self, reply: &Reply) {
        self.tally.slowest = self.tally.slowest.max(reply.took);
        let body: Value = serde_json::from_str(&reply.text).unwrap_or_default();
        let (seen, progress) = match (body.pointer("/result/id"), body.pointer("/result/shadowed")) {
            (None, _) => return,
            (_, None) => (&mut self.tally.old, &self.progress.old),
            (_, Some(_)) => (&mut self.tally.new, &self.progress.new),
        };
        *seen += 1;
        progress.store(*seen, Ordering::Relaxed);
    }

    fn fail(&mut self, failure: String) {
        self.progress.failed.store(true, Ordering::Relaxed);
        self.tally.failures.push(failure);
    }
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.failures.extend(other.failures);
        self.old += other.old;
        self.new += other.new;
        self.slowest = self.slowest.max(other.slowest);
    }
}
