use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use super::process::command;
use super::wait::within;

/// What a run of the command line came to.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The exit code.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Ran {
    /// The same, if it ended with this code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Standard output, of a run with `-o json`.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

pub(super) async fn run(url: &str, token: Option<String>, home: &Path, arguments: &[&str]) -> Ran {
    let mut command = command(&[]);
    command.args(arguments).current_dir(home).env("CROSSPOINT_URL", url);
    command.env("CROSSPOINT_CONTEXTS", home.join("contexts.toml")).envs(token.map(|token| ("CROSSPOINT_TOKEN", token)));
    let running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output();
    let ended = within("the command line to end", running).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: ended.status.code(), stdout: text(ended.stdout), stderr: text(ended.stderr) }
}
