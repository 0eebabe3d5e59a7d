//! What the database's errors mean (RFC 7047, sections 3.1, 4.1.3 and 5.2; `ovsdb-server(7)` for those beyond it).

use crosspoint_sdk::json_rpc::Error;
use crosspoint_sdk::prelude::*;

use crate::plan::Role;

/// The whole request was refused: no operation was tried.
pub fn refused(error: &Error) -> Fault {
    let details = error.data.get("details").and_then(|details| details.as_str()).unwrap_or_default();
    let message = said(&error.message, details);
    match error.message.as_str() {
        "canceled" => Fault::Conflict(message),
        "permission error" | "not allowed" => Fault::Denied(message),
        "" => Fault::Rejected(Rejection { code: "error".to_owned(), message: error.to_string(), retryable: false }),
        code => Fault::Rejected(Rejection { code: code.to_owned(), message, retryable: false }),
    }
}

/// An operation failed, or after the last of them the commit (`role` is none). Either way the database did nothing, but
/// for the errors of a disk or of a cluster, after which it does not know itself.
pub fn failed(role: Option<&Role>, error: &str, details: &str, existing: Option<String>) -> Fault {
    let message = said(error, details);
    match (error, role) {
        ("timed out", Some(Role::Demand(fault))) => match fault {
            Fault::AlreadyExists(there) => {
                Fault::AlreadyExists(Existing { message: there.message.clone(), backend_id: existing })
            }
            fault => fault.clone(),
        },
        // A value that the schema does not allow shows when it is read; what shows at the end is about other rows.
        ("constraint violation" | "domain error" | "range error" | "ovsdb error", Some(_)) => {
            Fault::invalid("", message)
        }
        ("constraint violation" | "referential integrity violation" | "timed out" | "aborted" | "not owner", _) => {
            Fault::Conflict(message)
        }
        ("unknown column" | "unknown table" | "not supported", _) => Fault::Unsupported(message),
        ("permission error" | "not allowed", _) => Fault::Denied(message),
        ("I/O error" | "cluster error", _) => Fault::Other(message),
        (code, _) => {
            let retryable = code == "resources exhausted";
            Fault::Rejected(Rejection { code: code.to_owned(), message, retryable })
        }
    }
}

fn said(error: &str, details: &str) -> String {
    match details {
        "" => format!("the database says: {error}"),
        details => format!("the database says: {error}: {details}"),
    }
}
