//! One harmless read that shows that the firewall answers and accepts the key: what it is.

use crosspoint_sdk::prelude::*;
use serde_json::json;

use crate::answer::Answer;

/// `type=version`.
pub fn encode() -> Result<Exchange, Fault> {
    crate::ask(&[("type", "version")])
}

/// The version and the model.
pub fn decode(answer: &Answer) -> Result<Outcome, Fault> {
    let text = |name| answer.result().and_then(|result| result.text_at(name));
    let Some(version) = text("sw-version") else {
        return Err(Fault::MalformedReply("the reply does not say which version it is".to_owned()));
    };
    outcome(&json!({"version": version, "model": text("model"), "multi_vsys": text("multi-vsys") == Some("on")}))?
        .into()
}
