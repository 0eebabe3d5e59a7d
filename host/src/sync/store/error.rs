//! Why a store cannot be opened, in words that an operator can act on.

use std::io;
use std::path::PathBuf;

use super::seal::SealError;

/// Why a store cannot be opened. None of these changes what is stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The directory cannot be made, read or written.
    #[error("the store's directory `{}` cannot be used: {source}{}", path.display(), remedy(source.kind()))]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Another process, or this one, has the store open.
    #[error("the store is in use: another Crosspoint runs on the same directory")]
    InUse,
    /// The file is not part of a Crosspoint store.
    #[error("`{file}` is not a file of a Crosspoint store: {reason}; restore both files from one backup")]
    Foreign {
        /// The file.
        file: &'static str,
        /// What it is instead.
        reason: String,
    },
    /// A newer version wrote the store. Run that version, or restore a backup of before.
    #[error(
        "`{file}` was written by a newer version: its {what} is {found}, and this program knows none above {known}; \
         run that version, or restore a backup from before it"
    )]
    Newer {
        /// The file.
        file: &'static str,
        /// What is newer.
        what: &'static str,
        /// The version found.
        found: u32,
        /// The highest version that this program knows.
        known: u32,
    },
    /// The two files do not belong together: one is missing, of another store, or an older copy. Restore both.
    #[error("the files of the store do not belong together: {0}; restore both from one backup")]
    Mismatched(String),
    /// The file is damaged. Restore a backup, or rejoin from another node.
    #[error("`{file}` is damaged: {reason}; restore both files from one backup")]
    Corrupt {
        /// The file.
        file: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A command in the log cannot be applied again: this program cannot read it, or what it reads is damaged.
    #[error(
        "the command at index {index} of the log cannot be applied: {reason}; run the version that wrote it, or restore \
         `log.redb` and `state.redb` from one backup"
    )]
    Replay {
        /// The command's index.
        index: u64,
        /// What went wrong.
        reason: String,
    },
    /// Reading or writing failed.
    #[error("`{file}` cannot be read or written: {source}{}", remedy(source.kind()))]
    Io {
        /// The file.
        file: &'static str,
        /// What the operating system says.
        source: io::Error,
    },
    /// The operating system gave no thread.
    #[error("no thread could be started: {0}")]
    Thread(io::Error),
}

impl OpenError {
    /// Says what redb's error means for a file.
    pub(in crate::sync) fn redb(file: &'static str, error: redb::Error) -> Self {
        match error {
            redb::Error::DatabaseAlreadyOpen => Self::InUse,
            redb::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
                Self::Foreign { file, reason: error.to_string() }
            }
            redb::Error::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => Self::Io { file, source: error },
            other => Self::Corrupt { file, reason: other.to_string() },
        }
    }

    /// Says what a broken seal means for a file.
    pub(super) fn seal(file: &'static str, what: &str, error: SealError) -> Self {
        Self::Corrupt { file, reason: format!("{what} is not as it was written: {error}") }
    }
}

/// redb's error in words, with what an operator can do about it.
pub(in crate::sync) fn told(error: &redb::Error) -> String {
    match error {
        redb::Error::Io(source) => format!("{source}{}", remedy(source.kind())),
        other => other.to_string(),
    }
}

/// What an operator can do about an error of the operating system, where that is known.
fn remedy(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::PermissionDenied => "; it must belong to the user that Crosspoint runs as",
        io::ErrorKind::ReadOnlyFilesystem => "; mount it writable",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; free some space and start Crosspoint again",
        _ => "",
    }
}
