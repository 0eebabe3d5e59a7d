use serde_json::{Value, json};

use super::exchanges::{ODD_TARGETS, forbidden};
use crate::chance::Chance;
use crate::laboratory::Laboratory;
use crate::raw::Raw;

#[tokio::test]
async fn a_forbidden_exchange_puts_no_byte_on_any_wire() {
    let (laboratory, backend, other) = (Laboratory::start().await, Raw::obliging().await, Raw::obliging().await);
    laboratory.backend("lab", &format!("{}/api/v2", backend.url()), &json!({})).await;
    for exchange in forbidden(&other.address().to_string()) {
        let refused = laboratory.send("lab", &exchange).await;
        assert_eq!(refused.status, 502, "{exchange}: {refused:#?}");
        let refused = refused.problem(502, "driver_refused");
        assert_eq!((&refused["/sent"], &refused["/operation_id"]), (&json!("no"), &Value::Null), "{exchange}");
    }
    assert_eq!((backend.connections(), other.connections()), (0, 0));
    laboratory.send("lab", &json!({"method": "GET", "target": "/good"})).await.expect(201);
    assert_eq!(backend.take(), format!("GET /api/v2/good HTTP/1.1\r\nhost: {}\r\n\r\n", backend.address()));
    assert_eq!((backend.connections(), other.connections()), (1, 0));
    laboratory.others_are_served().await;
}

#[tokio::test]
async fn an_odd_exchange_arrives_byte_for_byte_and_as_one() {
    let (laboratory, backend) = (Laboratory::start().await, Raw::obliging().await);
    laboratory.backend("lab", &format!("{}/api/v2/", backend.url()), &json!({})).await;
    let host = backend.address();
    for target in ODD_TARGETS {
        laboratory.send("lab", &json!({"method": "GET", "target": target})).await.expect(201);
        assert_eq!(backend.take(), format!("GET /api/v2{target} HTTP/1.1\r\nhost: {host}\r\n\r\n"), "{target}");
    }
    // A body that looks like a request is a body.
    let smuggled = "0\r\n\r\nGET /evil HTTP/1.1\r\nhost: evil\r\n\r\n";
    for method in ["POST", "PUT", "PATCH", "DELETE", "GET"] {
        let exchange =
            json!({"method": method, "target": "/x", "headers": [["X-A", "1, 2"], ["x-a", " \t3"]], "body": smuggled});
        laboratory.send("lab", &exchange).await.expect(201);
        let length = smuggled.len();
        let expected = format!(
            "{method} /api/v2/x HTTP/1.1\r\nx-a: 1, 2\r\nx-a:  \t3\r\ncontent-length: {length}\r\nhost: {host}\r\n\r\n{smuggled}"
        );
        assert_eq!(backend.take(), expected);
    }
    assert_eq!(backend.connections(), 1, "each was read as one request, so one connection did");
}

/// Exchanges put together by chance from what parsers quarrel about: each is refused, or arrives as one request that
/// begins with the prefix and whose host is the backend.
#[tokio::test]
async fn whatever_a_driver_writes_stays_within_its_prefix() {
    const SEED: u64 = 20;
    const PARTS: [&str; 24] = [
        "/", "//", "..", ".", "%2e", "%2f", "%5c", "\\", "%25", "2e", ";", "?", "#", "@", ":", "a", "http:", "OTHER",
        "\r\n", "%0d%0a", " ", "\u{e9}", "%c0%ae", "\0",
    ];
    const NAMES: [&str; 12] = [
        "x-a",
        "Host",
        "X-A ",
        "content-length",
        "Content_Type",
        "transfer-encoding",
        "accept",
        ":path",
        "x\r\ny",
        "connection",
        "forwarded",
        "Cookie",
    ];
    const VALUES: [&str; 8] = ["1", "a\r\nb: c", "chunked", "OTHER", "\u{e9}", "\0", "", "close"];
    let (laboratory, backend, other) = (Laboratory::start().await, Raw::obliging().await, Raw::obliging().await);
    laboratory.backend("lab", &format!("{}/api/v2", backend.url()), &json!({})).await;
    let (mut chance, mut arrived) = (Chance::seeded(SEED), 0);
    let address = other.address().to_string();
    for round in 0..250 {
        // Half begin well and go wrong later; the others begin anyhow.
        let mut target = if round % 2 == 0 { "/".to_owned() } else { String::new() };
        (0..chance.below(6)).for_each(|_| target.push_str(&chance.of(&PARTS).replace("OTHER", &address)));
        let header = |chance: &mut Chance| (*chance.of(&NAMES), chance.of(&VALUES).replace("OTHER", &address));
        let headers: Vec<_> = (0..chance.below(2)).map(|_| header(&mut chance)).collect();
        let exchange =
            json!({"method": chance.of(&["GET", "GET", "GET", "POST", "G T"]), "target": target, "headers": headers});
        let reply = laboratory.send("lab", &exchange).await;
        let received = backend.take();
        if reply.status == 201 {
            arrived += 1;
            let (line, head) = received.split_once("\r\n").unwrap();
            let asked = line.split(' ').collect::<Vec<_>>();
            assert!(asked.len() == 3 && asked[1].starts_with("/api/v2/"), "seed {SEED}: {exchange}: {received:?}");
            assert_eq!(received.matches("\r\n\r\n").count(), 1, "seed {SEED}: {exchange}: {received:?}");
            let hosts: Vec<_> = head.lines().filter(|line| line.to_lowercase().starts_with("host")).collect();
            assert_eq!(hosts, [format!("host: {}", backend.address())], "seed {SEED}: {exchange}");
        } else {
            reply.problem(502, "driver_refused");
            assert_eq!(received, "", "seed {SEED}: {exchange}");
        }
    }
    assert!((20..230).contains(&arrived), "{arrived} of 250 arrived: the chances are of no use");
    assert_eq!(other.connections(), 0);
}
