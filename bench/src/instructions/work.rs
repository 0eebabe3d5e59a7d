//! The paths that are counted.

use std::hint::black_box;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use bench_driver::{KIND, sample};
use crosspoint::driver::{Engine, EngineConfig, Generation, Package};
use crosspoint::mapping::{Command, Intent, Ledger, Operation, OperationId, OperationState, Settlement, Success};
use crosspoint::sent::Sent;
use crosspoint::sync::{Machine as _, Memory};
use crosspoint_contract::{Json, Verb};
use tokio::runtime::{Builder, Runtime};

use crate::places;

/// A path, and how often it is run: often enough that what else goes on in the process does not matter.
pub struct Work {
    pub name: &'static str,
    pub times: u32,
    prepare: fn() -> Result<Once>,
}

/// Does it once.
pub type Once = Box<dyn FnMut() -> Result<()>>;

impl Work {
    pub const ALL: [Self; 5] = [
        Self { name: "translate-1k", times: 200, prepare: translate },
        Self { name: "schema-1k", times: 1000, prepare: schema },
        Self { name: "record-1k", times: 1000, prepare: record },
        Self { name: "problem", times: 500, prepare: super::api::problem },
        Self { name: "dry-run-1k", times: 200, prepare: super::api::dry_run },
    ];

    pub fn run(&self, times: u32) -> Result<()> {
        let mut once = (self.prepare)()?;
        (0..times).try_for_each(|_| once())
    }
}

/// What they are called.
pub fn names() -> Vec<&'static str> {
    Work::ALL.iter().map(|work| work.name).collect()
}

/// The engine as the host sets it up, but for a pool that fits into what Valgrind has.
pub fn engine() -> Result<Engine> {
    let cache = places::folder()?.join("cache");
    // Time is long under Valgrind.
    let deadline = Duration::from_mins(1);
    let config = EngineConfig { cache_dir: Some(cache), instances: 4, deadline, ..EngineConfig::default() };
    let engine = Engine::new(config)?;
    ensure!(engine.is_pooled(), "there is no address space for a pool of instances");
    Ok(engine)
}

fn generation() -> Result<(Runtime, Generation)> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let package = Package::read(places::driver("bench")?)?;
    let generation = runtime.block_on(Generation::build(&engine()?, &package))?;
    Ok((runtime, generation))
}

/// `encode` and `decode` in the sandbox.
fn translate() -> Result<Once> {
    let (runtime, generation) = generation()?;
    let (call, reply) = (sample::replace("pol-7", 1 << 10), sample::reply("pol-7", 1 << 10));
    Ok(Box::new(move || {
        runtime.block_on(async {
            let fault = |fault| anyhow!("{fault:?}");
            let exchange = generation.encode(&call).await?.map_err(fault)?;
            black_box(generation.decode(&call, exchange.context.as_ref(), &reply).await?.map_err(fault)?);
            Ok(())
        })
    }))
}

/// A spec is checked against its schema.
fn schema() -> Result<Once> {
    let (_runtime, generation) = generation()?;
    let spec = sample::spec(1 << 10);
    Ok(Box::new(move || {
        let kind = generation.kind(KIND).ok_or_else(|| anyhow!("no such kind"))?;
        kind.validate_spec(&Verb::Create, &spec).map_err(|violations| anyhow!("{violations:?}"))
    }))
}

/// The intent and the outcome of a creation, as the log has them and as the machine applies them.
#[allow(clippy::unnecessary_wraps, reason = "other paths need what may be missing")]
fn record() -> Result<Once> {
    let (mut state, mut index) = (Memory::default(), 0_u64);
    let (spec, result) = (Json::from(sample::spec(1 << 10)), Json::from(sample::stored("pol-7", 1 << 10)));
    Ok(Box::new(move || {
        let id = OperationId::from_bytes(u128::from(index).to_be_bytes());
        let operation = operation(id, index, spec.clone());
        let success = Success {
            backend_id: Some(format!("pol-{index}")),
            revision: Some(sample::REVISION.to_owned()),
            result: result.clone(),
            ..Success::default()
        };
        let intent = Intent { operation, mapping_revision: None, idempotency_limit: 1_000_000 };
        let settlement = Box::new(Settlement::Succeeded(success));
        for command in [Command::Begin(Box::new(intent)), Command::Settle { operation: id, at: 1500, settlement }] {
            index += 1;
            let logged = serde_json::to_vec(&command)?;
            let applied = Ledger.apply(index, serde_json::from_slice(&logged)?, &mut state)?;
            ensure!(applied.is_ok(), "the machine refuses: {applied:?}");
        }
        Ok(())
    }))
}

fn operation(id: OperationId, number: u64, spec: Json) -> Operation {
    Operation {
        id,
        tenant: "acme".to_owned(),
        backend: "fw-dc1".to_owned(),
        kind: KIND.to_owned(),
        cmp_id: Some(format!("policy-{number}")),
        verb: Verb::Create,
        state: OperationState::Open,
        sent: Sent::Maybe,
        caller: "cmp".to_owned(),
        driver: "bench@0.1.0".to_owned(),
        idempotency: None,
        spec,
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
