//! Secrets that a backend's file only points at, so that none needs to stand in a file or an argument.
//!
//! A value under `authentication.secrets` or `tls` may be `{"env": "NAME"}` or `{"file": "PATH"}`: the command line
//! puts in what is found there. Everything else is sent as it stands; `{"set": true}`, which is how the server shows
//! a secret, leaves the stored one as it is.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::failure::Failure;
use super::input::read_secret;
use super::terminal::Terminal;

/// Where references may stand.
const PLACES: [&str; 2] = ["/authentication/secrets", "/tls"];

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Reference {
    Env(String),
    File(String),
}

/// Puts every reference's value in its place.
pub(super) fn resolve(backend: &mut Value, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
    for place in PLACES {
        let Some(members) = backend.pointer_mut(place).and_then(Value::as_object_mut) else { continue };
        for (name, value) in members {
            if let Ok(reference) = Reference::deserialize(&*value) {
                *value = Value::String(look_up(&reference, &format!("{place}/{name}"), terminal)?);
            }
        }
    }
    Ok(())
}

fn look_up(reference: &Reference, pointer: &str, terminal: &mut Terminal<'_>) -> Result<String, Failure> {
    match reference {
        Reference::Env(name) => (terminal.environment)(name)
            .ok_or_else(|| anyhow::anyhow!("{pointer}: the environment variable {name} is not set").into()),
        Reference::File(path) => read_secret(Path::new(path), terminal).map_err(|failure| match failure {
            Failure::Local(error) => Failure::Local(error.context(pointer.to_owned())),
            other => other,
        }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use serde_json::json;

    use super::super::terminal::Output;
    use super::*;

    fn resolved(mut backend: Value) -> Result<Value, Failure> {
        let (mut out, mut err, mut input) = (Vec::new(), Vec::new(), std::io::empty());
        let mut terminal = Terminal {
            out: &mut out,
            err: &mut err,
            input: &mut input,
            environment: &|name| (name == "PASSWORD").then(|| "hunter2".to_owned()),
            output: Output::Table,
        };
        resolve(&mut backend, &mut terminal).map(|()| backend)
    }

    #[test]
    fn references_are_replaced_and_everything_else_is_left_alone() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "PEM\n").unwrap();
        let backend = resolved(json!({
            "authentication": {"secrets": {
                "username": "admin", "password": {"env": "PASSWORD"}, "client_key": {"file": file.path()},
                "old": {"set": true},
            }},
            "tls": {"ca": {"file": file.path()}, "server_name": "fw"},
            "configuration": {"env": {"env": "PASSWORD"}},
        }))
        .ok()
        .unwrap();
        assert_eq!(
            backend,
            json!({
                "authentication": {"secrets": {
                    "username": "admin", "password": "hunter2", "client_key": "PEM", "old": {"set": true},
                }},
                "tls": {"ca": "PEM", "server_name": "fw"},
                "configuration": {"env": {"env": "PASSWORD"}},
            })
        );
    }

    #[test]
    fn a_reference_to_nothing_is_refused_with_its_place() {
        for reference in [json!({"env": "NOT_SET"}), json!({"file": "/nowhere/key"})] {
            let failure = resolved(json!({"authentication": {"secrets": {"password": reference}}})).unwrap_err();
            let Failure::Local(error) = failure else { panic!("{failure:?}") };
            assert!(format!("{error:#}").contains("/authentication/secrets/password"), "{error:#}");
        }
    }
}
