//! What a driver returns is bytes in its memory, which its toolchain wrote as the canonical ABI says. These did not.

use serde_json::{Value, json};

use super::forge::{SPACE, returning, returning_at, with_body};
use super::laboratory::Laboratory;
use super::raw::Raw;

type Words = Vec<(u32, u32)>;

/// `GET /x`, in words from the start of a `result<exchange, fault>`. The texts stand 256 bytes further on.
fn get_x() -> Words {
    let texts = SPACE + 256;
    vec![
        (0, 0),
        (4, texts),
        (8, 0),
        (12, texts),
        (16, 7),
        (20, 0),
        (24, texts + 8),
        (28, 3),
        (32, texts + 12),
        (36, 2),
        (40, texts),
        (44, 0),
        (48, texts),
        (52, 0),
        (56, texts),
        (60, 0),
        (256, u32::from_le_bytes(*b"defa")),
        (260, u32::from_le_bytes(*b"ult\0")),
        (264, u32::from_le_bytes(*b"GET\0")),
        (268, u32::from_le_bytes(*b"/x\0\0")),
    ]
}

fn with(changes: &[(u32, u32)]) -> Words {
    let mut words = get_x();
    words.extend_from_slice(changes);
    words
}

/// Loads a driver, has it encode or decode, and gives what is said.
async fn said(laboratory: &Laboratory, package: Vec<u8>) -> Value {
    laboratory.scene.host.load_driver(package).await;
    let reply = laboratory.create("lab", &json!({})).await.problem(502, "driver_failed");
    laboratory.others_are_served().await;
    reply.body
}

#[tokio::test]
async fn what_encode_returns_is_checked_before_it_is_believed() {
    let (laboratory, backend) = (Laboratory::start().await, Raw::obliging().await);
    laboratory.backend("lab", &backend.url(), &json!({})).await;
    laboratory.scene.host.load_driver(returning("encode", &get_x())).await;
    laboratory.create("lab", &json!({})).await.expect(201);
    assert_eq!(backend.take(), format!("GET /x HTTP/1.1\r\nhost: {}\r\n\r\n", backend.address()));

    let gigabyte = 1 << 30;
    let wrong: &[(&str, Words)] = &[
        ("a case that result lacks", with(&[(0, 7)])),
        ("a case that request lacks", with(&[(20, 9)])),
        ("a text outside memory", with(&[(12, 0xffff_fff0)])),
        ("a text of 1 GB", with(&[(16, gigabyte)])),
        ("bytes of 1 GB", with(&[(8, gigabyte)])),
        ("a body of 4 GB", with(&[(52, u32::MAX)])),
        ("a text that is no UTF-8", with(&[(256, 0xffff_ffff)])),
        ("a text that ends in half a character", with(&[(264, u32::from_le_bytes(*b"GE\xc3\0"))])),
        ("a billion headers", with(&[(44, gigabyte)])),
        ("so many headers that their size overflows to 16", with(&[(44, 0x1000_0001)])),
        ("headers at an odd address", with(&[(40, SPACE + 1), (44, 1)])),
        ("four billion extensions", with(&[(60, u32::MAX)])),
        ("a fault that there is not", vec![(0, 1), (4, 99)]),
    ];
    for (what, words) in wrong {
        let said = said(&laboratory, returning("encode", words)).await;
        let detail = said["detail"].as_str().unwrap();
        assert!(detail.starts_with("driver hostile@0.1.0, encode: it broke the contract: "), "{what}: {detail}");
        assert_eq!(said["sent"], "no", "{what}");
    }
    for pointer in [SPACE + 1, 0xffff_fff0, u32::MAX] {
        let said = said(&laboratory, with_body("encode", &returning_at(pointer, &get_x()))).await;
        let detail = said["detail"].as_str().unwrap();
        assert!(detail.contains("encode: it broke the contract: "), "{pointer}: {detail}");
    }
    assert_eq!(backend.take(), "");
}

#[tokio::test]
async fn what_decode_returns_is_checked_before_it_is_believed() {
    let (laboratory, backend) = (Laboratory::start().await, Raw::obliging().await);
    laboratory.backend("lab", &backend.url(), &json!({})).await;
    // What follows the case of the result begins at 8: a session's lifetime has 64 bits.
    for (what, words) in [
        ("a case that result lacks", vec![(0, 7)]),
        ("an option that is neither", vec![(0, 0), (8, 9)]),
        ("a backend id of 1 GB", vec![(0, 0), (8, 1), (12, SPACE), (16, 1 << 30)]),
        ("a backend id that is no UTF-8", vec![(0, 0), (8, 1), (12, SPACE + 64), (16, 4), (64, 0xffff_ffff)]),
        ("a fault that there is not", vec![(0, 1), (8, 99)]),
        ("a fault whose text is outside memory", vec![(0, 1), (8, 1), (12, 0xffff_fff0), (16, 4)]),
    ] {
        let said = said(&laboratory, returning("decode", &words)).await;
        let detail = said["detail"].as_str().unwrap();
        assert!(detail.starts_with("driver hostile@0.1.0, decode: it broke the contract: "), "{what}: {detail}");
        // The backend was reached, so the outcome is in doubt, and that can be looked up.
        assert_eq!((&said["sent"], &said["backend_status"]), (&json!("yes"), &json!(201)), "{what}");
        assert!(said["operation_id"].is_string(), "{what}");
    }
}

#[tokio::test]
async fn what_describe_returns_is_checked_before_it_is_believed() {
    let laboratory = Laboratory::start().await;
    for (what, package) in [
        ("a protocol that there is not", returning("describe", &[(24, 9)])),
        ("a name of 1 GB", returning("describe", &[(4, 1 << 30)])),
        ("a name that is no UTF-8", returning("describe", &[(0, SPACE + 256), (4, 4), (256, 0xffff_ffff)])),
        ("a hundred million kinds", returning("describe", &[(116, 100_000_000)])),
        ("an odd pointer", with_body("describe", &returning_at(SPACE + 1, &[]))),
        ("a pointer outside memory", with_body("describe", &returning_at(0xffff_fff0, &[]))),
    ] {
        laboratory.rejected(package, &["driver hostile@0.1.0, describe: it broke the contract: "], what).await;
    }
    laboratory.others_are_served().await;
}
