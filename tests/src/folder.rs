//! Folders for what servers write.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A folder for the data of one testbed, under cargo's target folder.
///
/// It goes away when it is dropped. A static is never dropped, and a killed process drops nothing, so each new folder
/// first clears away those that nobody holds any more.
#[derive(Debug)]
pub struct Folder {
    folder: TempDir,
    _held: File,
}

impl Folder {
    /// A folder whose name starts with this.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn new(name: &str) -> io::Result<Self> {
        let parent = target().join("testbed");
        std::fs::create_dir_all(&parent)?;
        sweep(&parent)?;
        let folder = TempDir::with_prefix_in(format!("{name}-"), parent)?;
        let held = File::create(lock(folder.path()))?;
        held.lock()?;
        Ok(Self { folder, _held: held })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Where cargo puts what it builds: test binaries lie in `target/<profile>/deps`.
fn target() -> PathBuf {
    let binary = std::env::current_exe().unwrap_or_default();
    binary.ancestors().nth(3).map_or_else(std::env::temp_dir, Path::to_path_buf)
}

fn sweep(parent: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(parent)? {
        let folder = entry?.path();
        // A folder without a lock was made a moment ago, and its owner is about to lock it.
        if File::open(lock(&folder)).is_ok_and(|held| held.try_lock().is_ok()) {
            // Another process may be sweeping too; what it removes first is gone all the same.
            let _ = std::fs::remove_dir_all(&folder);
        }
    }
    Ok(())
}

fn lock(folder: &Path) -> PathBuf {
    folder.join("held")
}
