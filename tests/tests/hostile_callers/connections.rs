//! Thousands of connections, of streams and of requests that are taken back at once.

use crosspoint_tests::host::{Options, Scene, Who, create, rule, until};
use h2::client::SendRequest;
use http::{Request, StatusCode};
use serde_json::json;
use tokio::net::TcpStream;

use super::raw::{Raw, head};

async fn with(limits: &'static str) -> Scene {
    Scene::with(Options { limits, ..Options::default() }, json!({})).await
}

#[tokio::test]
async fn connections_beyond_the_limit_are_closed_and_those_within_are_served() {
    let scene = with("connections = 20\nidle_timeout = '1m'").await;
    // The operator's own connection may still be open.
    let mut within = Vec::new();
    let refused = loop {
        let mut raw = Raw::connect(&scene).await;
        let asked = raw.send(head("GET /livez", &[])).await.is_ok();
        match raw.answer().await {
            Some(answer) if asked => assert_eq!(answer.status, 200),
            _ => break true,
        }
        within.push(raw);
        assert!(within.len() <= 20, "there is no limit");
    };
    assert!(refused && within.len() >= 15, "{}", within.len());
    for raw in &mut within {
        raw.send(head("GET /livez", &[])).await.unwrap();
        assert_eq!(raw.answer().await.unwrap().status, 200);
    }
    scene.host.logs(&["too many connections", "most=20"]).await;
    // Who leaves makes room.
    drop(within);
    until("a new connection to be served", async || {
        let mut raw = Raw::connect(&scene).await;
        let _ = raw.send(head("GET /livez", &[])).await;
        raw.answer().await
    })
    .await;
}

#[tokio::test]
async fn thousands_of_idle_connections_take_no_descriptors_from_others() {
    let scene = with("connections = 500\nidle_timeout = '2s'").await;
    let mut idle = Vec::new();
    for _ in 0..2000 {
        idle.push(TcpStream::connect(scene.host.address()).await.unwrap());
    }
    // The limit is reached; as they are idle they go, and others are served again.
    let served =
        until("a caller to be served", async || scene.acme().put(&rule("a")).json(&create("a")).attempt().await.ok());
    assert_eq!(served.await.status, 201);
    assert!(!scene.host.log().contains("could not be accepted"), "descriptors ran out");
}

async fn http2(scene: &Scene, streams: usize) -> SendRequest<bytes::Bytes> {
    let stream = TcpStream::connect(scene.host.address()).await.unwrap();
    // As if the listener had announced no limit.
    let (client, connection) =
        h2::client::Builder::new().initial_max_send_streams(streams).handshake(stream).await.unwrap();
    tokio::spawn(async move {
        // How it ends is seen by those who use it.
        let _ = connection.await;
    });
    client
}

fn request(scene: &Scene, method: &str, path: &str) -> Request<()> {
    let token = Who::Acme.token().unwrap();
    let address = format!("http://{}{path}", scene.host.address());
    Request::builder().method(method).uri(address).header("authorization", format!("Bearer {token}")).body(()).unwrap()
}

#[tokio::test]
async fn requests_that_are_taken_back_at_once_cost_their_sender_the_connection_and_nobody_else_anything() {
    let scene = Scene::start().await;
    scene.created("a").await;
    let mut sent = 0;
    let mut cut_off = 0;
    for _ in 0..5 {
        let mut client = http2(&scene, 10_000).await;
        for _ in 0..4000 {
            let ready = client.clone().ready().await;
            let Ok((_, mut stream)) = ready.and_then(|_| client.send_request(request(&scene, "GET", &rule("a")), true))
            else {
                cut_off += 1;
                break;
            };
            stream.send_reset(h2::Reason::CANCEL);
            sent += 1;
            if sent % 100 == 0 {
                tokio::task::yield_now().await;
            }
        }
    }
    assert_eq!(scene.acme().get(&rule("a")).await.expect(200)["/result/name"], "a");
    scene.created("b").await;
    let exchanges = scene.appliance.requests().len();
    assert!(exchanges <= sent + 3, "{exchanges} exchanges for {sent} requests");
    assert!(cut_off > 0 || sent == 20_000, "{cut_off} of 5, {sent} sent");
}

#[tokio::test]
async fn streams_beyond_the_limit_are_refused_and_those_within_are_answered() {
    let scene = Scene::start().await;
    let mut client = http2(&scene, 2000).await;
    let answers: Vec<_> = (0..1000)
        .filter_map(|_| client.send_request(request(&scene, "GET", "/v1/mappings"), true).ok())
        .map(|(answer, _)| tokio::spawn(answer))
        .collect();
    let (mut served, mut refused) = (0, 0);
    for answer in answers {
        match answer.await.unwrap() {
            Ok(answer) => {
                assert_eq!(answer.status(), StatusCode::OK);
                served += 1;
            }
            Err(error) => {
                let whole = error.is_go_away() || error.reason() == Some(h2::Reason::REFUSED_STREAM);
                assert!(whole || error.is_io(), "{error:?}");
                refused += 1;
            }
        }
    }
    assert!(served >= 1 || refused >= 1, "{served} served, {refused} refused");
    scene.created("a").await;
}

#[tokio::test]
async fn a_header_that_grows_when_it_is_unpacked_is_refused() {
    let scene = Scene::start().await;
    let mut client = http2(&scene, 100).await;
    // The first one fills the table with 4 KB; each later one names it in a byte.
    let mut bomb = request(&scene, "GET", "/v1/mappings");
    for _ in 0..200 {
        bomb.headers_mut().append("x-bomb", http::HeaderValue::from_str(&"b".repeat(3000)).unwrap());
    }
    let answer = match client.send_request(bomb, true) {
        Ok((answer, _)) => answer.await,
        Err(error) => Err(error),
    };
    assert!(
        answer.as_ref().map_or(true, |answer| answer.status() == StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE),
        "{answer:?}"
    );
    scene.created("a").await;
}
