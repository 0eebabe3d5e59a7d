use std::io::Read as _;
use std::net::TcpListener;

use axum::body::Body;
use axum::response::Response;
use serde_json::{Value, json};

use super::{Server, run};

const PUT: [&str; 7] = ["object", "put", "dc1", "network", "n", "--spec", "{}"];
const GET: [&str; 5] = ["object", "get", "dc1", "network", "n"];

fn problem(status: u16, code: &str, sent: &str) -> Value {
    json!({
        "type": format!("urn:crosspoint:problem:{code}"), "title": "It failed", "status": status, "code": code,
        "detail": "It did.", "sent": sent, "retryable": false, "operation_id": "0190-7",
    })
}

#[test]
fn the_exit_code_tells_a_refusal_from_a_doubt() {
    for (sent, code) in [("no", 1), ("yes", 1), ("maybe", 3)] {
        let server = Server::answering(504, &[], &problem(504, "backend_timeout", sent));
        server.run(&PUT).expect_err(code, &["It failed (backend_timeout, HTTP 504)", "0190-7"]);
    }
}

#[test]
fn machines_get_the_problem_on_standard_output() {
    let server = Server::answering(504, &[], &problem(504, "backend_timeout", "maybe"));
    let ran = server.run(&[&PUT[..], &["-o", "json"]].concat());
    assert_eq!((ran.code, ran.err.as_str()), (3, ""));
    assert_eq!(serde_json::from_str::<Value>(&ran.out).unwrap(), problem(504, "backend_timeout", "maybe"));
}

#[test]
fn a_server_that_is_not_there_is_unreachable_and_nothing_was_sent() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{free}");
    run(&[&PUT[..], &["--url", &url]].concat(), &[], "")
        .expect_err(4, &["cannot reach", &url, "Nothing was sent", "refused"]);
    let ran = run(&[&PUT[..], &["--url", &url, "-o", "json"]].concat(), &[], "");
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &told["code"], &told["sent"]), (4, &json!("unreachable"), &json!("no")));
}

/// A server that takes a request and hangs up.
fn deaf_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut asked = Vec::new();
            while !asked.windows(4).any(|window| window == b"\r\n\r\n") {
                let mut piece = [0; 1024];
                let length = connection.read(&mut piece).unwrap();
                asked.extend_from_slice(&piece[..length]);
            }
        }
    });
    url
}

#[test]
fn a_change_whose_answer_is_lost_is_in_doubt_and_a_read_is_not() {
    let url = deaf_server();
    let ran = run(&[&PUT[..], &["--url", &url]].concat(), &[], "");
    ran.expect_err(3, &["in doubt", "crosspoint operation list"]);
    let ran = run(&[&PUT[..], &["--url", &url, "--idempotency-key", "k-1"]].concat(), &[], "");
    ran.expect_err(3, &["--idempotency-key k-1 is safe"]);
    let ran = run(&[&PUT[..], &["--url", &url, "-o", "json"]].concat(), &[], "");
    assert_eq!(serde_json::from_str::<Value>(&ran.out).unwrap()["sent"], "maybe");
    run(&[&PUT[..], &["--url", &url, "--dry-run"]].concat(), &[], "").expect_err(4, &["cannot reach"]);
    run(&[&GET[..], &["--url", &url]].concat(), &[], "").expect_err(4, &["cannot reach"]);
}

#[test]
fn a_server_that_does_not_answer_is_given_up_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let ran = run(&[&PUT[..], &["--url", &url, "--timeout", "50ms"]].concat(), &[], "");
    ran.expect_err(3, &["no answer within 50ms"]);
}

fn proxy(status: u16) -> Server {
    Server::with(move |_| {
        Response::builder()
            .status(status)
            .header("content-type", "text/html")
            .body(Body::from("\n<h1>Bad</h1>\u{1b}[2J"))
            .unwrap()
    })
}

#[test]
fn an_answer_of_something_else_is_no_success_and_may_be_a_doubt() {
    proxy(502)
        .run(&PUT)
        .expect_err(3, &["HTTP 502, and not from Crosspoint: <h1>Bad</h1>\\u{1b}[2J", "may have passed"]);
    proxy(502).run(&GET).expect_err(1, &["not from Crosspoint"]);
    proxy(404).run(&PUT).expect_err(1, &["Check the address"]);
    proxy(302).run(&PUT).expect_err(1, &["HTTP 302"]);
    proxy(200).run(&GET).expect_err(1, &["HTTP 200"]);
}

#[test]
fn who_stops_reading_has_what_it_wanted() {
    struct Closed;
    impl std::io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let (mut err, mut input) = (Vec::new(), std::io::empty());
    let cli = <super::Cli as clap::Parser>::try_parse_from(["crosspoint", "completions", "bash"]).unwrap();
    let mut terminal = super::Terminal {
        out: &mut Closed,
        err: &mut err,
        input: &mut input,
        environment: &|_| None,
        output: cli.connection.output,
    };
    assert_eq!(crate::cli::run(cli, &mut terminal, |_| Ok(Value::Null)), 0);
    assert!(err.is_empty());
}
