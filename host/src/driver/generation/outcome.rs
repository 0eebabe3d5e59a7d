//! What an outcome may weigh. Most of it is kept: in keys, in records, in the answers of years.

use crosspoint_contract::{Outcome, State};

use crate::driver::error::CallErrorKind;

/// The longest id of a backend object, as long as a CMP's, and the longest marker.
const ID: usize = 512;
const REVISION: usize = 1 << 10;
const ATTRIBUTES: usize = 64 << 10;
/// The longest token of a poll or a page.
const TOKEN: usize = 16 << 10;

/// # Errors
/// [`CallErrorKind::Malformed`], with what is too long, or is no id.
pub fn check(outcome: Outcome) -> Result<Outcome, CallErrorKind> {
    let token = match &outcome.state {
        State::Active => None,
        State::Pending(token) => Some(token.as_str()),
    };
    id("backend id", outcome.backend_id.as_deref())?;
    length("revision", outcome.revision.as_deref(), REVISION)?;
    length("poll token", token, TOKEN)?;
    length("page token", outcome.next_page.as_deref(), TOKEN)?;
    length("attributes", Some(outcome.attributes.as_str()), ATTRIBUTES)?;
    for found in &outcome.found {
        id("backend id of a found object", Some(&found.backend_id))?;
        id("marker of a found object", found.marker.as_deref())?;
        length("revision of a found object", found.revision.as_deref(), REVISION)?;
        length("attributes of a found object", Some(found.attributes.as_str()), ATTRIBUTES)?;
    }
    Ok(outcome)
}

fn id(what: &str, id: Option<&str>) -> Result<(), CallErrorKind> {
    match id {
        Some(text) if text.chars().any(char::is_control) => {
            Err(CallErrorKind::Malformed { message: format!("the {what} holds a control character") })
        }
        _ => length(what, id, ID),
    }
}

fn length(what: &str, text: Option<&str>, limit: usize) -> Result<(), CallErrorKind> {
    match text.map_or(0, str::len) {
        size if size > limit => Err(CallErrorKind::Malformed {
            message: format!("the {what} has {size} bytes; at most {limit} are accepted"),
        }),
        _ => Ok(()),
    }
}
