use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde_json::Value;

use super::failure::Failure;
use super::terminal::Terminal;

/// A spec, from the command line or a file.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(super) struct Spec {
    /// The spec as JSON
    #[arg(long, value_name = "JSON")]
    spec: Option<String>,
    /// Read the spec from a JSON file; `-` is standard input
    #[arg(long, short, value_name = "FILE")]
    file: Option<PathBuf>,
}

impl Spec {
    /// The spec; none where neither was given.
    pub(super) fn read(&self, terminal: &mut Terminal<'_>) -> Result<Option<Value>, Failure> {
        match (&self.spec, &self.file) {
            (Some(text), _) => serde_json::from_str(text)
                .map(Some)
                .map_err(|error| Failure::Usage(format!("--spec is no JSON: {error}"))),
            (None, Some(path)) => read_json(path, terminal).map(Some),
            (None, None) => Ok(None),
        }
    }

    /// The spec, which must be given.
    pub(super) fn required(&self, terminal: &mut Terminal<'_>) -> Result<Value, Failure> {
        self.read(terminal)?.ok_or_else(|| Failure::Usage("give the spec with --spec JSON or -f FILE".to_owned()))
    }
}

/// A JSON file; `-` is standard input.
pub(super) fn read_json(path: &Path, terminal: &mut Terminal<'_>) -> Result<Value, Failure> {
    let bytes = read_bytes(path, terminal)?;
    Ok(serde_json::from_slice(&bytes).with_context(|| format!("{} is no JSON", name_of(path)))?)
}

/// A file's bytes; `-` is standard input.
pub(super) fn read_bytes(path: &Path, terminal: &mut Terminal<'_>) -> Result<Vec<u8>, Failure> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        terminal.input.read_to_end(&mut bytes).context("standard input")?;
        return Ok(bytes);
    }
    Ok(std::fs::read(path).with_context(|| name_of(path))?)
}

/// A secret in a file, without the line break that editors put at its end; `-` is standard input.
pub(super) fn read_secret(path: &Path, terminal: &mut Terminal<'_>) -> Result<String, Failure> {
    let bytes = read_bytes(path, terminal)?;
    let text = String::from_utf8(bytes).map_err(|_| anyhow::anyhow!("{} is no text", name_of(path)))?;
    let trimmed = text.strip_suffix('\n').unwrap_or(&text);
    Ok(trimmed.strip_suffix('\r').unwrap_or(trimmed).to_owned())
}

fn name_of(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}

/// A label as it is typed: `key=value`.
pub(super) fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it as key=value".to_owned()),
    }
}

/// Labels as the API takes them; none were given: nothing, so that the ones there stay.
pub(super) fn labels(pairs: &[(String, String)]) -> Option<BTreeMap<&str, &str>> {
    (!pairs.is_empty()).then(|| pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn a_label_is_a_key_and_whatever_follows_the_first_equals_sign() {
        assert_eq!(label("env=prod").unwrap(), ("env".to_owned(), "prod".to_owned()));
        assert_eq!(label("expr=a=b").unwrap().1, "a=b");
        assert_eq!(label("flag=").unwrap().1, "");
        assert!(label("env").is_err() && label("=x").is_err());
    }
}
