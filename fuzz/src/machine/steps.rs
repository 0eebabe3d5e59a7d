//! From bytes to commands. Eight bytes are a step, so that a list of commands gets shorter where bytes are left out.
#![allow(clippy::many_single_char_names, reason = "a step's bytes have places, not names")]

use std::collections::BTreeMap;

use crosspoint::mapping::{
    BackendRecord, Code, Command, Expiry, Failure, Idempotency, Intent, Labels, ObjectKey, Operation, OperationId,
    OperationState, PackageRef, Resolution, ResolvedBy, Settlement, Success,
};
use crosspoint::sent::Sent;
use crosspoint_contract::{Json, Verb};
use serde_json::json;

use super::model::Model;

/// What one command is made of. Small numbers of everything, so that commands meet each other.
pub type Step = [u8; 8];

pub const TENANTS: [&str; 2] = ["acme", "globex"];
pub const BACKENDS: [&str; 2] = ["fw", "sw"];
pub const KINDS: [&str; 2] = ["rule", "vlan"];
pub const CMP_IDS: [&str; 4] = ["1", "2", "22", "a/b"];
pub const BACKEND_IDS: [&str; 3] = ["b1", "b2", "b22"];
pub const KEYS: [&str; 4] = ["k", "kk", "l", "m"];
const DRIVERS: [&str; 2] = ["firewall", "switch"];

/// One of a few, told by some bits.
fn pick<T: Copy, const N: usize>(from: [T; N], bits: u8) -> T {
    from[usize::from(bits) % N]
}

/// Times come from a clock, which may be set back.
fn time(byte: u8) -> u64 {
    1000 + u64::from(byte) * 10
}

fn number(n: usize) -> OperationId {
    OperationId::from_bytes((n as u128).to_be_bytes())
}

fn key(bits: u8) -> ObjectKey {
    ObjectKey {
        tenant: pick(TENANTS, bits).to_owned(),
        backend: pick(BACKENDS, bits >> 1).to_owned(),
        kind: pick(KINDS, bits >> 2).to_owned(),
        cmp_id: pick(CMP_IDS, bits >> 3).to_owned(),
    }
}

fn labels(bits: u8) -> Labels {
    let all = [("a", "x"), ("a", "y"), ("b", "x"), ("b", "")];
    let chosen = all.iter().enumerate().filter(|(place, _)| bits >> place & 1 == 1);
    chosen.map(|(_, (name, value))| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The command that a step stands for, the `n`th of all; what it refers to is looked up in the model.
pub fn command([what, a, b, c, d, e, f, clock]: Step, n: usize, model: &Model) -> Command {
    let at = time(clock);
    match what % 16 {
        0..=5 => begin([a, b, c, d, e, f, clock], n, model),
        6..=9 => Command::Settle { operation: operation(a, model), at, settlement: Box::new(settlement(b, c, d)) },
        10 => Command::Extend { operation: operation(a, model), deadline: time(b), at },
        11 => Command::Adopt { key: key(a), success: Box::new(success(b, c)), labels: labels(d), at },
        12 => Command::Release { key: key(a), at },
        13 if a % 3 == 0 => Command::RemoveBackend { name: pick(BACKENDS, b).to_owned(), at },
        13 => Command::PutBackend { record: Box::new(backend(b, c)), at },
        14 if a % 4 == 0 => Command::RemoveDriver { name: pick(DRIVERS, b).to_owned(), at },
        14 => Command::ActivateDriver {
            name: pick(DRIVERS, b).to_owned(),
            package: PackageRef { version: format!("1.0.{}", c % 12), digest: format!("sha256:{}", c % 12) },
            source: "upload".to_owned(),
            at,
        },
        _ => Command::Expire(Expiry {
            idempotency_before: time(a),
            operations_kept: u64::from(b % 16),
            events_before: u64::from(c),
            batch: usize::from(d % 5),
        }),
    }
}

fn begin([a, b, c, d, e, f, clock]: [u8; 7], n: usize, model: &Model) -> Command {
    let about_the_backend = a >> 5 == 7;
    let key = key(a);
    let revision = match d % 4 {
        0 => Some(u64::from(d >> 2)),
        1 => model.mappings.get(&key).map(|mapping| mapping.revision),
        _ => None,
    };
    let verb = match b % 8 {
        _ if about_the_backend => Verb::Action("commit".to_owned()),
        0..=2 => Verb::Create,
        3 => Verb::Update,
        4 => Verb::Replace,
        5 | 6 => Verb::Delete,
        _ => Verb::Action("enable".to_owned()),
    };
    let operation = Operation {
        id: number(n),
        tenant: key.tenant,
        backend: key.backend,
        kind: if about_the_backend { String::new() } else { key.kind },
        cmp_id: (!about_the_backend).then_some(key.cmp_id),
        verb,
        state: OperationState::Open,
        sent: Sent::Maybe,
        caller: "cmp".to_owned(),
        driver: "firewall@1.0.0".to_owned(),
        idempotency: (c % 2 == 1)
            .then(|| Idempotency { key: pick(KEYS, c >> 1).to_owned(), fingerprint: format!("f{}", c >> 3 & 1) }),
        spec: Json::from(json!({"port": f})),
        precondition: None,
        labels: (b >> 3 & 1 == 1).then(|| labels(b >> 4)),
        poll_token: None,
        started_at: time(clock),
        deadline: time(clock) + 100,
        patience: 100,
        finished_at: None,
        result: Json::null(),
        failure: None,
        resolution: None,
    };
    let idempotency_limit = if e % 8 == 0 { u64::from(e >> 3 & 3) } else { 1000 };
    Command::Begin(Box::new(Intent { operation, mapping_revision: revision, idempotency_limit }))
}

/// Mostly one that is not decided, sometimes any, sometimes none that ever was.
fn operation(bits: u8, model: &Model) -> OperationId {
    let (sort, nth) = (bits % 8, usize::from(bits >> 3));
    let ids: Vec<_> = match sort {
        0 => return number(usize::MAX),
        1 | 2 => model.operations.keys().copied().collect(),
        _ => model.undecided().map(|operation| operation.id).collect(),
    };
    ids.iter().rev().nth(nth % ids.len().max(1)).copied().unwrap_or_else(|| number(usize::MAX))
}

fn settlement(b: u8, c: u8, d: u8) -> Settlement {
    let failure = Failure::new(Code::BackendConflict, "no").sent(pick([Sent::No, Sent::Maybe, Sent::Yes], c));
    match b % 8 {
        0..=3 => Settlement::Succeeded(success(c, d)),
        4 => Settlement::Failed { failure, resolution: resolution(d) },
        5 => Settlement::Failed { failure: failure.retry(1), resolution: resolution(d) },
        6 => Settlement::Doubt(failure),
        _ => Settlement::Observed(success(c, d)),
    }
}

fn success(c: u8, d: u8) -> Success {
    Success {
        backend_id: (!c.is_multiple_of(4)).then(|| pick(BACKEND_IDS, c % 4 - 1).to_owned()),
        revision: (c >> 2 & 1 == 1).then(|| format!("r{}", c >> 3 & 3)),
        attributes: if c >> 5 & 1 == 1 { Json::from(json!({"uuid": c})) } else { Json::null() },
        result: Json::from(json!({"id": d})),
        pending: (d >> 1 & 3 == 3).then(|| "job-1".to_owned()),
        resolution: resolution(d),
    }
}

fn resolution(d: u8) -> Option<Resolution> {
    (d & 1 == 1).then(|| Resolution { by: ResolvedBy::Find, at: 1, caller: "operator".to_owned() })
}

fn backend(b: u8, c: u8) -> BackendRecord {
    BackendRecord {
        name: pick(BACKENDS, b).to_owned(),
        driver: pick(DRIVERS, b >> 1).to_owned(),
        settings: Json::from(json!(BTreeMap::from([("n", c)]))),
        revision: u64::from(c),
    }
}
