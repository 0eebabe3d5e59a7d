//! Who is calling, for the handlers.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};

use super::App;
use super::problem::Problem;
use crate::auth::{AuthError, Permission, Principal, TenantError};
use crate::mapping::{Code, Failure};
use crate::relay::Caller;

/// The authenticated caller. Extracting it refuses everybody else.
#[derive(Clone, Debug)]
pub struct Access(Arc<Principal>);

impl FromRequestParts<App> for Access {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let ConnectInfo(peer) = ConnectInfo::<SocketAddr>::from_request_parts(parts, app)
            .await
            .map_err(|_| Failure::new(Code::Internal, "the connection has no peer address"))?;
        let mut headers = parts.headers.get_all(header::AUTHORIZATION).iter().map(HeaderValue::as_bytes);
        // Of two, somebody before us may have judged the other one; so two are as good as one that is malformed.
        let header = headers.next().map(|first| if headers.next().is_some() { b"" } else { first });
        let principal = app.authenticator.authenticate(header, peer.ip()).map_err(|error| unauthenticated(&error))?;
        Ok(Self(principal))
    }
}

fn unauthenticated(error: &AuthError) -> Failure {
    match error {
        AuthError::Throttled { retry_after } => Failure::new(Code::TooManyAttempts, error.to_string())
            .retry(u32::try_from(retry_after.as_secs()).unwrap_or(u32::MAX).saturating_add(1)),
        _ => Failure::new(Code::Unauthenticated, error.to_string()),
    }
}

impl Access {
    /// Refuses what the principal may not do. A backend outside its reach is one that does not exist.
    pub fn require(&self, permission: Permission<'_>) -> Result<(), Problem> {
        use crate::auth::Denied;
        self.0.may(permission).map_err(|denied| {
            Problem(match denied {
                Denied::Backend(name) => Failure::new(Code::UnknownBackend, format!("there is no backend `{name}`")),
                denied => Failure::new(Code::Forbidden, denied.to_string()),
            })
        })
    }

    /// The principal itself.
    pub fn principal(&self) -> &Principal {
        &self.0
    }

    /// The caller of an object route: in whose name it acts.
    pub fn caller(&self, requested_tenant: Option<&str>) -> Result<Caller, Problem> {
        let tenant = self.0.tenant(requested_tenant).map_err(no_tenant)?;
        Ok(Caller {
            name: self.0.name.clone(),
            tenant: tenant.into_string(),
            sees_unmapped: self.0.may(Permission::ReadSystem).is_ok(),
        })
    }

    /// The tenant that a listing is narrowed to; none means all of them.
    pub fn scope(&self, requested_tenant: Option<&str>) -> Result<Option<String>, Problem> {
        let scope = self.0.tenant_scope(requested_tenant).map_err(no_tenant)?;
        Ok(scope.map(crate::auth::Tenant::into_string))
    }
}

fn no_tenant(error: TenantError) -> Failure {
    match error {
        TenantError::Other => Failure::new(Code::Forbidden, error.to_string()),
        TenantError::Missing | TenantError::Invalid => Failure::new(Code::InvalidRequest, error.to_string()),
    }
}
