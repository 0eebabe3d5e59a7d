use std::io;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use wasmtime::EngineWeak;

/// How often a running driver gives its thread to others. What a loop can add to a neighbour's latency.
const TICK: Duration = Duration::from_millis(5);

/// Advances an engine's epoch. A thread of its own: tasks would not tick while drivers hold every worker.
pub struct Ticker {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    pub fn start(engine: EngineWeak) -> io::Result<Self> {
        let (stop, stopped) = channel::<()>();
        let thread = thread::Builder::new().name("driver-clock".to_owned()).spawn(move || {
            while let (Err(RecvTimeoutError::Timeout), Some(engine)) = (stopped.recv_timeout(TICK), engine.upgrade()) {
                engine.increment_epoch();
            }
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It can only have panicked, and has said so itself.
            let _ = thread.join();
        }
    }
}
