//! What a backend may answer over HTTP/2.

use serde_json::{Value, json};

use crate::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, PING, PUSH_PROMISE, RST_STREAM, SETTINGS,
    WINDOW_UPDATE, frames,
};
use crate::laboratory::Laboratory;
use crate::raw::{Line, Raw};

const REFUSED_STREAM: u32 = 7;
/// `:status: 200` in HPACK.
const OK: &[u8] = &[0x88];

/// A backend that answers the first stream with these bytes, then with `on` for as long as it is listened to.
async fn answering(reply: Vec<Frame>, on: Option<Frame>) -> Raw {
    Raw::start(move |mut line: Line| {
        let reply = reply.iter().flat_map(Frame::bytes).collect::<Vec<_>>();
        let on = on.as_ref().map(|frame| frame.bytes().repeat(50));
        async move {
            line.write(Frame::new(SETTINGS, 0, 0, &[]).bytes()).await;
            let mut received = Vec::new();
            while !frames(&received).iter().any(|frame| frame.kind == HEADERS) {
                match line.read().await {
                    Some(bytes) => received.extend(bytes),
                    None => return,
                }
            }
            line.write(reply).await;
            while let Some(on) = &on
                && line.write(on).await
            {
                tokio::task::yield_now().await;
            }
            line.hold().await;
        }
    })
    .await
}

fn reset(code: u32) -> Frame {
    Frame::new(RST_STREAM, 0, 1, &code.to_be_bytes())
}

fn go_away(last: u32, code: u32) -> Frame {
    Frame::new(GOAWAY, 0, 0, &[last.to_be_bytes(), code.to_be_bytes()].concat())
}

async fn outcome(laboratory: &Laboratory, name: &str, backend: &Raw) -> Value {
    let settings = json!({"http_version": "2",
        "limits": {"reply_timeout_ms": 1000, "connect_timeout_ms": 1000, "reply_size": 100_000}});
    laboratory.backend(name, &backend.url(), &settings).await;
    let reply = laboratory.create(name, &json!({})).await;
    assert!(reply.status == 502 || reply.status == 504, "{name}: {reply:#?}");
    let streams = frames(&backend.bytes()).iter().filter(|frame| frame.kind == HEADERS).count();
    assert_eq!((backend.connections(), streams), (1, 1), "{name}: no exchange is ever repeated");
    reply.body
}

#[tokio::test]
async fn a_stream_that_was_refused_was_not_sent_and_any_other_may_have_been() {
    let laboratory = Laboratory::start().await;
    for (name, reply, sent) in [
        ("refused", vec![reset(REFUSED_STREAM)], "no"),
        ("cancelled", vec![reset(8)], "maybe"),
        ("broken", vec![reset(2)], "maybe"),
        ("calm", vec![reset(11)], "maybe"),
        ("gone", vec![go_away(1, 0), reset(2)], "maybe"),
        ("gone-badly", vec![go_away(1, 2), reset(2)], "maybe"),
        ("never-begun", vec![go_away(0, 0)], "maybe"),
        ("refused-in-reply", vec![Frame::new(HEADERS, END_HEADERS, 1, OK), reset(REFUSED_STREAM)], "yes"),
        ("broken-in-reply", vec![Frame::new(HEADERS, END_HEADERS, 1, OK), reset(2)], "yes"),
    ] {
        let failed = outcome(&laboratory, name, &answering(reply, None).await).await;
        assert_eq!(failed["sent"], sent, "{name}: {failed:#?}");
        assert_eq!(failed["code"], "backend_connection_lost", "{name}: {failed:#?}");
        // What was not sent is over and may be tried again; the rest is in doubt.
        let id = failed["operation_id"].as_str().unwrap();
        let operation = laboratory.scene.acme().get(&format!("/v1/operations/{id}")).await.expect(200);
        assert_eq!(operation["/state"], if sent == "no" { "failed" } else { "unknown" }, "{name}");
    }
    laboratory.others_are_served().await;
}

#[tokio::test]
async fn a_backend_that_plays_games_with_frames_is_given_up() {
    let laboratory = Laboratory::start().await;
    let before = laboratory.resident();
    let head = || Frame::new(HEADERS, END_HEADERS, 1, OK);
    // A header of 4 KB goes into the table of HPACK, and then stands there a thousand times over.
    let mut bomb = vec![0x88, 0x40, 1, b'x', 0x7f, 0x81, 0x1e];
    bomb.extend([b'a'; 4000]);
    bomb.extend([0xbe; 8000]);
    let window = |stream| Frame::new(WINDOW_UPDATE, 0, stream, &0x7fff_ffff_u32.to_be_bytes());
    for (name, reply, on) in [
        ("silence", vec![], None),
        ("no-window", vec![Frame::new(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0])], None),
        ("window-overflow", vec![window(1), window(1)], None),
        ("connection-window-overflow", vec![window(0), window(0)], None),
        ("window-of-nothing", vec![Frame::new(WINDOW_UPDATE, 0, 1, &[0; 4])], None),
        ("pings", vec![], Some(Frame::new(PING, 0, 0, &[7; 8]))),
        ("settings", vec![], Some(Frame::new(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 9]))),
        ("continuations", vec![Frame::new(HEADERS, 0, 1, OK)], Some(Frame::new(CONTINUATION, 0, 1, &[]))),
        (
            "long-continuations",
            vec![Frame::new(HEADERS, 0, 1, OK)],
            Some(Frame::new(CONTINUATION, 0, 1, &[0, 1, b'a', 1, b'b'].repeat(200))),
        ),
        ("bomb", vec![Frame::new(HEADERS, END_HEADERS, 1, &bomb)], None),
        ("push", vec![Frame::new(PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2, 0x82])], None),
        ("body-without-end", vec![head()], Some(Frame::new(DATA, 0, 1, &[b'x'; 16_000]))),
        ("body-of-nothing", vec![head()], Some(Frame::new(DATA, 0, 1, &[]))),
        ("body-first", vec![Frame::new(DATA, END_STREAM, 1, b"{}")], None),
        ("another-stream", vec![Frame::new(HEADERS, END_HEADERS | END_STREAM, 7, OK)], None),
        ("no-status", vec![Frame::new(HEADERS, END_HEADERS | END_STREAM, 1, &[])], None),
        ("odd-settings", vec![Frame::new(SETTINGS, 0, 0, &[1, 2, 3])], None),
        ("huge-frame", vec![Frame::new(DATA, 0, 1, &vec![0; 1 << 20])], None),
        ("hpack-nonsense", vec![Frame::new(HEADERS, END_HEADERS | END_STREAM, 1, &[0xff; 40])], None),
    ] {
        let failed = outcome(&laboratory, name, &answering(reply, on).await).await;
        assert_ne!(failed["sent"], "no", "{name}: {failed:#?}");
        laboratory.others_are_served().await;
    }
    let grown = laboratory.resident().saturating_sub(before);
    assert!(grown < 64 << 20, "the host has grown by {} MiB", grown >> 20);
}
