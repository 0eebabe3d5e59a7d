//! What a driver may return, keep and use up.

use crosspoint_tests::host::{driver, within};
use serde_json::{Value, json};

use super::forge::stack_and_data;
use super::laboratory::Laboratory;
use super::raw::Raw;

async fn with_backend(limits: &'static str) -> (Laboratory, Raw) {
    let (laboratory, backend) = (Laboratory::with(limits).await, Raw::obliging().await);
    laboratory.backend("lab", &backend.url(), &json!({})).await;
    (laboratory, backend)
}

/// So much that it could be given, if it were asked for; it is refused before it is copied.
#[tokio::test]
async fn a_quarter_of_a_gigabyte_is_not_taken_over() {
    let (laboratory, backend) =
        with_backend("deadline_ms = 5000\nmemory_mib = 700\noutput_mib = 4\ninstances = 2").await;
    laboratory.create("lab", &json!({})).await.expect(201);
    let before = laboratory.resident();
    for (harm, phase, size) in [
        ("return_huge", "encode", 256 << 20),
        ("return_huge", "decode", 256 << 20),
        ("return_many", "encode", 4 << 20),
        ("return_many", "decode", 2 << 20),
    ] {
        let spec = json!({"do": harm, "in": phase, "size": size});
        let reply = laboratory.create("lab", &spec).await.problem(502, "driver_failed");
        let detail = reply.string("/detail");
        assert!(detail.contains("what it returned is larger than the limit of 4194304 bytes"), "{spec}: {detail}");
        assert_eq!(reply["/sent"], if phase == "encode" { "no" } else { "yes" }, "{spec}");
        laboratory.others_are_served().await;
    }
    assert_eq!(backend.take().matches("POST /things").count(), 3);
    let grown = laboratory.resident().saturating_sub(before);
    assert!(grown < 64 << 20, "the host has grown by {} MiB", grown >> 20);
}

#[tokio::test]
async fn what_is_kept_of_an_outcome_has_limits() {
    let (laboratory, _backend) = with_backend("memory_mib = 16").await;
    for (harm, phase, size, reason) in [
        ("hoard", "decode", 70_000, "the attributes has 70002 bytes; at most 65536 are accepted"),
        ("long_id", "decode", 600, "the backend id has 600 bytes; at most 512 are accepted"),
        ("return_huge", "decode", 2000, "the revision has 2000 bytes; at most 1024 are accepted"),
    ] {
        let reply = laboratory.create("lab", &json!({"do": harm, "in": phase, "size": size})).await;
        let reply = reply.problem(502, "driver_failed");
        assert!(reply.string("/detail").contains(reason), "{reply:#?}");
        assert_eq!(reply["/sent"], "yes");
    }
    laboratory.create("lab", &json!({"do": "hoard", "size": 60_000})).await.expect(201);
    laboratory.create("lab", &json!({"do": "long_id", "size": 512})).await.expect(201);
    for phase in ["encode", "decode"] {
        let reply = laboratory.create("lab", &json!({"do": "lament", "in": phase, "size": 1 << 20})).await;
        let reply = reply.problem(409, "backend_conflict");
        assert!(reply.string("/detail").len() <= 4096, "a lament is cut off");
    }
}

/// Instances come and go, and what one had is not missed afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_does_not_grow_with_the_calls() {
    const CALLS: usize = 1500;
    let (laboratory, _backend) = with_backend("memory_mib = 16\ninstances = 4").await;
    let harms = [
        json!({"do": "allocate", "size": 8 << 20}),
        json!({"do": "allocate", "size": 64 << 20}),
        json!({"do": "panic"}),
        json!({"do": "recurse"}),
        json!({"do": "lament", "size": 100_000}),
        json!({"do": "return_many", "size": 10_000}),
    ];
    let mut measured = Vec::new();
    for _ in 0..3 {
        for call in 0..CALLS / 3 {
            let reply = laboratory.create("lab", &harms[call % harms.len()]).await;
            assert!(reply.status >= 400 || reply.status == 201, "{reply:#?}");
        }
        measured.push(laboratory.resident() >> 20);
    }
    // The first third warms up; what comes after that must not add more than the records of the calls themselves.
    assert!(measured[2] < measured[0] + 24, "MiB resident after each {} calls: {measured:?}", CALLS / 3);
}

/// A stack that overflows runs out of memory's lower end, and not into data: a trap, and not another answer.
#[test]
fn the_stack_of_a_driver_lies_below_its_data() {
    for name in ["firewall", "firewall-next", "hostile", "neutron"] {
        let (stack, data) = stack_and_data(&driver(name));
        assert!(stack <= data && stack <= 65_536, "{name}: the stack begins at {stack}, data at {data}");
    }
}

#[tokio::test]
async fn a_reply_however_deep_is_read_or_refused_and_never_misread() {
    let laboratory = Laboratory::start().await;
    let backend = Raw::start(|mut line| async move {
        while line.request().await {
            // The driver's own target says how deep the reply is to be.
            let depth = line.number_in_target();
            let body = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            line.write(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())).await;
        }
    })
    .await;
    for depth in [1_usize, 60, 120, 127, 128, 1000, 100_000, 2_000_000] {
        let name = format!("lab-{depth}");
        laboratory.backend(&name, &format!("{}/{depth}", backend.url()), &json!({})).await;
        let reply = within("an answer", laboratory.create(&name, &json!({"do": "delve"}))).await;
        if depth < 128 {
            assert_eq!(reply.expect(201)["/mapping/backend_revision"], depth.to_string());
        } else {
            let reply = reply.problem(502, "backend_malformed_reply");
            assert!(reply.string("/detail").contains("recursion limit"), "{depth}: {reply:#?}");
        }
    }
    // An object of the firewall whose reply nobody could read.
    let settings: Value = crosspoint_tests::host::settings(&format!("{}/100000", backend.url()));
    laboratory.scene.host.put_backend("deep", &settings).await;
    let body = crosspoint_tests::host::create("deep");
    let reply = laboratory.scene.acme().put("/v1/backends/deep/objects/rule/deep").json(&body).await;
    reply.problem(502, "backend_malformed_reply");
    laboratory.others_are_served().await;
}
