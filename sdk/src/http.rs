//! Exchanges.

use crosspoint_contract::{Bytes, Exchange, Extensions, Fault, Header, HttpRequest, Request};
use serde::Serialize;

use crate::Target;
use crate::target::encode_form;

/// An HTTP request on its way to being an exchange.
///
/// ```
/// # use crosspoint_sdk::prelude::*;
/// # fn encode(call: &Call) -> Result<Exchange, Fault> {
/// let target = path("/rules/{id}", &[("id", call.backend_id()?)])?;
/// Http::put(target).json(&serde_json::json!({"port": 443})).if_match(call.precondition.as_deref()).into_exchange()
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a request does nothing until it is returned as an exchange"]
pub struct Http {
    endpoint: String,
    context: Vec<u8>,
    request: HttpRequest,
    failure: Option<String>,
}

impl Http {
    /// `GET`.
    pub fn get(target: Target) -> Self {
        Self::new("GET", target)
    }

    /// `HEAD`.
    pub fn head(target: Target) -> Self {
        Self::new("HEAD", target)
    }

    /// `POST`.
    pub fn post(target: Target) -> Self {
        Self::new("POST", target)
    }

    /// `PUT`.
    pub fn put(target: Target) -> Self {
        Self::new("PUT", target)
    }

    /// `PATCH`.
    pub fn patch(target: Target) -> Self {
        Self::new("PATCH", target)
    }

    /// `DELETE`.
    pub fn delete(target: Target) -> Self {
        Self::new("DELETE", target)
    }

    fn new(method: &str, target: Target) -> Self {
        Self {
            endpoint: DEFAULT_ROLE.to_owned(),
            context: Vec::new(),
            request: HttpRequest {
                method: method.to_owned(),
                target: target.into(),
                headers: Vec::new(),
                body: Bytes::default(),
            },
            failure: None,
        }
    }

    /// Sends `body` as JSON, with its `Content-Type`.
    pub fn json<T: Serialize + ?Sized>(mut self, body: &T) -> Self {
        match serde_json::to_vec(body) {
            Ok(bytes) => self.body("application/json", bytes),
            Err(error) => {
                self.failure = Some(format!("the request's body cannot be written as JSON: {error}"));
                self
            }
        }
    }

    /// Sends `fields` as an HTML form does: `application/x-www-form-urlencoded`.
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        self.body("application/x-www-form-urlencoded", encode_form(fields))
    }

    /// Sends `body` as it is, with this `Content-Type`.
    pub fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.request.body = Bytes(body.into());
        self.header("content-type", content_type)
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.request.headers.push(Header { name: name.to_owned(), value: value.into() });
        self
    }

    /// Adds `If-Match` where there is a revision to match, usually `call.precondition.as_deref()`.
    pub fn if_match(self, revision: Option<&str>) -> Self {
        match revision {
            Some(revision) => self.header("if-match", revision),
            None => self,
        }
    }

    /// Sends to the endpoint of this role instead of `default`.
    pub fn at(mut self, role: &str) -> Self {
        role.clone_into(&mut self.endpoint);
        self
    }

    /// What `decode` shall be given.
    pub fn context(mut self, context: impl Into<Vec<u8>>) -> Self {
        self.context = context.into();
        self
    }

    /// The exchange.
    ///
    /// # Errors
    /// [`Fault::Other`] where [`Http::json`] was given a value that JSON cannot express.
    pub fn into_exchange(self) -> Result<Exchange, Fault> {
        match self.failure {
            Some(failure) => Err(Fault::Other(failure)),
            None => Ok(Exchange {
                context: Bytes(self.context),
                endpoint: self.endpoint,
                request: Request::Http(self.request),
                extensions: Extensions::new(),
            }),
        }
    }
}

const DEFAULT_ROLE: &str = "default";

/// An exchange of one message, for protocols on a byte stream.
#[must_use]
pub fn message(bytes: impl Into<Vec<u8>>) -> Exchange {
    to_default(Request::Message(Bytes(bytes.into())))
}

/// An exchange of one command, for shells and prompts.
#[must_use]
pub fn command(line: impl Into<Vec<u8>>) -> Exchange {
    to_default(Request::Command(Bytes(line.into())))
}

fn to_default(request: Request) -> Exchange {
    Exchange { context: Bytes::default(), endpoint: DEFAULT_ROLE.to_owned(), request, extensions: Extensions::new() }
}
