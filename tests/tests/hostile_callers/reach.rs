//! Where a backend's configuration may lead Crosspoint: to backends, and to nothing else that this machine can reach.

use crosspoint_tests::host::{Host, Options, Recorder, Reply, Scene, Who, driver, settings};
use serde_json::{Value, json};

async fn host(backends: &'static str) -> Host {
    let host = Host::start(Options { backends, ..Options::default() }).await;
    host.load_driver(driver("firewall")).await;
    host
}

async fn put(host: &Host, url: &str) -> Reply {
    host.client(Who::Operator).put("/v1/backends/b").json(&settings(url)).await
}

async fn probe(host: &Host) -> Reply {
    host.client(Who::Operator).post("/v1/backends/b:probe").await
}

/// Somebody who must not be spoken to.
async fn bystander() -> Recorder {
    Recorder::start(|_| (200, Vec::new(), json!({"secret": "of this machine"}))).await
}

fn port(url: &str) -> &str {
    url.rsplit_once(':').unwrap().1
}

#[tokio::test]
async fn an_address_that_is_no_backends_cannot_be_configured() {
    let host = host("").await;
    for address in [
        "http://169.254.169.254",
        "http://169.254.169.254/latest/meta-data/",
        "https://169.254.169.254:8443",
        "http://[fd00:ec2::254]",
        "http://[::ffff:169.254.169.254]",
        "http://[64:ff9b::a9fe:a9fe]",
        "http://[fe80::1]",
        "http://100.100.100.200",
        "http://168.63.129.16",
        "http://0.0.0.0",
        "http://0.0.0.0:80",
        "http://[::]:80",
        "http://224.0.0.1",
        "http://255.255.255.255",
        "http://[ff02::1]",
        "http://[::ffff:0.0.0.0]",
        "http://user:pass@192.0.2.1",
        "http://user@192.0.2.1",
        "http://192.0.2.1@169.254.169.254",
        "file:///etc/passwd",
        "file://localhost/etc/passwd",
        "unix:///var/run/docker.sock",
        "http+unix://%2Fvar%2Frun%2Fdocker.sock",
        "/var/run/docker.sock",
        "ftp://192.0.2.1",
        "gopher://192.0.2.1:70/_GET",
        "ws://192.0.2.1",
        "//192.0.2.1",
        "javascript:alert(1)",
        "http:192.0.2.1",
        "http:/192.0.2.1",
        "http://",
        "http:///path",
        "",
        "192.0.2.1",
        "http://192.0.2.1:0",
        "http://192.0.2.1:65536",
        "http://192.0.2.1:80:80",
        "http://192.0.2.1:-1",
        "http://192.0.2.1:",
        "http://192.0.2.1?x=y",
        "http://192.0.2.1#x",
        "http://192.0.2.1\\@evil",
        "http://192.0.2.1/\r\nX: y",
        "http://192.0.2.1/../admin",
        "http://192.0.2.1/%2e%2e/admin",
        "http://192.0.2.1//evil",
        "http://fw.example\0.evil",
        "http://fw example",
        "http://fw%2eexample",
        "http://fẃ.example",
        "http://[fe80::1%25eth0]",
        "http://[::1",
        "http://*",
        "HTTP://169.254.169.254",
    ] {
        let refused = put(&host, address).await;
        assert_eq!(refused.status, 422, "{address}: {refused:#?}");
        let refused = refused.problem(422, "invalid_spec");
        assert_eq!(refused["/errors/0/pointer"], "/endpoints/default", "{address}: {refused:#?}");
    }
    let own = put(&host, &format!("http://{}", host.address())).await.problem(422, "invalid_spec");
    assert!(own.string("/detail").contains("Crosspoint's own address"), "{own:#?}");
    assert!(!host.log().contains("user:pass"));
}

#[tokio::test]
async fn a_name_is_judged_by_where_it_leads_when_it_is_connected_to() {
    let bystander = bystander().await;
    let host = host("deny = [\"127.0.0.0/8\", \"::1\"]").await;
    let port = port(&bystander.url()).to_owned();
    put(&host, &bystander.url()).await.problem(422, "invalid_spec");
    // Names, and ways to write an address that only a resolver understands.
    for name in ["localhost", "2130706433", "0x7f000001", "0x7f.1", "127.1", "0177.0.0.1", "LOCALHOST", "localhost."] {
        let answer = put(&host, &format!("http://{name}:{port}")).await;
        if answer.status == 422 {
            continue;
        }
        let refused = probe(&host).await.problem(502, "backend_unreachable");
        assert_eq!(refused["/sent"], "no", "{name}: {refused:#?}");
    }
    put(&host, &format!("http://localhost:{port}")).await.success();
    let refused = probe(&host).await.problem(502, "backend_unreachable");
    assert!(refused.string("/detail").contains("[backends] deny"), "{refused:#?}");
    assert_eq!(refused["/retryable"], false);
    assert_eq!(bystander.requests().len(), 0);
}

#[tokio::test]
async fn what_is_allowed_is_all_that_is_reached() {
    let bystander = bystander().await;
    let host = host("allow = [\"127.0.0.1\"]").await;
    put(&host, &bystander.url()).await.success();
    probe(&host).await;
    assert_eq!(bystander.requests().len(), 1);
    for elsewhere in ["http://127.0.0.2", "http://192.0.2.1", "http://[::1]", "http://10.0.0.1"] {
        let refused = put(&host, elsewhere).await.problem(422, "invalid_spec");
        assert!(refused.string("/detail").contains("[backends] allow"), "{refused:#?}");
    }
}

#[tokio::test]
async fn crosspoint_does_not_call_itself() {
    let host = host("").await;
    put(&host, &format!("http://localhost:{}", host.address().port())).await.success();
    let refused = probe(&host).await.problem(502, "backend_unreachable");
    assert!(refused.string("/detail").contains("Crosspoint's own address"), "{refused:#?}");
    assert_eq!(refused["/sent"], "no");
}

#[tokio::test]
async fn a_backend_that_points_elsewhere_is_not_followed() {
    let bystander = bystander().await;
    let elsewhere = bystander.url();
    for status in [300, 301, 302, 303, 307, 308, 399] {
        let location = format!("{elsewhere}/latest/meta-data/");
        let backend = Recorder::start(move |_| {
            let refresh = ("refresh", format!("0; url={location}"));
            (status, vec![("location", location.clone()), ("content-location", location.clone()), refresh], Value::Null)
        })
        .await;
        let host = host("").await;
        put(&host, &backend.url()).await.success();
        let refused = probe(&host).await;
        assert!(refused.status >= 400, "{status}: {refused:#?}");
        assert!(!refused.body.to_string().contains("of this machine"), "{refused:#?}");
        assert_eq!(backend.requests().len(), 1, "{status}");
    }
    assert_eq!(bystander.requests().len(), 0);
}

#[tokio::test]
async fn only_operators_say_where_backends_are() {
    let scene = Scene::start().await;
    for who in [Who::Acme, Who::Viewer, Who::Bound, Who::Stranger, Who::Nobody] {
        let client = scene.host.client(who);
        for path in ["/v1/backends/fw", "/v1/backends/new"] {
            let refused = client.put(path).json(&settings("http://192.0.2.1")).await;
            assert!([401, 403, 404].contains(&refused.status), "{who:?}: {refused:#?}");
        }
    }
    let seen = scene.operator().get("/v1/backends/fw").await.expect(200);
    assert_eq!(seen["/endpoints/default"], scene.appliance.url());
}
