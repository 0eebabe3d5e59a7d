use crosspoint_contract::{Fault, HttpReply, Rejection, Throttle};

use crate::HttpReplyExt as _;

/// The fault that a status usually means, for backends that use HTTP's statuses as RFC 9110 defines them.
///
/// | status | fault |
/// |---|---|
/// | 400, 422 | invalid, about the whole spec |
/// | 401 | unauthenticated |
/// | 403 | denied |
/// | 404, 410 | not-found |
/// | 405, 501 | unsupported |
/// | 409, 423 | conflict |
/// | 412 | stale |
/// | 429 | throttled, with `Retry-After` |
/// | 503 | unavailable |
/// | other 3xx and 4xx | rejected, code = status |
/// | other 5xx | other: it may have happened |
/// | the rest | malformed-reply |
///
/// 500, 502 and 504 are not `unavailable`: a server that broke half-way, or a proxy that lost the answer, may have done
/// what was asked. A driver that knows its backend better says so before it falls back on this table.
#[must_use]
pub fn fault_for_status(reply: &HttpReply, message: &str) -> Fault {
    let message = message.to_owned();
    match reply.status {
        400 | 422 => Fault::invalid("", message),
        401 => Fault::Unauthenticated(message),
        403 => Fault::Denied(message),
        404 | 410 => Fault::NotFound(message),
        405 | 501 => Fault::Unsupported(message),
        409 | 423 => Fault::Conflict(message),
        412 => Fault::Stale(message),
        429 => Fault::Throttled(Throttle { message, seconds: reply.retry_after() }),
        503 => Fault::Unavailable(message),
        status @ 300..500 => Fault::Rejected(Rejection { code: status.to_string(), message, retryable: false }),
        500..600 => Fault::Other(message),
        _ => Fault::MalformedReply(message),
    }
}
