//! Callers that hang up, and callers that insist.

use std::future::IntoFuture as _;

use crosspoint_tests::host::{Call, Reply, Scene, Who, create, rule, until, within};
use firewall_appliance::{Fault, Moment};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// How many call at once in a storm.
const STORM: usize = 300;

/// Where a caller hangs up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    /// The head is out.
    Head,
    /// Half of the body is out.
    HalfABody,
    /// All of it is out.
    Whole,
}

fn creation(scene: &Scene, name: &str) -> Call {
    scene.acme().put(&rule(name)).key(name).json(&create(name))
}

/// Sends the creation of a rule up to a point. To drop the connection is to hang up: in order, or with a reset.
async fn begin(scene: &Scene, name: &str, until: Until, reset: bool) -> TcpStream {
    let body = create(name).to_string();
    let head = format!(
        "PUT {} HTTP/1.1\r\nhost: crosspoint\r\nauthorization: Bearer {}\r\nidempotency-key: {name}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        rule(name),
        Who::Acme.token().unwrap(),
        body.len(),
    );
    let sent = match until {
        Until::Head => "",
        Until::HalfABody => &body[..body.len() / 2],
        Until::Whole => &body,
    };
    let mut stream = TcpStream::connect(scene.host.address()).await.unwrap();
    stream.write_all((head + sent).as_bytes()).await.unwrap();
    if reset {
        stream.set_zero_linger().unwrap();
    }
    stream
}

/// The same call again, until the first one is over.
async fn insist(call: impl Fn() -> Call) -> Reply {
    until("an answer", async || {
        let reply = call().await;
        let waits = ["idempotency_in_flight", "object_busy", "queue_full", "queue_timeout"];
        (!waits.iter().any(|code| reply["/code"] == *code)).then_some(reply)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_that_hang_up_under_load_have_done_their_call_once_or_not_at_all() {
    let scene = Scene::start().await;
    let mut load = JoinSet::new();
    for nth in 0..40 {
        load.spawn(creation(&scene, &format!("load-{nth}")).attempt());
    }
    let mut hung_up = Vec::new();
    for nth in 0..20 {
        for (point, reset) in [
            (Until::Head, false),
            (Until::HalfABody, true),
            (Until::HalfABody, false),
            (Until::Whole, true),
            (Until::Whole, false),
        ] {
            let name = format!("{point:?}-{reset}-{nth}").to_lowercase();
            drop(begin(&scene, &name, point, reset).await);
            hung_up.push((name, point));
        }
    }
    while let Some(reply) = load.join_next().await {
        reply.unwrap().unwrap().expect(201);
    }
    for (name, point) in &hung_up {
        // What was not whole has left no trace; what was whole may have been read before the end was seen, or not.
        let again = insist(|| creation(&scene, name)).await.success();
        let replayed = again.header("idempotency-replayed").is_some();
        assert!(*point == Until::Whole || !replayed, "{name}: {again:#?}");
    }
    let calls = 40 + hung_up.len();
    assert_eq!((scene.appliance.rules().len(), scene.appliance.count("POST", "/api/v1/rules")), (calls, calls));
    assert_eq!(scene.host.metric("crosspoint_operations_open").await, Some(0.0));
}

#[tokio::test]
async fn a_caller_that_hangs_up_while_the_backend_works_finds_its_call_done_and_recorded() {
    let scene = Scene::start().await;
    for (nth, reset) in [false, true].into_iter().enumerate() {
        let name = format!("r-{nth}");
        scene.appliance.hold(Moment::BeforeEffect);
        let connection = begin(&scene, &name, Until::Whole, reset).await;
        within("the exchange", scene.appliance.arrived("POST", "/api/v1/rules", nth + 1)).await;
        drop(connection);
        scene.appliance.release();
        until("the call to end", async || (scene.mapping(&name).await["state"] == "active").then_some(())).await;
        let replayed = creation(&scene, &name).await.success();
        assert_eq!(replayed.header("idempotency-replayed"), Some("true"));
    }
    assert_eq!(scene.appliance.count("POST", "/api/v1/rules"), 2);
}

/// Many at once, each answered.
async fn storm(calls: impl Iterator<Item = Call>) -> Vec<Reply> {
    let mut storm = JoinSet::new();
    for call in calls {
        storm.spawn(call.into_future());
    }
    storm.join_all().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_repeats_with_one_key_makes_one_exchange() {
    let scene = Scene::start().await;
    let replies = storm((0..STORM).map(|_| creation(&scene, "a"))).await;
    let first = replies.iter().filter(|reply| reply.status < 300 && reply.header("idempotency-replayed").is_none());
    assert_eq!(first.count(), 1);
    for reply in replies.into_iter().filter(|reply| reply.status >= 300) {
        let waits = ["idempotency_in_flight", "queue_full"].iter().any(|code| reply["/code"] == *code);
        assert!(waits && reply["/retryable"] == true, "{reply:#?}");
    }
    for reply in storm((0..STORM).map(|_| creation(&scene, "a"))).await {
        assert_eq!(reply.success().header("idempotency-replayed"), Some("true"));
    }
    assert_eq!(scene.appliance.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_repeats_of_a_call_in_doubt_ends_the_doubt_once() {
    let scene = Scene::start().await;
    scene.appliance.arm(Fault { drop: Some(Moment::AfterEffect), ..Fault::default() });
    creation(&scene, "a").await.problem(502, "backend_connection_lost");
    for reply in storm((0..STORM).map(|_| creation(&scene, "a"))).await {
        match reply.status {
            200..300 => assert_eq!(reply["/mapping/backend_id"], "rule-1"),
            _ => drop(reply.problem(409, "object_busy")),
        }
    }
    let replayed = creation(&scene, "a").await.success();
    assert_eq!(replayed["/operation/resolution/by"], "find");
    assert_eq!((scene.appliance.count("POST", "/"), scene.appliance.count("GET", "/")), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_different_calls_on_one_object_creates_it_once() {
    let scene = Scene::start().await;
    let call = |nth: usize| {
        scene
            .acme()
            .put(&rule("a"))
            .key(&format!("k-{nth}"))
            .header("if-none-match", "*")
            .json(&create(&format!("a-{nth}")))
    };
    let replies = storm((0..STORM).map(call)).await;
    let (made, refused): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 201);
    assert_eq!(made.len(), 1);
    for reply in refused {
        let codes = ["object_busy", "already_mapped", "queue_full"];
        assert!(codes.iter().any(|code| reply["/code"] == *code), "{reply:#?}");
        assert_eq!(reply["/sent"], "no", "{reply:#?}");
    }
    assert_eq!(scene.appliance.requests().len(), 1);
    assert_eq!(scene.mapping("a").await["operation"], Value::Null);
    assert_eq!(scene.operations("succeeded").await.len(), 1, "{}", json!(scene.operations("failed").await));
}
