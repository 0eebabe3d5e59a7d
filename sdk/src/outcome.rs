//! Outcomes.

use crosspoint_contract::{Exchange, Fault, Found, Header, Json, Logout, Outcome, Request, SessionGrant, State};
use serde::Serialize;

/// An outcome in the making, see [`outcome`].
#[derive(Clone, Debug)]
#[must_use = "an outcome says nothing until it is returned"]
pub struct OutcomeBuilder(Outcome);

/// An active object with this result: `outcome(&rule)?.id(&rule.id).revision(reply.etag()).into()`.
///
/// # Errors
/// [`Fault::Other`] where `result` cannot be written as JSON.
pub fn outcome<T: Serialize + ?Sized>(result: &T) -> Result<OutcomeBuilder, Fault> {
    Ok(OutcomeBuilder(Outcome { result: json(result)?, ..Outcome::default() }))
}

impl OutcomeBuilder {
    /// The backend's id of the object; `create` must give it.
    pub fn id(mut self, backend_id: impl Into<String>) -> Self {
        self.0.backend_id = Some(backend_id.into());
        self
    }

    /// The object's revision, if the backend keeps one.
    pub fn revision(mut self, revision: Option<impl Into<String>>) -> Self {
        self.0.revision = revision.map(Into::into);
        self
    }

    /// The backend works on it still; `poll_token` is what verb `poll` needs to ask again.
    pub fn pending(mut self, poll_token: impl Into<String>) -> Self {
        self.0.state = State::Pending(poll_token.into());
        self
    }

    /// What the host shall keep for the object and give with every later call.
    ///
    /// # Errors
    /// [`Fault::Other`] where `attributes` cannot be written as JSON.
    pub fn attributes<T: Serialize + ?Sized>(mut self, attributes: &T) -> Result<Self, Fault> {
        self.0.attributes = json(attributes)?;
        Ok(self)
    }

    /// The objects of a `find` or a `list`.
    pub fn found(mut self, found: Vec<Found>) -> Self {
        self.0.found = found;
        self
    }

    /// Where a `list` goes on; `None` at its end.
    pub fn next_page(mut self, token: Option<impl Into<String>>) -> Self {
        self.0.next_page = token.map(Into::into);
        self
    }

    /// The session of a `login`.
    pub fn session(mut self, grant: SessionGrant) -> Self {
        self.0.session = Some(grant);
        self
    }

    /// The outcome.
    #[must_use]
    pub fn build(self) -> Outcome {
        self.0
    }
}

/// A session in the making, see [`session`].
#[derive(Clone, Debug)]
#[must_use = "a session counts only once it is part of an outcome"]
pub struct SessionBuilder(SessionGrant);

/// What a `login` brings: `outcome(&())?.session(session().header("x-auth-token", token).build())`.
///
/// # Examples
/// A session that the host ends when it needs it no longer:
/// ```
/// # use crosspoint_sdk::prelude::*;
/// # fn decode(token: &str) -> Result<Outcome, Fault> {
/// let logout = Http::delete(path("/sessions/{token}", &[("token", token)])?).into_exchange()?;
/// outcome(&())?.session(session().header("x-auth-token", token).logout(logout)?.build()).into()
/// # }
/// # let session = decode("t").unwrap().session.unwrap();
/// # assert_eq!(session.extensions[0].1, r#"{"method":"DELETE","target":"/sessions/t","endpoint":"default"}"#);
/// ```
pub fn session() -> SessionBuilder {
    SessionBuilder(SessionGrant::default())
}

impl SessionBuilder {
    /// A header that the host adds to each later exchange.
    pub fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.0.headers.push(Header { name: name.to_owned(), value: value.into() });
        self
    }

    /// A query parameter that the host adds to each later exchange.
    pub fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.query.push((name.to_owned(), value.into()));
        self
    }

    /// How many seconds the session lives, if the backend said so.
    pub fn expires_in(mut self, seconds: Option<u64>) -> Self {
        self.0.expires_in = seconds;
        self
    }

    /// The HTTP exchange that ends the session. The host makes it, with the session's own headers, when it lets go of a
    /// session that still lives.
    ///
    /// # Errors
    /// [`Fault::Other`] where the exchange is not of HTTP.
    pub fn logout(mut self, exchange: Exchange) -> Result<Self, Fault> {
        let Request::Http(request) = exchange.request else {
            return Err(Fault::Other("a logout is an HTTP exchange".to_owned()));
        };
        let logout = Logout {
            method: request.method,
            target: request.target,
            endpoint: exchange.endpoint,
            headers: request.headers,
            body: request.body,
        };
        self.0.extensions.push((SessionGrant::LOGOUT.to_owned(), json(&logout)?.into_string()));
        Ok(self)
    }

    /// The session.
    #[must_use]
    pub fn build(self) -> SessionGrant {
        self.0
    }
}

/// So that `decode` can end in `.into()`.
impl From<OutcomeBuilder> for Result<Outcome, Fault> {
    fn from(builder: OutcomeBuilder) -> Self {
        Ok(builder.build())
    }
}

/// One object of a `find` or a `list`; set `revision` and `marker` as fields where they are known.
///
/// # Errors
/// [`Fault::Other`] where `result` cannot be written as JSON.
pub fn found<T: Serialize + ?Sized>(backend_id: impl Into<String>, result: &T) -> Result<Found, Fault> {
    Ok(Found { backend_id: backend_id.into(), result: json(result)?, ..Found::default() })
}

fn json<T: Serialize + ?Sized>(value: &T) -> Result<Json, Fault> {
    Json::of(value).map_err(|error| Fault::Other(format!("a result cannot be written as JSON: {error}")))
}
