//! One process owns a data folder. The operating system holds the lock, so that it ends with the process however that
//! ends; the lock file names the owner for people.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::filenames::LOCK;
use crate::limits::HOLDER_BYTES_MAX;
use crate::{LockHolder, StoreError};

/// A data folder that is ours until this is dropped.
#[derive(Debug)]
pub struct FolderLock {
    file: File,
    path: PathBuf,
}

impl FolderLock {
    /// Takes the folder, or says who has it.
    pub fn take(folder: &Path, address: &str) -> Result<Self, StoreError> {
        let path = folder.join(LOCK);
        let failed = |doing, error| StoreError::of_io(doing, &path, error);
        let file = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = file.map_err(|error| failed("open", error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = read_holder(&mut file);
                return Err(StoreError::Locked { folder: folder.to_owned(), holder });
            }
            Err(TryLockError::Error(error)) => return Err(failed("lock", error)),
        }
        let mut lock = Self { file, path };
        lock.say(address)?;
        Ok(lock)
    }

    /// Says where the owner can be reached.
    pub fn say(&mut self, address: &str) -> Result<(), StoreError> {
        let line = address.lines().next().unwrap_or("");
        let text = format!("{}\n{line}\n", std::process::id());
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(text.as_bytes())
        };
        write(&mut self.file).map_err(|error| StoreError::of_io("write", &self.path, error))
    }
}

/// Who owns the data folder at this moment; none if nobody does.
///
/// # Errors
/// When the lock file is there but cannot be read.
pub fn lock_holder(folder: &Path) -> Result<Option<LockHolder>, StoreError> {
    let path = folder.join(LOCK);
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::of_io("open", &path, error)),
    };
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Ok(Some(read_holder(&mut file))),
        _ => Ok(None),
    }
}

fn read_holder(file: &mut File) -> LockHolder {
    let mut text = String::new();
    // Whatever cannot be read is simply not said.
    let _ = file.take(HOLDER_BYTES_MAX).read_to_string(&mut text);
    let mut lines = text.lines();
    LockHolder {
        pid: lines.next().and_then(|line| line.parse().ok()),
        address: lines.next().unwrap_or_default().to_owned(),
    }
}
