//! Thousands of files and events: calls go on, memory is bounded, and when it is over the host rests.

use std::fs;
use std::time::{Duration, Instant};

use crosspoint_tests::host::{Options, Scene, driver, until};
use serde_json::json;

use super::caller::Callers;
use super::usage::Usage;

const FILES: usize = 2000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_files_and_events_stops_no_call_and_no_driver_and_leaves_the_host_at_rest() {
    let scene = Scene::with(Options { watch: true, ..Options::default() }, json!({"mutation_concurrency": 4})).await;
    let callers = Callers::start(&scene, 2);
    until("some calls", async || (callers.answered()[0] > 20).then_some(())).await;
    let (before, calls_before) = (Usage::of(&scene.host), callers.answered()[0]);
    let folder = scene.host.drivers_folder();
    for number in 0..FILES {
        fs::write(folder.join(format!("junk-{number:04}.wasm")), format!("no driver, number {number}")).unwrap();
    }
    // Events without end, of files that count and of files that do not.
    let over = Instant::now() + Duration::from_secs(3);
    let mut number = 0;
    while Instant::now() < over {
        for name in [format!("junk-{:04}.wasm", number % 50), format!("note-{}.txt", number % 50)] {
            fs::write(folder.join(name), number.to_string()).unwrap();
        }
        number += 1;
        tokio::task::yield_now().await;
    }
    fs::write(folder.join(".half"), driver("firewall-next")).unwrap();
    fs::rename(folder.join(".half"), folder.join("firewall.wasm")).unwrap();
    scene.host.until_active("0.2.0").await;
    let (after, calls) = (Usage::of(&scene.host), callers.stop().await[0] - calls_before);
    eprintln!("{number} rounds of events; {calls} changes meanwhile; {before:?}, {after:?}");
    assert!(calls > 20, "{calls} changes were answered in the flood");
    assert!(after.memory <= before.memory + 64, "{before:?}, {after:?}");
    assert!(after.descriptors <= before.descriptors + 16, "{before:?}, {after:?}");
    let rejected = scene.operator().get("/v1/drivers").await.expect(200);
    let shown = rejected["/rejected"].as_array().map_or(0, Vec::len);
    assert!(shown <= 64, "{shown} rejections are kept");

    // At rest, looking every two seconds at two thousand files takes next to nothing.
    until("the host to rest", async || {
        let then = Usage::of(&scene.host).ticks;
        tokio::time::sleep(Duration::from_secs(1)).await;
        (Usage::of(&scene.host).ticks - then <= 10).then_some(())
    })
    .await;
}
