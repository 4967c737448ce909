//! What a store of spans is asked, and how it answers.
//!
//! Every method may block on disk: call it from a thread that may wait. Every answer says what it cost and whether it
//! is complete; an incomplete one says why, so that nobody takes it for the whole.

use std::sync::Arc;

use model::{Batch, Instant, PackedBatch, Trace, TraceId, TraceSummary};

use crate::{
    AggregateDetail, Arrival, AttributeScope, JournalRecord, KnownKey, KnownValue, MinuteAggregate, Receipt,
    StoreError, TimeRange, TracePage, TraceScan,
};

/// A store of spans and of the log records that belong to traces.
pub trait SpanStore: Send + Sync {
    /// Takes a batch. `record` is the body it was decoded from, which the store keeps until the batch is sealed and
    /// never looks into. When this returns, every read sees the batch; it is safe on disk once the [`Receipt`]
    /// resolves. Log records without a trace id are not kept.
    ///
    /// # Errors
    /// [`StoreError::Overloaded`] asks to come again; the others say what is wrong with the disk. On an error nothing
    /// of the batch is promised; sending it again does no harm, since exact duplicates are kept once.
    fn append(&self, batch: Batch, record: JournalRecord) -> Result<Receipt, StoreError>;

    /// As [`SpanStore::append`] for a batch in the compact form.
    ///
    /// # Errors
    /// As for [`SpanStore::append`].
    fn append_packed(&self, batch: Arc<PackedBatch>, record: JournalRecord) -> Result<Receipt, StoreError> {
        self.append(batch.unpack(), record)
    }

    /// A trace, whole, over everything the store holds; none if nothing of it is held.
    ///
    /// # Errors
    /// Damage to one segment is no error but makes the answer incomplete.
    fn trace(&self, id: TraceId) -> Result<Answer<Option<Arc<Trace>>>, StoreError>;

    /// Summaries of these traces, in the order asked; a trace that is not held is left out.
    ///
    /// # Errors
    /// As for [`SpanStore::trace`].
    fn summaries(&self, ids: &[TraceId]) -> Result<Answer<Vec<TraceSummary>>, StoreError>;

    /// One page of the traces that match, in a total order, so that following the cursor misses none and repeats none
    /// of the traces that were there all the while.
    ///
    /// # Errors
    /// As for [`SpanStore::trace`].
    fn scan(&self, scan: &TraceScan) -> Result<Answer<TracePage>, StoreError>;

    /// Keys that attributes had, with their type and count, most frequent first, at most
    /// [`KNOWN_KEYS_MAX`](crate::limits::KNOWN_KEYS_MAX). Spans that are held twice (until a merge) may count twice.
    ///
    /// # Errors
    /// As for [`SpanStore::trace`].
    fn keys(&self, time: TimeRange) -> Result<Answer<Vec<KnownKey>>, StoreError>;

    /// Values that one attribute had, with their count, most frequent first, at most `limit` (and at most
    /// [`KNOWN_VALUES_MAX`](crate::limits::KNOWN_VALUES_MAX)).
    ///
    /// # Errors
    /// As for [`SpanStore::trace`].
    fn values(
        &self,
        scope: AttributeScope,
        key: &str,
        time: TimeRange,
        limit: usize,
    ) -> Result<Answer<Vec<KnownValue>>, StoreError>;

    /// Calls, errors and latencies by minute, service, name, kind and status, for spans that start within `time`
    /// (widened to whole minutes), in order of minute. Spans that are held twice (until a merge) count twice.
    ///
    /// # Errors
    /// As for [`SpanStore::trace`].
    fn aggregates(&self, time: TimeRange) -> Result<Answer<Vec<MinuteAggregate>>, StoreError>;

    /// The same, added up: over steps of `step` (a whole number of minutes, counted from 1970; the `minute` of an aggregate
    /// is then the first of its part of the step), and over what `detail` does not tell apart. A store may tell more apart
    /// than is asked.
    ///
    /// # Errors
    /// As for [`SpanStore::trace`].
    fn aggregates_in_steps(
        &self,
        time: TimeRange,
        step: model::Duration,
        detail: AggregateDetail,
    ) -> Result<Answer<Vec<MinuteAggregate>>, StoreError> {
        let _ = (step, detail);
        self.aggregates(time)
    }

    /// Removes a trace for good and says how many spans that were.
    ///
    /// # Errors
    /// When the disk refuses; the trace may then still be there.
    fn delete_trace(&self, id: TraceId) -> Result<u64, StoreError>;

    /// When something of this trace last arrived, by the store's clock; none if it never did or that is long ago.
    fn last_arrival(&self, id: TraceId) -> Option<Instant>;

    /// Tells of every arrival from now on. A receiver that lags is told how many it missed.
    fn subscribe(&self) -> tokio::sync::broadcast::Receiver<Arrival>;
}

/// An answer with what it cost and whether it is all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// The answer.
    pub value: T,
    /// Whether everything asked for was looked at.
    pub completeness: Completeness,
    /// What was looked at.
    pub cost: Cost,
}

impl<T> Answer<T> {
    /// A complete answer.
    pub fn complete(value: T, cost: Cost) -> Self {
        Self { value, completeness: Completeness::default(), cost }
    }

    /// The same answer with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Answer<U> {
        Answer { value: change(self.value), completeness: self.completeness, cost: self.cost }
    }
}

/// Whether everything asked for was looked at: yes, if there is no shortfall.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completeness {
    /// What is missing, and why.
    pub shortfalls: Vec<Shortfall>,
}

impl Completeness {
    /// Whether nothing is missing.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.shortfalls.is_empty()
    }
}

/// Why an answer is not all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shortfall {
    /// A segment is damaged: what it holds is missing here. `headwater store repair` saves what can be read.
    DamagedSegment {
        /// The file.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The scan's budget of traces was spent before all were looked at.
    TracesLimit(u64),
    /// The scan's budget of bytes was spent before all were looked at.
    BytesLimit(u64),
    /// Traces whose spans take more memory than the scan's budget were passed over: how much that is.
    MemoryLimit(u64),
    /// The scan's time was over before all were looked at.
    TimeLimit(model::Duration),
    /// Whoever asked called it off.
    Cancelled,
    /// More values than are counted apart; the rarest may be missing.
    ValuesLimit(u64),
}

impl std::fmt::Display for Shortfall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::DamagedSegment { file, problem } => write!(f, "{file} cannot be read: {problem}"),
            Self::TracesLimit(traces) => write!(f, "stopped after looking into {traces} traces"),
            Self::BytesLimit(bytes) => write!(f, "stopped after reading {bytes} bytes"),
            Self::MemoryLimit(bytes) => {
                write!(f, "traces that take more than {bytes} bytes of memory were passed over")
            }
            Self::TimeLimit(time) => write!(f, "stopped after {time}"),
            Self::Cancelled => f.write_str("called off"),
            Self::ValuesLimit(values) => write!(f, "counted only {values} different values"),
        }
    }
}

/// What was looked at for an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Rows of spans read.
    pub rows: u64,
    /// Traces looked at, be it only by their summary.
    pub traces: u64,
    /// Bytes read from segments, as they lie in the file.
    pub bytes: u64,
    /// Time taken by the store's clock.
    pub time: model::Duration,
}

impl std::ops::AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.rows += other.rows;
        self.traces += other.traces;
        self.bytes += other.bytes;
        self.time += other.time;
    }
}
