//! A machine's password for a token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crosspoint_sdk::prelude::*;
use serde_json::json;

/// `POST /v1/watchers/login`.
pub fn encode(call: &Call) -> Result<Http, Fault> {
    let body = json!({
        "machine_id": call.secret("machine_id")?,
        "password": call.secret("password")?,
        // A machine tells here what it looks for; this one looks for nothing.
        "scenarios": [],
    });
    Ok(Http::post(path("/v1/watchers/login", &[])?).json(&body))
}

#[derive(Deserialize)]
struct Granted {
    token: String,
}

/// What the token says about itself. It is not verified, which is the Local API's business: this is for knowing in time
/// when it ends.
#[derive(Deserialize)]
struct Claims {
    exp: u64,
    orig_iat: u64,
}

/// The session of a login that was accepted.
pub fn decode(reply: &HttpReply) -> Result<Outcome, Fault> {
    let Granted { token } = reply.json()?;
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Fault::MalformedReply(
            "the reply to the login holds no token that a header could carry".to_owned(),
        ));
    }
    let header = Header { name: "authorization".to_owned(), value: format!("Bearer {token}").into_bytes() };
    let grant = SessionGrant { headers: vec![header], expires_in: lifetime(&token), ..SessionGrant::default() };
    outcome(&())?.session(grant).into()
}

/// Seconds for which the token is good. Both moments are by the same clock, so only their distance counts; the reply's
/// own `expire` would have to be compared with a clock that a driver does not have.
fn lifetime(token: &str) -> Option<u64> {
    let claims = token.split('.').nth(1)?;
    let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    claims.exp.checked_sub(claims.orig_iat)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_whose_claims_cannot_be_read_has_no_known_end() {
        let token = |claims: &str| format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims));
        assert_eq!(lifetime(&token(r#"{"exp": 5000, "orig_iat": 1400, "id": "m"}"#)), Some(3600));
        for strange in ["", "a", "a.b.c", &token("{}"), &token(r#"{"exp": 1, "orig_iat": 2}"#)] {
            assert_eq!(lifetime(strange), None, "{strange}");
        }
    }
}
