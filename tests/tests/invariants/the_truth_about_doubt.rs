//! Every error tells whether the backend was reached. An unknown outcome is a first-class state that can be listed and
//! resolved with one read; it is never turned into success or failure by guessing.

mod decisions;

use crosspoint_tests::host::{Options, Recorder, Scene, create, rule, settings, spec, until};
use crosspoint_tests::openstack;
use firewall_appliance::{API_KEY, Appliance, Fault, Moment};
use serde_json::{Value, json};

use crate::full_house::FullHouse;

/// How a creation goes wrong, and what has to be said of it.
struct Case {
    what: &'static str,
    backend: &'static str,
    fault: Fault,
    status: u16,
    code: &'static str,
    sent: &'static str,
    doubt: bool,
}

fn case(
    what: &'static str,
    fault: Fault,
    (status, code): (u16, &'static str),
    sent: &'static str,
    doubt: bool,
) -> Case {
    Case { what, backend: "fw", fault, status, code, sent, doubt }
}

fn dropped(moment: Moment) -> Fault {
    Fault { drop: Some(moment), ..Fault::default() }
}

fn answered(status: u16) -> Fault {
    Fault { status: Some(status), ..Fault::default() }
}

fn cases() -> Vec<Case> {
    let lost = (502, "backend_connection_lost");
    let nonsense = (502, "backend_malformed_reply");
    let late = Fault { delay_ms: 5000, ..Fault::default() };
    let cut = Fault { truncate: true, ..Fault::default() };
    let unreachable = |what, backend| Case {
        backend,
        ..case(what, Fault { times: 0, ..Fault::default() }, (502, "backend_unreachable"), "no", false)
    };
    vec![
        unreachable("connection refused", "refusing"),
        unreachable("TLS with a backend that has none", "plain"),
        unreachable("no room for a connection", "full"),
        case("connection lost before the effect", dropped(Moment::BeforeEffect), lost, "maybe", true),
        case("connection lost after the effect", dropped(Moment::AfterEffect), lost, "maybe", true),
        case("connection lost in the middle of the reply", dropped(Moment::MidReply), lost, "yes", true),
        case("no reply in time", late, (504, "backend_timeout"), "maybe", true),
        case("half a reply, passed off as whole", cut, nonsense, "yes", true),
        Case {
            backend: "small",
            ..case("a reply that is too long", Fault { times: 0, ..Fault::default() }, nonsense, "yes", true)
        },
        Case {
            backend: "odd",
            ..case(
                "a reply that is about something else",
                Fault { times: 0, ..Fault::default() },
                nonsense,
                "yes",
                true,
            )
        },
        case("the backend broke", answered(500), (502, "backend_fault"), "yes", true),
        case("a proxy lost the answer", answered(502), (502, "backend_fault"), "yes", true),
        case("a proxy gave up waiting", answered(504), (502, "backend_fault"), "yes", true),
        case("the backend is not there now", answered(503), (503, "backend_unavailable"), "yes", false),
        case("the backend wants fewer calls", answered(429), (503, "backend_throttled"), "yes", false),
        case("the backend does not know the key", answered(401), (502, "backend_unauthenticated"), "yes", false),
        case("the backend does not allow it", answered(403), (502, "backend_denied"), "yes", false),
        case("the backend's state forbids it", answered(409), (409, "backend_already_exists"), "yes", false),
        case("the backend does not want it", answered(418), (422, "backend_rejected"), "yes", false),
    ]
}

struct Backends {
    scene: Scene,
    _odd: Recorder,
    _full: FullHouse,
}

impl Backends {
    async fn start() -> Self {
        let limits = json!({"connect_timeout_ms": 500, "reply_timeout_ms": 1000});
        let scene = Scene::with(Options::default(), limits.clone()).await;
        let mut gone = Appliance::start(([127, 0, 0, 1], 0).into()).await.unwrap();
        gone.stop().await;
        let odd = Recorder::start(|_| (201, Vec::new(), json!(["not", "a", "rule"]))).await;
        let full = FullHouse::open().await;
        let url = scene.appliance.url();
        for (name, url) in [
            ("refusing", gone.url()),
            ("plain", url.replace("http:", "https:")),
            ("full", full.url()),
            ("small", url),
            ("odd", odd.url()),
        ] {
            let mut settings = settings(&url);
            settings["limits"] = limits.clone();
            if name == "small" {
                settings["limits"]["reply_size"] = json!(64);
            }
            scene.host.put_backend(name, &settings).await;
        }
        Self { scene, _odd: odd, _full: full }
    }
}

#[tokio::test]
async fn each_way_in_which_a_creation_goes_wrong_says_whether_the_backend_was_reached() {
    let backends = Backends::start().await;
    let scene = &backends.scene;
    let mut doubts = 0;
    for (number, case) in cases().into_iter().enumerate() {
        let Case { what, backend, fault, status, code, sent, doubt } = case;
        scene.appliance.arm(fault);
        let path = format!("/v1/backends/{backend}/objects/rule/r-{number}");
        let reply = scene.acme().put(&path).key(what).json(&create(&format!("r-{number}"))).await;
        assert_eq!((reply.status, &reply["/code"]), (status, &json!(code)), "{what}: {reply:#?}");
        let reply = reply.problem(status, code);
        assert_eq!(reply["/sent"], sent, "{what}: {reply:#?}");
        let id = reply.string("/operation_id");
        let operation = scene.acme().get(&format!("/v1/operations/{id}")).await.expect(200);
        assert_eq!(operation["/state"], if doubt { "unknown" } else { "failed" }, "{what}: {operation:#?}");
        assert_eq!((&operation["/sent"], &operation["/problem/code"]), (&json!(sent), &json!(code)), "{what}");
        let mappings = scene.acme().get(&format!("/v1/mappings?cmp_id=r-{number}")).await.expect(200);
        let states: Vec<_> = mappings.items().iter().map(|mapping| mapping["state"].clone()).collect();
        assert_eq!(states, if doubt { vec![json!("unknown")] } else { Vec::new() }, "{what}");
        doubts += usize::from(doubt);
    }
    assert_eq!(scene.operations("unknown").await.len(), doubts);
    let listed = scene.acme().get("/v1/mappings?state=unknown").await.expect(200);
    assert_eq!(listed.items().len(), doubts);
    #[allow(clippy::cast_precision_loss, reason = "a handful")]
    let doubts = Some(doubts as f64);
    assert_eq!(scene.host.metric("crosspoint_mappings_in_doubt").await, doubts);
    assert_eq!(scene.host.metric("crosspoint_operations_open").await, doubts);
}

#[tokio::test]
async fn a_read_that_goes_wrong_says_it_as_well_and_leaves_nothing_in_doubt() {
    let scene = Scene::with(Options::default(), json!({"connect_timeout_ms": 500, "reply_timeout_ms": 1000})).await;
    scene.created("a").await;
    for case in cases().into_iter().filter(|case| case.backend == "fw" && case.code != "backend_already_exists") {
        scene.appliance.arm(case.fault);
        let reply = scene.acme().get(&rule("a")).await.problem(case.status, case.code);
        assert_eq!(reply["/sent"], case.sent, "{}: {reply:#?}", case.what);
        assert_eq!(reply["/operation_id"], Value::Null);
    }
    assert_eq!(scene.mapping("a").await["state"], "active");
    scene.acme().get(&rule("a")).await.expect(200);
}

#[tokio::test]
async fn a_throttled_call_says_how_long_to_wait() {
    let scene = Scene::start().await;
    scene.appliance.arm(Fault { status: Some(429), retry_after: Some(17), ..Fault::default() });
    let reply = scene.acme().put(&rule("a")).json(&create("a")).await.problem(503, "backend_throttled");
    assert_eq!((&reply["/retry_after"], &reply["/backend_status"]), (&json!(17), &json!(429)));
}

#[tokio::test]
async fn doubt_stays_what_it_is_over_restarts_and_deadlines() {
    let mut scene = Scene::impatient().await;
    scene.appliance.arm(dropped(Moment::AfterEffect));
    scene.acme().put(&rule("a")).json(&create("a")).await.problem(502, "backend_connection_lost");
    let before = scene.operation("unknown").await;
    scene.host.restart().await;
    assert_eq!(scene.operation("unknown").await, before);

    // A second object, surely not made: that its deadline has passed is known when asking about it gives an answer.
    scene.appliance.arm(dropped(Moment::BeforeEffect));
    scene.acme().put(&rule("b")).json(&create("b")).await.problem(502, "backend_connection_lost");
    let other = until("the second doubt", async || {
        scene.operations("unknown").await.into_iter().find(|operation| operation["cmp_id"] == "b")
    });
    let other = other.await;
    scene.resolve_after_deadline(&other).await.success();
    assert_eq!(scene.operation("unknown").await, before);
    assert_eq!(scene.mapping("a").await["state"], "unknown");

    let resolved = scene.resolve(&before).await.success();
    assert_eq!(resolved["/mapping/state"], "active");
    assert_eq!(scene.host.metric("crosspoint_mappings_in_doubt").await, Some(0.0));
}

#[tokio::test]
async fn an_answer_that_comes_too_late_changes_nothing_by_itself() {
    let scene = Scene::impatient().await;
    scene.appliance.hold(Moment::AfterEffect);
    scene.acme().put(&rule("a")).json(&create("a")).await.problem(504, "backend_timeout");
    scene.appliance.release();
    assert_eq!(scene.operation("unknown").await["sent"], "maybe");
    assert_eq!(scene.appliance.rules().len(), 1);
}

/// Somebody has copied the object, marker and all, while its creation was in doubt. Which one it is, is not guessed.
#[tokio::test]
async fn two_objects_with_the_marker_are_not_chosen_between() {
    let scene = Scene::start().await;
    scene.appliance.arm(dropped(Moment::AfterEffect));
    scene.acme().put(&rule("a")).json(&create("a")).await.problem(502, "backend_connection_lost");
    let mut copy = spec("copy");
    copy["comment"] = json!(scene.appliance.rules()[0].spec.comment);
    let rules = format!("{}/api/v1/rules", scene.appliance.url());
    let copied = openstack::send(http::Method::POST, &rules, &[("x-api-key", API_KEY)], Some(&copy)).await.unwrap();
    assert_eq!(copied.status, 201);

    let unknown = scene.operation("unknown").await;
    let ambiguous = scene.resolve(&unknown).await.problem(409, "ambiguous");
    assert!(["rule-1", "rule-2"].iter().all(|id| ambiguous.string("/detail").contains(id)), "{ambiguous:#?}");
    assert_eq!(scene.operation("unknown").await, unknown);
}
