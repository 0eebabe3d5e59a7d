use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use thiserror::Error;
use tokio::task::spawn_blocking;

use super::digest::Digest;
use super::file::{self, Durability};
use super::package::Package;

const EXTENSION: &str = "wasm";

/// Why a package could not be kept or had.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The folder or a file in it does not let itself be used.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// It is not there.
    #[error("no package {0} is kept here")]
    Absent(Digest),
    /// What stands on disk is not what was written.
    #[error("the file of package {0} is damaged")]
    Damaged(Digest),
}

/// Packages on disk, each under its digest: `<hex>.wasm`, mode 0600, in a folder of mode 0700. A package is whole or
/// absent, and one that was kept survives a power cut.
#[derive(Clone, Debug)]
pub struct PackageStore {
    folder: Arc<Path>,
}

impl PackageStore {
    /// Opens the folder, and makes it where it is not. Blocks for a moment.
    ///
    /// # Errors
    /// Where the folder cannot be made, or belongs to somebody else.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let folder = folder.into();
        file::private_folder(&folder).map_err(|source| StoreError::Io { path: folder.clone(), source })?;
        Ok(Self { folder: folder.into() })
    }

    /// Keeps a package; one that is there already is as new. Cancel-safe: the write runs to its end.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub async fn put(&self, package: &Package) -> Result<(), StoreError> {
        let (path, bytes, digest) = (self.path(package.digest()), Arc::clone(package.bytes()), package.digest());
        blocking(path, move |path| {
            if fs::read(path).is_ok_and(|kept| Digest::of(&kept) == digest) {
                return File::open(path)?.set_modified(SystemTime::now());
            }
            file::write(path, &[&bytes], Durability::Synced)
        })
        .await
    }

    /// The bytes of a package, compared with its digest.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn get(&self, digest: Digest) -> Result<Vec<u8>, StoreError> {
        let bytes = match blocking(self.path(digest), |path| fs::read(path)).await {
            Err(StoreError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                return Err(StoreError::Absent(digest));
            }
            bytes => bytes?,
        };
        if Digest::of(&bytes) == digest { Ok(bytes) } else { Err(StoreError::Damaged(digest)) }
    }

    /// Forgets a package; one that is absent is no error.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub async fn remove(&self, digest: Digest) -> Result<(), StoreError> {
        blocking(self.path(digest), |path| match fs::remove_file(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed,
        })
        .await
    }

    /// Forgets the packages that were kept longer than an age ago and are not among the wanted; gives their digests.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub async fn forget(&self, wanted: &HashSet<Digest>, age: Duration) -> Result<Vec<Digest>, StoreError> {
        let mut forgotten = Vec::new();
        for digest in self.list().await? {
            let kept_at = blocking(self.path(digest), |path| fs::metadata(path)?.modified());
            // One of the future is young.
            let is_old = kept_at.await?.elapsed().is_ok_and(|passed| passed > age);
            if is_old && !wanted.contains(&digest) {
                self.remove(digest).await?;
                forgotten.push(digest);
            }
        }
        Ok(forgotten)
    }

    /// The digests of all packages, in order.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub async fn list(&self) -> Result<Vec<Digest>, StoreError> {
        blocking(self.folder.to_path_buf(), |folder| {
            let mut digests = Vec::new();
            for entry in fs::read_dir(folder)? {
                let path = entry?.path();
                if path.extension().is_some_and(|extension| extension == EXTENSION) {
                    digests.extend(path.file_stem().and_then(|stem| stem.to_str()).and_then(Digest::from_hex));
                }
            }
            digests.sort_unstable();
            Ok(digests)
        })
        .await
    }

    fn path(&self, digest: Digest) -> PathBuf {
        self.folder.join(digest.hex()).with_extension(EXTENSION)
    }
}

async fn blocking<T: Send + 'static>(
    path: PathBuf,
    work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
) -> Result<T, StoreError> {
    let named = path.clone();
    let done = spawn_blocking(move || work(&path)).await.unwrap_or_else(|error| Err(io::Error::other(error)));
    done.map_err(|source| StoreError::Io { path: named, source })
}
