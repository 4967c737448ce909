//! The small area of the data folder for what is no telemetry: runs of evaluations and settings, one file each, replaced
//! as a whole.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use journal::Disk;

use crate::limits::{SHELF_NAME_BYTES_MAX, SHELF_VALUE_BYTES_MAX};
use crate::{StoreError, catalog};

/// Values under names, one file each.
#[derive(Debug)]
pub struct Shelf {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
}

impl Shelf {
    pub fn open(disk: Arc<dyn Disk>, folder: PathBuf) -> Result<Self, StoreError> {
        disk.create_folder(&folder).map_err(|error| StoreError::of_io("create", &folder, error))?;
        Ok(Self { disk, folder })
    }

    pub fn put(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.path(name)?;
        if bytes.len() > SHELF_VALUE_BYTES_MAX {
            let problem = format!("{name:?} has {} bytes, at most {SHELF_VALUE_BYTES_MAX} are kept", bytes.len());
            return Err(StoreError::BadName(problem));
        }
        catalog::replace(&*self.disk, &path, bytes).map_err(|error| StoreError::of_io("write", &path, error))
    }

    pub fn value(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.path(name)?;
        match catalog::read_all(&*self.disk, &path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::of_io("read", &path, error)),
        }
    }

    pub fn remove(&self, name: &str) -> Result<bool, StoreError> {
        let path = self.path(name)?;
        match self.disk.remove(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(StoreError::of_io("remove", &path, error)),
        }
    }

    /// Every name, sorted.
    pub fn names(&self) -> Result<Vec<String>, StoreError> {
        let names = self.disk.list(&self.folder).map_err(|error| StoreError::of_io("list", &self.folder, error))?;
        let mut names: Vec<_> = names.iter().filter_map(|name| unescape(name)).collect();
        names.sort_unstable();
        Ok(names)
    }

    fn path(&self, name: &str) -> Result<PathBuf, StoreError> {
        if name.is_empty() || name.len() > SHELF_NAME_BYTES_MAX {
            return Err(StoreError::BadName(format!(
                "a name has 1 to {SHELF_NAME_BYTES_MAX} bytes, not {}",
                name.len()
            )));
        }
        Ok(self.folder.join(escape(name)))
    }
}

/// Everything but lower-case letters, digits, `-` and `_` becomes `%` and two hex digits: no name leaves the folder,
/// and file systems that ignore case keep names apart. The end tells a finished file from one being written.
fn escape(name: &str) -> String {
    let mut escaped = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => escaped.push(byte.into()),
            other => escaped.push_str(&format!("%{other:02x}")),
        }
    }
    escaped + ".value"
}

fn unescape(file_name: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = file_name.strip_suffix(".value")?.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let (high, low) = ((rest.next()? as char).to_digit(16)?, (rest.next()? as char).to_digit(16)?);
                (high * 16 + low) as u8
            }
            plain => plain,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_under_any_name() {
        let disk: Arc<dyn Disk> = Arc::new(journal::FaultyDisk::new());
        let shelf = Shelf::open(disk, PathBuf::from("/s")).expect("opens");
        let names = ["..", "../../etc/passwd", "A b/ü", "a", "a.value", "a%2e"];
        for name in names {
            shelf.put(name, name.as_bytes()).expect("written");
        }
        let mut sorted = names.map(str::to_owned).to_vec();
        sorted.sort_unstable();
        assert_eq!(shelf.names().expect("listed"), sorted);
        for name in names {
            assert_eq!(shelf.value(name).expect("read").as_deref(), Some(name.as_bytes()));
        }
        assert!(shelf.remove("a").expect("removed") && !shelf.remove("a").expect("absent"));
        assert_eq!(shelf.value("a").expect("read"), None);
        assert!(matches!(shelf.put("", b""), Err(StoreError::BadName(_))));
    }
}
