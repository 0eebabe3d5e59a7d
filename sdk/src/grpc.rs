//! gRPC: a message to a method, and what comes back.

use std::borrow::Cow;

use crosspoint_contract::{
    Bytes, Correlation, Exchange, Extensions, Fault, Framing, HttpReply, MessageProtocol, Protocol, Rejection, Request,
    Throttle,
};
use percent_encoding::percent_decode_str;

use crate::HttpReplyExt as _;

/// gRPC as a description's protocol.
///
/// With `unauthenticated_precedes_effects`, the backend checks credentials before it does anything, so that status 16
/// proves that nothing happened, and the host may log in and make the call once more.
#[must_use]
pub fn grpc_protocol(unauthenticated_precedes_effects: bool) -> Protocol {
    let mut extensions = Extensions::new();
    if unauthenticated_precedes_effects {
        extensions.push((MessageProtocol::UNAUTHORIZED_PRECEDES_EFFECTS.to_owned(), "true".to_owned()));
    }
    Protocol::Message(MessageProtocol {
        framing: Framing::Grpc,
        correlation: Correlation::InOrder,
        preamble: None,
        keepalives: Vec::new(),
        extensions,
    })
}

/// An exchange of one unary gRPC call: `grpc("/etcdserverpb.KV/Range", message)`. The message is plain protobuf; the
/// host frames it.
#[must_use]
pub fn grpc(path: &str, message: impl Into<Vec<u8>>) -> Exchange {
    Exchange {
        context: Bytes::default(),
        endpoint: "default".to_owned(),
        request: Request::Message(Bytes(message.into())),
        extensions: vec![("path".to_owned(), path.to_owned())],
    }
}

/// How a gRPC call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrpcStatus<'a> {
    /// One of gRPC's status codes; 0 is success.
    pub code: u32,
    /// What the server says about it.
    pub message: Cow<'a, str>,
}

/// What gRPC replies have in common: the host gives them as HTTP replies, with the call's trailers among the headers and
/// the message as the body.
pub trait GrpcReplyExt {
    /// The call's status.
    ///
    /// # Errors
    /// [`Fault::MalformedReply`] where there is none.
    fn grpc_status(&self) -> Result<GrpcStatus<'_>, Fault>;
}

impl GrpcReplyExt for HttpReply {
    fn grpc_status(&self) -> Result<GrpcStatus<'_>, Fault> {
        let code = self.header_text("grpc-status").and_then(|code| code.parse().ok());
        let code = code.ok_or_else(|| Fault::MalformedReply("the reply has no gRPC status".to_owned()))?;
        // A message is percent-encoded where it is not plain ASCII; one that is badly encoded is shown as it is.
        let message = self.header_text("grpc-message").unwrap_or_default();
        Ok(GrpcStatus { code, message: percent_decode_str(message).decode_utf8_lossy() })
    }
}

/// The fault that a status usually means, for a backend that uses gRPC's codes as gRPC defines them.
///
/// | status | fault |
/// |---|---|
/// | 3 `INVALID_ARGUMENT`, 11 `OUT_OF_RANGE` | invalid, about the whole spec |
/// | 5 `NOT_FOUND` | not-found |
/// | 6 `ALREADY_EXISTS` | already-exists |
/// | 7 `PERMISSION_DENIED` | denied |
/// | 8 `RESOURCE_EXHAUSTED` | throttled |
/// | 9 `FAILED_PRECONDITION` | conflict |
/// | 10 `ABORTED` | conflict |
/// | 12 `UNIMPLEMENTED` | unsupported |
/// | 16 `UNAUTHENTICATED` | unauthenticated |
/// | 14 `UNAVAILABLE`, where the call `only_reads` | unavailable |
/// | the rest | other: it may have happened |
///
/// 14 is not `unavailable` where something changes: it is also what a call gets whose connection broke half-way. Nor are
/// 1 `CANCELLED`, 2 `UNKNOWN`, 4 `DEADLINE_EXCEEDED`, 13 `INTERNAL` and 15 `DATA_LOSS` clear refusals.
#[must_use]
pub fn fault_for_grpc(status: &GrpcStatus<'_>, only_reads: bool) -> Fault {
    let message = if status.message.is_empty() {
        format!("the backend answered gRPC status {}", status.code)
    } else {
        status.message.clone().into_owned()
    };
    match status.code {
        3 | 11 => Fault::invalid("", message),
        5 => Fault::NotFound(message),
        6 => Fault::AlreadyExists(crosspoint_contract::Existing { message, backend_id: None }),
        7 => Fault::Denied(message),
        8 => Fault::Throttled(Throttle { message, seconds: None }),
        9 | 10 => Fault::Conflict(message),
        12 => Fault::Unsupported(message),
        14 if only_reads => Fault::Unavailable(message),
        16 => Fault::Unauthenticated(message),
        code if only_reads => Fault::Rejected(Rejection { code: code.to_string(), message, retryable: true }),
        _ => Fault::Other(message),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;
    use crosspoint_contract::Header;

    fn reply(headers: &[(&str, &str)]) -> HttpReply {
        let header =
            |(name, value): &(&str, &str)| Header { name: (*name).to_owned(), value: value.as_bytes().to_vec() };
        HttpReply { status: 200, headers: headers.iter().map(header).collect(), body: Bytes::default() }
    }

    #[test]
    fn a_status_is_read_with_its_message_decoded() {
        let reply = reply(&[("grpc-status", "5"), ("grpc-message", "caf%C3%A9 %zz")]);
        assert_eq!(reply.grpc_status().unwrap(), GrpcStatus { code: 5, message: "café %zz".into() });
    }

    #[test]
    fn a_reply_without_a_status_is_malformed() {
        for headers in [&[][..], &[("grpc-status", "x")], &[("grpc-status", "-1")]] {
            assert_eq!(reply(headers).grpc_status().unwrap_err().name(), "malformed-reply");
        }
    }

    #[test]
    fn what_may_have_happened_is_not_called_a_refusal() {
        let fault = |code, only_reads| fault_for_grpc(&GrpcStatus { code, message: "".into() }, only_reads);
        for code in [1, 2, 4, 13, 14, 15, 99] {
            assert!(fault(code, false).leaves_doubt(), "{code}");
            assert!(!fault(code, true).leaves_doubt(), "{code}");
        }
        for code in [3, 5, 6, 7, 8, 9, 10, 11, 12, 16] {
            assert!(!fault(code, false).leaves_doubt(), "{code}");
        }
    }
}
