//! Is everything readable: every byte of every live segment against its checksum, every trace put together.

use std::path::PathBuf;
use std::sync::Arc;

use super::EmbeddedStore;

/// What [`EmbeddedStore::verify`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Segments that are in order.
    pub segments_intact: u64,
    /// Files that are not, and what is wrong with them.
    pub problems: Vec<(PathBuf, String)>,
}

impl EmbeddedStore {
    /// Reads everything and says what is damaged. What is damaged stays as it is; everything else stays readable.
    #[must_use]
    pub fn verify(&self) -> Verified {
        let live = Arc::clone(&self.state().live);
        let mut verified = Verified::default();
        for damaged in &live.damaged {
            verified.problems.push((self.options.folder.join(&damaged.file), damaged.problem.clone()));
        }
        for segment in &live.segments {
            let problems = segment.verify(&self.segments_folder);
            verified.segments_intact += u64::from(problems.is_empty());
            verified.problems.extend(problems);
        }
        verified
    }
}
