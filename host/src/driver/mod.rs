//! Drivers: from a file to a translator that cannot hurt anybody.
//!
//! ```text
//! folder or upload ─▶ Package ─▶ Engine ─▶ Generation ─▶ Registry ─▶ calls
//!                     read        compiled   checked       published
//! ```
//!
//! Each step can only refuse; whatever was published before stays. This module knows no transport and no mapping.
//!
//! **Invariant:** every function of every call runs in a fresh instance that imports nothing, under limits of time,
//! memory and output. What a driver does wrong is a [`CallError`] of that call.
//!
//! **Invariant:** only `v1` knows the WIT. Everybody else speaks the contract crate's types; a later generation of the
//! contract is one more adapter beside it.

mod digest;
mod engine;
mod error;
mod file;
mod generation;
mod package;
mod registry;
mod store;
mod v1;
mod watch;

#[cfg(test)]
mod tests;

pub use digest::{Digest, NoDigest};
pub use engine::{CompileError, Compiler, CompilerProcess, Engine, EngineConfig, EngineError, compile_apart};
pub use error::{CallError, CallErrorKind, Phase};
pub use generation::{BuildError, CheckedAction, CheckedKind, Generation, InFlight};
pub use package::{PACKAGE_SIZE, Package, PackageError};
pub use registry::{Entry, Failure, Published, Registry};
pub use store::{PackageStore, StoreError};
pub use watch::{Candidate, Watch, WatchConfig, watch};
