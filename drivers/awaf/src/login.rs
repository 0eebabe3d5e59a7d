//! A password for a token, which the host puts into `X-F5-Auth-Token`.

use crosspoint_sdk::prelude::*;
use serde_json::json;

#[derive(Deserialize)]
struct Granted {
    token: Token,
}

#[derive(Deserialize)]
struct Token {
    token: String,
    /// Seconds that it is good for: 1200 unless somebody prolongs it.
    timeout: Option<u64>,
}

/// `tmos` is the appliance's own login provider, which also asks the remote ones that it is configured with.
pub fn encode(call: &Call) -> Result<Exchange, Fault> {
    let body = json!({
        "username": call.secret("username")?,
        "password": call.secret("password")?,
        "loginProviderName": "tmos",
    });
    Http::post(path("/mgmt/shared/authn/login", &[])?).json(&body).into_exchange()
}

/// A user has at most 100 tokens at a time, so the host is told how to give this one back.
pub fn decode(reply: &HttpReply) -> Result<Outcome, Fault> {
    let Ok(Granted { token }) = reply.json::<Granted>() else {
        // Not the reply's own words: it may hold a token where none was looked for.
        return Err(Fault::MalformedReply("the reply to the login holds no token".to_owned()));
    };
    if token.token.is_empty() {
        return Err(Fault::MalformedReply("the reply to the login holds an empty token".to_owned()));
    }
    // Not the path's own words either, which could repeat the token.
    let target = path("/mgmt/shared/authz/tokens/{token}", &[("token", &token.token)])
        .map_err(|_| Fault::MalformedReply("the reply to the login holds a token that no path can carry".to_owned()))?;
    let logout = Http::delete(target).into_exchange()?;
    let grant = session().header("x-f5-auth-token", token.token).expires_in(token.timeout).logout(logout)?.build();
    outcome(&())?.session(grant).into()
}
