use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Tenant, TenantError, TokenEntry};

/// What the bearer of a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The CMP: objects, mappings, operations and events of its own tenant.
    Caller,
    /// Reads everything, changes nothing. Reading an object asks its backend.
    Viewer,
    /// Everything, and backends and drivers as well.
    Operator,
}

impl Role {
    /// The word used in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Viewer => "viewer",
            Self::Operator => "operator",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a call is about to do, for [`Principal::may`] to judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission<'a> {
    /// Read or list objects at a backend.
    ReadObjects {
        /// The backend's name.
        backend: &'a str,
        /// The kind.
        kind: &'a str,
    },
    /// Create, change, delete, act upon, adopt or release an object, or settle an operation on one.
    ChangeObjects {
        /// The backend's name.
        backend: &'a str,
        /// The kind; none for an action on the backend as a whole.
        kind: Option<&'a str>,
    },
    /// Look at mappings, operations and events. What is shown is filtered with [`Principal::sees`].
    ReadRecords,
    /// Look at backends and drivers, without their secrets.
    ReadSystem,
    /// Change backends and drivers, or probe a backend.
    ChangeSystem,
}

/// Why a principal may not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The role does not reach that far. A token with the named role is needed.
    #[error("role `{role}` may not do this; it takes role `{needed}`")]
    Role {
        /// The role that the principal has.
        role: Role,
        /// The least role that may.
        needed: Role,
    },
    /// The token is limited to other backends.
    #[error("this token does not reach backend `{0}`")]
    Backend(String),
    /// The token is limited to other kinds.
    #[error("this token does not reach objects of kind `{0}`")]
    Kind(String),
    /// The token is limited to some kinds, and this concerns the backend as a whole.
    #[error("this token is limited to some kinds, and this concerns the backend as a whole")]
    WholeBackend,
}

/// Who is calling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The token's name, as operations and the log show the caller.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The tenant that it is bound to.
    pub tenant: Option<Tenant>,
    /// The only backends that it may touch; all when absent.
    pub backends: Option<BTreeSet<String>>,
    /// The only kinds that it may touch; all when absent.
    pub kinds: Option<BTreeSet<String>>,
}

impl Principal {
    /// Who everybody is where authentication is off: an operator bound to nothing.
    #[must_use]
    pub fn anonymous() -> Self {
        Self { name: "anonymous".to_owned(), role: Role::Operator, tenant: None, backends: None, kinds: None }
    }

    /// Whether the principal may do this.
    pub fn may(&self, permission: Permission<'_>) -> Result<(), Denied> {
        match permission {
            Permission::ReadObjects { backend, kind } => self.reaches(backend, Some(kind)),
            Permission::ChangeObjects { backend, kind } => {
                if self.role == Role::Viewer {
                    return Err(Denied::Role { role: self.role, needed: Role::Caller });
                }
                self.reaches(backend, kind)
            }
            Permission::ReadSystem if self.role == Role::Caller => {
                Err(Denied::Role { role: self.role, needed: Role::Viewer })
            }
            Permission::ChangeSystem if self.role != Role::Operator => {
                Err(Denied::Role { role: self.role, needed: Role::Operator })
            }
            Permission::ReadRecords | Permission::ReadSystem | Permission::ChangeSystem => Ok(()),
        }
    }

    /// Whether a record of this tenant, backend and kind may be shown to the principal.
    ///
    /// What concerns a backend as a whole has no kind, and is shown to those who are limited to none.
    #[must_use]
    pub fn sees(&self, tenant: &str, backend: &str, kind: Option<&str>) -> bool {
        self.tenant.as_ref().is_none_or(|own| own.as_str() == tenant) && self.reaches(backend, kind).is_ok()
    }

    /// The tenant that a call on an object acts for: the one that the token is bound to, else the one that was asked for.
    pub fn tenant(&self, requested: Option<&str>) -> Result<Tenant, TenantError> {
        self.tenant_scope(requested)?.ok_or(TenantError::Missing)
    }

    /// The tenant that a listing is narrowed to; none means all of them.
    pub fn tenant_scope(&self, requested: Option<&str>) -> Result<Option<Tenant>, TenantError> {
        match (&self.tenant, requested) {
            (Some(own), Some(requested)) if own.as_str() != requested => Err(TenantError::Other),
            (Some(own), _) => Ok(Some(own.clone())),
            (None, Some(requested)) => requested.parse().map(Some),
            (None, None) => Ok(None),
        }
    }

    fn reaches(&self, backend: &str, kind: Option<&str>) -> Result<(), Denied> {
        if self.backends.as_ref().is_some_and(|backends| !backends.contains(backend)) {
            return Err(Denied::Backend(backend.to_owned()));
        }
        match (&self.kinds, kind) {
            (Some(kinds), Some(kind)) if !kinds.contains(kind) => Err(Denied::Kind(kind.to_owned())),
            (Some(_), None) => Err(Denied::WholeBackend),
            _ => Ok(()),
        }
    }
}

impl From<&TokenEntry> for Principal {
    fn from(entry: &TokenEntry) -> Self {
        Self {
            name: entry.name.clone(),
            role: entry.role,
            tenant: entry.tenant.clone(),
            backends: entry.backends.clone(),
            kinds: entry.kinds.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    fn principal(role: Role, tenant: Option<&str>) -> Principal {
        Principal { role, tenant: tenant.map(|name| name.parse().unwrap()), ..Principal::anonymous() }
    }

    fn limited() -> Principal {
        Principal {
            backends: Some(["fw-dc1".to_owned()].into()),
            kinds: Some(["rule".to_owned()].into()),
            ..principal(Role::Caller, Some("acme"))
        }
    }

    const READ: Permission<'static> = Permission::ReadObjects { backend: "fw-dc1", kind: "rule" };
    const CHANGE: Permission<'static> = Permission::ChangeObjects { backend: "fw-dc1", kind: Some("rule") };

    #[test]
    fn each_role_may_exactly_what_the_table_says() {
        let all = [READ, CHANGE, Permission::ReadRecords, Permission::ReadSystem, Permission::ChangeSystem];
        for (role, may) in [
            (Role::Caller, [true, true, true, false, false]),
            (Role::Viewer, [true, false, true, true, false]),
            (Role::Operator, [true, true, true, true, true]),
        ] {
            assert_eq!(all.map(|permission| principal(role, None).may(permission).is_ok()), may, "{role}");
        }
    }

    #[test]
    fn a_limited_token_reaches_only_its_backends_and_kinds() {
        let limited = limited();
        assert_eq!(limited.may(READ), Ok(()));
        assert_eq!(
            limited.may(Permission::ReadObjects { backend: "fw-dc2", kind: "rule" }),
            Err(Denied::Backend("fw-dc2".to_owned()))
        );
        assert_eq!(
            limited.may(Permission::ChangeObjects { backend: "fw-dc1", kind: Some("vlan") }),
            Err(Denied::Kind("vlan".to_owned()))
        );
        assert_eq!(limited.may(Permission::ChangeObjects { backend: "fw-dc1", kind: None }), Err(Denied::WholeBackend));
    }

    #[test]
    fn a_record_of_another_tenant_backend_or_kind_is_not_seen() {
        let limited = limited();
        assert!(limited.sees("acme", "fw-dc1", Some("rule")));
        assert!(!limited.sees("globex", "fw-dc1", Some("rule")));
        assert!(!limited.sees("acme", "fw-dc2", Some("rule")));
        assert!(!limited.sees("acme", "fw-dc1", Some("vlan")));
        assert!(!limited.sees("acme", "fw-dc1", None));
        assert!(principal(Role::Viewer, None).sees("globex", "fw-dc2", None));
    }

    #[test]
    fn a_bound_token_acts_for_its_tenant_and_for_no_other() {
        let bound = principal(Role::Caller, Some("acme"));
        assert_eq!(bound.tenant(None).unwrap().as_str(), "acme");
        assert_eq!(bound.tenant(Some("acme")).unwrap().as_str(), "acme");
        assert_eq!(bound.tenant(Some("globex")), Err(TenantError::Other));
    }

    #[test]
    fn an_unbound_operator_names_the_tenant_of_an_object_but_may_list_across_all() {
        let unbound = principal(Role::Operator, None);
        assert_eq!(unbound.tenant(None), Err(TenantError::Missing));
        assert_eq!(unbound.tenant(Some("acme")).unwrap().as_str(), "acme");
        assert_eq!(unbound.tenant(Some("a/b")), Err(TenantError::Invalid));
        assert_eq!(unbound.tenant_scope(None), Ok(None));
    }
}
