use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use http::HeaderValue;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;

use super::args::Connection;
use super::client::{Answer, Client, Request};
use super::contexts::{self, Context, Contexts};
use super::failure::Failure;
use super::terminal::Terminal;

/// Where `crosspoint serve` listens by default.
const DEFAULT_URL: &str = "http://127.0.0.1:8440";

/// A server to ask, and the terminal to show its answers on.
pub(super) struct Remote<'t, 'a> {
    pub(super) client: Client,
    pub(super) terminal: &'t mut Terminal<'a>,
    /// The tenant to act for, for `?tenant=`.
    pub(super) tenant: Option<String>,
}

impl Remote<'_, '_> {
    /// Sends a request and shows the answer: as it is to machines, or as `people` makes it.
    pub(super) async fn show(
        &mut self,
        request: Request,
        people: impl FnOnce(&Value) -> String,
    ) -> Result<Answer, Failure> {
        let answer = self.client.send(request).await?;
        self.terminal.show(&answer.body, people)?;
        Ok(answer)
    }
}

impl Connection {
    /// Finds out whom to ask. Nothing is sent yet.
    pub(super) fn open<'t, 'a>(&self, terminal: &'t mut Terminal<'a>) -> Result<Remote<'t, 'a>, Failure> {
        let target = self.target(terminal.environment)?;
        let base = checked(&target.url)?;
        let token = target.token.as_deref().map(bearer).transpose()?;
        let tls = tls(base.starts_with("https:"), target.ca.as_deref())?;
        Ok(Remote { client: Client::new(base, token, tls, self.timeout), terminal, tenant: target.tenant })
    }

    /// A flag wins over the environment, and that over the context in use.
    ///
    /// A context's token goes to that context's address and to no other, whatever else is set.
    fn target(&self, environment: &dyn Fn(&str) -> Option<String>) -> Result<Context, Failure> {
        let found = match (&self.url, &self.context) {
            (Some(url), _) => at(url),
            (None, Some(name)) => named(name, environment)?,
            (None, None) => match (environment("CROSSPOINT_URL"), environment("CROSSPOINT_CONTEXT")) {
                (Some(_), Some(_)) => {
                    return Err(Failure::Usage(
                        "CROSSPOINT_URL and CROSSPOINT_CONTEXT are both set: unset one".to_owned(),
                    ));
                }
                (Some(url), None) => at(&url),
                (None, Some(name)) => named(&name, environment)?,
                (None, None) => in_use(environment)?,
            },
        };
        Ok(Context {
            token: environment("CROSSPOINT_TOKEN").or(found.token),
            tenant: self.tenant.clone().or_else(|| environment("CROSSPOINT_TENANT")).or(found.tenant),
            ca: self.ca.clone().or_else(|| environment("CROSSPOINT_CA").map(PathBuf::from)).or(found.ca),
            url: found.url,
        })
    }
}

fn at(url: &str) -> Context {
    Context { url: url.to_owned(), ..Context::default() }
}

fn named(name: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<Context, Failure> {
    let path = contexts::file(environment)?;
    let mut contexts = Contexts::read(&path)?;
    contexts.contexts.remove(name).ok_or_else(|| {
        Failure::Usage(format!("there is no context `{name}` in {}: see `crosspoint context list`", path.display()))
    })
}

fn in_use(environment: &dyn Fn(&str) -> Option<String>) -> Result<Context, Failure> {
    // Without a home there are no contexts, and the default address still serves.
    let Ok(path) = contexts::file(environment) else { return Ok(at(DEFAULT_URL)) };
    match Contexts::read(&path)?.current {
        Some(name) => named(&name, environment),
        None => Ok(at(DEFAULT_URL)),
    }
}

/// The address without a slash at its end, if it is one that can be asked.
pub(super) fn checked(url: &str) -> Result<String, Failure> {
    let refuse = |why: &str| Err(Failure::Usage(format!("`{url}` is no address of a server: {why}")));
    let Ok(uri) = url.parse::<http::Uri>() else { return refuse("write, for instance, http://127.0.0.1:8440") };
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return refuse("it must start with http:// or https://");
    }
    if uri.authority().is_none_or(|authority| authority.as_str().contains('@')) {
        return refuse("it must name a host, and no user");
    }
    if uri.query().is_some() {
        return refuse("it must have no query");
    }
    Ok(url.trim_end_matches('/').to_owned())
}

fn bearer(token: &str) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|_| Failure::Usage("the token has a character that no token has".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Trust in the named authorities alone, else in the system's. Without TLS nothing is read.
fn tls(needed: bool, ca: Option<&Path>) -> Result<Arc<ClientConfig>, Failure> {
    let mut roots = RootCertStore::empty();
    if needed {
        let certificates = match ca {
            Some(path) => CertificateDer::pem_file_iter(path)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .with_context(|| format!("--ca {}", path.display()))?,
            None => rustls_native_certs::load_native_certs().certs,
        };
        roots.add_parsable_certificates(certificates);
        if roots.is_empty() {
            return Err(anyhow::anyhow!("there is no certificate authority to trust: name one with --ca FILE").into());
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("TLS")?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use clap::Parser as _;

    use super::super::args::Cli;
    use super::*;

    struct Home {
        _folder: tempfile::TempDir,
        contexts: String,
    }

    fn home() -> Home {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("contexts.toml");
        let context = |url: &str, token: &str| Context {
            url: url.to_owned(),
            token: Some(token.to_owned()),
            tenant: Some("acme".to_owned()),
            ca: None,
        };
        let contexts = Contexts {
            current: Some("dc1".to_owned()),
            contexts: [
                ("dc1".to_owned(), context("https://dc1", "xp_dc1")),
                ("dc2".to_owned(), context("https://dc2", "xp_dc2")),
            ]
            .into(),
        };
        contexts.write(&path).unwrap();
        Home { _folder: folder, contexts: path.display().to_string() }
    }

    fn target(home: &Home, flags: &[&str], variables: &[(&str, &str)]) -> Result<Context, Failure> {
        let arguments = ["crosspoint", "driver", "list"].iter().chain(flags);
        Cli::try_parse_from(arguments).unwrap().connection.target(&|name| match name {
            "CROSSPOINT_CONTEXTS" => Some(home.contexts.clone()),
            _ => variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()),
        })
    }

    fn url_and_token(home: &Home, flags: &[&str], variables: &[(&str, &str)]) -> (String, Option<String>) {
        let target = target(home, flags, variables).ok().unwrap();
        (target.url, target.token)
    }

    #[test]
    fn a_flag_wins_over_the_environment_and_that_over_the_context_in_use() {
        let home = home();
        let dc = |n: u8| (format!("https://dc{n}"), Some(format!("xp_dc{n}")));
        assert_eq!(url_and_token(&home, &[], &[]), dc(1));
        assert_eq!(url_and_token(&home, &[], &[("CROSSPOINT_CONTEXT", "dc2")]), dc(2));
        assert_eq!(url_and_token(&home, &["--context", "dc2"], &[("CROSSPOINT_URL", "http://elsewhere")]), dc(2));
        assert_eq!(url_and_token(&home, &[], &[("CROSSPOINT_TOKEN", "xp_other")]).1.as_deref(), Some("xp_other"));
        let tenant = |flags, variables| target(&home, flags, variables).ok().unwrap().tenant.unwrap();
        assert_eq!(tenant(&[], &[]), "acme");
        assert_eq!(tenant(&[], &[("CROSSPOINT_TENANT", "globex")]), "globex");
        assert_eq!(tenant(&["--tenant", "initech"], &[("CROSSPOINT_TENANT", "globex")]), "initech");
    }

    #[test]
    fn a_contexts_token_goes_to_no_other_address() {
        let home = home();
        let elsewhere = ("http://elsewhere".to_owned(), None);
        assert_eq!(url_and_token(&home, &["--url", "http://elsewhere"], &[]), elsewhere);
        assert_eq!(url_and_token(&home, &[], &[("CROSSPOINT_URL", "http://elsewhere")]), elsewhere);
        assert_eq!(url_and_token(&home, &["--url", "http://elsewhere"], &[("CROSSPOINT_CONTEXT", "dc2")]), elsewhere);
    }

    #[test]
    fn two_answers_to_where_are_refused() {
        let home = home();
        let both = target(&home, &[], &[("CROSSPOINT_URL", "http://x"), ("CROSSPOINT_CONTEXT", "dc2")]);
        assert!(matches!(both, Err(Failure::Usage(_))));
        assert!(
            Cli::try_parse_from(["crosspoint", "--url", "http://x", "--context", "dc2", "driver", "list"]).is_err()
        );
    }

    #[test]
    fn a_context_that_is_not_there_is_refused() {
        assert!(matches!(target(&home(), &["--context", "dc9"], &[]), Err(Failure::Usage(_))));
    }

    #[test]
    fn only_a_plain_address_of_a_server_is_asked() {
        assert_eq!(checked("https://xp.example/base/").ok().unwrap(), "https://xp.example/base");
        for bad in ["xp.example", "ftp://xp", "http://", "http://me@xp", "http://xp/?a=b", "unix:/x", ""] {
            assert!(matches!(checked(bad), Err(Failure::Usage(_))), "{bad}");
        }
    }
}
