//! The two ways to ask a server, each with the line that a person would type: HTTP and the `crosspoint` command.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use ureq::{Agent, http};

use super::show::WIDTH;
use crate::process;

/// No answer takes longer than this, or something is wrong.
const TIMEOUT: Duration = Duration::from_secs(30);

/// One HTTP request.
pub struct Request {
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Request {
    /// A request without a body.
    pub fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), headers: Vec::new(), body: String::new() }
    }

    /// Adds a header.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Gives it a body, JSON as text.
    pub fn json(self, body: impl Into<String>) -> Self {
        Self { body: body.into(), ..self }
    }
}

/// What came back.
pub struct Reply {
    pub status: u16,
    /// The entity tag, quotes and all.
    pub etag: Option<String>,
    /// Whether it is the stored answer to an earlier call.
    pub replayed: bool,
    pub text: String,
    pub took: Duration,
}

/// An HTTP server and what it is asked with.
#[derive(Clone)]
pub struct Server {
    agent: Agent,
    url: String,
    token: Option<String>,
    /// The shell variables that stand for address and token in the lines that are shown.
    variables: (&'static str, &'static str),
}

impl Server {
    /// A server that asks for no token.
    pub fn new(url: &str, variable: &'static str) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            // Everything is on this machine; a proxy in the environment is for elsewhere.
            .proxy(None)
            .timeout_global(Some(TIMEOUT));
        Self { agent: config.build().into(), url: url.to_owned(), token: None, variables: (variable, "") }
    }

    /// The same server, asked with a token.
    pub fn with_token(&self, token: &str, variable: &'static str) -> Self {
        Self { token: Some(token.to_owned()), variables: (self.variables.0, variable), ..self.clone() }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// Sends a request and takes the whole answer.
    ///
    /// # Errors
    /// If none came; any status is an answer.
    pub fn send(&self, request: &Request) -> Result<Reply> {
        let mut builder = http::Request::builder().method(request.method).uri(format!("{}{}", self.url, request.path));
        if let Some(token) = &self.token {
            builder = builder.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        let started = Instant::now();
        let answered = if request.body.is_empty() {
            self.agent.run(builder.body(())?)
        } else {
            self.agent.run(builder.header("content-type", "application/json").body(&*request.body)?)
        };
        let no_answer = || format!("no answer to {} {}{}", request.method, self.url, request.path);
        let mut answer = answered.with_context(no_answer)?;
        let text = answer.body_mut().read_to_string().with_context(no_answer)?;
        let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
        Ok(Reply {
            status: answer.status().as_u16(),
            etag: header("etag").map(str::to_owned),
            replayed: header("idempotency-replayed") == Some("true"),
            text,
            took: started.elapsed(),
        })
    }

    /// Asks for something that must be there, as a `T`.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let reply = self.send(&Request::new("GET", path))?;
        serde_json::from_str(&reply.text)
            .with_context(|| format!("GET {path} answered {} with something unexpected: {}", reply.status, reply.text))
    }

    /// The request as a line of `curl`.
    pub fn line(&self, request: &Request) -> String {
        let (url, token) = self.variables;
        let address = format!("${url}{}", request.path);
        let mut words = vec!["curl".to_owned()];
        match (request.method, request.body.is_empty()) {
            ("GET", true) | ("POST", false) => {}
            (method, _) => words.push(format!("-X {method}")),
        }
        words.push(if address.contains(['?', '&']) { format!("\"{address}\"") } else { address });
        if !token.is_empty() {
            words.push(format!("-H \"Authorization: Bearer ${token}\""));
        }
        words.extend(request.headers.iter().map(|(name, value)| format!("-H {}", quoted(&format!("{name}: {value}")))));
        if !request.body.is_empty() {
            words.push(format!("--json {}", quoted(&request.body)));
        }
        folded(&words)
    }
}

/// The `crosspoint` command.
pub struct CommandLine {
    pub program: PathBuf,
    /// Where it is run, so that relative paths are as short as a person would type them.
    pub folder: PathBuf,
    /// Its contexts file.
    pub contexts: PathBuf,
    /// What its environment holds besides: a secret that a backend's file points at.
    pub secret: (&'static str, &'static str),
}

/// What a command wrote and how it ended.
pub struct Said {
    pub code: Option<i32>,
    /// Standard output, then standard error.
    pub text: String,
}

impl CommandLine {
    /// Runs the command with these arguments.
    pub fn run(&self, words: &[&str]) -> Result<Said> {
        let mut command = Command::new(&self.program);
        without_our_variables(&mut command);
        let (name, secret) = self.secret;
        command.env("CROSSPOINT_CONTEXTS", &self.contexts).env(name, secret).current_dir(&self.folder);
        let output = command
            .args(words)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("`{}` could not be started", process::show(&command)))?;
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).trim_end().to_owned();
        Ok(Said { code: output.status.code(), text })
    }
}

/// The arguments as a line of the `crosspoint` command.
pub fn command_line(words: &[&str]) -> String {
    let plain = |word: &str| word.chars().all(|c| c.is_alphanumeric() || "-_./:=@".contains(c));
    let words = words.iter().map(|word| if plain(word) { (*word).to_owned() } else { quoted(word) });
    folded(&std::iter::once("crosspoint".to_owned()).chain(words).collect::<Vec<_>>())
}

/// Keeps from a command what somebody may have set for a Crosspoint of their own.
pub fn without_our_variables(command: &mut Command) {
    process::forget_our_package(command);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CROSSPOINT_")) {
            command.env_remove(name);
        }
    }
}

/// A word that a shell takes as it is.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Words as one command, on as many lines as it takes; a shell reads it as one.
fn folded(words: &[String]) -> String {
    let width = |line: Option<&str>| line.unwrap_or_default().chars().count();
    let mut text = String::new();
    for word in words {
        let column = width(text.lines().last());
        if column > 0 && column + 1 + width(word.lines().next()) > WIDTH {
            text.push_str(" \\\n  ");
        } else if column > 0 {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_shown_as_a_line_that_a_shell_takes() {
        let server = Server::new("http://127.0.0.1:1", "XP").with_token("t", "CMP");
        let read = Request::new("GET", "/v1/backends/a/objects/rule/b");
        assert_eq!(server.line(&read), "curl $XP/v1/backends/a/objects/rule/b -H \"Authorization: Bearer $CMP\"");
        let change = Request::new("PUT", "/v1/x?dry_run=true").header("If-Match", "\"1\"").json("{\"a\":\"it's\"}");
        assert_eq!(
            server.line(&change),
            "curl -X PUT \"$XP/v1/x?dry_run=true\" -H \"Authorization: Bearer $CMP\" -H 'If-Match: \"1\"' \\\n  \
             --json '{\"a\":\"it'\\''s\"}'"
        );
    }

    #[test]
    fn a_command_is_quoted_where_it_must_be() {
        assert_eq!(command_line(&["object", "put", "--spec", "{}"]), "crosspoint object put --spec '{}'");
    }
}
