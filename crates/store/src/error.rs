//! What can go wrong with the store as a whole. Damage to one file is no error but a shortfall of an answer.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Why the store could not do what it was asked.
#[derive(Clone, Debug)]
pub enum StoreError {
    /// The head is full: come again. Never a silent drop.
    Overloaded {
        /// Bytes the head holds.
        held: usize,
        /// Bytes it may hold.
        limit: usize,
    },
    /// Another process owns the data folder.
    Locked {
        /// The folder.
        folder: PathBuf,
        /// Who holds it, as far as its lock file says.
        holder: LockHolder,
    },
    /// The data folder was written by a newer version; it was left untouched.
    NewerVersion {
        /// The folder.
        folder: PathBuf,
        /// The version found.
        found: u32,
        /// The newest version known here.
        known: u32,
    },
    /// The data folder cannot be made, read or written.
    Unwritable {
        /// The folder or file.
        path: PathBuf,
        /// What the operating system said.
        error: Arc<std::io::Error>,
    },
    /// The disk is full.
    DiskFull {
        /// What was being written.
        path: PathBuf,
    },
    /// The disk failed while reading or writing.
    Disk {
        /// What was being done.
        doing: String,
        /// What the operating system said.
        error: Arc<std::io::Error>,
    },
    /// A run's id or a setting's key cannot be a file name, or its value is too large.
    BadName(String),
    /// The store was closed.
    Closed,
}

/// Who holds a data folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LockHolder {
    /// The process, if the lock file says.
    pub pid: Option<u32>,
    /// Where it can be reached or what it does; empty if the lock file does not say.
    pub address: String,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overloaded { held, limit } => {
                write!(f, "the store holds {held} unsealed bytes of at most {limit}: send again later")
            }
            Self::Locked { folder, holder } => {
                write!(f, "the data folder {} is in use", folder.display())?;
                if let Some(pid) = holder.pid {
                    write!(f, " by process {pid}")?;
                }
                if !holder.address.is_empty() {
                    write!(f, " ({})", holder.address)?;
                }
                f.write_str(": stop it, or name another folder")
            }
            Self::NewerVersion { folder, found, known } => write!(
                f,
                "the data folder {} has format version {found}, this program knows up to {known}: use the newer program, or another folder (nothing was changed)",
                folder.display()
            ),
            Self::Unwritable { path, error } => {
                write!(f, "cannot write to {}: {error}: make it writable, or name another folder", path.display())
            }
            Self::DiskFull { path } => {
                write!(f, "the disk is full, cannot write {}: free space, or keep less (retention)", path.display())
            }
            Self::Disk { doing, error } => write!(f, "{doing}: {error}"),
            Self::BadName(problem) => f.write_str(problem),
            Self::Closed => f.write_str("the store is closed"),
        }
    }
}

impl std::error::Error for StoreError {}

impl StoreError {
    /// Whether sending the same again later may go well.
    #[must_use]
    pub fn is_overload(&self) -> bool {
        matches!(self, Self::Overloaded { .. })
    }

    /// From what the operating system said while `doing` something with `path`.
    pub(crate) fn of_io(doing: &str, path: &std::path::Path, error: impl Into<Arc<std::io::Error>>) -> Self {
        use std::io::ErrorKind;
        let error = error.into();
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::DiskFull { path: path.to_owned() },
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                Self::Unwritable { path: path.to_owned(), error }
            }
            _ => Self::Disk { doing: format!("cannot {doing} {}", path.display()), error },
        }
    }
}

impl From<journal::JournalError> for StoreError {
    fn from(error: journal::JournalError) -> Self {
        match error {
            journal::JournalError::Overloaded { held, limit } => Self::Overloaded { held, limit },
            journal::JournalError::DiskFull { path } => Self::DiskFull { path },
            journal::JournalError::NewerVersion { path, found, known } => {
                Self::NewerVersion { folder: path, found, known }
            }
            journal::JournalError::Disk { doing, path, error } => Self::of_io(doing, &path, error),
            journal::JournalError::Closed => Self::Closed,
            other @ (journal::JournalError::TooLarge { .. } | journal::JournalError::Full { .. }) => {
                Self::BadName(other.to_string())
            }
        }
    }
}
