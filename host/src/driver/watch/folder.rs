use std::fs::{self, DirEntry, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use rustix::fs::OFlags;
use tokio::sync::Notify;

use super::settle::Stamp;
use crate::driver::package::PACKAGE_SIZE;

/// The folder as the file system shows it.
pub struct Folder {
    path: PathBuf,
    missing: AtomicBool,
}

impl Folder {
    pub fn new(path: PathBuf) -> Self {
        Self { path, missing: AtomicBool::new(false) }
    }

    /// The files that count, and what they look like now. None where the folder cannot be read, which says nothing about
    /// the files in it.
    pub fn files(&self) -> Option<Vec<(PathBuf, Stamp)>> {
        match self.list() {
            Ok(files) => {
                self.missing.store(false, Ordering::Relaxed);
                Some(files)
            }
            Err(error) => {
                // Said once for each time it goes, not at every look.
                if !self.missing.swap(true, Ordering::Relaxed) {
                    tracing::warn!(folder = %self.path.display(), %error, "the drivers folder cannot be read");
                }
                None
            }
        }
    }

    fn list(&self) -> io::Result<Vec<(PathBuf, Stamp)>> {
        let inside = fs::canonicalize(&self.path)?;
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let path = entry.path();
            if is_named_like_a_driver(&path)
                && let Some(metadata) = metadata_inside(&inside, &entry)
                && metadata.is_file()
            {
                files.push((path, stamp(&metadata)));
            }
        }
        Ok(files)
    }

    /// A file's bytes and what it looked like when they had been read. None where it is gone, or leads elsewhere now.
    pub fn read(&self, path: &Path) -> io::Result<Option<(Vec<u8>, Stamp)>> {
        let Some(target) = target_inside(&fs::canonicalize(&self.path)?, path) else { return Ok(None) };
        // By now it may be a pipe, whose opening would wait for a writer, or a link.
        let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW;
        let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(target)?;
        if !file.metadata()?.is_file() {
            return Ok(None);
        }
        // One byte more than allowed: enough to be refused for its size, not enough to fill the memory.
        let mut bytes = Vec::new();
        (&file).take(PACKAGE_SIZE as u64 + 1).read_to_end(&mut bytes)?;
        Ok(Some((bytes, stamp(&file.metadata()?))))
    }
}

fn is_named_like_a_driver(path: &Path) -> bool {
    let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
    !hidden && path.extension().is_some_and(|extension| extension == "wasm")
}

fn target_inside(inside: &Path, path: &Path) -> Option<PathBuf> {
    fs::canonicalize(path).ok().filter(|target| target.starts_with(inside))
}

/// What an entry is; of a link, what it leads to, if that is inside the folder.
fn metadata_inside(inside: &Path, entry: &DirEntry) -> Option<Metadata> {
    let metadata = entry.metadata().ok()?;
    if metadata.is_symlink() { fs::metadata(target_inside(inside, &entry.path())?).ok() } else { Some(metadata) }
}

fn stamp(metadata: &Metadata) -> Stamp {
    Stamp { size: metadata.len(), inode: metadata.ino(), modified: (metadata.mtime(), metadata.mtime_nsec()) }
}

/// The operating system's events about one folder, as a bell.
pub struct Alarm {
    bell: Arc<Notify>,
    /// The watcher, and the device and inode of the folder that it hangs on: a folder that comes back is another one.
    set: Option<(RecommendedWatcher, (u64, u64))>,
}

impl Alarm {
    pub fn new(bell: Arc<Notify>) -> Self {
        Self { bell, set: None }
    }

    /// Hangs the watcher on the folder that is there now, if it does not already.
    pub fn set(&mut self, folder: &Folder) {
        let now = fs::metadata(&folder.path).map(|metadata| (metadata.dev(), metadata.ino())).ok();
        if self.set.as_ref().map(|(_, folder)| *folder) == now {
            return;
        }
        self.set = None;
        let Some(identity) = now else { return };
        match self.hang(&folder.path) {
            Ok(watcher) => self.set = Some((watcher, identity)),
            Err(error) if matches!(&error.kind, notify::ErrorKind::Io(io) if io.kind() == ErrorKind::NotFound) => {}
            // Without events the folder is still looked at now and then.
            Err(error) => tracing::warn!(folder = %folder.path.display(), %error, "no events for the drivers folder"),
        }
    }

    fn hang(&self, folder: &Path) -> notify::Result<RecommendedWatcher> {
        let bell = Arc::clone(&self.bell);
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Our own reading is an event as well, and would ring for ever.
            if !event.is_ok_and(|event| event.kind.is_access()) {
                bell.notify_one();
            }
        })?;
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
        Ok(watcher)
    }
}
