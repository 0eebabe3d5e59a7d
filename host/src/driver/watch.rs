//! Drivers from a folder: what appears there is offered to whoever builds generations.
//!
//! The operating system's events only say when to look. What is offered is decided by looking: a file is read once it
//! has kept its size and time for a while, and offered if its bytes are new. So it does not matter how a file is put
//! there (copied, moved, linked, written by an editor), how many events that makes, or whether the file system sends
//! any at all.
//!
//! - Only regular files called `*.wasm` count, and none whose name begins with a dot.
//! - A symbolic link counts if it ends inside the folder, as those of a mounted Kubernetes volume do. One that leads
//!   out is passed over: whoever may write to the folder must not be able to make the host read elsewhere.
//! - A file that ends in the middle of a section is probably still being copied, however quiet it is: it is given more
//!   time before it is offered as the broken file it may be.
//! - The folder may vanish and come back, and need not be there at the start.
//! - A file that goes takes nothing with it: removing a driver is said explicitly, elsewhere.

mod folder;
mod settle;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep, sleep_until};

use super::digest::Digest;
use super::package::Package;
use folder::{Alarm, Folder};
use settle::{Reading, Settling, Stamp};

/// Which folder, and how patiently.
#[derive(Clone, Debug)]
pub struct WatchConfig {
    /// The folder. Folders inside it are not looked into.
    pub folder: PathBuf,
    /// How long a file must have kept still. Default: 300 ms.
    pub quiet: Duration,
    /// How long a file may look half copied before it is offered all the same. Default: 5 s.
    pub patience: Duration,
    /// How often the folder is looked at without any event. Default: 2 s.
    pub rescan: Duration,
}

impl WatchConfig {
    /// This folder with all defaults.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            quiet: Duration::from_millis(300),
            patience: Duration::from_secs(5),
            rescan: Duration::from_secs(2),
        }
    }
}

/// A file that may be a driver.
#[derive(Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Where it stands.
    pub path: PathBuf,
    /// What it holds. A file larger than a package may be is cut just beyond that size.
    pub bytes: Vec<u8>,
}

/// A folder being watched; dropping it ends that.
#[derive(Debug)]
pub struct Watch(JoinHandle<()>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Watches a folder from now on, beginning with what is in it. Must be called within a tokio runtime. Ends when the
/// receiver is gone.
#[must_use = "dropping the watch ends it"]
pub fn watch(config: WatchConfig, candidates: mpsc::Sender<Candidate>) -> Watch {
    Watch(tokio::spawn(run(config, candidates)))
}

async fn run(config: WatchConfig, candidates: mpsc::Sender<Candidate>) {
    let changed = Arc::new(Notify::new());
    let mut alarm = Alarm::new(Arc::clone(&changed));
    let mut settling = Settling::new(config.quiet, config.patience);
    let folder = Arc::new(Folder::new(config.folder));
    loop {
        // The alarm is set before the look, so nothing falls between the two.
        alarm.set(&folder);
        settling.observe(look(&folder).await, Instant::now());
        while let Some(path) = settling.due(Instant::now()) {
            let Some((bytes, reading)) = read(&folder, &path).await else { continue };
            if settling.judge(&path, reading, Instant::now())
                && candidates.send(Candidate { path, bytes }).await.is_err()
            {
                return;
            }
        }
        let rescan = Instant::now() + config.rescan;
        tokio::select! {
            // Events come in swarms: one look serves them all.
            () = changed.notified() => sleep(config.quiet / 4).await,
            () = sleep_until(settling.next().map_or(rescan, |due| due.min(rescan))) => {}
            () = candidates.closed() => return,
        }
    }
}

async fn look(folder: &Arc<Folder>) -> Vec<(PathBuf, Stamp)> {
    let folder = Arc::clone(folder);
    spawn_blocking(move || folder.files()).await.unwrap_or_default()
}

async fn read(folder: &Arc<Folder>, path: &Path) -> Option<(Vec<u8>, Reading)> {
    let (folder, path) = (Arc::clone(folder), path.to_owned());
    let reading = spawn_blocking(move || {
        let (bytes, stamp) = folder.read(&path)?;
        let reading = Reading { stamp, digest: Digest::of(&bytes), cut_short: Package::is_cut_short(&bytes) };
        Some((bytes, reading))
    });
    reading.await.ok().flatten()
}
