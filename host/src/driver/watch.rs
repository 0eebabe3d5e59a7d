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
//! - The folder may vanish and come back, and need not be there at the start. While it is away, nothing is known of its
//!   files: those that come back with it as they were are no news.
//! - A file that is written again with the same bytes is no news either, whatever became of the driver meanwhile: tools
//!   that keep folders in order do so all the time.
//! - A file that goes takes nothing with it: removing a driver is said explicitly, elsewhere.
//! - A file that cannot be read is tried again now and then.

mod folder;
mod settle;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep, sleep_until};

use super::digest::Digest;
use super::package::Package;
use folder::{Alarm, Folder};
use settle::{Judgement, Reading, Settling, Stamp};

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
    /// Whether it has been there, as it is, since the folder was seen first: nobody put it there just now.
    pub at_start: bool,
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
        let looking = Instant::now();
        if let Some(files) = look(&folder).await {
            settling.observe(files, Instant::now());
        }
        let looked = looking.elapsed();
        for path in settling.due(Instant::now()) {
            let (bytes, reading) = match read(&folder, &path).await {
                Ok(Some(read)) => read,
                Ok(None) => continue,
                Err(error) => {
                    if settling.unreadable(&path, Instant::now()) {
                        tracing::warn!(path = %path.display(), %error, "a file in the drivers folder cannot be read");
                    }
                    continue;
                }
            };
            match settling.judge(&path, reading, Instant::now()) {
                Judgement::Offer { at_start } => {
                    if candidates.send(Candidate { path, bytes, at_start }).await.is_err() {
                        return;
                    }
                }
                Judgement::Same => {
                    let path = path.display();
                    tracing::info!(%path, "the file was written again with the same bytes: that changes nothing");
                }
                Judgement::Wait => {}
            }
        }
        let rescan = Instant::now() + config.rescan;
        tokio::select! {
            // Events come in swarms: one look serves them all, and looking takes a tenth of the time at most.
            () = changed.notified() => sleep((config.quiet / 4).max(looked * 9)).await,
            () = sleep_until(settling.next().map_or(rescan, |due| due.min(rescan))) => {}
            () = candidates.closed() => return,
        }
    }
}

async fn look(folder: &Arc<Folder>) -> Option<Vec<(PathBuf, Stamp)>> {
    let folder = Arc::clone(folder);
    spawn_blocking(move || folder.files()).await.ok().flatten()
}

async fn read(folder: &Arc<Folder>, path: &Path) -> io::Result<Option<(Vec<u8>, Reading)>> {
    let (folder, path) = (Arc::clone(folder), path.to_owned());
    let reading = spawn_blocking(move || {
        let Some((bytes, stamp)) = folder.read(&path)? else { return Ok(None) };
        let reading = Reading { stamp, digest: Digest::of(&bytes), cut_short: Package::is_cut_short(&bytes) };
        Ok(Some((bytes, reading)))
    });
    reading.await.map_err(io::Error::other)?
}
