//! A number reaches the backend, and comes back, as it was written, or it is refused. It is never another one.

use crosspoint_tests::host::{Answer, Host, Options, Recorded, Recorder, Scene, Who, create, driver, rule, settings};
use serde_json::{Value, json};

const EXACT: [&str; 8] = [
    "9007199254740993",
    "18446744073709551615",
    "9223372036854775807",
    "4611686018427387905",
    "0.30000000000000004",
    "1.7976931348623157e+308",
    "5e-324",
    "2.2250738585072014e-308",
];

const INEXACT: [&str; 9] = [
    "18446744073709551616",
    "-9223372036854775809",
    "1e400",
    "-1e400",
    "1e-400",
    "1e999999999999999999999",
    "0.1000000000000000055511151231257827",
    "9007199254740993.0",
    "3.14159265358979323846264338327950288",
];

/// Keystone and Neutron in one: the port that is created has the profile that was asked for.
fn openstack(request: &Recorded) -> Answer {
    if request.target.ends_with("/tokens") {
        return (201, vec![("x-subject-token", "t".to_owned())], json!({"token": {}}));
    }
    let mut port: Value = serde_json::from_slice(&request.body).unwrap();
    port["port"]["id"] = json!("p-1");
    (201, Vec::new(), port)
}

#[tokio::test]
async fn what_64_bits_hold_crosses_digit_by_digit_in_both_directions() {
    let backend = Recorder::start(openstack).await;
    let host = Host::start(Options::default()).await;
    host.load_driver(driver("neutron")).await;
    let settings = json!({
        "driver": "neutron",
        "endpoints": {"default": backend.url(), "identity": backend.url()},
        "authentication": {"scheme": "login", "secrets": {"username": "u", "password": "p"}},
    });
    host.put_backend("net", &settings).await;
    let numbers = EXACT.join(",");
    let body = format!(r#"{{"spec":{{"network_id":"n","binding:profile":{{"numbers":[{numbers}]}}}}}}"#);
    let call = host.client(Who::Acme).put("/v1/backends/net/objects/port/p").bytes("application/json", body.into());
    let answer = text(call).await;
    let sent = backend.requests();
    let sent = sent.iter().find(|request| request.target == "/v2.0/ports").expect("a creation");
    assert!(sent.holds(&format!("[{numbers}]")), "{sent:?}");
    assert!(answer.contains(&format!("[{numbers}]")), "{answer}");
}

/// The body of a success, as it came.
async fn text(call: crosspoint_tests::host::Call) -> String {
    use http_body_util::BodyExt as _;
    let (head, body) = call.open().await.unwrap().into_parts();
    let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    assert!(head.status.is_success(), "{text}");
    text
}

#[tokio::test]
async fn what_64_bits_do_not_hold_is_refused_by_its_place() {
    let scene = Scene::start().await;
    let settings = settings(&scene.appliance.url()).to_string();
    let settings = settings.strip_suffix('}').unwrap();
    for number in INEXACT {
        let spec = create("a").to_string().replace("443", number);
        for (call, body, pointer) in [
            (scene.acme().put(&rule("a")), spec, "/spec/port"),
            (scene.acme().put(&rule("a")), format!(r#"{{"spec":{{"x":[{{"y":{number}}}]}}}}"#), "/spec/x/0/y"),
            (scene.acme().put(&rule("a")), format!(r#"{{"spec":{{}},"labels":{{"n":{number}}}}}"#), "/labels/n"),
            (
                scene.operator().put("/v1/backends/b"),
                format!(r#"{settings},"configuration":{{"n":{number}}}}}"#),
                "/configuration/n",
            ),
            (
                scene.operator().put("/v1/backends/b"),
                format!(r#"{settings},"limits":{{"queue":{number}}}}}"#),
                "/limits/queue",
            ),
        ] {
            let refused = call.bytes("application/json", body.clone().into()).await.problem(400, "invalid_request");
            assert_eq!(refused["/errors/0/pointer"], pointer, "{body}: {refused:#?}");
        }
    }
    assert_eq!(scene.appliance.requests().len(), 0);
}

#[tokio::test]
async fn a_number_that_does_not_fit_its_place_is_refused_rather_than_cut_to_size() {
    let scene = Scene::start().await;
    for number in ["65536", "-1", "443.5", "4294967739", "1e10", "9007199254740993"] {
        let body = create("a").to_string().replace("443", number);
        let refused = scene.acme().put(&rule("a")).bytes("application/json", body.into()).await;
        assert_eq!(refused.problem(422, "invalid_spec")["/errors/0/pointer"], "/port", "{number}");
    }
    let digits = scene.acme().get("/v1/mappings?limit=18446744073709551617").await;
    digits.problem(400, "invalid_request");
    assert_eq!(scene.appliance.requests().len(), 0);
}
