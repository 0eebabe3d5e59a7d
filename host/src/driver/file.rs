//! Files that are whole or absent, and nobody else's business.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What a write promises.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The file is whole or absent, and a power cut may lose it.
    Relaxed,
    /// It is on disk when the write returns.
    Synced,
}

const PARTIAL: &str = ".partial";

/// After this long a half-written file is one that a crash left, and not one that somebody is writing.
const ABANDONED: Duration = Duration::from_hours(1);

/// Makes a folder that only its owner can enter, or makes an existing one so, and clears out what crashes left half
/// written. Changing the mode of somebody else's folder is refused by the operating system, and so is the folder.
pub fn private_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let age = || entry.metadata()?.modified()?.elapsed().map_err(io::Error::other);
        if entry.file_name().as_encoded_bytes().ends_with(PARTIAL.as_bytes()) && age().is_ok_and(|age| age > ABANDONED)
        {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Writes the parts, one after the other, to a file beside `path` and renames it. Mode 0600.
pub fn write(path: &Path, parts: &[&[u8]], durability: Durability) -> io::Result<()> {
    static UNIQUE: AtomicU64 = AtomicU64::new(0);
    let unique = UNIQUE.fetch_add(1, Ordering::Relaxed);
    let mut partial = path.as_os_str().to_owned();
    partial.push(format!(".{}.{unique}{PARTIAL}", process::id()));
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial).and_then(|mut file| {
        parts.iter().try_for_each(|part| file.write_all(part))?;
        if durability == Durability::Synced {
            file.sync_all()?;
        }
        fs::rename(&partial, path)
    });
    if let Err(error) = written {
        // The first error is the one to tell.
        let _ = fs::remove_file(&partial);
        return Err(error);
    }
    match path.parent() {
        Some(folder) if durability == Durability::Synced => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}
