//! Where the files lie: a directory, or whatever a test puts in its place.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use redb::StorageBackend;
use redb::backends::FileBackend;

use super::OpenError;

/// A place for files.
pub(in crate::sync) trait Disk {
    type File: StorageBackend;

    /// Whether there is such a file.
    fn has(&self, name: &'static str) -> Result<bool, OpenError>;

    /// Opens a file that is there.
    fn open(&self, name: &'static str) -> Result<Self::File, OpenError>;

    /// Makes a file. It has its name only when `fill` is done and everything is durable: a crash leaves none or all of it.
    fn make(&self, name: &'static str, fill: impl FnOnce(Self::File) -> Result<(), OpenError>)
    -> Result<(), OpenError>;
}

/// A directory that only its owner may read. It is locked until the files in it are open, and hold their own locks.
pub(in crate::sync) struct Directory {
    path: PathBuf,
    handle: File,
}

impl Directory {
    /// The directory at a path, made if there is none.
    pub(in crate::sync) fn prepare(path: &Path) -> Result<Self, OpenError> {
        let unusable = |source| OpenError::Directory { path: path.to_owned(), source };
        if !path.is_dir() {
            DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(unusable)?;
            if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                File::open(parent).and_then(|parent| parent.sync_all()).map_err(unusable)?;
            }
        }
        let handle = File::open(path).map_err(unusable)?;
        match handle.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse),
            Err(TryLockError::Error(error)) if error.kind() != io::ErrorKind::Unsupported => {
                return Err(unusable(error));
            }
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        Ok(Self { path: path.to_owned(), handle })
    }

    fn unusable(&self, source: io::Error) -> OpenError {
        OpenError::Directory { path: self.path.clone(), source }
    }
}

impl Disk for Directory {
    type File = FileBackend;

    fn has(&self, name: &'static str) -> Result<bool, OpenError> {
        self.path.join(name).try_exists().map_err(|error| self.unusable(error))
    }

    fn open(&self, name: &'static str) -> Result<FileBackend, OpenError> {
        let file = OpenOptions::new().read(true).write(true).open(self.path.join(name));
        backend(name, file.map_err(|source| OpenError::Io { file: name, source })?)
    }

    fn make(
        &self,
        name: &'static str,
        fill: impl FnOnce(FileBackend) -> Result<(), OpenError>,
    ) -> Result<(), OpenError> {
        let path = self.path.join(name);
        let unfinished = path.with_added_extension("new");
        let begin = || {
            let made =
                OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
            Ok((made.try_clone()?, made))
        };
        let (made, again) = begin().map_err(|error| self.unusable(error))?;
        fill(backend(name, made)?)?;
        let finish = || {
            again.sync_all()?;
            std::fs::rename(&unfinished, &path)?;
            self.handle.sync_all()
        };
        finish().map_err(|error| self.unusable(error))
    }
}

fn backend(name: &'static str, file: File) -> Result<FileBackend, OpenError> {
    FileBackend::new(file).map_err(|error| OpenError::redb(name, error.into()))
}
