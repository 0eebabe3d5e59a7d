//! The command line against a server that answers recorded shapes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod failures;
mod objects;
mod records;
mod system;
mod tls;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use clap::Parser as _;
use serde_json::{Value, json};

use super::args::Cli;
use super::terminal::Terminal;

/// One request as the server saw it.
#[derive(Clone, Debug)]
struct Seen {
    method: String,
    target: String,
    headers: http::HeaderMap,
    body: Vec<u8>,
}

impl Seen {
    fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A server that gives every request the same answer, and remembers what it was asked.
struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    _stop: tokio::sync::oneshot::Sender<()>,
}

impl Server {
    fn answering(status: u16, headers: &[(&str, &str)], body: &Value) -> Self {
        let media_type = if status >= 400 { "application/problem+json" } else { "application/json" };
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers: Vec<(String, String)> = [("content-type", media_type)]
            .iter()
            .chain(headers)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Self::with(move |_| {
            let mut response = Response::builder().status(status);
            for (name, value) in &headers {
                response = response.header(name, value);
            }
            response.body(Body::from(body.clone())).unwrap()
        })
    }

    fn with(answer: impl Fn(&Seen) -> Response + Clone + Send + Sync + 'static) -> Self {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let router = Router::new().fallback({
            let seen = Arc::clone(&seen);
            async move |request: Request| {
                let (parts, body) = request.into_parts();
                let asked = Seen {
                    method: parts.method.to_string(),
                    target: parts.uri.to_string(),
                    headers: parts.headers,
                    body: to_bytes(body, usize::MAX).await.unwrap().to_vec(),
                };
                let response = answer(&asked);
                seen.lock().unwrap().push(asked);
                response
            }
        });
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let serve = axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), router).into_future();
                tokio::select! { _ = serve => {}, _ = stopped => {} }
            });
        });
        Self { address, seen, _stop: stop }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn only_request(&self) -> Seen {
        let seen = self.seen.lock().unwrap();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen[0].clone()
    }

    /// Runs a command against the server.
    fn run(&self, args: &[&str]) -> Ran {
        let url = self.url();
        run(&[args, &["--url", &url]].concat(), &[("CROSSPOINT_TOKEN", "xp_test")], "")
    }
}

/// What a command did.
#[derive(Debug)]
struct Ran {
    code: u8,
    out: String,
    err: String,
}

impl Ran {
    #[track_caller]
    fn expect_out(&self, parts: &[&str]) {
        for part in parts {
            assert!(self.out.contains(part), "{part:?} is not in\n{self:#?}");
        }
    }

    #[track_caller]
    fn expect_err(&self, code: u8, parts: &[&str]) {
        assert_eq!(self.code, code, "{self:#?}");
        for part in parts {
            assert!(self.err.contains(part), "{part:?} is not in\n{self:#?}");
        }
    }
}

fn run(args: &[&str], variables: &[(&str, &str)], input: &str) -> Ran {
    let arguments = ["crosspoint"].iter().chain(args);
    let cli = Cli::try_parse_from(arguments).unwrap_or_else(|error| panic!("{error}"));
    let (mut out, mut err, mut input) = (Vec::new(), Vec::new(), input.as_bytes());
    let mut terminal = Terminal {
        out: &mut out,
        err: &mut err,
        input: &mut input,
        environment: &|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()),
        output: cli.connection.output,
    };
    // The real one starts a runtime of its own, so this one does as well.
    let inspect = |package: &[u8]| {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        Ok(runtime.block_on(async { json!({ "name": "fw", "version": "1.0.0", "size": package.len() }) }))
    };
    let code = super::run(cli, &mut terminal, inspect);
    Ran { code, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
}

fn refused(args: &[&str]) -> String {
    Cli::try_parse_from(["crosspoint"].iter().chain(args)).unwrap_err().to_string()
}

#[test]
fn the_command_line_is_well_formed_and_every_command_explains_itself() {
    fn walk(command: &clap::Command) {
        for inner in command.get_subcommands() {
            assert!(inner.get_about().is_some(), "{} has no help", inner.get_name());
            for argument in inner.get_arguments() {
                assert!(argument.get_help().is_some(), "{} {} has no help", inner.get_name(), argument.get_id());
            }
            walk(inner);
        }
    }
    let mut command = <Cli as clap::CommandFactory>::command();
    command.clone().debug_assert();
    command.build();
    walk(&command);
}

#[test]
fn the_help_tells_every_exit_code() {
    let help = <Cli as clap::CommandFactory>::command().render_long_help().to_string();
    for code in ["\n  0 ", "\n  1 ", "\n  2 ", "\n  3 ", "\n  4 ", "\n  64 "] {
        assert!(help.contains(code), "{code:?} is not in\n{help}");
    }
}

#[test]
fn a_completion_script_is_printed_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = run(&["completions", shell], &[], "");
        assert_eq!(ran.code, 0);
        ran.expect_out(&["crosspoint"]);
    }
}
