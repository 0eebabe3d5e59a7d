//! How a node keeps its store.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How a node keeps its store. The default suits a node with 100,000s of rows and some 10,000s of commands a second.
#[derive(Clone, Debug)]
pub struct Options {
    /// The replication group, which begins every key.
    pub group: u32,
    /// The longest time that a change waits for a checkpoint. Longer: less writing, and more to replay after a crash.
    pub checkpoint_interval: Duration,
    /// Memory for changes that wait for a checkpoint, in bytes; one is begun early when they take more. While one is being
    /// written, as much again may gather, then commands wait.
    pub overlay_bytes: usize,
    /// Most commands that wait to be committed; the next is refused as busy.
    pub queue_commands: usize,
    /// Most bytes of commands that wait to be committed. A larger one is taken when nothing else waits.
    pub queue_bytes: usize,
    /// Most bytes of one command.
    pub command_bytes: usize,
    /// Memory for pages of the state's file, in bytes.
    pub cache_bytes: usize,
    /// Who is told of each commit.
    pub observer: Option<CommitObserver>,
}

/// Is told of each commit to the log: how many commands it held, and how long it took, its sync to disk included. Runs
/// on the writer's thread, so it must be quick.
#[derive(Clone)]
pub struct CommitObserver(pub Arc<dyn Fn(usize, Duration) + Send + Sync>);

impl fmt::Debug for CommitObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CommitObserver")
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            group: 0,
            checkpoint_interval: Duration::from_millis(100),
            overlay_bytes: 32 << 20,
            queue_commands: 8192,
            queue_bytes: 64 << 20,
            command_bytes: 16 << 20,
            cache_bytes: 128 << 20,
            observer: None,
        }
    }
}
