//! Protocols with keys: many exchanges on one connection, and each gets its own reply or the truth.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crosspoint_contract::{Correlation, CorrelationField, Framing, LengthPrefix, Protocol};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::super::{PATIENCE, describe, settings};
use super::peer::{Backend, Peer};
use super::{counted, json, message, numbered, send, transport};
use crate::sent::Sent;
use crate::transport::{ErrorKind, Settings, Transport, TransportError};

const SHORT: Duration = Duration::from_millis(100);

type Call = JoinHandle<Result<Vec<u8>, TransportError>>;

/// A frame of `numbered`: the number, and four more bytes.
fn frame(number: u32, text: [u8; 4]) -> Vec<u8> {
    [number.to_be_bytes(), text].concat()
}

async fn number(peer: &mut Peer) -> u32 {
    let frame = peer.read(8).await;
    u32::from_be_bytes(frame[..4].try_into().unwrap())
}

fn call(transport: &Arc<Transport>, message: Vec<u8>) -> Call {
    let transport = Arc::clone(transport);
    tokio::spawn(async move { send(&transport, message).await })
}

fn object(id: &str) -> Vec<u8> {
    format!("{{\"id\":{id}}}").into_bytes()
}

async fn value(peer: &mut Peer) -> String {
    let mut text = Vec::new();
    while text.last() != Some(&b'}') {
        text.extend(peer.read(1).await);
    }
    String::from_utf8(text).unwrap()
}

/// A promise that a wait ends.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(PATIENCE, what).await.expect("it takes too long")
}

#[tokio::test]
async fn a_hundred_at_once_on_one_connection_each_get_their_own_reply_in_any_order() {
    let backend = Backend::start(|mut peer| async move {
        let mut numbers = Vec::new();
        for _ in 0..100 {
            numbers.push(number(&mut peer).await);
        }
        numbers.sort_unstable_by_key(|number| number.wrapping_mul(2_654_435_761));
        for number in numbers {
            peer.write(frame(number, number.to_le_bytes())).await;
        }
        peer.hold().await;
    })
    .await;
    let transport = Arc::new(transport(numbered(), &settings(backend.url())));
    let calls: Vec<_> = (0..100).map(|number| (number, call(&transport, frame(number, *b"ask?")))).collect();
    for (number, call) in calls {
        assert_eq!(soon(call).await.unwrap().unwrap(), frame(number, number.to_le_bytes()));
    }
    let stats = transport.stats().snapshot();
    assert_eq!((stats.connects, stats.answered, stats.unknown_replies), (1, 100, 0));
    drop(transport);
    backend.until_open(0).await;
}

#[tokio::test]
async fn json_finds_its_way_by_numbers_and_by_texts() {
    let backend = Backend::start(|mut peer| async move {
        let mut values = Vec::new();
        for _ in 0..3 {
            values.insert(0, value(&mut peer).await);
        }
        peer.trickle(values.join("\n")).await;
        peer.hold().await;
    })
    .await;
    let transport = Arc::new(transport(json(), &settings(backend.url())));
    let calls: Vec<_> = ["7", "\"7\"", "\"a\\u0062\""].map(|id| (id, call(&transport, object(id)))).into();
    for (id, call) in calls {
        assert_eq!(soon(call).await.unwrap().unwrap(), object(id));
    }
}

#[tokio::test]
async fn late_twofold_unknown_and_unnumbered_messages_are_dropped_and_counted() {
    let (late, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let script = (Arc::clone(&late), Arc::clone(&go_on));
    let backend = Backend::start(move |mut peer| {
        let (late, go_on) = script.clone();
        async move {
            assert_eq!(value(&mut peer).await, "{\"id\":1}");
            late.notify_one();
            go_on.notified().await;
            peer.write("{\"id\":1,\"late\":true}{\"id\":1,\"again\":true}{\"id\":99}{\"method\":\"update\"}[3]null ")
                .await;
            assert_eq!(value(&mut peer).await, "{\"id\":2}");
            peer.write("{\"id\":2}{\"id\":2}").await;
            assert_eq!(value(&mut peer).await, "{\"id\":1}");
            peer.write("{\"id\":1,\"new\":true}").await;
            peer.hold().await;
        }
    })
    .await;
    let transport = Arc::new(transport(json(), &settings(backend.url())));
    let dropped = call(&transport, object("1"));
    soon(late.notified()).await;
    dropped.abort();
    assert!(dropped.await.unwrap_err().is_cancelled());
    // Its reply is still due: nobody else may take its number.
    let error = send(&transport, object("1")).await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Refused, Sent::No), "{error}");
    go_on.notify_one();
    assert_eq!(send(&transport, object("2")).await.unwrap(), object("2"));
    assert_eq!(send(&transport, object("1")).await.unwrap(), b"{\"id\":1,\"new\":true}");
    let stats = transport.stats().snapshot();
    assert_eq!((stats.late_replies, stats.unknown_replies, stats.connects), (1, 6, 1));
}

#[tokio::test]
async fn a_number_that_is_in_use_is_refused_and_disturbs_nobody() {
    let (asked, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let script = (Arc::clone(&asked), Arc::clone(&go_on));
    let backend = Backend::start(move |mut peer| {
        let (asked, go_on) = script.clone();
        async move {
            let number = number(&mut peer).await;
            asked.notify_one();
            go_on.notified().await;
            peer.write(frame(number, *b"done")).await;
            assert_eq!(peer.hold().await, b"", "nothing else was sent");
        }
    })
    .await;
    let transport = Arc::new(transport(numbered(), &settings(backend.url())));
    let first = call(&transport, frame(5, *b"one!"));
    soon(asked.notified()).await;
    let error = send(&transport, frame(5, *b"two!")).await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Refused, Sent::No), "{error}");
    assert!(error.message.contains("correlation value 5"), "{error}");
    go_on.notify_one();
    assert_eq!(soon(first).await.unwrap().unwrap(), frame(5, *b"done"));
    drop(transport);
    backend.until_open(0).await;
}

#[tokio::test]
async fn a_connection_that_dies_with_a_hundred_calls_gives_a_hundred_truthful_errors() {
    let backend = Backend::start(|mut peer| async move {
        for _ in 0..100 {
            number(&mut peer).await;
        }
        peer.write(&frame(17, *b"here")[..]).await;
        // Half a reply to one of them.
        peer.write(&frame(42, *b"half")[..6]).await;
        peer.close().await;
    })
    .await;
    let transport = Arc::new(transport(numbered(), &settings(backend.url())));
    let calls: Vec<_> = (0..100).map(|number| (number, call(&transport, frame(number, *b"ask?")))).collect();
    for (number, call) in calls {
        let outcome = soon(call).await.unwrap();
        let outcome = outcome.map_err(|error| (error.kind, error.sent));
        let expected = match number {
            17 => Ok(frame(17, *b"here")),
            42 => Err((ErrorKind::Reset, Sent::Yes)),
            _ => Err((ErrorKind::Reset, Sent::Maybe)),
        };
        assert_eq!(outcome, expected, "call {number}");
    }
    assert_eq!(transport.stats().snapshot().connects, 1);
}

#[tokio::test]
async fn of_a_hundred_calls_those_that_were_not_begun_are_known_not_to_be_sent() {
    // Messages of which only a few fit into the sockets' buffers, to a backend that reads three and a half.
    const SIZE: usize = 512 * 1024;
    let field = CorrelationField { offset: 0, width: 4, big_endian: true };
    let protocol = message(Framing::Fixed(u32::try_from(SIZE).unwrap()), Correlation::Field(field));
    let (told, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let script = (Arc::clone(&told), Arc::clone(&go_on));
    let mut backend = Backend::start(move |mut peer| {
        let (told, go_on) = script.clone();
        async move {
            let begun = peer.read(SIZE * 7 / 2).await;
            assert_eq!(begun.len(), SIZE * 7 / 2);
            told.notify_one();
            go_on.notified().await;
            peer.reset();
        }
    })
    .await;
    let transport = Arc::new(transport(protocol, &settings(backend.url())));
    let message = |number: u32| [&number.to_be_bytes()[..], &vec![0; SIZE - 4]].concat();
    let calls: Vec<_> = (0..100).map(|number| call(&transport, message(number))).collect();
    soon(told.notified()).await;
    let written = soon(stalled(&transport)).await;
    backend.close_door().await;
    go_on.notify_one();
    let mut counts = BTreeMap::<_, u64>::new();
    for call in calls {
        let error = soon(call).await.unwrap().unwrap_err();
        *counts.entry((error.kind, error.sent)).or_default() += 1;
    }
    let maybe = counts.get(&(ErrorKind::Reset, Sent::Maybe)).copied().unwrap_or_default();
    let no: u64 = counts.iter().filter(|((_, sent), _)| *sent == Sent::No).map(|(_, count)| count).sum();
    assert_eq!(maybe + no, 100, "{counts:?}");
    let begun = written / SIZE as u64;
    assert!((4..=begun).contains(&maybe), "at least those that the backend saw, at most those begun: {counts:?}");
    assert!(no >= 50, "{counts:?}");
}

/// Waits until the transport can hand no more to its socket; gives how many bytes of messages it has begun to send.
async fn stalled(transport: &Transport) -> u64 {
    let mut before = 0;
    loop {
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        match transport.stats().snapshot().body_bytes_sent {
            now if now == before => return now,
            now => before = now,
        }
    }
}

#[tokio::test]
async fn one_that_is_given_up_does_not_disturb_its_neighbours() {
    let (asked, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let script = (Arc::clone(&asked), Arc::clone(&go_on));
    let backend = Backend::start(move |mut peer| {
        let (asked, go_on) = script.clone();
        async move {
            for _ in 0..2 {
                number(&mut peer).await;
            }
            peer.write(&frame(1, *b"late")[..6]).await;
            asked.notify_one();
            go_on.notified().await;
            peer.write(&frame(1, *b"late")[6..]).await;
            peer.write(frame(2, *b"good")).await;
            peer.hold().await;
        }
    })
    .await;
    let transport = Arc::new(transport(numbered(), &settings(backend.url())));
    let (dropped, kept) = (call(&transport, frame(1, *b"one!")), call(&transport, frame(2, *b"two!")));
    soon(asked.notified()).await;
    dropped.abort();
    assert!(dropped.await.unwrap_err().is_cancelled());
    go_on.notify_one();
    assert_eq!(soon(kept).await.unwrap().unwrap(), frame(2, *b"good"));
    assert_eq!(transport.stats().snapshot().late_replies, 1);
}

#[tokio::test]
async fn a_reply_that_is_too_large_is_the_trouble_of_its_caller_and_the_others_may_have_been_reached() {
    let backend = Backend::start(|mut peer| async move {
        if peer.index == 0 {
            peer.read(16).await;
            peer.write([&1000_u32.to_be_bytes()[..], &1_u32.to_be_bytes()].concat()).await;
            peer.hold().await;
            return;
        }
        let frame = peer.read(8).await;
        peer.write(frame).await;
        peer.hold().await;
    })
    .await;
    let transport = Arc::new(transport(counted(), &Settings { reply_size: Some(100), ..settings(backend.url()) }));
    let ask = |number: u32| [4_u32.to_be_bytes(), number.to_be_bytes()].concat();
    let (large, other) = (call(&transport, ask(1)), call(&transport, ask(2)));
    let error = soon(large).await.unwrap().unwrap_err();
    // Whether the number came together with the length, or after it, is chance.
    assert_eq!(error.kind, ErrorKind::TooLarge, "{error}");
    assert!(error.sent >= Sent::Maybe);
    let error = soon(other).await.unwrap().unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Reset | ErrorKind::TooLarge), "{error}");
    assert_eq!(error.sent, Sent::Maybe, "{error}");
    assert_eq!(send(&transport, ask(3)).await.unwrap(), ask(3), "on a new connection");
}

#[tokio::test]
async fn garbage_ends_the_connection_and_the_next_call_gets_another() {
    let backend = Backend::start(|mut peer| async move {
        let asked = value(&mut peer).await;
        if peer.index == 0 {
            peer.write("<html>").await;
        } else {
            peer.write(asked).await;
        }
        peer.hold().await;
    })
    .await;
    let transport = transport(json(), &settings(backend.url()));
    let error = send(&transport, object("1")).await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Protocol, Sent::Maybe), "{error}");
    assert_eq!(send(&transport, object("1")).await.unwrap(), object("1"), "the number is free again");
    assert_eq!(transport.stats().snapshot().connects, 2);
}

#[tokio::test]
async fn a_connection_on_which_nothing_comes_is_not_given_to_others() {
    let backend = Backend::start(|mut peer| async move {
        if peer.index > 0 {
            while let asked @ [_, ..] = peer.read(8).await.as_slice() {
                let asked = asked.to_vec();
                peer.write(asked).await;
            }
        }
        peer.hold().await;
    })
    .await;
    let transport = transport(numbered(), &Settings { reply_timeout: Some(SHORT), ..settings(backend.url()) });
    let error = send(&transport, frame(1, *b"ask?")).await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::ReplyTimeout, Sent::Maybe), "{error}");
    backend.until_open(0).await;
    for number in 2..5 {
        assert_eq!(send(&transport, frame(number, *b"ask?")).await.unwrap(), frame(number, *b"ask?"));
    }
    assert_eq!(transport.stats().snapshot().connects, 2);
}

#[tokio::test]
async fn a_shared_connection_closed_while_idle_is_replaced_unnoticed_and_closed_when_idle_too_long() {
    let backend = Backend::start(|mut peer| async move {
        let asked = peer.read(8).await;
        peer.write(asked).await;
        if peer.index % 2 == 1 {
            peer.hold().await;
        }
    })
    .await;
    let transport = transport(numbered(), &Settings { idle_timeout: SHORT, ..settings(backend.url()) });
    for number in 0..6 {
        assert_eq!(send(&transport, frame(number, *b"ask?")).await.unwrap(), frame(number, *b"ask?"));
        backend.until_open(0).await;
    }
    assert_eq!(transport.stats().snapshot().connects, 6);
}

/// Calls under way keep a backend's numbers apart even when it answers each on its own, in a storm of cancellations.
#[tokio::test]
async fn in_a_storm_of_cancellations_nobody_gets_anothers_reply() {
    let backend = Backend::start(|mut peer| async move {
        let (mut queue, mut held) = (0_u32, Vec::new());
        loop {
            let asked = peer.read(8).await;
            if asked.len() < 8 {
                return;
            }
            queue = queue.wrapping_mul(1_103_515_245).wrapping_add(12_345);
            held.push(asked);
            if queue % 3 == 0 {
                while let Some(frame) = held.pop() {
                    peer.write(frame).await;
                }
            }
        }
    })
    .await;
    let transport = Arc::new(transport(numbered(), &settings(backend.url())));
    let (done, mut results) = mpsc::channel(2000);
    for number in 0..1000_u32 {
        let (transport, done) = (Arc::clone(&transport), done.clone());
        tokio::spawn(async move {
            let asked = frame(number, number.to_le_bytes());
            let patience = if number % 4 == 0 { Duration::from_micros(u64::from(number)) } else { PATIENCE };
            let outcome = timeout(patience, send(&transport, &asked)).await;
            done.send(outcome.map(|reply| reply.map(|reply| reply == asked))).await.unwrap();
        });
    }
    drop(done);
    // What the backend still holds comes with what is asked last.
    let pusher = {
        let transport = Arc::clone(&transport);
        tokio::spawn(async move {
            for number in 1000.. {
                let asked = frame(number, number.to_le_bytes());
                let _ = timeout(Duration::from_millis(5), send(&transport, &asked)).await;
            }
        })
    };
    let (mut good, mut given_up) = (0, 0);
    while let Some(outcome) = soon(results.recv()).await {
        match outcome {
            Ok(reply) => {
                assert!(reply.unwrap(), "the reply of another");
                good += 1;
            }
            Err(_) => given_up += 1,
        }
    }
    pusher.abort();
    assert_eq!(good + given_up, 1000);
    assert!(good >= 750, "{good}");
    assert_eq!(transport.stats().snapshot().connects, 1);
}

#[tokio::test]
async fn a_backend_that_says_much_before_it_listens_on_is_listened_to() {
    const LARGE: usize = 16 << 20;
    let prefix = LengthPrefix { offset: 0, width: 4, big_endian: true, adjustment: 0, maximum: 1 << 25 };
    let field = CorrelationField { offset: 4, width: 4, big_endian: true };
    let protocol = message(Framing::LengthPrefixed(prefix), Correlation::Field(field));
    let part = |number: u32, size: usize| {
        [&u32::try_from(size - 4).unwrap().to_be_bytes()[..], &number.to_be_bytes(), &vec![0; size - 8]].concat()
    };
    let backend = Backend::start(move |mut peer| async move {
        peer.read(8).await;
        for _ in 0..24 {
            peer.write(part(99, 1 << 20)).await;
        }
        assert_eq!(peer.read(LARGE - 8).await.len(), LARGE - 8);
        peer.write(part(1, 8)).await;
        peer.hold().await;
    })
    .await;
    let transport = transport(protocol, &settings(backend.url()));
    assert_eq!(soon(send(&transport, part(1, LARGE))).await.unwrap(), part(1, 8));
    assert_eq!(transport.stats().snapshot().unknown_replies, 24);
}

#[test]
fn a_key_beyond_the_message_is_refused_when_the_backend_is_set_up() {
    let field = CorrelationField { offset: 5, width: 4, big_endian: true };
    let protocol = Protocol::Message(message(Framing::Fixed(8), Correlation::Field(field)));
    let error = Transport::new(&describe(protocol), &settings("tcp://127.0.0.1:1")).unwrap_err();
    assert!(error.to_string().contains("beyond the end"), "{error}");
}
