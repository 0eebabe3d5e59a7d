//! A password for the cookie `session`.

use crosspoint_sdk::prelude::*;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// NEO's login takes a form.
pub fn encode(call: &Call) -> Result<Exchange, Fault> {
    let field = |name: &str| Ok(format!("{name}={}", utf8_percent_encode(call.secret(name)?, NON_ALPHANUMERIC)));
    let form = [field("username")?, field("password")?].join("&");
    Http::post(path("/neo/login", &[])?).body("application/x-www-form-urlencoded", form).into_exchange()
}

/// The session is in a cookie of the reply, which says nothing else. NEO documents no way to end it, so the grant has
/// none.
pub fn decode(reply: &HttpReply) -> Result<Outcome, Fault> {
    let mut cookies = reply.headers.iter().filter(|header| header.name.eq_ignore_ascii_case("set-cookie"));
    let Some((value, seconds)) = cookies.find_map(|header| session_of(&header.value)) else {
        return Err(Fault::MalformedReply("NEO's reply to the login sets no cookie `session`".to_owned()));
    };
    let grant = session().header("cookie", format!("session={value}")).expires_in(seconds).build();
    outcome(&())?.session(grant).into()
}

/// The session in a `Set-Cookie` header (RFC 6265, section 5.2), and for how many seconds it is good, if it says so.
fn session_of(cookie: &[u8]) -> Option<(&str, Option<u64>)> {
    let mut parts = std::str::from_utf8(cookie).ok()?.split(';').map(str::trim);
    let value = parts.next()?.strip_prefix("session=")?;
    // What RFC 6265, section 4.1.1, lets a value hold, so that it can be sent back as it is.
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte);
    if value.is_empty() || !value.bytes().all(plain) {
        return None;
    }
    let age = parts.find_map(|part| {
        let (name, seconds) = part.split_once('=')?;
        name.eq_ignore_ascii_case("max-age").then(|| seconds.parse().ok()).flatten()
    });
    Some((value, age))
}
