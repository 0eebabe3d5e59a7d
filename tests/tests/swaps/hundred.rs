//! Swaps under full load, by every way there is: no call fails, no answer is a mix, and nothing of the old ones stays.

use crosspoint_tests::host::{Host, Options, Scene, VERSIONS, Way, until};
use serde_json::json;

use super::caller::Callers;
use super::usage::Usage;

/// An odd number, so that each way brings now one version and now the other.
const WAYS: [Way; 9] = [
    Way::Folder,
    Way::RollBack,
    Way::Upload,
    Way::Activate,
    Way::RollBack,
    Way::Upload,
    Way::Activate,
    Way::Upload,
    Way::RollBack,
];
const WARM_UP: usize = 18;
const SWAPS: usize = 100;
/// What the records of the calls may take meanwhile, in MiB. A hundred generations would take more than twice as much.
const RECORDS: u64 = 64;

async fn swap(host: &Host, number: usize) {
    WAYS[number % WAYS.len()].swap(host, VERSIONS[(number + 1) % 2]).await;
}

/// Waits until no generation is left but those that are published.
async fn drained(host: &Host) {
    until("the old generations to go", async || {
        (host.metric("crosspoint_driver_generations").await == Some(1.0)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_swaps_under_load_fail_no_call_and_leave_nothing_behind() {
    let options = Options { watch: true, ..Options::default() };
    let scene = Scene::with(options, json!({"mutation_concurrency": 8})).await;
    let callers = Callers::start(&scene, 4);
    for number in 0..WARM_UP {
        swap(&scene.host, number).await;
    }
    let before = Usage::of(&scene.host);
    for number in WARM_UP..WARM_UP + SWAPS {
        swap(&scene.host, number).await;
    }
    let after = Usage::of(&scene.host);
    let answered = callers.stop().await;
    drained(&scene.host).await;
    eprintln!(
        "changes answered by each version: {answered:?}\nafter {WARM_UP} swaps: {before:?}\nafter {SWAPS} more: {after:?}"
    );
    assert!(answered.iter().all(|count| *count > SWAPS / 2), "both versions served: {answered:?}");
    assert!(after.memory <= before.memory + RECORDS, "{before:?}, {after:?}");
    assert!(after.descriptors <= before.descriptors + 8, "{before:?}, {after:?}");
    // Blocking threads come and go.
    assert!(after.threads <= before.threads + 16, "{before:?}, {after:?}");
    let kept = std::fs::read_dir(scene.host.data().join("packages")).unwrap().count();
    assert_eq!(kept, 2, "two packages, however often they were swapped");
}
