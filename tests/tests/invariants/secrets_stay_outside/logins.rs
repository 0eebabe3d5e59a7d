use crosspoint_tests::host::{Host, Options, Recorded, Recorder, Reply, Who, driver};
use serde_json::{Value, json};

use super::assert_untold;

const PASSWORD: &str = "sentinel-password-5c02";

/// The hostile driver before a backend that wants a login.
async fn host(lab: &Recorder) -> Host {
    let host = Host::start(Options { log: "filter = \"trace\"", ..Options::default() }).await;
    host.load_driver(driver("hostile")).await;
    let settings = json!({
        "driver": "hostile",
        "endpoints": {"default": lab.url()},
        "authentication": {"scheme": "login", "secrets": {"password": PASSWORD}},
    });
    host.put_backend("lab", &settings).await;
    host
}

async fn echo(host: &Host) -> Reply {
    let body = json!({"spec": {"do": "echo"}});
    host.client(Who::Acme).put("/v1/backends/lab/objects/thing/a").json(&body).await
}

#[tokio::test]
async fn a_driver_sees_credentials_in_a_login_and_nowhere_else() {
    let lab = Recorder::start(|_| (201, Vec::new(), json!({"id": "t-1"}))).await;
    let host = host(&lab).await;
    echo(&host).await.expect(201);
    let requests = lab.requests();
    let [login, call] = &requests[..] else { panic!("{requests:#?}") };
    assert!(login.holds(PASSWORD), "{login:#?}");
    assert!(!call.holds(PASSWORD), "{call:#?}");
    let given: Value = serde_json::from_slice(&call.body).unwrap();
    assert_eq!((&given["credentials"], &given["call"]["tenant"]), (&Value::Null, &json!("acme")));
    // The session is the host's to add: the driver does not see it either.
    assert_eq!(call.headers["x-session"], "given");
    assert!(!given.to_string().contains("given"), "{given:#}");
    assert_untold(&host, &[PASSWORD]).await;
}

/// The driver passes on what the backend says, and the backend repeats what it was sent.
#[tokio::test]
async fn a_login_that_fails_does_not_tell_the_password_that_the_backend_repeats() {
    let lab = Recorder::start(|request: &Recorded| {
        let sent = String::from_utf8_lossy(&request.body).into_owned();
        (403, Vec::new(), json!({"error": {"message": format!("{PASSWORD} is wrong")}, "sent": sent}))
    });
    let lab = lab.await;
    let host = host(&lab).await;
    let failed = echo(&host).await.problem(502, "backend_denied");
    assert!(!failed.body.to_string().contains(PASSWORD), "{failed:#?}");
    assert_eq!(failed["/sent"], "no", "the login is the host's own business: {failed:#?}");
    let probed = host.cli(Who::Operator, &["backend", "probe", "lab"]).await;
    assert!(!(probed.stdout + &probed.stderr).contains(PASSWORD));
    assert_untold(&host, &[PASSWORD]).await;
}
