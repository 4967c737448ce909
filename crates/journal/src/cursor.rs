//! Reads records from a position on, also while others append and release.

use std::sync::Arc;

use crate::files::LiveFile;
use crate::frame::Kind;
use crate::frame_reader::{FrameReader, Next};
use crate::journal::Shared;
use crate::{JournalError, Position};

/// A record as it was appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its number.
    pub position: Position,
    /// What it is.
    pub kind: Kind,
    /// Its bytes.
    pub payload: Vec<u8>,
}

/// A place between two records.
#[derive(Debug)]
pub struct Cursor {
    shared: Arc<Shared>,
    position: Position,
    open: Option<OpenFile>,
    finished: u64,
    records_lost: u64,
}

#[derive(Debug)]
struct OpenFile {
    number: u64,
    reader: FrameReader,
}

impl Cursor {
    pub(crate) fn new(shared: Arc<Shared>, after: Position) -> Self {
        Self { shared, position: after, open: None, finished: 0, records_lost: 0 }
    }

    /// The last record handed out (or the position the cursor was made with).
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// At most how many records this cursor had to pass over because they are damaged.
    #[must_use]
    pub fn records_lost(&self) -> u64 {
        self.records_lost
    }

    /// The next record that is on disk; none if there is none yet. Damaged records are passed over and counted.
    ///
    /// # Errors
    /// When the disk cannot be read; the cursor stays where it is.
    #[expect(clippy::should_implement_trait, reason = "none is not the end: more may be appended")]
    pub fn next(&mut self) -> Result<Option<Record>, JournalError> {
        loop {
            let Some(file) = self.current_file() else { return Ok(None) };
            let failed = |error| JournalError::of_io("read", &file.path, error);
            if self.open.as_ref().is_none_or(|open| open.number != file.number) {
                let opened = self.shared.files().disk.open(&file.path).map_err(failed)?;
                self.open =
                    Some(OpenFile { number: file.number, reader: FrameReader::new(opened, file.number, file.end) });
            }
            let Some(open) = &mut self.open else { return Ok(None) };
            open.reader.extend(file.end);
            match open.reader.next().map_err(failed)? {
                Next::Frame { header, payload, .. } if header.sequence > self.position.0 => {
                    if self.position.0 > 0 {
                        self.records_lost += header.durable.min(header.sequence - 1).saturating_sub(self.position.0);
                    }
                    self.position = Position(header.sequence);
                    return Ok(Some(Record { position: self.position, kind: header.kind, payload }));
                }
                Next::Frame { .. } | Next::Damaged { .. } => {}
                Next::End { offset } => {
                    if !self.finish(&file, offset) {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Nothing intact comes in `file` any more after `offset`. Answers whether to go on in a later file.
    fn finish(&mut self, file: &LiveFile, offset: u64) -> bool {
        let files = self.shared.files();
        // A file that was released while it was read may be overwritten already; it is not damaged.
        if offset < file.end && files.live.iter().any(|live| live.number == file.number) {
            self.records_lost += file.last.saturating_sub(self.position.0);
            self.position = Position(file.last);
        }
        let is_last = files.live.back().is_none_or(|last| last.number == file.number);
        if !is_last {
            self.finished = file.number;
        }
        !is_last
    }

    /// The file to read on in. Files that were released meanwhile are skipped.
    fn current_file(&mut self) -> Option<LiveFile> {
        let files = self.shared.files();
        files.live.iter().find(|file| file.number > self.finished && file.last > self.position.0).cloned()
    }
}
