//! Text that is none, or that makes a reader see another one.

use crosspoint_tests::host::{Scene, create, rule};
use serde_json::{Value, json};

#[tokio::test]
async fn bytes_that_are_no_text_are_refused() {
    let scene = Scene::start().await;
    let text = create("a").to_string();
    let at = text.find("\"a\"").unwrap() + 1;
    for bytes in
        [&[0xff][..], &[0xc0, 0xaf], &[0xed, 0xa0, 0x80], &[0xf4, 0x90, 0x80, 0x80], &[0xe2, 0x82], b"\n", b"\0"]
    {
        let mut body = text.clone().into_bytes();
        body.splice(at..at, bytes.iter().copied());
        let refused = scene.acme().put(&rule("a")).bytes("application/json", body).await;
        assert_eq!(refused.status, 400, "{bytes:?}: {refused:#?}");
        refused.problem(400, "invalid_request");
    }
    for escape in [r"\ud800", r"\udc00\ud800", r"\ud83d\u0041", r"\ud800\ud800", r"\u12", r"\x41"] {
        for body in [
            text.replace("\"a\"", &format!("\"{escape}\"")),
            format!(r#"{{"spec":{{"{escape}":1}}}}"#),
            format!(r#"{{"spec":{{}},"labels":{{"{escape}":"x"}}}}"#),
        ] {
            let refused = scene.acme().put(&rule("a")).bytes("application/json", body.clone().into_bytes()).await;
            assert_eq!(refused.status, 400, "{body}: {refused:#?}");
        }
    }
    // UTF-16 and UTF-32 are text, but not that of JSON.
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    scene.acme().put(&rule("a")).bytes("application/json", utf16).await.problem(400, "invalid_request");
    assert_eq!(scene.appliance.requests().len(), 0);
}

#[tokio::test]
async fn text_of_every_kind_comes_back_as_it_was() {
    let scene = Scene::start().await;
    for (number, comment) in
        ["é", "e\u{301}", "😀", "𝕏\u{10ffff}", "a\u{202e}b", "\u{feff}x", "tab\tnew\nline"].iter().enumerate()
    {
        let name = format!("r-{number}");
        let mut body = create(&name);
        body["spec"]["comment"] = json!(comment);
        let made = scene.acme().put(&rule(&name)).json(&body).await;
        assert_eq!((made.status, &made["/result/comment"]), (201, &json!(comment)), "{made:#?}");
    }
    // Two spellings of one letter are two ids.
    for id in ["%C3%A9", "e%CC%81"] {
        scene.acme().put(&rule(id)).json(&create(&format!("id-{id}").replace('%', "-"))).await.expect(201);
    }
}

#[tokio::test]
async fn ids_and_labels_hold_no_character_that_turns_or_hides_text() {
    let scene = Scene::start().await;
    for wrong in
        ["\0", "\u{1b}[31m", "\u{7f}", "\u{85}", "\u{202e}", "\u{2066}", "\u{200f}", "\u{2028}", "\u{feff}", "a\nb"]
    {
        for labels in [json!({wrong: "x"}), json!({"x": wrong})] {
            let mut body = create("a");
            body["labels"] = labels;
            let refused = scene.acme().put(&rule("a")).json(&body).await.problem(400, "invalid_request");
            let detail = refused.string("/detail");
            assert!(!detail.contains(wrong), "what is refused is not repeated as it is: {detail:?}");
        }
        let adopt = json!({"backend_id": wrong});
        let adopt = scene.operator().post(&(rule("a") + ":adopt?tenant=acme")).json(&adopt);
        adopt.await.problem(400, "invalid_request");
    }
    assert_eq!((scene.appliance.requests().len(), scene.mapping("a").await), (0, Value::Null));
}
