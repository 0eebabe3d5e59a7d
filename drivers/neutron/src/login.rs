//! Keystone v3: a password for a token.

use crosspoint_sdk::prelude::*;
use serde_json::{Value, json};

use crate::Configuration;

/// `POST /v3/auth/tokens` at the identity endpoint.
pub fn encode(call: &Call) -> Result<Exchange, Fault> {
    let configuration: Configuration = call.configuration()?;
    let user = json!({
        "name": call.secret("username")?,
        "password": call.secret("password")?,
        "domain": {"name": configuration.user_domain},
    });
    let identity = json!({"methods": ["password"], "password": {"user": user}});
    let domain = configuration.project_domain;
    let scope = configuration.project.map(|name| json!({"project": {"name": name, "domain": {"name": domain}}}));
    let auth = match scope {
        Some(scope) => json!({"identity": identity, "scope": scope}),
        None => json!({"identity": identity}),
    };
    crate::ask(Http::post(path("/v3/auth/tokens", &[])?).at("identity").json(&json!({"auth": auth})))
}

/// The token is in a header of the reply; the body says until when it is good.
pub fn decode(reply: &HttpReply) -> Result<Outcome, Fault> {
    let Some(token) = reply.header_text("x-subject-token").filter(|token| !token.is_empty()) else {
        return Err(Fault::MalformedReply("Keystone's reply holds no token".to_owned()));
    };
    let body: Value = reply.json()?;
    let time = |name: &str| {
        let text = body.get("token")?.get(name)?.as_str()?;
        humantime::parse_rfc3339(text).ok()
    };
    // The clocks of Keystone and of the host need not agree, so only the distance counts.
    let lifetime = time("expires_at").zip(time("issued_at")).and_then(|(end, start)| end.duration_since(start).ok());
    let header = Header { name: "x-auth-token".to_owned(), value: token.into() };
    let grant = SessionGrant {
        headers: vec![header],
        expires_in: lifetime.map(|lifetime| lifetime.as_secs()),
        ..SessionGrant::default()
    };
    outcome(&())?.session(grant).into()
}
