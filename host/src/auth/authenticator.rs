use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};

use super::throttle::Throttle;
use super::{Expiry, Principal, TokenDigest, TokenEntry};

/// Why a caller is not known. Nothing reached a backend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// No `Authorization` header. Send one.
    #[error("this needs a token: send `Authorization: Bearer TOKEN`")]
    Missing,
    /// A header that holds no bearer token. Mend it.
    #[error("the Authorization header holds no bearer token: send `Authorization: Bearer TOKEN`")]
    Malformed,
    /// A token that nobody bears. Use another.
    #[error("this token is not known here")]
    Unknown,
    /// A token that was good once. Ask the operator for a new one.
    #[error("this token expired at {0}")]
    Expired(Expiry),
    /// Too many wrong tokens from this address. Wait, and use the right one.
    #[error("too many wrong tokens came from this address; wait {} s", retry_after.as_secs().max(1))]
    Throttled {
        /// How long to wait.
        retry_after: Duration,
    },
}

/// Knows the configured tokens, and tells who bears one.
#[derive(Debug)]
pub struct Authenticator {
    /// `None` where authentication is off.
    tokens: Option<Vec<Known>>,
    anonymous: Arc<Principal>,
    throttle: Throttle,
}

#[derive(Debug)]
struct Known {
    digest: TokenDigest,
    expires_at: Option<Expiry>,
    principal: Arc<Principal>,
}

impl Authenticator {
    /// Knows these tokens and lets nobody else in.
    #[must_use]
    pub fn with_tokens<'a>(entries: impl IntoIterator<Item = &'a TokenEntry>) -> Self {
        let known = |entry: &TokenEntry| Known {
            digest: entry.sha256,
            expires_at: entry.expires_at,
            principal: Arc::new(Principal::from(entry)),
        };
        Self { tokens: Some(entries.into_iter().map(known).collect()), ..Self::off() }
    }

    /// Lets everybody in as [`Principal::anonymous`]. Only for a listener that nobody else can reach.
    #[must_use]
    pub fn off() -> Self {
        Self { tokens: None, anonymous: Arc::new(Principal::anonymous()), throttle: Throttle::default() }
    }

    /// Tells who presents this value of the `Authorization` header (RFC 6750, section 2.1).
    ///
    /// A right token is never refused for the wrong ones that came from the same address: many callers share one
    /// behind a proxy, and 256 random bits are not found by trying. What the limit bounds is noise.
    pub fn authenticate(&self, header: Option<&[u8]>, peer: IpAddr) -> Result<Arc<Principal>, AuthError> {
        self.authenticate_at(header, peer, SystemTime::now(), Instant::now())
    }

    fn authenticate_at(
        &self,
        header: Option<&[u8]>,
        peer: IpAddr,
        wall: SystemTime,
        now: Instant,
    ) -> Result<Arc<Principal>, AuthError> {
        let Some(tokens) = &self.tokens else { return Ok(Arc::clone(&self.anonymous)) };
        let header = header.ok_or(AuthError::Missing)?;
        bearer(header).ok_or(AuthError::Malformed).and_then(|token| find(tokens, token, wall)).map_err(|error| {
            match self.throttle.failed(peer, now) {
                Ok(()) => error,
                Err(retry_after) => AuthError::Throttled { retry_after },
            }
        })
    }
}

/// Compares with every token, always, so that the time taken tells nothing of which one came close.
fn find(tokens: &[Known], presented: &[u8], wall: SystemTime) -> Result<Arc<Principal>, AuthError> {
    let digest = TokenDigest::of(presented);
    let mut place = u64::MAX;
    for (index, known) in (0u64..).zip(tokens) {
        place.conditional_assign(&index, known.digest.ct_eq(&digest));
    }
    let known = usize::try_from(place).ok().and_then(|place| tokens.get(place)).ok_or(AuthError::Unknown)?;
    match known.expires_at {
        Some(expiry) if expiry.has_passed(wall) => Err(AuthError::Expired(expiry)),
        _ => Ok(Arc::clone(&known.principal)),
    }
}

/// The token in `Bearer TOKEN`; the scheme's case does not matter (RFC 9110, section 11.1).
fn bearer(header: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = header.split_at_checked(b"Bearer ".len())?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"Bearer ") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::super::{Role, Token};
    use super::*;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn entry(name: &str, token: &Token) -> TokenEntry {
        TokenEntry {
            name: name.to_owned(),
            sha256: token.digest(),
            role: Role::Operator,
            tenant: None,
            backends: None,
            kinds: None,
            expires_at: None,
        }
    }

    fn header(token: &Token) -> Vec<u8> {
        format!("Bearer {}", token.expose()).into_bytes()
    }

    #[test]
    fn each_token_is_its_own_bearer_and_any_other_is_nobody() {
        let tokens: Vec<Token> = (0..3).map(|_| Token::generate().unwrap()).collect();
        let entries: Vec<TokenEntry> =
            tokens.iter().enumerate().map(|(n, token)| entry(&format!("t{n}"), token)).collect();
        let authenticator = Authenticator::with_tokens(&entries);
        for (n, token) in tokens.iter().enumerate() {
            assert_eq!(authenticator.authenticate(Some(&header(token)), PEER).unwrap().name, format!("t{n}"));
        }
        let stranger = Token::generate().unwrap();
        assert_eq!(authenticator.authenticate(Some(&header(&stranger)), PEER), Err(AuthError::Unknown));
    }

    #[test]
    fn a_header_without_a_bearer_token_is_told_apart_from_none_at_all() {
        let authenticator = Authenticator::with_tokens([]);
        assert_eq!(authenticator.authenticate(None, PEER), Err(AuthError::Missing));
        for malformed in ["", "Bearer", "Bearer ", "Basic dTpw", "Bearerxp_1"] {
            assert_eq!(
                authenticator.authenticate(Some(malformed.as_bytes()), PEER),
                Err(AuthError::Malformed),
                "{malformed}"
            );
        }
        assert_eq!(authenticator.authenticate(Some(b"bEaReR x"), PEER), Err(AuthError::Unknown));
    }

    #[test]
    fn the_digest_itself_opens_nothing() {
        let token = Token::generate().unwrap();
        let authenticator = Authenticator::with_tokens(&[entry("cmp", &token)]);
        let stolen = format!("Bearer {}", token.digest());
        assert_eq!(authenticator.authenticate(Some(stolen.as_bytes()), PEER), Err(AuthError::Unknown));
    }

    #[test]
    fn an_expired_token_is_refused_with_its_date() {
        let token = Token::generate().unwrap();
        let expiry: Expiry = "2020-01-01T00:00:00Z".parse().unwrap();
        let entry = TokenEntry { expires_at: Some(expiry), ..entry("cmp", &token) };
        let error = Authenticator::with_tokens([&entry]).authenticate(Some(&header(&token)), PEER).unwrap_err();
        assert_eq!(error.to_string(), "this token expired at 2020-01-01T00:00:00Z");
    }

    #[test]
    fn guessing_is_throttled_while_the_right_token_still_opens() {
        let token = Token::generate().unwrap();
        let authenticator = Authenticator::with_tokens(&[entry("cmp", &token)]);
        let (wall, now) = (SystemTime::now(), Instant::now());
        let guess = || authenticator.authenticate_at(Some(b"Bearer guess"), PEER, wall, now);
        assert_eq!(guess(), Err(AuthError::Unknown));
        assert!((0..100).any(|_| matches!(guess(), Err(AuthError::Throttled { .. }))));
        assert!(authenticator.authenticate_at(Some(&header(&token)), PEER, wall, now).is_ok());
    }

    #[test]
    fn where_authentication_is_off_everybody_is_the_anonymous_operator() {
        assert_eq!(*Authenticator::off().authenticate(None, PEER).unwrap(), Principal::anonymous());
    }
}
