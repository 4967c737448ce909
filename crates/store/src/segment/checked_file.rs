//! Files of a segment with a checksum for every block, so that a flipped bit is noticed by whoever reads it and never
//! shown as data. Parquet itself would not notice.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Buf, Bytes};
use journal::{Disk, File};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

/// Bytes of a block. A page of a column is of this order, so little is read in vain; the checksums are 1/4096 of the
/// file.
pub const BLOCK_BYTES: usize = 16 << 10;

/// Bytes collected before they are written.
const WRITE_BYTES: usize = 256 << 10;

/// Writes a file from its beginning and sums its blocks.
#[derive(Debug)]
pub struct CheckedWriter {
    file: Arc<dyn File>,
    pending: Vec<u8>,
    written: u64,
    checksums: Vec<u32>,
}

/// What must be known to read a file again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub length: u64,
    pub checksums: Vec<u32>,
}

impl Sums {
    /// Sums a file as it is, so that it can be read although nobody knows any more what it should be.
    pub fn of(file: &dyn File) -> io::Result<Self> {
        let length = file.length()?;
        let mut checksums = Vec::new();
        let mut block = vec![0; BLOCK_BYTES];
        for start in (0..length).step_by(BLOCK_BYTES) {
            let read = file.read_at(&mut block, start)?;
            checksums.push(crc32c::crc32c(&block[..read]));
        }
        Ok(Self { length, checksums })
    }
}

impl CheckedWriter {
    pub fn create(disk: &dyn Disk, path: &Path) -> io::Result<Self> {
        let file = disk.create(path)?;
        Ok(Self { file, pending: Vec::new(), written: 0, checksums: Vec::new() })
    }

    fn write_pending(&mut self, bytes: usize) -> io::Result<()> {
        self.file.write_at(&self.pending[..bytes], self.written)?;
        self.checksums.extend(self.pending[..bytes].chunks(BLOCK_BYTES).map(crc32c::crc32c));
        self.pending.drain(..bytes);
        self.written += bytes as u64;
        Ok(())
    }

    /// Writes what is left and syncs.
    pub fn finish(mut self) -> io::Result<Sums> {
        self.write_pending(self.pending.len())?;
        self.file.sync()?;
        Ok(Sums { length: self.written, checksums: self.checksums })
    }
}

impl Write for CheckedWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        if self.pending.len() >= WRITE_BYTES {
            self.write_pending(self.pending.len() / BLOCK_BYTES * BLOCK_BYTES)?;
        }
        Ok(bytes.len())
    }

    /// Only whole blocks are written before the end.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads a file whose blocks were summed. Clones share the count of bytes read.
#[derive(Clone, Debug)]
pub struct CheckedFile {
    file: Arc<dyn File>,
    sums: Arc<Sums>,
    read: Arc<AtomicU64>,
}

impl CheckedFile {
    pub fn new(file: Arc<dyn File>, sums: Arc<Sums>) -> Self {
        Self { file, sums, read: Arc::default() }
    }

    /// The same file with a count of bytes of its own.
    pub fn counted(&self) -> Self {
        Self { read: Arc::default(), ..self.clone() }
    }

    /// Bytes read by this file and its clones.
    pub fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Reads `length` bytes at `start` after checking every block they touch.
    pub fn read(&self, start: u64, length: usize) -> io::Result<Bytes> {
        let end = start.checked_add(length as u64).filter(|&end| end <= self.sums.length);
        let end = end.ok_or_else(|| damaged(format!("bytes beyond its end are referred to ({start} + {length})")))?;
        let block = BLOCK_BYTES as u64;
        let (from, to) = (start / block * block, end.next_multiple_of(block).min(self.sums.length));
        let mut bytes = vec![0; (to - from) as usize];
        let got = self.file.read_at(&mut bytes, from)?;
        if got < bytes.len() {
            return Err(damaged(format!("it ends at {}, not at {}", from + got as u64, self.sums.length)));
        }
        self.read.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        for (position, chunk) in bytes.chunks(BLOCK_BYTES).enumerate() {
            let number = from as usize / BLOCK_BYTES + position;
            if self.sums.checksums.get(number) != Some(&crc32c::crc32c(chunk)) {
                return Err(damaged(format!("the checksum at offset {} is wrong", number * BLOCK_BYTES)));
            }
        }
        Ok(Bytes::from(bytes).slice((start - from) as usize..(end - from) as usize))
    }

    /// Reads all of it; answers with the first thing that is wrong.
    pub fn verify(&self) -> io::Result<()> {
        let length = self.file.length()?;
        if length != self.sums.length {
            return Err(damaged(format!("it has {length} bytes, not {}", self.sums.length)));
        }
        let step = BLOCK_BYTES * 64;
        (0..self.sums.length)
            .step_by(step)
            .try_for_each(|start| self.read(start, step.min((self.sums.length - start) as usize)).map(drop))
    }
}

fn damaged(problem: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

impl Length for CheckedFile {
    fn len(&self) -> u64 {
        self.sums.length
    }
}

impl ChunkReader for CheckedFile {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        // The crate asks so for page headers only; what it needs beyond a block it asks for by `get_bytes`.
        let length = (self.sums.length.saturating_sub(start)).min(BLOCK_BYTES as u64) as usize;
        Ok(self.get_bytes(start, length)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        self.read(start, length).map_err(|error| ParquetError::External(Box::new(error)))
    }
}
