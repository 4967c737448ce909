//! Small texts under names, beside the traces: what servers and evaluations remember from one start to the next.

use super::EmbeddedStore;
use crate::StoreError;

impl EmbeddedStore {
    /// The text kept under `name`; none if there is none or it is no text.
    ///
    /// # Errors
    /// When the name cannot be one, or the disk cannot be read.
    pub fn read(&self, name: &str) -> Result<Option<String>, StoreError> {
        Ok(self.settings.value(name)?.and_then(|bytes| String::from_utf8(bytes).ok()))
    }

    /// Keeps `text` under `name`, replacing what was there as one step: after a crash the old or the new one is there.
    ///
    /// # Errors
    /// When the name or the text is too long, or the disk refuses; what was there before is there still.
    pub fn write(&self, name: &str, text: &str) -> Result<(), StoreError> {
        self.settings.put(name, text.as_bytes())
    }

    /// Forgets what is under `name`; answers whether there was something.
    ///
    /// # Errors
    /// When the name cannot be one, or the disk refuses.
    pub fn remove(&self, name: &str) -> Result<bool, StoreError> {
        self.settings.remove(name)
    }

    /// All names that begin with `prefix`, sorted.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn names(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let mut names = self.settings.names()?;
        names.retain(|name| name.starts_with(prefix));
        Ok(names)
    }
}
