use tokio::sync::SemaphorePermit;
use wasmtime::{ResourceLimiter, Store, Trap};

use super::EngineConfig;
use super::config::{CORE_INSTANCES, MEMORIES, TABLE_ELEMENTS, TABLES};
use super::last_words::last_words;
use crate::driver::error::CallErrorKind;

/// What is kept of a message that comes from a driver or from wasmtime, in bytes.
const MESSAGE: usize = 1024;

/// The room for one instance and one function: its store with every limit set, and its place in the engine.
pub struct Cell<'e> {
    // Declared, and so dropped, before the place: the slot is free again when the next one enters.
    store: Store<Guest>,
    output_limit: usize,
    _place: Option<SemaphorePermit<'e>>,
}

impl<'e> Cell<'e> {
    /// The one place where stores are made. Without a deadline a store would trap at its first instruction.
    pub(super) fn new(engine: &wasmtime::Engine, limits: &EngineConfig, place: Option<SemaphorePermit<'e>>) -> Self {
        let mut store = Store::new(engine, Guest::new(limits.memory_limit));
        store.limiter(|guest| guest);
        store.set_hostcall_fuel(limits.output_limit);
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        Self { store, output_limit: limits.output_limit, _place: place }
    }

    /// The store.
    pub fn store(&mut self) -> &mut Store<Guest> {
        &mut self.store
    }

    /// What an error of wasmtime means.
    pub fn explain(&self, error: &wasmtime::Error) -> CallErrorKind {
        let guest = self.store.data();
        let trap = error.downcast_ref::<Trap>();
        // The root alone: what stands around it is a backtrace and a list of memories.
        let message = bounded(error.root_cause().to_string());
        if guest.refused && (trap.is_some() || !guest.instantiated) {
            return CallErrorKind::Memory { limit: guest.memory_limit };
        }
        if let Some(trap) = trap {
            let words = matches!(trap, Trap::UnreachableCodeReached).then(|| last_words(error, &self.store)).flatten();
            return CallErrorKind::Trap { message: words.unwrap_or_else(|| bounded(trap.to_string())) };
        }
        if !guest.instantiated {
            return CallErrorKind::Instantiate { message };
        }
        // Wasmtime's type for this is private; a test holds on to its words.
        if message.contains("fuel allocated for hostcalls has been exhausted") {
            return CallErrorKind::Output { limit: self.output_limit };
        }
        CallErrorKind::Malformed { message }
    }
}

fn bounded(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MESSAGE));
    text
}

/// The host's side of one instance: what it was granted.
pub struct Guest {
    memory_limit: usize,
    granted: usize,
    refused: bool,
    instantiated: bool,
}

impl Guest {
    fn new(memory_limit: usize) -> Self {
        Self { memory_limit, granted: 0, refused: false, instantiated: false }
    }

    /// The instance exists: what fails from now on is the call.
    pub fn instantiated(&mut self) {
        self.instantiated = true;
    }
}

/// The limit is on all memories of an instance together.
impl ResourceLimiter for Guest {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let granted = self.granted.saturating_add(desired.saturating_sub(current));
        if granted > self.memory_limit {
            self.refused = true;
            return Ok(false);
        }
        self.granted = granted;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.refused = true;
        Ok(())
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS)
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES as usize
    }

    fn tables(&self) -> usize {
        TABLES as usize
    }

    fn memories(&self) -> usize {
        MEMORIES as usize
    }
}
