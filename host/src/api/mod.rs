//! HTTP, and nothing but HTTP: extract, ask the relay, render.
//!
//! One file a resource. `problem` is the one place where a [`Failure`](crate::mapping::Failure) becomes a response, and
//! `extract` the one where what a stranger sent becomes values.
//!
//! **Invariant:** no handler under here makes an exchange: it calls the relay once.

mod access;
mod backends;
mod descriptors;
mod drivers;
mod events;
mod extract;
mod health;
mod json;
mod mappings;
mod objects;
mod openapi;
mod operations;
mod problem;
mod render;
mod routes;
mod server;
mod under_way;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::auth::Authenticator;
use crate::config::LimitsSection;
use crate::relay::Relay;

pub use problem::Problem;
pub use routes::router;
pub use server::{ServeError, Server};

/// What the handlers work with. Cheap to clone.
#[derive(Clone)]
pub struct App {
    relay: Arc<Relay>,
    authenticator: Arc<Authenticator>,
    openapi: Arc<openapi::Document>,
    body_limit: usize,
    body_patience: Duration,
    package_limit: usize,
    draining: Arc<AtomicBool>,
}

impl App {
    /// The application in front of a relay, within the configured limits; driver packages may have `package_limit`
    /// bytes.
    #[must_use]
    pub fn new(relay: Arc<Relay>, authenticator: Authenticator, limits: &LimitsSection, package_limit: usize) -> Self {
        Self {
            relay,
            authenticator: Arc::new(authenticator),
            openapi: Arc::default(),
            body_limit: limits.body_bytes,
            body_patience: limits.body_timeout,
            package_limit,
            draining: Arc::default(),
        }
    }

    /// Makes `/readyz` and `/leaderz` say no, so that whoever sends callers here stops. Calls are still served.
    pub fn announce_drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}
