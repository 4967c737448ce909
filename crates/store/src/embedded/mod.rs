//! The engine in this process: journal, head, segments, catalog.
//!
//! | file | what |
//! | --- | --- |
//! | `mod.rs` | the parts and their state; append |
//! | `open.rs` | open, replay, close |
//! | `read.rs` | traces by id, keys, values, aggregates |
//! | `scan.rs` | pages of traces |
//! | `sums.rs` | aggregates added up |
//! | `seal.rs` | head to segment |
//! | `merge.rs` | small segments to larger ones; a trace taken out |
//! | `upkeep.rs` | what runs by itself: seal, merge, retention |
//! | `thin.rs` | retention by a policy: what is kept longer |
//! | `verify.rs`, `repair.rs` | is everything readable; what is not is put aside and the rest written anew |
//! | `counts.rs` | what is held, in numbers |

mod counts;
mod merge;
mod open;
mod read;
mod repair;
mod scan;
mod seal;
mod sums;
mod thin;
mod upkeep;
mod verify;

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use journal::{Disk, Journal};
use model::{Batch, Duration, Gist, Instant, PackedBatch, Trace, TraceId, TraceSummary};
use tokio::sync::broadcast;

pub use counts::StoreCounts;
pub use open::OpenReport;
pub use repair::Repaired;
pub use upkeep::{Upkeep, Upkept};
pub use verify::Verified;

use crate::head::{Arriving, Head, HeadTraces};
use crate::limits::LAST_ARRIVALS_MAX;
use crate::lock::FolderLock;
use crate::segment::{Segment, SegmentCaches, SegmentInfo};
use crate::shelf::Shelf;
use crate::{
    AggregateDetail, Answer, Arrival, AttributeScope, Hooks, JournalRecord, KnownKey, KnownValue, MinuteAggregate,
    Options, Receipt, Shortfall, SpanStore, StoreError, TimeRange, TracePage, TraceScan, filenames,
};

/// The store in this process; it owns its data folder while it is open.
#[derive(Debug)]
pub struct EmbeddedStore {
    options: Options,
    hooks: Hooks,
    disk: Arc<dyn Disk>,
    segments_folder: PathBuf,
    caches: Arc<SegmentCaches>,
    lock: Mutex<Option<FolderLock>>,
    journal: Journal,
    runs: Shelf,
    settings: Shelf,
    state: Mutex<State>,
    /// Held by whoever changes segments; always taken before `state`.
    upkeep: Mutex<UpkeepNotes>,
    wake: Condvar,
    last_problem: Mutex<Option<String>>,
    arrivals: broadcast::Sender<Arrival>,
    last_arrivals: Mutex<LastArrivals>,
    split_summaries: Mutex<SplitSummaries>,
}

#[derive(Debug, Default)]
struct State {
    head: Head,
    /// What is being sealed: still read from here, since its segment is not live yet.
    sealing: Option<Arc<Head>>,
    live: Arc<Live>,
    counters: Counters,
    closed: bool,
}

/// The live segments. Replaced as a whole, so that a reader's snapshot stays as it is.
#[derive(Debug, Default)]
struct Live {
    /// One more with each change.
    generation: u64,
    segments: Vec<Arc<Segment>>,
    damaged: Vec<DamagedSegment>,
    /// Traces that more than one segment holds (or held: a few too many do no harm).
    split: HashSet<TraceId>,
}

#[derive(Clone, Debug)]
struct DamagedSegment {
    info: SegmentInfo,
    file: String,
    problem: String,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counters {
    spans_appended: u64,
    logs_appended: u64,
    duplicates: u64,
    overloads: u64,
    traces_dropped: u64,
}

#[derive(Debug, Default)]
struct UpkeepNotes {
    next_segment: u64,
    sealed: u64,
    /// Segments that could not be read while merging; they are left alone.
    unmergeable: HashSet<u64>,
    /// Segments of which only what the policy keeps is left.
    thinned: HashSet<u64>,
    stop: bool,
}

impl UpkeepNotes {
    /// The number of the next segment.
    fn take_number(&mut self) -> u64 {
        self.next_segment += 1;
        self.next_segment - 1
    }
}

/// Summaries of split traces, good for one generation of segments.
#[derive(Debug, Default)]
struct SplitSummaries {
    generation: u64,
    summaries: HashMap<TraceId, TraceSummary>,
}

/// When traces last got something, within a bound.
#[derive(Debug, Default)]
struct LastArrivals {
    at: HashMap<TraceId, Instant>,
    order: VecDeque<(TraceId, Instant)>,
}

/// What a reader sees: it does not change while it is read.
struct Snapshot {
    head: HeadTraces,
    sealing: Option<Arc<Head>>,
    live: Arc<Live>,
}

/// Counters of the store since it was opened, and what it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// Spans appended, exact duplicates among them.
    pub spans_appended: u64,
    /// Log records appended, exact duplicates among them.
    pub logs_appended: u64,
    /// Exact duplicates left out of the head.
    pub duplicates: u64,
    /// Appends told to come again.
    pub overloads: u64,
    /// Bytes of memory the head takes, roughly.
    pub head_bytes: usize,
    /// Traces of the head.
    pub head_traces: usize,
    /// Spans of the head.
    pub head_spans: u64,
    /// Traces that retention dropped; one that is split counts in each segment.
    pub traces_dropped: u64,
    /// Live segments.
    pub segments: usize,
    /// Segments that cannot be read.
    pub damaged_segments: usize,
    /// Spans in segments.
    pub sealed_spans: u64,
    /// Traces in segments; one that is split counts in each.
    pub sealed_traces: u64,
    /// Bytes of segments.
    pub segment_bytes: u64,
    /// The journal's counters.
    pub journal: journal::Stats,
    /// What last went wrong in the background; cleared when it goes well again.
    pub last_problem: Option<String>,
}

impl EmbeddedStore {
    /// Where another process learns that this one can be reached; see [`Options::address`].
    ///
    /// # Errors
    /// When the lock file cannot be written.
    pub fn set_address(&self, address: &str) -> Result<(), StoreError> {
        let mut lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        lock.as_mut().map_or(Ok(()), |lock| lock.say(address))
    }

    /// Counters and sizes.
    #[must_use]
    pub fn stats(&self) -> StoreStats {
        let journal = self.journal.stats();
        let last_problem = self.last_problem.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let state = self.state();
        let infos = || state.live.segments.iter().map(|segment| segment.info);
        StoreStats {
            spans_appended: state.counters.spans_appended,
            logs_appended: state.counters.logs_appended,
            duplicates: state.counters.duplicates,
            overloads: state.counters.overloads,
            head_bytes: state.head.bytes + state.sealing.as_ref().map_or(0, |head| head.bytes),
            head_traces: state.head.traces.len(),
            head_spans: state.head.spans + state.sealing.as_ref().map_or(0, |head| head.spans),
            traces_dropped: state.counters.traces_dropped,
            segments: state.live.segments.len(),
            damaged_segments: state.live.damaged.len(),
            sealed_spans: infos().map(|info| info.spans).sum(),
            sealed_traces: infos().map(|info| info.traces).sum(),
            segment_bytes: infos().map(|info| info.bytes).sum(),
            journal,
            last_problem,
        }
    }

    /// Keeps the run of an evaluation; one of the same id is replaced.
    ///
    /// # Errors
    /// When the id or the bytes are too long, or the disk refuses.
    pub fn put_run(&self, id: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.runs.put(id, bytes)
    }

    /// A run as it was put; none if there is none.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn run(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.runs.value(id)
    }

    /// The ids of all runs, sorted.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn runs(&self) -> Result<Vec<String>, StoreError> {
        self.runs.names()
    }

    /// Removes a run; answers whether there was one.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn remove_run(&self, id: &str) -> Result<bool, StoreError> {
        self.runs.remove(id)
    }

    /// Keeps a setting; one of the same key is replaced.
    ///
    /// # Errors
    /// When the key or the bytes are too long, or the disk refuses.
    pub fn put_setting(&self, key: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.settings.put(key, bytes)
    }

    /// A setting as it was put; none if there is none.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn setting(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.settings.value(key)
    }

    /// The keys of all settings, sorted.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn settings(&self) -> Result<Vec<String>, StoreError> {
        self.settings.names()
    }

    /// Removes a setting; answers whether there was one.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn remove_setting(&self, key: &str) -> Result<bool, StoreError> {
        self.settings.remove(key)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn notes(&self) -> MutexGuard<'_, UpkeepNotes> {
        self.upkeep.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_problem(&self, problem: Option<String>) {
        *self.last_problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }

    fn now(&self) -> Instant {
        Instant(self.hooks.clock.unix_nanos())
    }

    fn summarise(&self, trace: &Trace) -> TraceSummary {
        (self.hooks.summarise)(&Gist::of(trace))
    }

    fn snapshot(&self) -> Snapshot {
        let state = self.state();
        Snapshot { head: state.head.traces.clone(), sealing: state.sealing.clone(), live: Arc::clone(&state.live) }
    }

    /// Like [`Self::snapshot`], of only these traces.
    fn snapshot_of(&self, ids: &[TraceId]) -> Snapshot {
        let state = self.state();
        let held = |id: &TraceId| state.head.traces.get(id).map(|trace| (*id, Arc::clone(trace)));
        Snapshot {
            head: ids.iter().filter_map(held).collect(),
            sealing: state.sealing.clone(),
            live: Arc::clone(&state.live),
        }
    }

    /// Puts a decoded batch into the head; the journal has it at `position`.
    fn insert(&self, state: &mut State, arriving: Arriving, position: u64, now: Instant) {
        let State { head, sealing, live, counters, .. } = state;
        for (_, spans, logs) in arriving.counts() {
            counters.spans_appended += spans as u64;
            counters.logs_appended += logs as u64;
        }
        let may_be_sealed_too = |id: TraceId| {
            sealing.as_ref().is_some_and(|sealing| sealing.traces.contains_key(&id))
                || live.segments.iter().any(|segment| segment.may_hold(id))
        };
        head.position = head.position.max(position);
        counters.duplicates += head.insert(arriving, &may_be_sealed_too);
        head.oldest.get_or_insert(now);
    }

    fn note_arrivals(&self, arrivals: &[Arrival]) {
        {
            let mut last = self.last_arrivals.lock().unwrap_or_else(PoisonError::into_inner);
            arrivals.iter().for_each(|arrival| last.note(arrival.trace_id, arrival.at));
        }
        for arrival in arrivals {
            // Nobody listening is no error.
            let _ = self.arrivals.send(*arrival);
        }
    }
}

impl LastArrivals {
    fn note(&mut self, id: TraceId, at: Instant) {
        self.at.insert(id, at);
        self.order.push_back((id, at));
        // Places in the order that a later arrival made stale go with the oldest.
        while self.at.len() > LAST_ARRIVALS_MAX || self.order.len() > 4 * LAST_ARRIVALS_MAX {
            let Some((oldest, noted)) = self.order.pop_front() else { break };
            if self.at.get(&oldest) == Some(&noted) {
                self.at.remove(&oldest);
            }
        }
    }
}

impl Live {
    fn next(&self, segments: Vec<Arc<Segment>>, damaged: Vec<DamagedSegment>) -> Self {
        let split = segments.iter().flat_map(|segment| segment.continued.iter().copied()).collect();
        Self { generation: self.generation + 1, segments, damaged, split }
    }

    fn shortfalls(&self) -> Vec<Shortfall> {
        let shortfall = |damaged: &DamagedSegment| Shortfall::DamagedSegment {
            file: damaged.file.clone(),
            problem: damaged.problem.clone(),
        };
        self.damaged.iter().map(shortfall).collect()
    }
}

/// The shortfall that a segment that cannot be read makes.
fn damaged(segment: &Segment, error: &std::io::Error) -> Shortfall {
    let file = filenames::segment_label(segment.info.number);
    Shortfall::DamagedSegment { file, problem: error.to_string() }
}

/// Keeps exact duplicates once.
fn without_duplicates<T: Eq + std::hash::Hash>(items: Vec<T>) -> Vec<T> {
    let mut kept = vec![true; items.len()];
    {
        let mut seen = HashSet::with_capacity(items.len());
        items.iter().zip(&mut kept).for_each(|(item, kept)| *kept = seen.insert(item));
    }
    items.into_iter().zip(kept).filter_map(|(item, kept)| kept.then_some(item)).collect()
}

impl SpanStore for EmbeddedStore {
    fn append(&self, batch: Batch, record: JournalRecord) -> Result<Receipt, StoreError> {
        self.append_packed(Arc::new(PackedBatch::from(&batch)), record)
    }

    fn append_packed(&self, batch: Arc<PackedBatch>, record: JournalRecord) -> Result<Receipt, StoreError> {
        let arriving = Arriving::new(batch);
        if arriving.is_empty() {
            return Ok(Receipt::nothing());
        }
        let at = self.now();
        let bytes = arriving.bytes;
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let arrival = |(trace_id, spans, logs)| Arrival { trace_id, at, spans: count(spans), logs: count(logs) };
        let arrivals: Vec<_> = arriving.counts().map(arrival).collect();
        let mut state = self.state();
        if state.closed {
            return Err(StoreError::Closed);
        }
        let held = state.head.bytes + state.sealing.as_ref().map_or(0, |head| head.bytes);
        // An empty head takes a batch of any size, or a very large one could never be taken.
        if held > 0 && held + bytes > self.options.head_bytes_max {
            state.counters.overloads += 1;
            self.wake.notify_all();
            return Err(StoreError::Overloaded { held, limit: self.options.head_bytes_max });
        }
        let kind = journal::Kind([record.signal, record.format, record.encoding, 0]);
        // One lock for both: what the head holds is exactly what the journal has up to the head's position.
        let receipt = self.journal.append(kind, &record.body)?;
        self.insert(&mut state, arriving, receipt.position().0, at);
        let full = state.head.bytes >= self.options.seal_bytes;
        drop(state);
        if full {
            self.wake.notify_all();
        }
        self.note_arrivals(&arrivals);
        Ok(Receipt(Some(receipt)))
    }

    fn trace(&self, id: TraceId) -> Result<Answer<Option<Arc<Trace>>>, StoreError> {
        Ok(self.read_trace(id))
    }

    fn summaries(&self, ids: &[TraceId]) -> Result<Answer<Vec<TraceSummary>>, StoreError> {
        Ok(self.read_summaries(ids))
    }

    fn scan(&self, scan: &TraceScan) -> Result<Answer<TracePage>, StoreError> {
        Ok(self.run_scan(scan))
    }

    fn keys(&self, time: TimeRange) -> Result<Answer<Vec<KnownKey>>, StoreError> {
        Ok(self.read_keys(time))
    }

    fn values(
        &self,
        scope: AttributeScope,
        key: &str,
        time: TimeRange,
        limit: usize,
    ) -> Result<Answer<Vec<KnownValue>>, StoreError> {
        Ok(self.read_values(scope, key, time, limit))
    }

    fn aggregates(&self, time: TimeRange) -> Result<Answer<Vec<MinuteAggregate>>, StoreError> {
        Ok(self.read_aggregates(time, Duration::from_secs(60), AggregateDetail::ALL))
    }

    fn aggregates_in_steps(
        &self,
        time: TimeRange,
        step: Duration,
        detail: AggregateDetail,
    ) -> Result<Answer<Vec<MinuteAggregate>>, StoreError> {
        Ok(self.read_aggregates(time, step, detail))
    }

    fn delete_trace(&self, id: TraceId) -> Result<u64, StoreError> {
        self.remove_trace(id)
    }

    fn last_arrival(&self, id: TraceId) -> Option<Instant> {
        self.last_arrivals.lock().unwrap_or_else(PoisonError::into_inner).at.get(&id).copied()
    }

    fn subscribe(&self) -> broadcast::Receiver<Arrival> {
        self.arrivals.subscribe()
    }
}
