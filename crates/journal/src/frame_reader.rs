//! Frames of one file, one after the other. Where a frame is not intact, the next one that is intact is looked for, so
//! that damage costs what it hit and nothing behind it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::File;
use crate::frame::{ALIGNMENT, FILE_HEADER_BYTES, FRAME_HEADER_BYTES, FRAME_MAGIC, FrameHeader, frame_bytes};
use crate::frame::{is_intact, read_header};
use crate::limits::{READ_BYTES, RECORD_BYTES_MAX};

/// What was never written is skipped in blocks of this size.
static ZEROS: [u8; 16 << 10] = [0; 16 << 10];

/// A damaged place of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub path: PathBuf,
    /// Where the damage begins.
    pub offset: u64,
    /// How far on the next intact record begins.
    pub bytes: u64,
    /// At most how many records are lost of which it was said that they are on disk. Zero: nobody was promised
    /// anything about what stood here (a torn write).
    pub records_lost: u64,
}

/// What comes next in a file.
#[derive(Debug)]
pub enum Next {
    /// An intact frame that begins at `offset`.
    Frame { offset: u64, header: FrameHeader, payload: Vec<u8> },
    /// A damaged stretch; behind it comes an intact frame.
    Damaged { offset: u64, bytes: u64 },
    /// No intact frame comes any more; the last one ended at `offset`.
    End { offset: u64 },
}

/// Reads a file's frames in order.
#[derive(Debug)]
pub struct FrameReader {
    file: Arc<dyn File>,
    file_number: u64,
    end: u64,
    offset: u64,
    last_sequence: u64,
    window: Window,
}

impl FrameReader {
    /// Reads `file`, which has this number, up to `end`.
    pub fn new(file: Arc<dyn File>, file_number: u64, end: u64) -> Self {
        Self { file, file_number, end, offset: FILE_HEADER_BYTES as u64, last_sequence: 0, window: Window::default() }
    }

    /// Reads on up to a later end: more was appended.
    pub fn extend(&mut self, end: u64) {
        if end > self.end {
            self.end = end;
            self.window = Window::default();
        }
    }

    /// The next frame, damage or the end.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn next(&mut self) -> io::Result<Next> {
        if let Some((header, payload)) = self.frame_at(self.offset)? {
            let offset = self.offset;
            self.offset += frame_bytes(header.payload_bytes) as u64;
            self.last_sequence = header.sequence;
            return Ok(Next::Frame { offset, header, payload });
        }
        let damaged = self.offset;
        match self.find_frame_after(damaged)? {
            None => Ok(Next::End { offset: damaged }),
            Some(found) => {
                self.offset = found;
                Ok(Next::Damaged { offset: damaged, bytes: found - damaged })
            }
        }
    }

    fn frame_at(&mut self, offset: u64) -> io::Result<Option<(FrameHeader, Vec<u8>)>> {
        let head = self.window.bytes(&*self.file, offset, FRAME_HEADER_BYTES, self.end)?;
        let Some(header) = read_header(head) else { return Ok(None) };
        let total = frame_bytes(header.payload_bytes);
        let plausible = header.file_number == self.file_number
            && header.sequence > self.last_sequence
            && header.payload_bytes <= RECORD_BYTES_MAX
            && offset + total as u64 <= self.end;
        if !plausible {
            return Ok(None);
        }
        let frame = self.window.bytes(&*self.file, offset, total, self.end)?;
        if frame.len() < total || !is_intact(frame, &header) {
            return Ok(None);
        }
        Ok(Some((header, frame[FRAME_HEADER_BYTES..FRAME_HEADER_BYTES + header.payload_bytes].to_vec())))
    }

    fn find_frame_after(&mut self, offset: u64) -> io::Result<Option<u64>> {
        let mut at = offset + ALIGNMENT as u64;
        while at < self.end {
            let bytes = self.window.bytes(&*self.file, at, READ_BYTES.min((self.end - at) as usize), self.end)?;
            if bytes.len() < FRAME_HEADER_BYTES {
                return Ok(None);
            }
            // Most of a file that was just begun is zeros; opening one must not take long.
            let zeros = bytes.chunks_exact(ZEROS.len()).take_while(|block| **block == ZEROS).count() * ZEROS.len();
            if zeros > 0 {
                at += zeros as u64;
                continue;
            }
            let found = bytes.chunks(ALIGNMENT).position(|chunk| chunk.starts_with(FRAME_MAGIC));
            let Some(found) = found else {
                at += bytes.len().next_multiple_of(ALIGNMENT) as u64;
                continue;
            };
            at += (found * ALIGNMENT) as u64;
            if self.frame_at(at)?.is_some() {
                return Ok(Some(at));
            }
            at += ALIGNMENT as u64;
        }
        Ok(None)
    }
}

/// A part of the file held in memory.
#[derive(Debug, Default)]
struct Window {
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    /// `length` bytes from `offset` on, fewer only where the file ends at `end`.
    fn bytes(&mut self, file: &dyn File, offset: u64, length: usize, end: u64) -> io::Result<&[u8]> {
        let length = length.min(end.saturating_sub(offset) as usize);
        let held = offset >= self.start && offset + length as u64 <= self.start + self.bytes.len() as u64;
        if !held {
            let wanted = length.max(READ_BYTES).min(end.saturating_sub(offset) as usize);
            self.bytes.resize(wanted, 0);
            let read = file.read_at(&mut self.bytes, offset)?;
            self.bytes.truncate(read);
            self.start = offset;
        }
        let from = (offset - self.start) as usize;
        let to = (from + length).min(self.bytes.len());
        Ok(&self.bytes[from..to])
    }
}
