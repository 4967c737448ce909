//! What the embedded store is handed when it is opened.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use model::{Duration, Gist, PackedBatch, TraceSummary};
use stdx::Clock;

use crate::limits;

/// Where, how much, for whom.
#[derive(Clone, Debug)]
pub struct Options {
    /// The data folder; it is made if it is not there.
    pub folder: PathBuf,
    /// Said to a second process that wants this folder: where the owner can be reached, such as `127.0.0.1:4319`, or
    /// what it is doing when it listens nowhere.
    pub address: String,
    /// How long and how much to keep.
    pub retention: Retention,
    /// What is kept longer than [`Retention::age`]; none for nothing.
    pub keep_longer: Option<KeepLonger>,
    /// The head may take this many bytes of memory; beyond it appends are told to come again.
    pub head_bytes_max: usize,
    /// The head is sealed when it takes this many bytes.
    pub seal_bytes: usize,
    /// The head is sealed when its oldest batch is this old.
    pub seal_age: Duration,
    /// Spans of one merged segment, at most.
    pub merge_spans_max: u64,
    /// Bytes of one file of the journal.
    pub journal_file_bytes: u64,
}

impl Options {
    /// The defaults for this folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            address: "a process that does not listen".to_owned(),
            retention: Retention::default(),
            keep_longer: None,
            head_bytes_max: limits::HEAD_BYTES_MAX,
            seal_bytes: limits::SEAL_BYTES,
            seal_age: limits::SEAL_AGE,
            merge_spans_max: limits::MERGE_SPANS_MAX,
            journal_file_bytes: journal::limits::FILE_BYTES,
        }
    }

    /// For a store beside something that needs the memory more: a smaller head, smaller segments, smaller merges.
    #[must_use]
    pub fn small(self) -> Self {
        Self {
            head_bytes_max: limits::SMALL_HEAD_BYTES_MAX,
            seal_bytes: limits::SMALL_SEAL_BYTES,
            merge_spans_max: limits::SMALL_MERGE_SPANS_MAX,
            ..self
        }
    }
}

/// How long and how much to keep. Whole segments are dropped, the oldest first. Age counts from arrival, so that what is
/// imported from last month stays as long as what came in today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Segments whose newest span arrived longer ago than this are dropped; none to keep for ever.
    pub age: Option<Duration>,
    /// Segments beyond this many bytes are dropped; none to keep all.
    pub bytes: Option<u64>,
}

impl Default for Retention {
    fn default() -> Self {
        Self { age: Some(limits::RETENTION_AGE), bytes: Some(limits::RETENTION_BYTES) }
    }
}

/// A policy of retention: which traces are kept longer than the others.
#[derive(Clone)]
pub struct KeepLonger {
    /// As long as this, counted as in [`Retention::age`].
    pub age: Duration,
    /// Answers with something for a trace that is kept.
    pub is_kept: crate::Residual,
}

impl std::fmt::Debug for KeepLonger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeepLonger").field("age", &self.age).finish_non_exhaustive()
    }
}

/// Turns a journaled body into what it was decoded to when it arrived, or says why that is not possible.
pub type Decode = Arc<dyn Fn(&JournalRecord) -> Result<PackedBatch, String> + Send + Sync>;

/// Summarises a whole trace from its gist.
pub type Summarise = Arc<dyn Fn(&Gist<'_>) -> TraceSummary + Send + Sync>;

/// What the store must be told because it speaks no OTLP, draws no conclusions and owns no clock.
#[derive(Clone)]
pub struct Hooks {
    /// Decodes a journaled body, exactly as it was decoded when it was appended. An error is reported and the record
    /// skipped.
    pub decode: Decode,
    /// Summarises a whole trace.
    pub summarise: Summarise,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Hooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hooks").field("clock", &self.clock).finish_non_exhaustive()
    }
}

/// A body as it was received. The three tags belong to whoever encodes and decodes; the store keeps them as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalRecord {
    /// Traces or logs.
    pub signal: u8,
    /// Protobuf or JSON.
    pub format: u8,
    /// Compressed how.
    pub encoding: u8,
    /// The body.
    pub body: Bytes,
}
