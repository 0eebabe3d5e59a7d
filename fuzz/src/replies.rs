//! Any bytes as what a backend answers to two calls at once: each gets the reply that carries its own number, or an error
//! that is true, and soon. Once with frames of eight bytes, once with values of JSON, by the first byte's choice; the
//! two after it say where the answer is split.

use std::cell::LazyCell;
use std::time::Duration;

use crosspoint::sent::Sent;
use crosspoint::transport::{Authorization, ErrorKind, Settings, Transport, TransportError};
use crosspoint_contract::{
    Correlation, CorrelationField, Description, Exchange, Framing, MessageProtocol, Protocol, Reply, Request,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::description;
use crate::input::Input;

/// The calls' numbers.
const CALLS: [u32; 2] = [1, 2];

struct Backend {
    runtime: Runtime,
    listener: TcpListener,
}

thread_local! {
    static BACKEND: LazyCell<Backend> = LazyCell::new(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        Backend { runtime, listener }
    });
}

/// Any bytes as the answer.
pub fn target(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let (json, places) = (input.flag(), [input.byte(), input.byte()]);
    let answer = input.rest();
    let mut places = places.map(|place| usize::from(place) % (answer.len() + 1));
    places.sort_unstable();
    let [a, b] = places;
    let parts = [&answer[..a], &answer[a..b], &answer[b..]];
    BACKEND.with(|backend| backend.runtime.block_on(judge(&backend.listener, json, parts)));
}

async fn judge(listener: &TcpListener, json: bool, parts: [&[u8]; 3]) {
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    let settings = Settings {
        endpoints: [("default".to_owned(), address)].into(),
        // Not to be met: the backend closes the connection once it has answered.
        reply_timeout: Some(Duration::from_secs(20)),
        reply_size: Some(64),
        ..Settings::default()
    };
    let transport = Transport::new(&description(json), &settings).unwrap();
    let exchanges = CALLS.map(|number| exchange(message(json, number)));
    let none = Authorization::none();
    let [first, second] = &exchanges;
    let calls = async { tokio::join!(transport.exchange(first, &none), transport.exchange(second, &none)) };
    let (outcomes, ()) = tokio::join!(calls, answer(listener, json, parts));
    check(json, 1, outcomes.0, &parts.concat());
    check(json, 2, outcomes.1, &parts.concat());
    assert_eq!(transport.stats().snapshot().connects, 1, "one connection for both");
}

/// Takes both calls and answers; the end is in order, so that nothing of the answer gets lost.
async fn answer(listener: &TcpListener, json: bool, parts: [&[u8]; 3]) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut asked = vec![0; message(json, 1).len() + message(json, 2).len()];
    stream.read_exact(&mut asked).await.unwrap();
    for part in parts {
        // The client closes the connection when it has seen enough.
        if stream.write_all(part).await.is_err() {
            return;
        }
        tokio::task::yield_now().await;
    }
    let _ = stream.shutdown().await;
    let _ = stream.read_to_end(&mut asked).await;
}

fn check(json: bool, number: u32, outcome: Result<Reply, TransportError>, answer: &[u8]) {
    match outcome {
        Ok(Reply::Message(reply)) => {
            let reply = reply.0;
            assert!(answer.windows(reply.len()).any(|window| window == reply), "no such thing was answered");
            if json {
                let value: serde_json::Value = serde_json::from_slice(&reply).expect("a value of JSON");
                assert_eq!(value["id"], number, "the reply of another");
            } else {
                assert_eq!((reply.len(), &reply[..4]), (8, &number.to_be_bytes()[..]), "the reply of another");
            }
        }
        Ok(other) => panic!("{other:?}"),
        Err(error) => {
            let kinds = [ErrorKind::Reset, ErrorKind::Protocol, ErrorKind::TooLarge];
            assert!(kinds.contains(&error.kind), "{error:?}");
            assert_ne!(error.sent, Sent::No, "both have been read: {error:?}");
            assert!(error.sent == Sent::Maybe || !answer.is_empty(), "nothing was answered: {error:?}");
        }
    }
}

fn message(json: bool, number: u32) -> Vec<u8> {
    if json { format!("{{\"id\":{number}}}").into_bytes() } else { [number.to_be_bytes(), *b"ask?"].concat() }
}

fn exchange(message: Vec<u8>) -> Exchange {
    let endpoint = "default".to_owned();
    let request = Request::Message(message.into());
    Exchange { context: Vec::new().into(), endpoint, request, extensions: Vec::new() }
}

fn description(json: bool) -> Description {
    let field = CorrelationField { offset: 0, width: 4, big_endian: true };
    let (framing, correlation) = if json {
        (Framing::JsonValues, Correlation::JsonPointer("/id".to_owned()))
    } else {
        (Framing::Fixed(8), Correlation::Field(field))
    };
    let (preamble, keepalives, extensions) = (None, Vec::new(), Vec::new());
    let protocol = MessageProtocol { framing, correlation, preamble, keepalives, extensions };
    Description { protocol: Protocol::Message(protocol), ..description::minimal() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The target is worth something only if replies do arrive.
    #[test]
    fn replies_arrive_in_any_order() {
        BACKEND.with(|backend| {
            backend.runtime.block_on(async {
                let address = format!("tcp://{}", backend.listener.local_addr().unwrap());
                let endpoints = [("default".to_owned(), address)].into();
                let transport =
                    Transport::new(&description(true), &Settings { endpoints, ..Settings::default() }).unwrap();
                let [first, second] = CALLS.map(|number| exchange(message(true, number)));
                let none = Authorization::none();
                let calls =
                    async { tokio::join!(transport.exchange(&first, &none), transport.exchange(&second, &none)) };
                let parts: [&[u8]; 3] = [b"{\"id\":2}", b"{\"id\"", b":1}"];
                let ((first, second), ()) = tokio::join!(calls, answer(&backend.listener, true, parts));
                assert!(first.is_ok() && second.is_ok(), "{first:?} {second:?}");
            });
        });
    }
}
