#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod life;
mod listing;
mod model;

use crosspoint_contract::{Json, Verb};
use serde_json::json;

use super::*;
use crate::sent::Sent;
use crate::sync::{Machine, Memory};

fn key(cmp_id: &str) -> ObjectKey {
    ObjectKey { tenant: "acme".into(), backend: "fw".into(), kind: "rule".into(), cmp_id: cmp_id.into() }
}

fn id(number: u128) -> OperationId {
    OperationId::from_bytes(number.to_be_bytes())
}

fn operation(number: u128, verb: Verb, cmp_id: &str) -> Operation {
    Operation {
        id: id(number),
        tenant: "acme".into(),
        backend: "fw".into(),
        kind: "rule".into(),
        cmp_id: Some(cmp_id.into()),
        verb,
        state: OperationState::Open,
        sent: Sent::Maybe,
        caller: "cmp".into(),
        driver: "firewall@1.0.0".into(),
        idempotency: None,
        spec: Json::from(json!({"port": 1})),
        precondition: None,
        labels: None,
        poll_token: None,
        started_at: 1000,
        deadline: 2000,
        patience: 1000,
        finished_at: None,
        result: Json::null(),
        failure: None,
        resolution: None,
    }
}

fn with_key(mut operation: Operation, key: &str, fingerprint: &str) -> Operation {
    operation.idempotency = Some(Idempotency { key: key.into(), fingerprint: fingerprint.into() });
    operation
}

fn begin(operation: Operation) -> Command {
    Command::Begin(Box::new(Intent { operation, mapping_revision: None, idempotency_limit: 1000 }))
}

fn settle(number: u128, settlement: Settlement) -> Command {
    Command::Settle { operation: id(number), at: 1500, settlement: Box::new(settlement) }
}

fn done(backend_id: Option<&str>) -> Settlement {
    Settlement::Succeeded(Success { backend_id: backend_id.map(str::to_owned), ..Success::default() })
}

fn refused(code: Code) -> Settlement {
    Settlement::Failed { failure: Failure::new(code, "no").sent(Sent::Yes), resolution: None }
}

fn doubt() -> Settlement {
    Settlement::Doubt(Failure::new(Code::BackendTimeout, "late").sent(Sent::Maybe))
}

/// A ledger on a state in memory.
#[derive(Default)]
struct Book {
    memory: Memory,
    index: u64,
}

impl Book {
    fn apply(&mut self, command: Command) -> Result<Applied, Refusal> {
        self.index += 1;
        Ledger.apply(self.index, command, &mut self.memory).expect("the state is readable")
    }

    fn done(&mut self, command: Command) -> (Operation, Option<Mapping>) {
        match self.apply(command).expect("not refused") {
            Applied::Operation { operation, mapping } => (*operation, mapping.map(|mapping| *mapping)),
            other => panic!("{other:?}"),
        }
    }

    fn mapping(&self, cmp_id: &str) -> Option<Mapping> {
        query::mapping(&self.memory, &key(cmp_id)).unwrap()
    }

    fn created(&mut self, number: u128, cmp_id: &str, backend_id: &str) {
        self.done(begin(operation(number, Verb::Create, cmp_id)));
        self.done(settle(number, done(Some(backend_id))));
    }
}
