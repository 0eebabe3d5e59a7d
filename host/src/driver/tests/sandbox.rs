use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crosspoint_contract::{Fault, Outcome};
use serde_json::{Value, json};

use super::super::{CallError, CallErrorKind, Engine, EngineConfig, Generation, Package, Phase};
use super::{built, cached, create, created, hostile};

fn config() -> EngineConfig {
    EngineConfig {
        instances: 4,
        memory_limit: 8 << 20,
        output_limit: 1 << 20,
        deadline: Duration::from_millis(50),
        ..EngineConfig::default()
    }
}

async fn decode(driver: &Generation, spec: Value) -> Result<Result<Outcome, Fault>, CallError> {
    driver.decode(&create(spec), &[], &created()).await
}

/// Does the harm in both phases, and then a call that must work as if nothing had been.
async fn harm(harm: &str, size: usize) -> Option<[CallErrorKind; 2]> {
    let driver = hostile(config()).await?;
    let spec = |phase| json!({"do": harm, "in": phase, "size": size});
    let encoding = driver.encode(&create(spec("encode"))).await.unwrap_err();
    let decoding = decode(&driver, spec("decode")).await.unwrap_err();
    assert_eq!((encoding.phase, decoding.phase), (Phase::Encode, Phase::Decode));
    assert!(encoding.to_string().starts_with("driver hostile@0.1.0, encode: "), "{encoding}");
    assert_eq!(decode(&driver, json!({})).await.unwrap().unwrap().backend_id.as_deref(), Some("t-1"));
    Some([encoding.kind, decoding.kind])
}

#[tokio::test]
async fn a_trap_is_that_calls_error() {
    let Some(kinds) = harm("trap", 0).await else { return };
    let trap = CallErrorKind::Trap { message: "wasm trap: wasm `unreachable` instruction executed".to_owned() };
    assert_eq!(kinds, [trap.clone(), trap]);
}

#[tokio::test]
async fn a_panic_is_that_calls_error_and_brings_its_text() {
    let Some(kinds) = harm("panic", 42).await else { return };
    for kind in kinds {
        let CallErrorKind::Trap { message } = kind else { panic!("{kind}") };
        assert!(message.contains("the spec asked for it: 42"), "{message}");
        assert!(message.contains("lib.rs"), "{message}");
    }
}

#[tokio::test]
async fn a_loop_ends_at_the_deadline() {
    let started = Instant::now();
    let Some(kinds) = harm("loop", 0).await else { return };
    for kind in kinds {
        let CallErrorKind::Deadline { limit, spent } = kind else { panic!("{kind}") };
        assert!(limit == config().deadline && spent >= limit, "{spent:?}");
    }
    assert!(started.elapsed() < Duration::from_secs(20));
}

/// One worker thread: if a loop kept it, nothing else would run until the deadline.
#[tokio::test]
async fn a_loop_leaves_the_worker_thread_to_others() {
    let Some(driver) = hostile(EngineConfig { deadline: Duration::from_secs(1), ..config() }).await else { return };
    let others = Arc::new(AtomicU64::new(0));
    let counter = tokio::spawn({
        let others = Arc::clone(&others);
        async move {
            loop {
                others.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        }
    });
    let error = driver.encode(&create(json!({"do": "loop"}))).await.unwrap_err();
    counter.abort();
    assert!(matches!(error.kind, CallErrorKind::Deadline { .. }), "{error}");
    assert!(others.load(Ordering::Relaxed) > 20);
}

#[tokio::test]
async fn a_memory_bomb_stops_at_the_limit() {
    let Some(kinds) = harm("allocate", 32 << 20).await else { return };
    assert_eq!(kinds, [const { CallErrorKind::Memory { limit: 8 << 20 } }; 2]);
}

#[tokio::test]
async fn memory_below_the_limit_is_had() {
    let Some(driver) = hostile(config()).await else { return };
    let exchange = driver.encode(&create(json!({"do": "allocate", "size": 4 << 20}))).await.unwrap().unwrap();
    assert_eq!(exchange.context.as_ref(), (4 << 20).to_string().as_bytes());
}

#[tokio::test]
async fn a_huge_output_is_refused_before_it_is_copied() {
    let Some(kinds) = harm("return_huge", 2 << 20).await else { return };
    assert_eq!(kinds, [const { CallErrorKind::Output { limit: 1 << 20 } }; 2]);
}

#[tokio::test]
async fn an_endless_recursion_is_that_calls_error() {
    let Some(kinds) = harm("recurse", 0).await else { return };
    for kind in kinds {
        assert!(matches!(kind, CallErrorKind::Trap { .. }), "{kind}");
    }
}

#[tokio::test]
async fn what_breaks_the_contract_is_not_passed_on() {
    let Some([encoding, decoding]) = harm("garbage", 0).await else { return };
    let CallErrorKind::Malformed { message } = encoding else { panic!("{encoding}") };
    assert!(message.contains("`nowhere`"), "{message}");
    let CallErrorKind::Malformed { message } = decoding else { panic!("{decoding}") };
    assert!(message.contains("outcome.result is no JSON"), "{message}");
}

/// Invariant 3.
#[tokio::test]
async fn a_call_never_sees_another_call() {
    let Some(driver) = hostile(config()).await else { return };
    let mut seen = HashSet::new();
    for _ in 0..20 {
        let exchange = driver.encode(&create(json!({"do": "remember"}))).await.unwrap().unwrap();
        seen.insert(exchange.context.0);
    }
    assert_eq!(seen, HashSet::from([b"0".to_vec()]));
}

#[tokio::test]
async fn a_fault_is_an_answer_and_no_error() {
    let Some(driver) = hostile(config()).await else { return };
    let fault = driver.encode(&create(json!({"do": "no such harm"}))).await.unwrap().unwrap_err();
    let Fault::Invalid(violations) = fault else { panic!("{fault:?}") };
    assert_eq!(violations[0].pointer, "/do");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_calls_than_places_wait_and_all_are_served() {
    let Some(driver) = hostile(EngineConfig { instances: 2, ..config() }).await else { return };
    let calls: Vec<_> = (0..200)
        .map(|_| {
            let driver = Arc::clone(&driver);
            tokio::spawn(async move { driver.encode(&create(json!({}))).await.unwrap().unwrap() })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().endpoint, "default");
    }
}

/// However many callers keep a driver looping, another driver finds a place and a thread.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn loops_of_one_driver_hold_up_no_other() {
    let Some(package) = built("hostile").map(|bytes| Package::read(bytes).unwrap()) else { return };
    let engine = Engine::new(cached(EngineConfig { deadline: Duration::from_mins(1), ..config() })).unwrap();
    let generation = async || Arc::new(Generation::build(&engine, &package).await.unwrap());
    let (looping, other) = (generation().await, generation().await);
    let loops = (0..8).map(|_| {
        let looping = Arc::clone(&looping);
        tokio::spawn(async move { looping.encode(&create(json!({"do": "loop"}))).await.is_ok() })
    });
    let loops: Vec<_> = loops.collect();
    for _ in 0..100 {
        assert!(other.encode(&create(json!({}))).await.unwrap().is_ok());
    }
    assert!(loops.iter().all(|call| !call.is_finished()), "they loop for a minute each");
    loops.iter().for_each(tokio::task::JoinHandle::abort);
}

/// A loop that is given up leaves its place: an engine with one place must go on.
#[tokio::test]
async fn a_call_that_is_dropped_gives_its_place_back() {
    let Some(driver) = hostile(EngineConfig { instances: 1, deadline: Duration::from_mins(1), ..config() }).await
    else {
        return;
    };
    let given_up = tokio::time::timeout(Duration::from_millis(20), driver.encode(&create(json!({"do": "loop"})))).await;
    assert!(given_up.is_err());
    assert!(driver.encode(&create(json!({}))).await.unwrap().is_ok());
}

#[tokio::test]
async fn an_instance_larger_than_the_limit_is_not_made() {
    let package = match built("hostile") {
        Some(bytes) => Package::read(bytes).unwrap(),
        None => return,
    };
    let engine = Engine::new(EngineConfig { memory_limit: 64 << 10, ..config() }).unwrap();
    let error = Generation::build(&engine, &package).await.unwrap_err().to_string();
    assert!(error.contains("memory"), "{error}");
}

/// A pool of this size would need more address space than there is.
#[tokio::test]
async fn without_room_for_a_pool_drivers_work_all_the_same() {
    let Some(bytes) = built("hostile") else { return };
    let vast = EngineConfig { instances: 100_000, memory_limit: 2 << 30, ..config() };
    let engine = Engine::new(vast).unwrap();
    assert!(!engine.is_pooled());
    let package = Package::read(bytes).unwrap();
    let driver = Generation::build(&engine, &package).await.unwrap();
    assert!(decode(&driver, json!({})).await.unwrap().is_ok());
    let error = driver.encode(&create(json!({"do": "loop"}))).await.unwrap_err();
    assert!(matches!(error.kind, CallErrorKind::Deadline { .. }), "{error}");
}
