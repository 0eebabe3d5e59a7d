//! Unary gRPC calls against servers that speak HTTP/2 frame by frame and know no gRPC.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use bytes::Bytes;
use crosspoint_contract::{
    AuthScheme, Correlation, Description, Exchange, Framing, HttpReply, MessageProtocol, Protocol, Reply, Request,
    SessionGrant,
};
use h2::server::SendResponse;
use h2::{Reason, server};
use http::{HeaderMap, HeaderValue, Response, request};
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout};

use super::tls::{self, Authority};
use super::{PATIENCE, describe, header, settings};
use crate::sent::Sent;
use crate::transport::{Authorization, ErrorKind, HttpVersion, Secrets, Settings, Transport, TransportError};

const PATH: &str = "/package.v1.Service/Method";

/// One request, whole.
struct Seen {
    head: request::Parts,
    body: Vec<u8>,
}

/// A server on loopback; what came in, in order, and how many connections there were.
#[derive(Clone)]
struct Far {
    address: std::net::SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<AtomicUsize>,
}

impl Far {
    async fn listening() -> (Self, TcpListener) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (Self { address, seen: Arc::default(), connections: Arc::default() }, listener)
    }

    /// Answers every request as the script says.
    async fn start<F, S>(script: F) -> Self
    where
        F: Fn(Bytes, SendResponse<Bytes>) -> S + Clone + Send + 'static,
        S: Future<Output = ()> + Send + 'static,
    {
        let (far, listener) = Self::listening().await;
        let kept = far.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                kept.connections.fetch_add(1, SeqCst);
                tokio::spawn(kept.clone().serve(stream, script.clone()));
            }
        });
        far
    }

    async fn serve<F, S>(self, stream: TcpStream, script: F)
    where
        F: Fn(Bytes, SendResponse<Bytes>) -> S + Clone + Send + 'static,
        S: Future<Output = ()> + Send + 'static,
    {
        let mut connection = server::Builder::new().max_concurrent_streams(10).handshake(stream).await.unwrap();
        while let Some(Ok((request, respond))) = connection.accept().await {
            let (seen, script) = (Arc::clone(&self.seen), script.clone());
            tokio::spawn(async move {
                let request = whole(request).await;
                let message = Bytes::copy_from_slice(&request.body[5..]);
                seen.lock().push(request);
                script(message, respond).await;
            });
        }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn transport(&self) -> Transport {
        transport(&settings(self.url()))
    }
}

async fn whole(request: http::Request<h2::RecvStream>) -> Seen {
    let (head, mut stream) = request.into_parts();
    let mut body = Vec::new();
    while let Some(Ok(data)) = stream.data().await {
        stream.flow_control().release_capacity(data.len()).unwrap();
        body.extend_from_slice(&data);
    }
    Seen { head, body }
}

fn describes() -> Description {
    let protocol = MessageProtocol {
        framing: Framing::Grpc,
        correlation: Correlation::InOrder,
        preamble: None,
        keepalives: Vec::new(),
        extensions: Vec::new(),
    };
    describe(Protocol::Message(protocol))
}

fn transport(settings: &Settings) -> Transport {
    Transport::new(&describes(), settings).unwrap()
}

fn call(path: &str, message: &[u8]) -> Exchange {
    Exchange {
        context: crosspoint_contract::Bytes::default(),
        endpoint: "default".to_owned(),
        request: Request::Message(message.to_vec().into()),
        extensions: vec![("path".to_owned(), path.to_owned())],
    }
}

async fn make(transport: &Transport, message: &[u8]) -> Result<HttpReply, TransportError> {
    match transport.exchange(&call(PATH, message), &Authorization::none()).await? {
        Reply::Http(reply) => Ok(reply),
        other => panic!("{other:?}"),
    }
}

fn head(headers: &[(&'static str, &'static str)]) -> Response<()> {
    let mut response = Response::new(());
    for (name, value) in headers {
        if *name == ":status" {
            *response.status_mut() = value.parse().unwrap();
        } else {
            response.headers_mut().append(*name, HeaderValue::from_static(value));
        }
    }
    response
}

fn trailers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
    fields.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
}

const GRPC: (&str, &str) = ("content-type", "application/grpc");
const FINE: (&str, &str) = ("grpc-status", "0");

/// Answers in full: a head, frames of data, and trailers, if there are any.
fn answer(
    mut respond: SendResponse<Bytes>,
    fields: &'static [(&'static str, &'static str)],
    data: Vec<Bytes>,
    end: &'static [(&'static str, &'static str)],
) {
    let alone = data.is_empty() && end.is_empty();
    let mut stream = respond.send_response(head(fields), alone).unwrap();
    if alone {
        return;
    }
    let last = data.len();
    for (index, data) in data.into_iter().enumerate() {
        stream.send_data(data, end.is_empty() && index + 1 == last).unwrap();
    }
    if !end.is_empty() {
        stream.send_trailers(trailers(end)).unwrap();
    }
}

/// A server that answers each message with the same.
async fn echo() -> Far {
    Far::start(|message, respond| async move {
        let prefix = [&[0][..], &u32::try_from(message.len()).unwrap().to_be_bytes()].concat();
        answer(respond, &[GRPC], vec![prefix.into(), message], &[FINE]);
    })
    .await
}

/// What one answer comes to.
async fn after(
    fields: &'static [(&'static str, &'static str)],
    data: &'static [u8],
    end: &'static [(&'static str, &'static str)],
) -> Result<HttpReply, TransportError> {
    let far = Far::start(move |_, respond| async move {
        let data = if data.is_empty() { Vec::new() } else { vec![Bytes::from_static(data)] };
        answer(respond, fields, data, end);
    })
    .await;
    let outcome = make(&transport(&Settings { reply_size: Some(10), ..settings(far.url()) }), b"x").await;
    assert_eq!(far.seen.lock().len(), 1, "no call is ever repeated");
    outcome
}

fn values(reply: &HttpReply) -> Vec<(&str, &str)> {
    reply.headers.iter().map(|header| (header.name.as_str(), std::str::from_utf8(&header.value).unwrap())).collect()
}

#[tokio::test]
async fn a_call_is_a_post_of_one_prefixed_message_with_the_session_and_the_time_that_is_left() {
    let far = echo().await;
    let grant = SessionGrant { headers: vec![header("Token", "s3cret")], ..SessionGrant::default() };
    let session = Authorization::from_grant(&grant).unwrap();
    let deadline = Some(Instant::now() + Duration::from_secs(3));
    let transport = far.transport();
    let reply = transport.exchange_within(&call(PATH, b"\x08\x96\x01"), &session, deadline).await.unwrap();
    let Reply::Http(reply) = reply else { panic!("{reply:?}") };
    assert_eq!((reply.status, reply.body.as_ref()), (200, &b"\x08\x96\x01"[..]));
    assert_eq!(values(&reply), [GRPC, FINE]);

    let seen = far.seen.lock();
    let [Seen { head, body }] = &seen[..] else { panic!("{} calls", seen.len()) };
    assert_eq!((head.method.as_str(), head.uri.to_string()), ("POST", format!("{}{PATH}", far.url())));
    assert_eq!(body, b"\0\0\0\0\x03\x08\x96\x01");
    let field = |name: &str| head.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!((field("te"), field("content-type")), (Some("trailers".into()), Some("application/grpc".into())));
    assert_eq!(field("token").as_deref(), Some("s3cret"));
    let left = field("grpc-timeout").unwrap();
    let ms: u32 = left.strip_suffix('m').unwrap().parse().unwrap();
    assert!((1..=3000).contains(&ms), "{left}");
    let stats = transport.stats().snapshot();
    assert_eq!((stats.answered, stats.connects), (1, 1));
}

#[tokio::test]
async fn every_scheme_of_headers_goes_into_the_metadata() {
    let far = echo().await;
    let transport = far.transport();
    let secrets: Secrets = [("username", "u"), ("password", "p"), ("token", "t"), ("key", "k")]
        .map(|(name, value)| (name.to_owned(), value.into()))
        .into();
    let key = AuthScheme::ApiKey(crosspoint_contract::ApiKey::Header("X-Key".to_owned()));
    for (scheme, name, value) in [
        (AuthScheme::Basic, "authorization", "Basic dTpw"),
        (AuthScheme::Bearer, "authorization", "Bearer t"),
        (key, "x-key", "k"),
    ] {
        let authorization = transport.authorization(&scheme, &secrets, &settings(far.url())).unwrap().unwrap();
        transport.exchange(&call(PATH, b""), &authorization).await.unwrap();
        assert_eq!(far.seen.lock().last().unwrap().head.headers[name], value);
    }
}

#[tokio::test]
async fn a_message_in_many_pieces_is_one() {
    let far = Far::start(|_, respond| async move {
        let bytes = b"\0\0\0\0\x05hello".iter().map(|byte| Bytes::copy_from_slice(&[*byte])).collect();
        answer(respond, &[GRPC], bytes, &[FINE, ("x-own", "1")]);
    })
    .await;
    let reply = make(&far.transport(), b"x").await.unwrap();
    assert_eq!(reply.body.as_ref(), b"hello");
    assert_eq!(values(&reply), [GRPC, FINE, ("x-own", "1")]);
}

#[tokio::test]
async fn any_status_is_a_reply_as_it_came() {
    let end = &[("grpc-status", "9"), ("grpc-message", "caf%C3%A9"), ("grpc-status-details-bin", "CAkSAWE")];
    let reply = after(&[GRPC], b"", end).await.unwrap();
    assert_eq!((reply.status, reply.body.as_ref()), (200, &b""[..]));
    assert_eq!(values(&reply)[1..], end[..]);
    // A call that fails at once is answered with its trailers alone.
    let reply = after(&[GRPC, ("grpc-status", "16"), ("grpc-message", "who?")], b"", &[]).await.unwrap();
    assert_eq!(values(&reply), [GRPC, ("grpc-status", "16"), ("grpc-message", "who?")]);
    // A message may come before a refusal.
    let reply = after(&[GRPC], b"\0\0\0\0\x01a", &[("grpc-status", "4")]).await.unwrap();
    assert_eq!(reply.body.as_ref(), b"a");
    // And a success may be of nothing.
    let reply = after(&[GRPC], b"\0\0\0\0\0", &[FINE]).await.unwrap();
    assert_eq!(reply.body.as_ref(), b"");
}

#[tokio::test]
async fn what_is_no_unary_reply_is_a_protocol_error_of_a_backend_that_was_reached() {
    for (fields, data, end, words) in [
        (&[GRPC][..], &b"\x01\0\0\0\x01a"[..], &[FINE][..], "compressed"),
        (&[GRPC], b"\x02\0\0\0\x01a", &[FINE], "flag 2"),
        (&[GRPC], b"\0\0\0\0\x01a\0\0\0\0\x01b", &[FINE], "no unary call"),
        (&[GRPC], b"\0\0\0\0\x09a", &[FINE], "where 14 belong"),
        (&[GRPC], b"\0\0\0", &[FINE], "where 5 belong"),
        (&[GRPC], b"\0\xff\xff\xff\xff", &[FINE], "belong"),
        (&[GRPC], b"", &[FINE], "no message"),
        (&[GRPC], b"\0\0\0\0\x01a", &[], "without a gRPC status"),
        (&[GRPC], b"\0\0\0\0\x01a", &[("x-other", "0")], "without a gRPC status"),
        (&[GRPC], b"", &[], "without a gRPC status"),
        (&[GRPC], b"\0\0\0\0\x01a", &[("grpc-status", "fine")], "no number"),
        (&[("content-type", "text/html")], b"<html>", &[], "no gRPC"),
        (&[(":status", "502"), ("content-type", "text/html")], b"<html>", &[], "HTTP 502"),
        (&[(":status", "404")], b"", &[], "HTTP 404"),
        (&[(":status", "401")], b"", &[], "HTTP 401"),
    ] {
        let error = after(fields, data, end).await.unwrap_err();
        assert_eq!((error.kind, error.sent), (ErrorKind::Protocol, Sent::Yes), "{data:?}: {error}");
        assert!(error.message.contains(words), "{data:?}: {error}");
    }
}

#[tokio::test]
async fn the_longest_message_is_taken_and_a_longer_one_is_not() {
    assert_eq!(after(&[GRPC], b"\0\0\0\0\x0a0123456789", &[FINE]).await.unwrap().body.as_ref(), b"0123456789");
    let error = after(&[GRPC], b"\0\0\0\0\x0b01234567890", &[FINE]).await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::TooLarge, Sent::Yes), "{error}");
}

/// What a reset of the stream comes to, before the reply or when a part of it has arrived.
async fn reset(reason: Reason, begun: bool) -> (ErrorKind, Sent) {
    let arrived = Arc::new(Notify::new());
    let go = Arc::clone(&arrived);
    let far = Far::start(move |_, mut respond| {
        let go = Arc::clone(&go);
        async move {
            if begun {
                let mut stream = respond.send_response(head(&[GRPC]), false).unwrap();
                stream.send_data(Bytes::from_static(b"\0"), false).unwrap();
                go.notified().await;
                stream.send_reset(reason);
            } else {
                respond.send_reset(reason);
            }
        }
    })
    .await;
    let transport = Arc::new(far.transport());
    let call = tokio::spawn({
        let transport = Arc::clone(&transport);
        async move { make(&transport, b"x").await.unwrap_err() }
    });
    if begun {
        let received = async {
            while transport.stats().snapshot().body_bytes_received == 0 {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, received).await.unwrap();
        arrived.notify_one();
    }
    let error = timeout(PATIENCE, call).await.unwrap().unwrap();
    assert_eq!(far.seen.lock().len(), 1, "no call is ever repeated: {error}");
    (error.kind, error.sent)
}

#[tokio::test]
async fn only_a_refused_stream_was_not_sent() {
    assert_eq!(reset(Reason::REFUSED_STREAM, false).await, (ErrorKind::Reset, Sent::No));
    for reason in [Reason::INTERNAL_ERROR, Reason::CANCEL, Reason::ENHANCE_YOUR_CALM, Reason::NO_ERROR] {
        assert_eq!(reset(reason, false).await.1, Sent::Maybe, "{reason:?}");
    }
    assert_eq!(reset(Reason::INTERNAL_ERROR, true).await, (ErrorKind::Reset, Sent::Yes));
}

/// A server that takes `calls` requests on each connection, and then ends it so.
async fn ending(
    calls: usize,
    end: impl Fn(&mut server::Connection<TcpStream, Bytes>) + Clone + Send + Sync + 'static,
) -> Far {
    let (far, listener) = Far::listening().await;
    let kept = far.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            kept.connections.fetch_add(1, SeqCst);
            let (seen, end) = (Arc::clone(&kept.seen), end.clone());
            tokio::spawn(async move {
                let mut connection = server::handshake(stream).await.unwrap();
                let (received, mut all) = (Arc::new(Notify::new()), 0);
                // The streams are kept, for a stream that is dropped is reset.
                let mut open = Vec::new();
                while all < calls {
                    tokio::select! {
                        request = connection.accept() => {
                            let Some(Ok((request, respond))) = request else { return };
                            open.push(respond);
                            let (seen, received) = (Arc::clone(&seen), Arc::clone(&received));
                            tokio::spawn(async move {
                                let request = whole(request).await;
                                seen.lock().push(request);
                                received.notify_one();
                            });
                        }
                        () = received.notified() => all = seen.lock().len(),
                    }
                }
                end(&mut connection);
                let _ = std::future::poll_fn(|context| connection.poll_closed(context)).await;
                drop(open);
            });
        }
    });
    far
}

#[tokio::test]
async fn a_connection_that_is_given_up_leaves_each_of_its_calls_in_doubt() {
    const CALLS: usize = 100;
    let far = ending(CALLS, |connection| connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM)).await;
    let transport = Arc::new(far.transport());
    let calls: Vec<_> = (0..CALLS)
        .map(|_| {
            let transport = Arc::clone(&transport);
            tokio::spawn(async move { make(&transport, b"x").await.unwrap_err() })
        })
        .collect();
    for call in calls {
        let error = timeout(PATIENCE, call).await.unwrap().unwrap();
        assert_eq!((error.kind, error.sent), (ErrorKind::Reset, Sent::Maybe), "{error}");
    }
    assert_eq!(far.seen.lock().len(), CALLS, "no call is ever repeated");
}

#[tokio::test]
async fn calls_at_once_share_a_connection_and_each_gets_its_own_reply() {
    let far = echo().await;
    let transport = Arc::new(far.transport());
    make(&transport, b"first").await.unwrap();
    // More than the server takes at a time: the rest wait for their turn.
    let calls: Vec<_> = (0..100)
        .map(|number| {
            let transport = Arc::clone(&transport);
            tokio::spawn(async move {
                let message = format!("message {number}").into_bytes();
                assert_eq!(make(&transport, &message).await.unwrap().body.0, message);
            })
        })
        .collect();
    for call in calls {
        timeout(PATIENCE, call).await.unwrap().unwrap();
    }
    assert_eq!(far.connections.load(SeqCst), 1);
}

#[tokio::test]
async fn a_server_that_says_nothing_may_have_acted_and_is_told_to_stop() {
    let (tell, told) = oneshot::channel();
    let tell = Arc::new(Mutex::new(Some(tell)));
    let far = Far::start(move |_, mut respond| {
        let tell = Arc::clone(&tell);
        async move {
            let reason = std::future::poll_fn(|context| respond.poll_reset(context)).await.unwrap();
            tell.lock().take().unwrap().send(reason).unwrap();
        }
    })
    .await;
    let short = Settings { reply_timeout: Some(Duration::from_millis(100)), ..settings(far.url()) };
    let transport = transport(&short);
    let error = make(&transport, b"x").await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::ReplyTimeout, Sent::Maybe), "{error}");
    assert_eq!(timeout(PATIENCE, told).await.unwrap().unwrap(), Reason::CANCEL);
}

#[tokio::test]
async fn a_server_that_is_not_there_or_speaks_something_else_is_told_apart() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = make(&transport(&settings(format!("http://{nobody}"))), b"x").await.unwrap_err();
    assert_eq!((error.kind, error.sent), (ErrorKind::Connect, Sent::No), "{error}");
    let old = super::backend::Scripted::start(|mut line| async move {
        line.write("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
        line.hold().await;
    })
    .await;
    let error = make(&transport(&settings(old.url())), b"x").await.unwrap_err();
    assert_ne!(error.sent, Sent::Yes, "{error:?}");
}

#[tokio::test]
async fn what_may_not_be_sent_is_not_sent() {
    let far = echo().await;
    let transport = far.transport();
    let none = Authorization::none();
    let mut bad = Vec::new();
    for path in [
        "",
        "/",
        "/a",
        "a/b",
        "/a/",
        "//b",
        "/a/b/c",
        "/a.b/c?d",
        "/a b/c",
        "/a./b",
        "/.a/b",
        "/a..b/c",
        "/1a/b",
        "/a/1b",
        "/a/../b",
        "/a%2fb/c",
        "/a/b#c",
        "http://evil/a/b",
        "/\u{e9}/b",
        "/a\r\n/b",
    ] {
        bad.push(call(path, b"x"));
    }
    bad.push(call(&format!("/a/{}", "b".repeat(600)), b"x"));
    bad.push(Exchange { extensions: Vec::new(), ..call(PATH, b"x") });
    let twice = vec![("path".to_owned(), PATH.to_owned()), ("path".to_owned(), "/a/b".to_owned())];
    bad.push(Exchange { extensions: twice, ..call(PATH, b"x") });
    bad.push(super::exchange(super::request("GET", PATH)));
    for bad in bad {
        let error = transport.exchange(&bad, &none).await.unwrap_err();
        assert_eq!((error.kind, error.sent), (ErrorKind::Refused, Sent::No), "{bad:?}");
        assert!(transport.render(&bad, &none).is_err(), "{bad:?}");
    }
    for grant in [
        SessionGrant { query: vec![("key".to_owned(), "k".to_owned())], ..SessionGrant::default() },
        SessionGrant { headers: vec![header("Content-Type", "text/plain")], ..SessionGrant::default() },
        SessionGrant { headers: vec![header("grpc-timeout", "1H")], ..SessionGrant::default() },
    ] {
        let error = transport.exchange(&call(PATH, b"x"), &Authorization::from_grant(&grant).unwrap()).await;
        assert_eq!(error.unwrap_err().sent, Sent::No, "{grant:?}");
    }
    let elsewhere = Exchange { endpoint: "identity".to_owned(), ..call(PATH, b"x") };
    assert_eq!(transport.exchange(&elsewhere, &none).await.unwrap_err().kind, ErrorKind::Settings);
    assert_eq!((far.connections.load(SeqCst), far.seen.lock().len()), (0, 0));
}

#[tokio::test]
async fn a_dry_run_shows_the_method_and_no_secret() {
    let far = echo().await;
    let grant = SessionGrant { headers: vec![header("Token", "s3cret")], ..SessionGrant::default() };
    let rendered =
        far.transport().render(&call(PATH, b"\x0a\x01x"), &Authorization::from_grant(&grant).unwrap()).unwrap();
    assert_eq!((rendered.method.as_deref(), rendered.url), (Some("POST"), format!("{}{PATH}", far.url())));
    assert_eq!(rendered.body.as_ref(), b"\x0a\x01x");
    assert!(rendered.headers.contains(&header("token", "***")), "{:?}", rendered.headers);
    assert!(!format!("{:?}", rendered.headers).contains("s3cret"));
    assert_eq!(far.connections.load(SeqCst), 0);
}

#[tokio::test]
async fn behind_tls_the_server_has_to_agree_to_speak_http2() {
    let authority = Authority::new("ours");
    for (alpn, agrees) in [(&["h2"][..], true), (&["http/1.1"], false), (&[], false)] {
        let (far, listener) = Far::listening().await;
        let config = tls::server(&authority, "localhost", None, tls::BOTH, alpn);
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let kept = far.clone();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            // A client that refuses what was negotiated, or a handshake that finds nothing in common, is no server's fault.
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let Ok(mut connection) = server::handshake(stream).await else { return };
            while let Some(Ok((request, respond))) = connection.accept().await {
                let request = whole(request).await;
                let body = request.body.clone();
                kept.seen.lock().push(request);
                answer(respond, &[GRPC], vec![body.into()], &[FINE]);
            }
        });
        let address = format!("https://localhost:{}", far.address.port());
        let outcome = make(&transport(&Settings { tls: tls::trusting(&authority), ..settings(address) }), b"x").await;
        if agrees {
            assert_eq!(outcome.unwrap().body.as_ref(), b"x");
            assert_eq!(far.seen.lock()[0].head.uri.scheme_str(), Some("https"));
        } else {
            let error = outcome.unwrap_err();
            let told = [ErrorKind::Protocol, ErrorKind::Tls];
            assert!(told.contains(&error.kind) && error.sent == Sent::No, "{alpn:?}: {error:?}");
            assert_eq!(far.seen.lock().len(), 0);
        }
    }
}

#[tokio::test]
async fn grpc_takes_http2_and_no_other() {
    let old = Settings { http_version: HttpVersion::Http11, ..settings("http://host") };
    assert_eq!(Transport::new(&describes(), &old).unwrap_err().violations[0].pointer, "/http_version");
    let missing = Settings { endpoints: std::collections::BTreeMap::new(), ..settings("") };
    assert_eq!(Transport::new(&describes(), &missing).unwrap_err().violations[0].pointer, "/endpoints/default");
}

/// An echo that can be ended, with all of its connections, and begun again at the same address.
async fn restarting(address: Option<std::net::SocketAddr>) -> (std::net::SocketAddr, tokio::task::JoinHandle<()>) {
    let listener =
        TcpListener::bind(address.map_or_else(|| "127.0.0.1:0".to_owned(), |it| it.to_string())).await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let mut connections = tokio::task::JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            connections.spawn(async move {
                // The calls of a connection end with it.
                let mut calls = tokio::task::JoinSet::new();
                let Ok(mut connection) = server::handshake(stream).await else { return };
                while let Some(Ok((request, respond))) = connection.accept().await {
                    calls.spawn(async move {
                        let body = whole(request).await.body;
                        answer(respond, &[GRPC], vec![body.into()], &[FINE]);
                    });
                }
            });
        }
    });
    (address, serving)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_restarts_under_five_hundred_callers_give_nobody_anothers_reply() {
    const CALLERS: usize = 500;
    let (address, mut serving) = restarting(None).await;
    let transport = Arc::new(transport(&settings(format!("http://{address}"))));
    let (answered, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (transport, answered, stop) = (Arc::clone(&transport), Arc::clone(&answered), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut failed = 0;
                for number in 0.. {
                    if stop.load(SeqCst) == 1 {
                        break;
                    }
                    let message = format!("{caller}/{number}").into_bytes();
                    match make(&transport, &message).await {
                        Ok(reply) => {
                            assert_eq!(reply.body.0, message, "another's reply");
                            answered.fetch_add(1, SeqCst);
                        }
                        Err(error) => {
                            let known = [ErrorKind::Connect, ErrorKind::Reset];
                            assert!(known.contains(&error.kind), "{error:?}");
                            assert!(error.kind == ErrorKind::Reset || error.sent == Sent::No, "{error:?}");
                            failed += 1;
                            tokio::task::yield_now().await;
                        }
                    }
                }
                failed
            })
        })
        .collect();
    let enough = async |more: usize| {
        let before = answered.load(SeqCst);
        let came = async {
            while answered.load(SeqCst) < before + more {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, came).await.unwrap();
    };
    for _ in 0..5 {
        enough(CALLERS).await;
        serving.abort();
        let _ = serving.await;
        (_, serving) = restarting(Some(address)).await;
    }
    enough(CALLERS).await;
    stop.store(1, SeqCst);
    let mut failed = 0;
    for caller in callers {
        failed += timeout(PATIENCE, caller).await.unwrap().unwrap();
    }
    assert!(failed > 0, "nobody met a restart");
    // What is left is one connection, and it works.
    let before = transport.stats().snapshot();
    assert_eq!(before.failed.values().sum::<u64>(), failed, "each failure is counted once");
    for _ in 0..10 {
        make(&transport, b"after").await.unwrap();
    }
    assert_eq!(transport.stats().snapshot().connects, before.connects);
    serving.abort();
}
