use std::collections::HashSet;
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use super::{AuthMode, Config};
use crate::auth::Role;

/// A field that parsed, but cannot be what it says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) field: &'static str,
    pub(super) problem: String,
    pub(super) hint: String,
}

fn fault(field: &'static str, problem: impl Into<String>, hint: impl Into<String>) -> Result<(), Fault> {
    Err(Fault { field, problem: problem.into(), hint: hint.into() })
}

/// The least number of bytes that a request body and head may be limited to: below it, nothing useful fits.
const LEAST_BYTES: usize = 1024;

/// The least time that a caller must be given.
const SHORTEST: Duration = Duration::from_millis(100);

/// Repeats within a day are what idempotency keys are for.
const LEAST_HOURS: u32 = 24;

pub(super) fn check(config: &Config) -> Result<(), Fault> {
    check_mode(config)?;
    check_tokens(config)?;
    check_limits(config)?;
    if let Err(error) = EnvFilter::try_new(&config.log.filter) {
        return fault(
            "log.filter",
            format!("`{}`: {error}", config.log.filter),
            "write, for instance: filter = \"info\"",
        );
    }
    Ok(())
}

fn check_mode(config: &Config) -> Result<(), Fault> {
    match config.auth.mode {
        AuthMode::Off if !config.listen.ip().is_loopback() => fault(
            "auth.mode",
            format!("\"off\" would let everybody in who can reach {}", config.listen),
            "write mode = \"tokens\", or listen on a loopback address such as 127.0.0.1:8440",
        ),
        AuthMode::Tokens if config.auth.token.is_empty() => fault(
            "auth.token",
            "there is no token, so nobody could call",
            "run `crosspoint token new --name me --role operator` and paste what it prints; or, to try Crosspoint out on \
             this machine alone, say --auth-mode off",
        ),
        _ => Ok(()),
    }
}

fn check_tokens(config: &Config) -> Result<(), Fault> {
    let mut names = HashSet::new();
    let mut digests = HashSet::new();
    for token in &config.auth.token {
        if token.name.is_empty() || token.name.len() > 128 || token.name.contains(char::is_control) {
            return fault(
                "auth.token.name",
                "a name is 1 to 128 characters of text",
                "write, for instance: name = \"cmp\"",
            );
        }
        let name = &token.name;
        if !names.insert(name) {
            return fault("auth.token.name", format!("two tokens are named `{name}`"), "give each its own name");
        }
        if !digests.insert(token.sha256.to_string()) {
            return fault("auth.token.sha256", format!("`{name}` is another's token as well"), "make a token for each");
        }
        if token.role == Role::Caller && token.tenant.is_none() {
            return fault(
                "auth.token.tenant",
                format!("`{name}` is a caller, and a caller acts for one tenant"),
                "write, for instance: tenant = \"acme\"",
            );
        }
    }
    Ok(())
}

fn check_limits(config: &Config) -> Result<(), Fault> {
    let limits = &config.limits;
    for (field, value) in [("limits.body_bytes", limits.body_bytes), ("limits.header_bytes", limits.header_bytes)] {
        if value < LEAST_BYTES {
            return fault(field, format!("{value} is too few"), format!("write {LEAST_BYTES} or more"));
        }
    }
    if limits.connections == 0 {
        return fault("limits.connections", "nobody could connect", "write 1000 or more");
    }
    for (field, value) in [
        ("limits.idempotency_keys", limits.idempotency_keys),
        ("limits.operations", limits.operations),
        ("limits.events", limits.events),
    ] {
        if value == 0 {
            return fault(field, "nothing would be kept", "write 1000 or more");
        }
    }
    for (field, value) in [("limits.idle_timeout", limits.idle_timeout), ("limits.body_timeout", limits.body_timeout)] {
        if value < SHORTEST {
            return fault(field, "nobody could be that quick", "write, for instance: 10s");
        }
    }
    if limits.idempotency_hours < LEAST_HOURS {
        return fault(
            "limits.idempotency_hours",
            format!("{} hours are too few: a caller may repeat a call within a day", limits.idempotency_hours),
            format!("write {LEAST_HOURS} or more"),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;
    use crate::auth::{Token, TokenEntry};

    fn entry(name: &str, role: Role) -> TokenEntry {
        TokenEntry {
            name: name.to_owned(),
            sha256: Token::generate().unwrap().digest(),
            role,
            tenant: (role == Role::Caller).then(|| "acme".parse().unwrap()),
            backends: None,
            kinds: None,
            expires_at: None,
        }
    }

    fn config(tokens: Vec<TokenEntry>) -> Config {
        let mut config = Config::default();
        config.auth.token = tokens;
        config
    }

    fn field(config: &Config) -> &'static str {
        check(config).unwrap_err().field
    }

    #[test]
    fn a_configuration_with_a_token_is_good() {
        assert_eq!(check(&config(vec![entry("cmp", Role::Caller), entry("me", Role::Operator)])), Ok(()));
    }

    #[test]
    fn authentication_is_off_only_where_it_is_said_and_the_listener_is_loopback() {
        assert_eq!(field(&Config::default()), "auth.token");
        let mut config = Config::default();
        config.auth.mode = AuthMode::Off;
        assert_eq!(check(&config), Ok(()));
        for open in ["0.0.0.0:8440", "[::]:8440", "192.0.2.1:8440"] {
            config.listen = open.parse().unwrap();
            assert_eq!(field(&config), "auth.mode", "{open}");
        }
    }

    #[test]
    fn tokens_are_told_apart_by_name_and_by_value() {
        assert_eq!(field(&config(vec![entry("a", Role::Viewer), entry("a", Role::Viewer)])), "auth.token.name");
        let one = entry("a", Role::Viewer);
        let other = TokenEntry { name: "b".to_owned(), ..one.clone() };
        assert_eq!(field(&config(vec![one, other])), "auth.token.sha256");
        assert_eq!(field(&config(vec![entry("a\nb", Role::Viewer)])), "auth.token.name");
    }

    #[test]
    fn a_caller_without_a_tenant_is_refused() {
        let unbound = TokenEntry { tenant: None, ..entry("cmp", Role::Caller) };
        assert_eq!(field(&config(vec![unbound])), "auth.token.tenant");
    }

    #[test]
    fn limits_that_would_break_a_promise_are_refused() {
        let good = config(vec![entry("me", Role::Operator)]);
        let with = |change: fn(&mut Config)| {
            let mut config = good.clone();
            change(&mut config);
            field(&config)
        };
        assert_eq!(with(|config| config.limits.idempotency_hours = 23), "limits.idempotency_hours");
        assert_eq!(with(|config| config.limits.body_bytes = 0), "limits.body_bytes");
        assert_eq!(with(|config| config.limits.events = 0), "limits.events");
        assert_eq!(with(|config| config.log.filter = "crosspoint=loud".to_owned()), "log.filter");
    }
}
