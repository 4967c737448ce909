//! What can go wrong.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a record is not on disk, or the journal cannot be opened.
#[derive(Clone, Debug)]
pub enum JournalError {
    /// Too much waits to be synced: come again.
    Overloaded {
        /// Bytes that wait.
        held: usize,
        /// Bytes that may.
        limit: usize,
    },
    /// The journal holds as much as it may ([`Options::bytes_max`](crate::Options::bytes_max)).
    Full {
        /// Bytes it holds.
        held: u64,
        /// Bytes it may.
        limit: u64,
    },
    /// The record is larger than any may be.
    TooLarge {
        /// Its bytes.
        bytes: usize,
        /// Bytes it may have.
        limit: usize,
    },
    /// The disk is full.
    DiskFull {
        /// What was being written.
        path: PathBuf,
    },
    /// The disk failed. After a failed sync the file is never written to again.
    Disk {
        /// What was being done.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        error: Arc<io::Error>,
    },
    /// A file was written by a newer version; nothing was changed.
    NewerVersion {
        /// The file.
        path: PathBuf,
        /// The version found.
        found: u32,
        /// The newest version known here.
        known: u32,
    },
    /// The journal was closed.
    Closed,
}

impl JournalError {
    pub(crate) fn of_io(doing: &'static str, path: &Path, error: io::Error) -> Self {
        if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
            return Self::DiskFull { path: path.to_owned() };
        }
        Self::Disk { doing, path: path.to_owned(), error: Arc::new(error) }
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overloaded { held, limit } => write!(f, "{held} of at most {limit} bytes wait to be synced to disk"),
            Self::Full { held, limit } => write!(f, "the journal holds {held} of at most {limit} bytes"),
            Self::TooLarge { bytes, limit } => write!(f, "a record of {bytes} bytes is larger than {limit}"),
            Self::DiskFull { path } => write!(f, "the disk is full, cannot write {}", path.display()),
            Self::Disk { doing, path, error } => write!(f, "cannot {doing} {}: {error}", path.display()),
            Self::NewerVersion { path, found, known } => write!(
                f,
                "{} has journal version {found}, this program knows up to {known}: use the newer program",
                path.display()
            ),
            Self::Closed => f.write_str("the journal is closed"),
        }
    }
}

impl std::error::Error for JournalError {}
