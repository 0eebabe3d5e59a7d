//! Whatever `/openapi.json` says may be sent, and much that it says may not, sent by Schemathesis: nothing of it is a
//! defect of ours (no 5xx), and every answer is one that the document tells of.
//!
//! Ordinarily some 1500 cases for each role; with `CROSSPOINT_SCHEMATHESIS_SECONDS`, as many as go into that time.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crosspoint_tests::host::{Options, Scene, Who};
use crosspoint_tests::skip::skipped;
use serde_json::json;
use tokio::process::Command;
use tokio::sync::OnceCell;

/// As it is named on the Python Package Index.
const PACKAGE: &str = "schemathesis==4.32.5";
const SEED: &str = "20";

/// What answers are held to. The others are about requests that the document could describe more narrowly than it does,
/// or that `/things/{id}:verb` cannot satisfy: what is not allowed there is told as of `/things/{id}`.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
                      response_schema_conformance,negative_data_rejection,use_after_free,ignored_auth";

/// Operations that Schemathesis cannot make: it waits for a stream to end, and knows no way to make a package.
const LEFT_OUT: [&str; 2] = ["followEvents", "loadDriver"];

/// The folder of an installed Schemathesis, or why there is none.
async fn installed() -> &'static Result<PathBuf, String> {
    static INSTALLED: OnceCell<Result<PathBuf, String>> = OnceCell::const_new();
    INSTALLED.get_or_init(|| async { install().await.map_err(|why| format!("Schemathesis: {why}")) }).await
}

async fn install() -> Result<PathBuf, String> {
    let test = env::current_exe().map_err(|error| error.to_string())?;
    let target = test.ancestors().nth(3).ok_or("the test does not lie in a target folder")?;
    let folder = target.join("schemathesis").join(PACKAGE);
    let whole = folder.join("whole");
    if whole.exists() {
        return Ok(folder);
    }
    run("python3", &["-m", "venv", "--clear", &folder.to_string_lossy()]).await?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "1", PACKAGE];
    run(folder.join("bin/python"), &pip).await?;
    std::fs::write(whole, "").map_err(|error| error.to_string())?;
    Ok(folder)
}

async fn run(program: impl AsRef<OsStr>, arguments: &[&str]) -> Result<(), String> {
    let ran = Command::new(&program).args(arguments).stdin(Stdio::null()).output().await;
    let ran = ran.map_err(|error| format!("{} cannot be run: {error}", Path::new(&program).display()))?;
    let last = |text: &[u8]| String::from_utf8_lossy(text).trim().lines().last().unwrap_or_default().to_owned();
    if ran.status.success() { Ok(()) } else { Err(format!("{arguments:?}: {}", last(&ran.stderr))) }
}

/// Lets Schemathesis loose with the token of this caller.
async fn survives(who: Who) {
    let folder = match installed().await {
        Ok(folder) => folder,
        Err(why) => return skipped(why),
    };
    // An operator may configure any backend; none that it makes up is to be reached.
    let options = Options { backends: "allow = ['127.0.0.1']", ..Options::default() };
    let scene = Scene::with(options, json!({"connect_timeout_ms": 1000})).await;
    // What has an object cannot be removed.
    scene.created("a").await;
    let bound = match env::var("CROSSPOINT_SCHEMATHESIS_SECONDS") {
        Ok(seconds) => vec!["--max-time".to_owned(), seconds],
        // The cases that the document's own bounds give; what is made up at random takes longer to find anything.
        Err(_) => ["--phases", "coverage"].map(str::to_owned).to_vec(),
    };
    let work = tempfile::tempdir().unwrap();
    let mut command = Command::new(folder.join("bin/schemathesis"));
    command.arg("run").arg(format!("http://{}/openapi.json", scene.host.address())).current_dir(work.path());
    command.args(["--header", &format!("Authorization: Bearer {}", who.token().unwrap())]);
    command.args(bound).args(["--seed", SEED, "--checks", CHECKS, "--continue-on-failure"]);
    command.args(["--no-color", "--warnings", "off"]);
    command.args(LEFT_OUT.iter().flat_map(|operation| ["--exclude-operation-id", operation]));
    let ran = command.stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
    let told = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "seed {SEED}\n{told}\n{}", String::from_utf8_lossy(&ran.stderr));
    let cases = told.lines().find_map(|line| line.trim().split_once(" generated")?.0.parse::<usize>().ok());
    assert!(cases.is_some_and(|cases| cases > 200), "{told}");
    println!("{who:?}: {cases:?} cases");
    scene.host.client(Who::Nobody).get("/readyz").await.expect(200);
    let metrics = scene.host.client(Who::Viewer).get("/metrics").await.expect(200);
    assert!(!metrics.text().contains("status=\"500\""), "{}", metrics.text());
    assert!(!scene.host.log().contains("panicked"), "{}", scene.host.log());
}

#[tokio::test]
async fn whatever_a_caller_sends_is_answered_as_the_document_says() {
    survives(Who::Acme).await;
}

#[tokio::test]
async fn whatever_a_viewer_sends_is_answered_as_the_document_says() {
    survives(Who::Viewer).await;
}

#[tokio::test]
async fn whatever_an_operator_sends_is_answered_as_the_document_says() {
    survives(Who::Operator).await;
}
