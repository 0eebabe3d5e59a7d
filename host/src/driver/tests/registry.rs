use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::super::{Digest, Engine, Generation, Package, Registry};
use super::{built, create, created, engine, eventually};

async fn generation(engine: &Engine) -> Option<Arc<Generation>> {
    let package = Package::read(built("hostile")?).unwrap();
    Some(Arc::new(Generation::build(engine, &package).await.unwrap()))
}

#[tokio::test]
async fn a_generation_that_was_replaced_lives_until_its_last_call_ends() {
    let (registry, engine) = (Registry::default(), engine());
    let Some(first) = generation(&engine).await else { return };
    let second = generation(&engine).await.unwrap();
    assert!(registry.publish(Arc::clone(&first), "a").is_none());
    let call = registry.get("hostile").unwrap().begin();
    let number = first.number();
    let replaced = registry.publish(Arc::clone(&second), "a").unwrap();
    drop((first, replaced));

    assert_eq!(registry.get("hostile").unwrap().number(), second.number());
    let draining: Vec<_> = registry.draining().iter().map(|old| (old.number(), old.calls_in_flight())).collect();
    assert_eq!(draining, [(number, 1)]);
    assert_eq!(call.number(), number);
    assert!(call.encode(&create(json!({}))).await.unwrap().is_ok());
    drop(call);
    eventually("the old generation is retired", || registry.draining().is_empty().then_some(())).await;
}

#[tokio::test]
async fn each_publication_has_a_number_that_subscribers_see() {
    let (registry, engine) = (Registry::default(), engine());
    let Some(generation) = generation(&engine).await else { return };
    let mut changes = registry.subscribe();
    let before = registry.snapshot();
    registry.publish(generation, "a");
    changes.changed().await.unwrap();
    assert_eq!(*changes.borrow_and_update(), registry.snapshot().number());
    assert_eq!(before.iter().count(), 0);
    assert_eq!(registry.snapshot().get("hostile").unwrap().source, "a");
    assert!(registry.remove("hostile").is_some() && registry.remove("hostile").is_none());
    assert!(registry.get("hostile").is_none());
    assert!(changes.has_changed().unwrap());
}

#[tokio::test]
async fn a_failure_is_remembered_until_the_source_or_the_driver_succeeds() {
    let (registry, engine) = (Registry::default(), engine());
    let Some(generation) = generation(&engine).await else { return };
    let digest = Digest::of(b"x");
    registry.reject("/drivers/a.wasm", digest, None, "cut short");
    registry.reject("/drivers/a.wasm", digest, Some("hostile"), "first");
    registry.reject("/drivers/a.wasm", digest, Some("hostile"), "second");
    registry.reject("/drivers/b.wasm", digest, Some("other"), "other");
    assert_eq!(registry.failures().len(), 2);
    assert_eq!(registry.last_failure("hostile").unwrap().reason, "second");
    registry.publish(generation, "/drivers/c.wasm");
    assert!(registry.last_failure("hostile").is_none());
    assert_eq!(registry.failures().len(), 1);
}

#[test]
fn failures_are_bounded() {
    let registry = Registry::default();
    for number in 0..1000 {
        registry.reject(format!("/drivers/{number}.wasm"), Digest::of(b"x"), None, "no");
    }
    let failures = registry.failures();
    assert_eq!(failures.len(), 64);
    assert_eq!(failures.last().unwrap().source, "/drivers/999.wasm");
}

/// Invariant 6.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swap_loses_nothing() {
    let (registry, engine) = (Arc::new(Registry::default()), engine());
    let Some(first) = generation(&engine).await else { return };
    registry.publish(first, "a");
    let done = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (registry, done) = (Arc::clone(&registry), Arc::clone(&done));
            tokio::spawn(async move {
                let mut calls = 0u32;
                while !done.load(Ordering::Relaxed) {
                    let driver = registry.get("hostile").unwrap().begin();
                    let call = create(json!({}));
                    let exchange = driver.encode(&call).await.unwrap().unwrap();
                    driver.decode(&call, exchange.context.as_ref(), &created()).await.unwrap().unwrap();
                    calls += 1;
                }
                calls
            })
        })
        .collect();
    for _ in 0..5 {
        registry.publish(generation(&engine).await.unwrap(), "a");
    }
    done.store(true, Ordering::Relaxed);
    for caller in callers {
        assert!(caller.await.unwrap() > 0);
    }
    eventually("all old generations are retired", || registry.draining().is_empty().then_some(())).await;
}
