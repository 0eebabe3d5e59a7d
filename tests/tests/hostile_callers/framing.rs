//! Requests that two parsers may cut apart in two ways: whoever stands before Crosspoint may have seen other requests
//! than those that Crosspoint answers. So none is answered that follows a doubtful one on its connection.

use crosspoint_tests::host::{Scene, create, rule};
use serde_json::Value;

use super::raw::{Raw, exchange, head, put};

/// A deletion of the rule `victim`, as it would be smuggled.
fn smuggled() -> String {
    head(&format!("DELETE {}", rule("victim")), &[])
}

async fn scene() -> Scene {
    let scene = Scene::start().await;
    scene.created("victim").await;
    scene
}

async fn unharmed(scene: &Scene, what: &str) {
    assert_ne!(scene.mapping("victim").await, Value::Null, "{what}");
    assert_eq!(scene.appliance.rules().len(), 1, "{what}");
}

#[tokio::test]
async fn what_hides_behind_two_lengths_is_not_carried_out() {
    let scene = scene().await;
    let get = |headers: &[&str]| head(&format!("GET {}", rule("victim")), headers);
    let hidden = format!("0\r\n\r\n{}", smuggled());
    let length = format!("Content-Length: {}", hidden.len());
    for headers in [
        [length.as_str(), "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", length.as_str()],
        [length.as_str(), "transfer-encoding: Chunked"],
        [length.as_str(), "Transfer-Encoding: identity, chunked"],
        [length.as_str(), "Transfer-Encoding: chunked, chunked"],
        ["Content-Length: 5", "Content-Length: 6"],
        ["Transfer-Encoding: xchunked", "X: y"],
        ["Transfer-Encoding: chunked, identity", "X: y"],
        ["Transfer-Encoding: chunked;q=1", "X: y"],
        ["Transfer-Encoding:\x0bchunked", "X: y"],
        ["Transfer-Encoding : chunked", "X: y"],
        ["Transfer-Encoding\t: chunked", "X: y"],
        [" Transfer-Encoding: chunked", "X: y"],
        ["X: y\r\n Transfer-Encoding: chunked", length.as_str()],
        ["Transfer-Encoding:\r\n chunked", "X: y"],
        ["Content-Length : 0", "X: y"],
        ["Content-Length: +0", "X: y"],
        ["Content-Length: -1", "X: y"],
        ["Content-Length: 0x0", "X: y"],
        ["Content-Length: 0, 5", "X: y"],
        ["Content-Length: 18446744073709551616", "X: y"],
        ["X: y\rTransfer-Encoding: chunked", length.as_str()],
        ["X: y\0", "X: y"],
    ] {
        let answers = exchange(&scene, get(&headers) + &hidden).await;
        assert!(answers.len() <= 1, "{headers:?}: {answers:?}");
        unharmed(&scene, &format!("{headers:?}")).await;
    }
}

#[tokio::test]
async fn a_chunk_that_is_none_ends_the_connection() {
    let scene = scene().await;
    let body = create("b").to_string();
    for chunk in [
        "zz\r\n".to_owned(),
        "-1\r\n".to_owned(),
        "0x5\r\n".to_owned(),
        "\r\n".to_owned(),
        format!("{:x}\r\n{body}", body.len() - 1),
        format!("{:x}\n{body}\r\n", body.len()),
        format!("{:x}\r\n{body}XX0\r\n\r\n", body.len()),
        "ffffffffffffffff0\r\n".to_owned(),
        format!("{:x};{}\r\n", body.len(), "x".repeat(100_000)),
        "fffffffffffffffe\r\n".to_owned(),
    ] {
        let head = head(&format!("PUT {}", rule("b")), &["Transfer-Encoding: chunked"]);
        let answers = exchange(&scene, format!("{head}{chunk}{}", smuggled())).await;
        assert!(answers.iter().all(|answer| answer.status >= 400) && answers.len() <= 1, "{chunk}: {answers:?}");
        assert_eq!(scene.mapping("b").await, Value::Null, "{chunk}");
        unharmed(&scene, &chunk).await;
    }
}

#[tokio::test]
async fn a_chunked_body_is_taken_and_its_connection_is_not_used_again() {
    let scene = scene().await;
    let body = create("b").to_string();
    let head = head(&format!("PUT {}", rule("b")), &["Transfer-Encoding: chunked"]);
    let mut raw = Raw::connect(&scene).await;
    raw.send(format!("{head}{:x}\r\n{body}\r\n0\r\n\r\n{}", body.len(), smuggled())).await.unwrap();
    let answers = raw.answers_to_end().await;
    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [201]);
    assert!(answers[0].head.to_lowercase().contains("connection: close"), "{}", answers[0].head);
    assert_eq!(scene.appliance.rules().len(), 2);
}

#[tokio::test]
async fn what_is_no_request_line_is_refused() {
    let scene = scene().await;
    let path = rule("victim");
    for line in [
        format!("DELETE {path}"),
        format!("DELETE {path} HTTP/0.9"),
        format!("DELETE {path} HTTP/3.0"),
        format!("DELETE {path} HTTP/1.1 HTTP/1.1"),
        format!("DELETE\t{path} HTTP/1.1"),
        format!("DELETE  {path} HTTP/1.1"),
        format!("DELETE {path}\0 HTTP/1.1"),
        format!("DELETE {path}\u{7f} HTTP/1.1"),
        format!("DEL\0ETE {path} HTTP/1.1"),
        format!("delete {path} HTTP/1.1"),
        format!("DELETE fw{path} HTTP/1.1"),
        "DELETE * HTTP/1.1".to_owned(),
        "CONNECT 127.0.0.1:80 HTTP/1.1".to_owned(),
    ] {
        let token = "Authorization: Bearer xp_token-of-acme\r\n";
        let answers = exchange(&scene, format!("{line}\r\nHost: x\r\n{token}Connection: close\r\n\r\n")).await;
        assert!(answers.iter().all(|answer| (400..500).contains(&answer.status)), "{line:?}: {answers:?}");
        unharmed(&scene, &line).await;
    }
}

#[tokio::test]
async fn neither_an_absolute_address_nor_a_host_leads_anywhere_else() {
    let scene = scene().await;
    for address in ["http://169.254.169.254/v1/mappings", "https://evil.example/v1/mappings"] {
        let mut raw = Raw::connect(&scene).await;
        raw.send(head(&format!("GET {address}"), &["X-Forwarded-Host: evil.example", "Forwarded: host=evil.example"]))
            .await
            .unwrap();
        let answer = raw.answer().await.unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(answer.body.contains("victim") && !answer.body.contains("evil"), "{answer:?}");
    }
    // Where an object is, is told by its path alone.
    let made = scene.acme().put(&rule("b")).header("x-forwarded-host", "evil.example").json(&create("b")).await;
    assert_eq!(made.expect(201).header("location"), Some(rule("b").as_str()));
}

#[tokio::test]
async fn requests_that_are_sent_ahead_are_answered_in_their_order() {
    let scene = Scene::start().await;
    let mut raw = Raw::connect(&scene).await;
    let ahead: String =
        (0..200).map(|n| put(&rule(&format!("r-{n}")), &create(&format!("r-{n}")).to_string())).collect();
    raw.send(ahead).await.unwrap();
    for n in 0..200 {
        let answer = raw.answer().await.unwrap();
        assert!(answer.status == 201 && answer.body.contains(&format!("\"r-{n}\"")), "{n}: {answer:?}");
    }
    assert_eq!(scene.appliance.rules().len(), 200);
}
