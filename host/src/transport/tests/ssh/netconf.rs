//! NETCONF, as both framings put it on the wire. What the server reads and writes is spelt out here.

use super::server::{Manners, Served, Server};
use super::*;
use crate::sent::Sent;
use crate::transport::{ErrorKind, Transport};

const NS: &str = "urn:ietf:params:xml:ns:netconf:base:1.0";

/// A hello with these base versions.
fn hello(versions: &[&str]) -> String {
    let capability = |version: &&str| format!("<capability>urn:ietf:params:netconf:base:{version}</capability>");
    let capabilities = versions.iter().map(capability).collect::<Vec<_>>().concat();
    format!(
        "<?xml version=\"1.0\"?><nc:hello xmlns:nc=\"{NS}\" xmlns=\"{NS}\"><capabilities>{capabilities}</capabilities>\
         <session-id>4</session-id></nc:hello>"
    )
}

fn reply(id: &str, inner: &str) -> String {
    format!("<rpc-reply xmlns=\"{NS}\" message-id=\"{id}\">{inner}</rpc-reply>")
}

fn chunked(message: &str) -> String {
    format!("\n#{}\n{message}\n##\n", message.len())
}

/// The `message-id` of a request.
fn id(request: &str) -> String {
    request.split("message-id=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

/// Greets, and switches to chunks.
async fn greet(served: &mut Served) {
    served.write(hello(&["1.0", "1.1"]) + "]]>]]>").await;
    assert!(served.read("]]>]]>").await.contains("<hello "));
}

/// Answers each request with `<ok/>` and its own number.
async fn oblige(mut served: Served) {
    greet(&mut served).await;
    for count in 0.. {
        let request = served.read("\n##\n").await;
        if request.is_empty() {
            return;
        }
        if request.contains("<close-session/>") {
            served.write(chunked(&reply("close", "<ok/>"))).await;
            return served.hang_up().await;
        }
        served.write(chunked(&reply(&id(&request), &format!("<ok/><!-- {count} -->")))).await;
    }
}

fn in_order() -> Description {
    netconf(Correlation::InOrder)
}

#[tokio::test]
async fn a_request_goes_out_in_chunks_after_a_hello_that_is_none() {
    let server = Server::start(Manners::default(), |mut served| async move {
        assert_eq!(served.asked, "subsystem:netconf");
        served.write(hello(&["1.0", "1.1"])).await;
        served.write("]]>]]>").await;
        served.read("\n##\n").await;
        served.write("\n#10\n<rpc-reply").await;
        served.write(format!("\n#{}\n xmlns=\"{NS}\" message-id=\"7\"", NS.len() + 24)).await;
        served.write("\n#18\n><ok/></rpc-reply>\n##\n").await;
        served.hold().await;
    })
    .await;
    let transport = transport(&in_order(), &server);
    assert_eq!(call(&transport, "7").await.unwrap(), reply("7", "<ok/>"));
    let bytes = server.seen().bytes;
    let (hello, request) = bytes.split_once("]]>]]>").unwrap();
    assert!(hello.ends_with("</hello>") && !hello.contains('#'), "{hello}");
    assert!(hello.contains("base:1.0</capability>") && hello.contains("base:1.1</capability>"), "{hello}");
    let message = format!("<rpc xmlns=\"{NS}\" message-id=\"7\"><get/></rpc>");
    assert_eq!(request, format!("\n#{}\n{message}\n##\n", message.len()));
    let stats = transport.stats().snapshot();
    assert_eq!((stats.answered, stats.connects, stats.logins, stats.unknown_replies), (1, 1, 1, 0));
    assert_eq!(stats.body_bytes_sent, message.len() as u64);
}

#[tokio::test]
async fn a_backend_of_base_1_0_is_spoken_to_as_it_knows_it() {
    let server = Server::start(Manners::default(), |mut served| async move {
        served.write(hello(&["1.0"]) + "]]>]]>\n").await;
        assert!(served.read("]]>]]>").await.contains("<hello "));
        let request = served.read("]]>]]>").await;
        assert!(!request.contains('#'), "{request}");
        served.drip(&format!("\n{}]]>]]>", reply(&id(&request), "<data>\n##\n</data>"))).await;
        served.hold().await;
    })
    .await;
    let transport = transport(&in_order(), &server);
    assert_eq!(call(&transport, "7").await.unwrap(), reply("7", "<data>\n##\n</data>"));
    let early = rpc("8", "<get><!-- ]]>]]> --></get>");
    let error = transport.exchange(&early, &authorization(), None).await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Refused, Sent::No), "{error}");
}

#[tokio::test]
async fn a_reply_may_come_byte_by_byte() {
    let server = Server::start(Manners::default(), |mut served| async move {
        served.drip(&(hello(&["1.1"]) + "]]>]]>")).await;
        let request = served.read("\n##\n").await;
        served.drip(&chunked(&reply(&id(&request), "<data/>"))).await;
        served.hold().await;
    })
    .await;
    assert_eq!(call(&transport(&in_order(), &server), "7").await.unwrap(), reply("7", "<data/>"));
}

#[tokio::test]
async fn errors_of_the_backend_reach_the_driver_as_they_came() {
    let inner = "<rpc-error><error-type>application</error-type><error-tag>data-exists</error-tag></rpc-error>";
    let server = Server::start(Manners::default(), move |mut served| async move {
        greet(&mut served).await;
        let request = served.read("\n##\n").await;
        served.write(chunked(&reply(&id(&request), inner))).await;
        served.hold().await;
    })
    .await;
    assert_eq!(call(&transport(&in_order(), &server), "7").await.unwrap(), reply("7", inner));
}

#[tokio::test]
async fn exchanges_share_a_connection_and_one_after_the_other_a_session() {
    let server = Server::start(Manners::default(), oblige).await;
    let transport = transport(&in_order(), &server);
    for count in 0..5 {
        assert!(call(&transport, &format!("a{count}")).await.unwrap().contains(&format!("<!-- {count} -->")));
    }
    assert_eq!((server.seen().connections, server.seen().channels), (1, 1));
    let ids: Vec<_> = (0..8).map(|count| format!("b{count}")).collect();
    let calls = ids.iter().map(|id| call(&transport, id));
    let replies = futures_util::future::join_all(calls).await;
    for (id, reply) in ids.iter().zip(replies) {
        assert!(reply.unwrap().contains(&format!("message-id=\"{id}\"")), "each caller gets its own reply");
    }
    assert_eq!(server.seen().connections, 1);
    assert!(server.seen().channels <= 8, "{:?}", server.seen());
}

#[tokio::test]
async fn a_driver_that_wants_it_gets_a_session_for_each_exchange() {
    let server = Server::start(Manners::default(), oblige).await;
    let transport = transport(&netconf(Correlation::SingleUse), &server);
    for count in 1..4 {
        assert!(call(&transport, "7").await.unwrap().contains("<!-- 0 -->"));
        server.until(|seen| seen.closed == count).await;
    }
    assert_eq!((server.seen().connections, server.seen().channels), (1, 3));
}

#[tokio::test]
async fn what_nobody_waits_for_is_dropped_and_counted() {
    let server = Server::start(Manners::default(), |mut served| async move {
        greet(&mut served).await;
        let request = served.read("\n##\n").await;
        let notification = "<notification xmlns=\"urn:ietf:params:xml:ns:netconf:notification:1.0\"/>";
        served.write(chunked(notification) + &chunked(&reply("6", "<wrong/>"))).await;
        served.write(chunked(&reply(&id(&request), "<ok/>")) + &chunked(&reply("7", "<again/>"))).await;
        let request = served.read("\n##\n").await;
        served.write(chunked(&reply(&id(&request), "<second/>"))).await;
        served.hold().await;
    })
    .await;
    let transport = transport(&in_order(), &server);
    assert_eq!(call(&transport, "7").await.unwrap(), reply("7", "<ok/>"));
    assert_eq!(call(&transport, "8").await.unwrap(), reply("8", "<second/>"));
    assert_eq!(transport.stats().snapshot().unknown_replies, 3);
    assert_eq!(server.seen().channels, 1);
}

#[tokio::test]
async fn hellos_that_are_none_are_named_before_anything_is_sent() {
    let cases = [
        (chunked(&hello(&["1.1"])), "chunked"),
        (format!("Welcome to sw1\r\n{}]]>]]>", hello(&["1.1"])), "no hello"),
        (hello(&["2.0"]) + "]]>]]>", "neither base:1.0 nor base:1.1"),
        ("<hello><capabilities/></hello>]]>]]>".to_owned(), "of no namespace"),
        (reply("1", "<ok/>") + "]]>]]>", "begins with `rpc-reply`"),
        (format!("{}]]>]]>", "<".repeat(10_000)), "exceeds"),
    ];
    for (said, why) in cases {
        let server = Server::start(Manners::default(), move |served| {
            let said = said.clone();
            async move {
                served.write(said).await;
                served.hold().await;
            }
        })
        .await;
        let settings = Settings { reply_size: Some(5000), ..settings(&server) };
        let error = call(&SshTransport::new(&in_order(), &settings).unwrap(), "7").await.unwrap_err();
        assert_eq!((error.kind, error.sent), (ErrorKind::Protocol, Sent::No), "{error}");
        assert!(error.message.contains(why), "{error}");
        server.until(|seen| seen.closed == 1).await;
        assert!(!server.seen().bytes.contains("<rpc"), "{}", server.seen().bytes);
    }
}

#[tokio::test]
async fn a_reply_that_cannot_be_one_ends_its_session_and_no_other_exchange_sees_it() {
    let cases: [(fn() -> String, ErrorKind); 5] = [
        (|| chunked("no XML"), ErrorKind::Protocol),
        (|| chunked(&format!("<rpc-reply xmlns=\"{NS}\"><ok/></rpc-reply>")), ErrorKind::Protocol),
        (|| "\n#0\n\n##\n".to_owned(), ErrorKind::Protocol),
        (|| reply("7", "<ok/>") + "]]>]]>", ErrorKind::Protocol),
        (|| "\n#4294967295\n<".to_owned(), ErrorKind::TooLarge),
    ];
    for (said, kind) in cases {
        let server = Server::start(Manners::default(), move |mut served| async move {
            if served.index > 0 {
                return oblige(served).await;
            }
            greet(&mut served).await;
            served.read("\n##\n").await;
            served.write(said()).await;
            served.hold().await;
        })
        .await;
        let transport = transport(&in_order(), &server);
        let error = call(&transport, "7").await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert_ne!(error.sent, Sent::No, "{error}");
        server.until(|seen| seen.closed == 1).await;
        assert_eq!(call(&transport, "8").await.unwrap(), reply("8", "<ok/><!-- 0 -->"));
        assert_eq!((server.seen().connections, server.seen().channels), (1, 2));
    }
}

#[tokio::test]
async fn who_waits_in_vain_learns_how_far_it_went_and_leaves_a_closed_session() {
    let cases = [("", Sent::Maybe), ("\n#9\n<rpc-repl", Sent::Maybe), ("", Sent::Yes)];
    for (said, sent) in cases {
        let server = Server::start(Manners::default(), move |mut served| async move {
            greet(&mut served).await;
            served.read("\n##\n").await;
            match sent {
                Sent::Yes => served.write(format!("\n#4000\n<rpc-reply xmlns=\"{NS}\" message-id=\"7\">")).await,
                _ => served.write(said).await,
            }
            served.hold().await;
        })
        .await;
        let settings = Settings { reply_timeout: Some(Duration::from_millis(300)), ..settings(&server) };
        let transport = SshTransport::new(&in_order(), &settings).unwrap();
        let error = call(&transport, "7").await.unwrap_err();
        assert_eq!((error.kind, error.sent), (ErrorKind::ReplyTimeout, sent), "{said} {error}");
        server.until(|seen| seen.closed == 1).await;
    }
}

#[tokio::test]
async fn a_notification_is_no_sign_that_the_request_arrived() {
    let server = Server::start(Manners::default(), |mut served| async move {
        greet(&mut served).await;
        served.read("\n##\n").await;
        served.write("\n#4000\n<notification xmlns=\"urn:ietf:params:xml:ns:netconf:notification:1.0\">").await;
        served.cut();
    })
    .await;
    let error = call(&transport(&in_order(), &server), "7").await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Reset, Sent::Maybe), "{error}");
}

#[tokio::test]
async fn a_backend_that_dies_in_the_middle_of_a_reply_was_reached() {
    let server = Server::start(Manners::default(), |mut served| async move {
        if served.index > 0 {
            return oblige(served).await;
        }
        greet(&mut served).await;
        let request = served.read("\n##\n").await;
        let reply = chunked(&reply(&id(&request), "<ok/>"));
        served.write(&reply[..reply.len() - 10]).await;
        // Until it has arrived, which a message in the other direction would show; there is none, so the end is in order.
        served.hang_up().await;
    })
    .await;
    let transport = transport(&in_order(), &server);
    let error = call(&transport, "7").await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Reset, Sent::Yes), "{error}");
    assert_eq!(call(&transport, "8").await.unwrap(), reply("8", "<ok/><!-- 0 -->"));
}

#[tokio::test]
async fn after_a_cut_or_a_goodbye_the_next_exchange_connects_anew() {
    let server = Server::start(Manners::default(), |mut served| async move {
        match served.index {
            0 | 1 => {
                greet(&mut served).await;
                served.read("\n##\n").await;
                if served.index == 0 { served.cut() } else { served.disconnect().await }
            }
            _ => oblige(served).await,
        }
    })
    .await;
    let transport = transport(&in_order(), &server);
    for _ in 0..2 {
        let error = call(&transport, "7").await.unwrap_err();
        assert_eq!((error.kind, error.sent), (ErrorKind::Reset, Sent::Maybe), "{error}");
    }
    assert!(call(&transport, "8").await.is_ok());
    assert_eq!(server.seen().connections, 3);
}

#[tokio::test]
async fn a_session_that_the_backend_ends_between_two_exchanges_is_replaced_unseen() {
    let server = Server::start(Manners::default(), |mut served| async move {
        if served.index > 0 {
            return oblige(served).await;
        }
        greet(&mut served).await;
        let request = served.read("\n##\n").await;
        served.write(chunked(&reply(&id(&request), "<ok/>"))).await;
        served.hang_up().await;
    })
    .await;
    let transport = transport(&in_order(), &server);
    call(&transport, "7").await.unwrap();
    // What the transport answers to the end of the channel.
    server.until(|seen| seen.closed == 1).await;
    assert_eq!(call(&transport, "8").await.unwrap(), reply("8", "<ok/><!-- 0 -->"));
    assert_eq!((server.seen().connections, server.seen().channels), (1, 2));
}

#[tokio::test]
async fn a_hundred_exchanges_on_a_connection_that_is_cut_get_a_hundred_true_errors() {
    let server = Server::start(Manners::default(), |mut served| async move {
        greet(&mut served).await;
        served.read("\n##\n").await;
        served.hold().await;
    })
    .await;
    let transport = transport(&in_order(), &server);
    let ids: Vec<_> = (0..100).map(|count| count.to_string()).collect();
    let calls = futures_util::future::join_all(ids.iter().map(|id| call(&transport, id)));
    let cut = async {
        server.until(|seen| seen.bytes.matches("<get/>").count() == 100).await;
        server.cut();
    };
    let (results, ()) = tokio::join!(calls, cut);
    for result in results {
        let error = result.unwrap_err();
        assert_eq!((error.kind, error.sent), (ErrorKind::Reset, Sent::Maybe), "{error}");
    }
    assert_eq!(server.seen().connections, 1);
}

#[tokio::test]
async fn an_exchange_that_is_dropped_closes_its_session_so_that_its_locks_are_released() {
    let server = Server::start(Manners::default(), |mut served| async move {
        if served.index > 0 {
            return oblige(served).await;
        }
        greet(&mut served).await;
        served.read("\n##\n").await;
        served.hold().await;
    })
    .await;
    let transport = transport(&in_order(), &server);
    tokio::select! {
        _ = call(&transport, "7") => panic!("nobody answers"),
        () = server.until(|seen| seen.bytes.contains("<get/>")) => {}
    }
    server.until(|seen| seen.closed == 1).await;
    assert_eq!(call(&transport, "8").await.unwrap(), reply("8", "<ok/><!-- 0 -->"));
}

#[tokio::test]
async fn what_is_not_used_for_a_while_is_closed_in_order() {
    let server = Server::start(Manners::default(), oblige).await;
    let transport = forgetful(&in_order(), &server);
    call(&transport, "7").await.unwrap();
    server.until(|seen| seen.closed == 1).await;
    assert!(server.seen().bytes.ends_with("<close-session/></rpc>\n##\n"), "{}", server.seen().bytes);
    call(&transport, "8").await.unwrap();
    server.until(|seen| seen.closed == 2).await;
}

#[tokio::test]
async fn a_transport_that_is_dropped_says_goodbye() {
    let server = Server::start(Manners::default(), oblige).await;
    let transport = transport(&in_order(), &server);
    call(&transport, "7").await.unwrap();
    drop(transport);
    server.until(|seen| seen.closed == 1).await;
    assert!(server.seen().bytes.ends_with("<close-session/></rpc>\n##\n"), "{}", server.seen().bytes);
}

#[tokio::test]
async fn a_backend_that_opens_no_further_session_was_sent_nothing() {
    let manners = Manners { channels: Some(1), ..Manners::default() };
    let server = Server::start(manners, |mut served| async move {
        greet(&mut served).await;
        served.hold().await;
    })
    .await;
    let settings = Settings { reply_timeout: Some(Duration::from_secs(1)), ..settings(&server) };
    let transport = SshTransport::new(&in_order(), &settings).unwrap();
    let first = call(&transport, "7");
    let second = async {
        server.until(|seen| seen.channels == 1).await;
        call(&transport, "8").await.unwrap_err()
    };
    let (_, error) = tokio::join!(first, second);
    assert_eq!((error.kind, error.sent), (ErrorKind::Connect, Sent::No), "{error}");
    assert!(error.message.contains("no further channel"), "{error}");
}

#[tokio::test]
async fn locks_and_other_things_of_a_session_are_refused_as_a_dry_run_shows() {
    let server = Server::start(Manners::default(), oblige).await;
    let transport = Transport::new(&in_order(), &settings(&server)).unwrap();
    for operation in ["<lock><target><running/></target></lock>", "<close-session/>", "<get/><commit/>", ""] {
        let exchange = rpc("7", operation);
        for error in [
            transport.exchange(&exchange, &authorization()).await.unwrap_err(),
            transport.render(&exchange, &authorization()).unwrap_err(),
        ] {
            assert_eq!((error.kind, error.sent), (ErrorKind::Refused, Sent::No), "{error}");
        }
    }
    let rendered = transport.render(&rpc("7", "<get/>"), &authorization()).unwrap();
    assert_eq!(rendered.url, format!("ssh://{}", server.address));
    assert_eq!(rendered.body.as_ref(), format!("<rpc xmlns=\"{NS}\" message-id=\"7\"><get/></rpc>").as_bytes());
    assert_eq!(server.seen().connections, 0);
}

#[tokio::test]
async fn a_description_that_netconf_cannot_serve_is_refused() {
    let server = Server::start(Manners::default(), oblige).await;
    let mut keeping = in_order();
    if let Protocol::Message(message) = &mut keeping.protocol {
        message.preamble = Some("hello".into());
    }
    for description in [netconf(Correlation::JsonPointer("/id".to_owned())), keeping] {
        assert!(SshTransport::new(&description, &settings(&server)).is_err());
    }
    let settings = Settings { ..super::super::settings("ssh://sw1.example") };
    let settings = Settings { ssh: Ssh { host_keys: vec![server.fingerprint()] }, ..settings };
    let transport = SshTransport::new(&in_order(), &settings).unwrap();
    assert_eq!(transport.render(&rpc("7", "<get/>"), &authorization()).unwrap().url, "ssh://sw1.example:830");
}
