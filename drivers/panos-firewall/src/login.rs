//! A user's name and password for an API key.

use crosspoint_sdk::prelude::*;

use crate::answer::Answer;

/// `type=keygen`: the type stands in the address, as in the vendor's own example, and the secrets in the body alone.
pub fn encode(call: &Call) -> Result<Exchange, Fault> {
    let secrets = [("user", call.secret("username")?), ("password", call.secret("password")?)];
    Http::post(path("/api/", &[])?.query("type", "keygen")).form(&secrets).into_exchange()
}

/// The key lives until its user changes the password, or as long as the firewall is configured to; it does not say.
pub fn decode(answer: &Answer) -> Result<Outcome, Fault> {
    let key = answer.result().and_then(|result| result.text_at("key"));
    let Some(key) = key.filter(|key| key.bytes().all(|byte| byte.is_ascii_graphic())) else {
        return Err(Fault::MalformedReply("the reply to a login holds no key".to_owned()));
    };
    outcome(&())?.session(session().header("x-pan-key", key).build()).into()
}
