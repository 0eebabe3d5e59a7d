//! Calls that did not succeed.
//!
//! etcd's own errors are known by their words (`etcdserver: …`, those of its `rpctypes`), because it uses one status for
//! many of them. The rest goes by the status.

use crosspoint_sdk::{GrpcStatus, prelude::*};

use crate::{key, lease};

/// What a status other than success means for the call.
pub fn fault(call: &Call, status: &GrpcStatus<'_>) -> Fault {
    let message = status.message.clone().into_owned();
    let said = |words: &str| status.message.contains(words);
    let rejected = |code: &str, retryable| {
        Fault::Rejected(Rejection { code: code.to_owned(), message: message.clone(), retryable })
    };
    match status.code {
        // The user is not known, or there is none although there must be one.
        3 if said("authentication failed") || said("user name is empty") => Fault::Unauthenticated(message),
        // Users or roles changed while the call was under way: it was not carried out.
        3 if said("revision of auth store is old") => rejected("auth-revision", true),
        3 if !given(call) => rejected("invalid-argument", false),
        5 if said("lease not found") && call.kind == key::NAME => Fault::invalid("/lease", message),
        8 if said("space exceeded") => rejected("no-space", false),
        9 if said("lease already exists") => {
            Fault::AlreadyExists(Existing { message, backend_id: Some(lease::hex(lease::id_of(&call.marker))) })
        }
        9 if said("authentication is not enabled") => rejected("auth-not-enabled", false),
        11 if said("lease TTL") => Fault::invalid("/ttl", message),
        _ => fault_for_grpc(status, !changes(call)),
    }
}

/// Whether the call's effect can be in doubt.
fn changes(call: &Call) -> bool {
    matches!(call.verb, Verb::Create | Verb::Replace | Verb::Update | Verb::Delete | Verb::Action(_))
}

/// Whether the CMP gave anything that could be wrong.
fn given(call: &Call) -> bool {
    !call.spec.is_null()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(verb: Verb, kind: &str, code: u32, message: &str) -> Fault {
        let spec = Json::trusted(if verb == Verb::Create { "{}" } else { "null" }.to_owned());
        fault(&Call { spec, ..Call::new(verb, kind) }, &GrpcStatus { code, message: message.into() })
    }

    #[test]
    fn etcds_own_words_come_before_its_status() {
        for (verb, kind, code, words, fault) in [
            (Verb::Login, "", 3, "etcdserver: authentication failed, invalid user ID or password", "unauthenticated"),
            (Verb::Read, "key", 3, "etcdserver: user name is empty", "unauthenticated"),
            (Verb::Read, "key", 16, "etcdserver: invalid auth token", "unauthenticated"),
            (Verb::Create, "key", 7, "etcdserver: permission denied", "denied"),
            (Verb::Create, "key", 3, "etcdserver: revision of auth store is old", "rejected"),
            (Verb::Create, "key", 3, "etcdserver: request is too large", "invalid"),
            (Verb::Delete, "key", 3, "etcdserver: key is not provided", "rejected"),
            (Verb::Create, "key", 5, "etcdserver: requested lease not found", "invalid"),
            (Verb::Delete, "lease", 5, "etcdserver: requested lease not found", "not-found"),
            (Verb::Create, "key", 8, "etcdserver: mvcc: database space exceeded", "rejected"),
            (Verb::Create, "key", 8, "etcdserver: too many requests", "throttled"),
            (Verb::Create, "lease", 9, "etcdserver: lease already exists", "already-exists"),
            (Verb::Create, "lease", 11, "etcdserver: too large lease TTL", "invalid"),
            (Verb::Login, "", 9, "etcdserver: authentication is not enabled", "rejected"),
            (Verb::Read, "key", 14, "etcdserver: no leader", "unavailable"),
        ] {
            assert_eq!(said(verb, kind, code, words).name(), fault, "{words}");
        }
    }

    #[test]
    fn a_cluster_in_trouble_leaves_a_change_in_doubt() {
        for (code, words) in [
            (14, "etcdserver: request timed out"),
            (14, "etcdserver: leader changed"),
            (14, "etcdserver: server stopped"),
            (4, "context deadline exceeded"),
            (2, "raft proposal dropped"),
            (13, ""),
        ] {
            assert!(said(Verb::Create, "key", code, words).leaves_doubt(), "{words}");
        }
    }
}
