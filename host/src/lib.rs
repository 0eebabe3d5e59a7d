//! Crosspoint: a relay between a cloud management platform and its backends.
//!
//! One REST call becomes exactly one exchange with one backend, translated by a sandboxed driver, and the relation
//! *CMP object ↔ backend object* is recorded. Arrows between the modules point down only:
//!
//! ```text
//! cli    api
//!         │
//!       relay ─────┬──────────┐
//!         │        │          │
//!      mapping   driver   transport
//!         │
//!       sync
//! ```
//!
//! `auth`, `config`, `failpoint`, `secrets` and `telemetry` stand beside. `ARCHITECTURE.md` tells more.

pub mod api;
pub mod auth;
pub mod cli;
pub mod config;
pub mod driver;
pub mod failpoint;
pub mod mapping;
pub mod relay;
pub mod secrets;
pub mod sent;
pub mod serve;
pub mod sync;
pub mod telemetry;
pub mod transport;
