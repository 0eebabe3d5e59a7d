//! Who is calling, and may they.
//!
//! A caller presents a bearer token. The configuration holds only the SHA-256 of each token, so a stolen
//! configuration file opens nothing. [`Authenticator`] turns an `Authorization` header into a [`Principal`]; what the
//! principal may do is asked of it with [`Principal::may`], and in whose name with [`Principal::tenant`].
//!
//! Nothing here knows HTTP beyond the value of that one header, nor where the tokens were configured.

mod authenticator;
mod principal;
mod tenant;
mod throttle;
mod token;

pub use authenticator::{AuthError, Authenticator};
pub use principal::{Denied, Permission, Principal, Role};
pub use tenant::{Tenant, TenantError};
pub use token::{Expiry, Token, TokenDigest, TokenEntry};
