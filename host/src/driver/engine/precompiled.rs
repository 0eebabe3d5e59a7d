//! The one piece of unsafe code in the host.
#![allow(unsafe_code, reason = "wasmtime cannot prove that compiled code came from its own compiler")]

use wasmtime::Engine;
use wasmtime::component::Component;

/// Loads what [`Component::serialize`] gave. Wasmtime itself refuses code of another version or configuration.
///
/// To be called by [`super::cache`] alone, whose checks the safety of this rests on.
pub fn load(engine: &Engine, compiled: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the bytes must be what `serialize` gave, unaltered. They come from a folder that only this user can
    // enter (0700), out of a file that only this module's cache writes (0600, whole or not at all), and their SHA-256
    // has just been compared with the one written beside them, over this very copy in memory.
    unsafe { Component::deserialize(engine, compiled) }
}
