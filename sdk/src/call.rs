use crosspoint_contract::{Call, Fault, Violation};
use serde::de::DeserializeOwned;

use crate::typed::read;

/// A call's parts, read into a driver's own types.
pub trait CallExt {
    /// The spec.
    ///
    /// # Errors
    /// [`Fault::Invalid`] with the JSON Pointer of what does not fit.
    fn spec<T: DeserializeOwned>(&self) -> Result<T, Fault>;

    /// The backend's configuration.
    ///
    /// # Errors
    /// [`Fault::Other`] naming the place: the host has checked it against the schema, and the CMP cannot mend it.
    fn configuration<T: DeserializeOwned>(&self) -> Result<T, Fault>;

    /// The attributes that the host keeps for this object; `None` where there are none.
    ///
    /// # Errors
    /// [`Fault::Other`] naming the place.
    fn attributes<T: DeserializeOwned>(&self) -> Result<Option<T>, Fault>;

    /// The backend's id of the object.
    ///
    /// # Errors
    /// [`Fault::Other`] where the call has none, which the host prevents for every verb that needs one.
    fn backend_id(&self) -> Result<&str, Fault>;

    /// The secret of this name, of a `login`.
    ///
    /// # Errors
    /// [`Fault::Unauthenticated`] where the operator has not configured it.
    fn secret(&self, name: &str) -> Result<&str, Fault>;

    /// The fault for a kind or verb that the driver does not know.
    fn unsupported(&self) -> Fault;
}

impl CallExt for Call {
    fn spec<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        read(&self.spec).map_err(|violation| Fault::Invalid(vec![violation]))
    }

    fn configuration<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        read(&self.configuration).map_err(|violation| misfit("the backend's configuration", &violation))
    }

    fn attributes<T: DeserializeOwned>(&self) -> Result<Option<T>, Fault> {
        if self.attributes.is_null() {
            return Ok(None);
        }
        read(&self.attributes).map(Some).map_err(|violation| misfit("what was kept for this object", &violation))
    }

    fn backend_id(&self) -> Result<&str, Fault> {
        self.backend_id.as_deref().ok_or_else(|| Fault::Other(format!("`{}` came without a backend id", self.verb)))
    }

    fn secret(&self, name: &str) -> Result<&str, Fault> {
        self.credentials
            .as_ref()
            .and_then(|credentials| credentials.get(name))
            .ok_or_else(|| Fault::Unauthenticated(format!("the backend has no secret `{name}` configured")))
    }

    fn unsupported(&self) -> Fault {
        Fault::Unsupported(match self.kind.as_str() {
            "" => format!("this driver has no `{}`", self.verb),
            kind => format!("this driver has no `{}` for `{kind}`", self.verb),
        })
    }
}

fn misfit(what: &str, Violation { pointer, message }: &Violation) -> Fault {
    let place = if pointer.is_empty() { "/" } else { pointer };
    Fault::Other(format!("{what} does not fit at `{place}`: {message}"))
}
