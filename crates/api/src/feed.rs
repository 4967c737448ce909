//! What just arrived: which traces changed (for live pages), and the spans of traces that are watched, batch by batch (for
//! evaluations beside the server). Bounded memory; what was forgotten or left out is said, never guessed.
//!
//! ```text
//! let notice = feed.notice(&batch);   what of the batch somebody waits for
//! store.append(batch, …)?;            now every read sees it
//! feed.publish(notice);               and only now it is told
//! ```

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{Batch, Instant, PackedBatch, TraceId};
use stdx::Clock;
use tokio::sync::watch;

use crate::lateness::{FirstEnds, Lateness, first_ends};
use crate::limits::{LIVE_REMEMBERED_MAX, WATCH_FORGOTTEN_NANOS, WATCHED_ITEMS_MAX, WATCHED_TRACES_MAX};

/// Told of every batch once it can be read.
#[derive(Debug)]
pub struct Feed {
    clock: Arc<dyn Clock>,
    memory: Mutex<Memory>,
    /// How late spans arrive.
    pub(crate) lateness: Lateness,
    latest: watch::Sender<u64>,
}

/// What of a batch will be told.
#[derive(Debug)]
#[must_use = "a notice that is not published tells nobody"]
pub struct Notice {
    traces: Vec<TraceId>,
    watched: HashMap<TraceId, Batch>,
    span_count: u64,
    first_ends: FirstEnds,
}

/// What arrived together of one trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArrivedBatch {
    /// When.
    pub at: Instant,
    /// The spans and log records.
    pub batch: Batch,
}

/// What arrived of a watched trace after a cursor.
#[derive(Debug, Clone, Default)]
pub struct Watched {
    /// In the order of arrival.
    pub arrivals: Vec<Arc<ArrivedBatch>>,
    /// Spans and log records that there was no room for.
    pub left_out: u64,
    /// Ask from here next time.
    pub cursor: usize,
}

/// Traces that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Those that changed last stand last.
    pub traces: Vec<TraceId>,
    /// Ask from here next time.
    pub sequence: u64,
    /// Changes in between were forgotten.
    pub gap: bool,
}

#[derive(Debug, Default)]
struct Memory {
    /// Grows by one with each batch.
    sequence: u64,
    /// Changes up to this one may have been forgotten.
    forgotten: u64,
    changed_at: HashMap<TraceId, u64>,
    by_change: BTreeSet<(u64, TraceId)>,
    watched: HashMap<TraceId, Watch>,
    watched_items: usize,
    rate: Rate,
}

#[derive(Debug)]
struct Watch {
    arrivals: Vec<Arc<ArrivedBatch>>,
    left_out: u64,
    asked_nanos: u64,
}

impl Feed {
    /// Nothing has arrived.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, memory: Mutex::default(), lateness: Lateness::default(), latest: watch::Sender::new(0) }
    }

    /// Notes what of `batch` is to be told once it is stored.
    pub fn notice(&self, batch: &PackedBatch) -> Notice {
        let of_logs = batch.logs.iter().filter_map(|log| log.trace_id);
        let mut traces: Vec<TraceId> = batch.spans.iter().map(|span| span.trace_id).chain(of_logs).collect();
        traces.sort_unstable();
        traces.dedup();
        let mut watched: HashMap<TraceId, Batch> = {
            let memory = self.lock();
            let known = traces.iter().filter(|trace_id| memory.watched.contains_key(trace_id));
            known.map(|&trace_id| (trace_id, Batch::default())).collect()
        };
        if !watched.is_empty() {
            for span in &batch.spans {
                if let Some(of_trace) = watched.get_mut(&span.trace_id) {
                    of_trace.spans.push(batch.unpack_span(span));
                }
            }
            for log in &batch.logs {
                if let Some(of_trace) = log.trace_id.and_then(|trace_id| watched.get_mut(&trace_id)) {
                    of_trace.logs.push(log.clone());
                }
            }
        }
        Notice { traces, watched, span_count: batch.spans.len() as u64, first_ends: first_ends(batch) }
    }

    /// Tells of a batch that can be read.
    pub fn publish(&self, notice: Notice) {
        if notice.traces.is_empty() {
            return;
        }
        let (at, nanos) = (Instant(self.clock.unix_nanos()), self.clock.monotonic_nanos());
        self.lateness.add(notice.first_ends, at);
        let mut memory = self.lock();
        memory.sequence += 1;
        let sequence = memory.sequence;
        memory.rate.add(nanos, notice.span_count);
        for trace_id in notice.traces {
            memory.change(trace_id, sequence);
        }
        for (trace_id, batch) in notice.watched {
            memory.arrive(trace_id, at, batch);
        }
        memory.forget(nanos);
        drop(memory);
        self.latest.send_replace(sequence);
    }

    /// Traces that changed after `sequence`.
    #[must_use]
    pub fn changed_since(&self, sequence: u64) -> Changed {
        let memory = self.lock();
        let later = memory.by_change.range((sequence.saturating_add(1), TraceId([0; 16]))..);
        Changed {
            traces: later.map(|(_, trace_id)| *trace_id).collect(),
            sequence: memory.sequence,
            gap: sequence < memory.forgotten || sequence > memory.sequence,
        }
    }

    /// The sequence now.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.lock().sequence
    }

    /// The sequence at which a trace last changed; 0 if that was never or is forgotten.
    #[must_use]
    pub fn changed_at(&self, trace_id: TraceId) -> u64 {
        self.lock().changed_at.get(&trace_id).copied().unwrap_or(0)
    }

    /// Begins to keep what arrives of a trace, or goes on, and answers where it stands.
    pub fn watch(&self, trace_id: TraceId) -> usize {
        let nanos = self.clock.monotonic_nanos();
        let mut memory = self.lock();
        memory.forget(nanos);
        if !memory.watched.contains_key(&trace_id) {
            memory.make_room();
        }
        let watch = memory.watched.entry(trace_id).or_insert_with(|| Watch {
            arrivals: Vec::new(),
            left_out: 0,
            asked_nanos: nanos,
        });
        watch.asked_nanos = nanos;
        watch.arrivals.len()
    }

    /// What arrived of a watched trace after `cursor`; none if it is not watched (any more) or the cursor is not from
    /// this watch.
    #[must_use]
    pub fn arrived(&self, trace_id: TraceId, cursor: usize) -> Option<Watched> {
        let nanos = self.clock.monotonic_nanos();
        let mut memory = self.lock();
        let watch = memory.watched.get_mut(&trace_id)?;
        watch.asked_nanos = nanos;
        let arrivals = watch.arrivals.get(cursor..)?.to_vec();
        Some(Watched { arrivals, left_out: watch.left_out, cursor: watch.arrivals.len() })
    }

    /// Told of every later batch.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.latest.subscribe()
    }

    /// Spans a second over the last few seconds.
    #[must_use]
    pub fn spans_per_second(&self) -> f64 {
        self.lock().rate.per_second(self.clock.monotonic_nanos())
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    fn change(&mut self, trace_id: TraceId, sequence: u64) {
        if let Some(before) = self.changed_at.insert(trace_id, sequence) {
            self.by_change.remove(&(before, trace_id));
        }
        self.by_change.insert((sequence, trace_id));
    }

    fn arrive(&mut self, trace_id: TraceId, at: Instant, batch: Batch) {
        let Some(watch) = self.watched.get_mut(&trace_id) else { return };
        let items = batch.spans.len() + batch.logs.len();
        if self.watched_items + items > WATCHED_ITEMS_MAX {
            watch.left_out += items as u64;
            return;
        }
        self.watched_items += items;
        watch.arrivals.push(Arc::new(ArrivedBatch { at, batch }));
    }

    fn forget(&mut self, nanos: u64) {
        while self.by_change.len() > LIVE_REMEMBERED_MAX {
            let Some((sequence, trace_id)) = self.by_change.pop_first() else { break };
            self.changed_at.remove(&trace_id);
            self.forgotten = self.forgotten.max(sequence);
        }
        let forgotten: Vec<TraceId> = self
            .watched
            .iter()
            .filter(|(_, watch)| nanos.saturating_sub(watch.asked_nanos) > WATCH_FORGOTTEN_NANOS)
            .map(|(trace_id, _)| *trace_id)
            .collect();
        for trace_id in forgotten {
            self.release(trace_id);
        }
    }

    /// Makes room for one more watch: the one longest not asked for goes.
    fn make_room(&mut self) {
        while self.watched.len() >= WATCHED_TRACES_MAX {
            let longest = self.watched.iter().min_by_key(|(_, watch)| watch.asked_nanos).map(|(id, _)| *id);
            let Some(trace_id) = longest else { break };
            self.release(trace_id);
        }
    }

    fn release(&mut self, trace_id: TraceId) {
        let Some(watch) = self.watched.remove(&trace_id) else { return };
        let items = |arrival: &Arc<ArrivedBatch>| arrival.batch.spans.len() + arrival.batch.logs.len();
        self.watched_items -= watch.arrivals.iter().map(items).sum::<usize>();
    }
}

/// Spans by whole second of monotonic time, the last few seconds.
#[derive(Debug, Default)]
struct Rate {
    seconds: BTreeMap<u64, u64>,
}

/// The rate is averaged over this many whole seconds.
const RATE_SECONDS: u64 = 5;

impl Rate {
    fn add(&mut self, monotonic_nanos: u64, spans: u64) {
        *self.seconds.entry(monotonic_nanos / 1_000_000_000).or_default() += spans;
        while self.seconds.len() as u64 > RATE_SECONDS + 1 {
            self.seconds.pop_first();
        }
    }

    fn per_second(&self, monotonic_nanos: u64) -> f64 {
        let now = monotonic_nanos / 1_000_000_000;
        let whole = self.seconds.range(now.saturating_sub(RATE_SECONDS)..now);
        whole.map(|(_, spans)| spans).sum::<u64>() as f64 / RATE_SECONDS as f64
    }
}

#[cfg(test)]
mod tests {
    use model::{Span, SpanId};
    use stdx::ManualClock;

    use super::*;

    fn trace_id(number: u64) -> TraceId {
        TraceId((u128::from(number) + 1).to_be_bytes())
    }

    fn publish(feed: &Feed, traces: &[u64]) {
        let span = |&trace: &u64| Span::new(trace_id(trace), SpanId([1; 8]), "x");
        let batch = Batch { spans: traces.iter().map(span).collect(), logs: Vec::new() };
        let notice = feed.notice(&PackedBatch::from(&batch));
        feed.publish(notice);
    }

    #[test]
    fn changes_are_told_once_in_order() {
        let feed = Feed::new(Arc::new(ManualClock::at(7)));
        publish(&feed, &[1, 2]);
        publish(&feed, &[1]);
        let changed = feed.changed_since(0);
        assert_eq!(changed, Changed { traces: vec![trace_id(2), trace_id(1)], sequence: 2, gap: false });
        assert!(feed.changed_since(2).traces.is_empty());
        assert_eq!(feed.changed_since(1).traces, [trace_id(1)]);
        assert!(feed.changed_since(99).gap, "a sequence of another life of the server");
        assert_eq!((feed.changed_at(trace_id(1)), feed.changed_at(trace_id(3))), (2, 0));
    }

    #[test]
    fn what_is_forgotten_is_said() {
        let feed = Feed::new(Arc::new(ManualClock::at(0)));
        for number in 0..LIVE_REMEMBERED_MAX as u64 + 10 {
            publish(&feed, &[number]);
        }
        let changed = feed.changed_since(3);
        assert!(changed.gap);
        assert_eq!(changed.traces.len(), LIVE_REMEMBERED_MAX);
        assert!(!feed.changed_since(10).gap);
    }

    #[test]
    fn watched_traces_are_kept_batch_by_batch() {
        let clock = Arc::new(ManualClock::at(7));
        let feed = Feed::new(clock.clone());
        publish(&feed, &[1]);
        assert_eq!(feed.watch(trace_id(1)), 0);
        publish(&feed, &[1, 2, 1]);
        clock.advance(5);
        publish(&feed, &[1]);
        let arrived = feed.arrived(trace_id(1), 0).expect("watched");
        let told: Vec<(u64, usize)> = arrived.arrivals.iter().map(|a| (a.at.0, a.batch.spans.len())).collect();
        assert_eq!((told, arrived.cursor), (vec![(7, 2), (12, 1)], 2));
        assert!(feed.arrived(trace_id(1), 2).expect("watched").arrivals.is_empty());
        assert!(feed.arrived(trace_id(1), 3).is_none(), "a cursor of another watch");
        assert!(feed.arrived(trace_id(2), 0).is_none(), "nobody watches it");
    }

    #[test]
    fn a_watch_that_nobody_asks_for_is_forgotten() {
        let clock = Arc::new(ManualClock::at(7));
        let feed = Feed::new(clock.clone());
        feed.watch(trace_id(1));
        clock.advance(WATCH_FORGOTTEN_NANOS + 1);
        publish(&feed, &[1]);
        assert!(feed.arrived(trace_id(1), 0).is_none());
        for number in 0..2 * WATCHED_TRACES_MAX as u64 {
            feed.watch(trace_id(number));
        }
        assert!(feed.lock().watched.len() <= WATCHED_TRACES_MAX);
    }

    #[test]
    fn as_many_watches_as_there_is_room_for_stay() {
        let clock = Arc::new(ManualClock::at(7));
        let feed = Feed::new(clock.clone());
        for number in 0..WATCHED_TRACES_MAX as u64 {
            feed.watch(trace_id(number));
            clock.advance(1);
        }
        publish(&feed, &[0]);
        feed.watch(trace_id(1));
        assert!((0..WATCHED_TRACES_MAX as u64).all(|number| feed.arrived(trace_id(number), 0).is_some()));
    }

    #[test]
    fn without_room_what_is_left_out_is_counted() {
        let feed = Feed::new(Arc::new(ManualClock::at(7)));
        feed.watch(trace_id(1));
        publish(&feed, &vec![1; WATCHED_ITEMS_MAX - 1]);
        publish(&feed, &[1, 1]);
        assert_eq!(feed.arrived(trace_id(1), 0).expect("watched").left_out, 2);
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let clock = Arc::new(ManualClock::at(0));
        let feed = Feed::new(clock.clone());
        for _ in 0..20 {
            publish(&feed, &[1, 2, 3]);
            clock.advance(1_000_000_000);
        }
        assert!((feed.spans_per_second() - 3.0).abs() < f64::EPSILON);
        clock.advance(60_000_000_000);
        assert!(feed.spans_per_second() < f64::EPSILON);
    }
}
