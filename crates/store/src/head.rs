//! The head: what arrived and is not sealed yet, in memory, by trace. Batches stay as they were decoded, packed; a trace
//! knows which rows of which batches are its own. Exact duplicates are kept once.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use model::{Gist, GistSpan, Instant, LogRecord, PackedBatch, PackedSpan, Span, TraceId, TraceSummary, hash_of};

use crate::limits::SPANS_COMPARED_MAX;

/// Unsealed traces by id.
pub type HeadTraces = hashbrown::HashMap<TraceId, Arc<HeadTrace>>;

/// Unsealed spans and log records.
#[derive(Debug, Default)]
pub struct Head {
    pub traces: HeadTraces,
    /// Roughly the memory it takes.
    pub bytes: usize,
    /// How many spans it has.
    pub spans: u64,
    /// When its first batch arrived; none if it is empty.
    pub oldest: Option<Instant>,
    /// Earliest and latest start of its spans; none if it has none.
    pub starts: Option<(Instant, Instant)>,
    /// The journal's position of its last batch.
    pub position: u64,
    /// The batches it was made of.
    batches: Vec<Arc<PackedBatch>>,
    /// Whether some spans of the batches were left out, since they were there already.
    has_left_out: bool,
}

/// A batch with its rows in order of trace.
#[derive(Debug)]
pub struct Arrived {
    pub batch: Arc<PackedBatch>,
    /// Places of [`PackedBatch::spans`], by trace id, then in the order sent.
    order: Vec<u32>,
}

/// Some rows of one batch.
#[derive(Clone, Debug)]
pub struct Part {
    arrived: Arc<Arrived>,
    /// Of [`Arrived::order`].
    rows: Range<u32>,
}

/// A span where it lies.
pub type Row<'a> = (&'a Arc<PackedBatch>, &'a PackedSpan);

impl Part {
    fn rows(&self) -> impl Iterator<Item = &PackedSpan> {
        let rows = &self.arrived.order[self.rows.start as usize..self.rows.end as usize];
        rows.iter().map(|&place| &self.arrived.batch.spans[place as usize])
    }
}

/// The unsealed part of one trace.
#[derive(Clone, Debug, Default)]
pub struct HeadTrace {
    parts: Vec<Part>,
    pub span_count: usize,
    pub logs: Vec<LogRecord>,
    /// Whether a segment may hold another part of the trace.
    pub may_be_sealed_too: bool,
    /// Places of spans by content, once there are too many to compare one by one.
    seen: Option<hashbrown::HashMap<u64, (u32, u32)>>,
    seen_logs: HashMap<u64, Vec<u32>>,
    summary: OnceLock<TraceSummary>,
}

/// A batch sorted by trace and sized, before any lock is taken.
#[derive(Debug)]
pub struct Arriving {
    arrived: Arc<Arrived>,
    /// Which rows of [`Arrived::order`] are of which trace.
    spans: Vec<(TraceId, Range<u32>)>,
    logs: HashMap<TraceId, Vec<LogRecord>>,
    pub bytes: usize,
    starts: Option<(Instant, Instant)>,
}

impl Arriving {
    /// Sorts a batch by trace. Log records without a trace id are left out.
    pub fn new(batch: Arc<PackedBatch>) -> Self {
        let mut by_id: Vec<(TraceId, u32)> =
            batch.spans.iter().zip(0..).map(|(span, place)| (span.trace_id, place)).collect();
        by_id.sort_unstable();
        let mut spans: Vec<(TraceId, Range<u32>)> = Vec::new();
        for (&(id, _), at) in by_id.iter().zip(0..) {
            match spans.last_mut() {
                Some((last, rows)) if *last == id => rows.end = at + 1,
                _ => spans.push((id, at..at + 1)),
            }
        }
        let mut logs: HashMap<TraceId, Vec<LogRecord>> = HashMap::new();
        let mut bytes = batch.memory() + by_id.len() * size_of::<u32>() + spans.len() * TRACE_BYTES;
        for log in &batch.logs {
            let Some(id) = log.trace_id else { continue };
            bytes += log_bytes(log);
            logs.entry(id).or_default().push(log.clone());
        }
        let first = batch.spans.iter().map(|span| span.start).min();
        let starts = first.map(|first| {
            let last = batch.spans.iter().map(|span| span.start).max();
            (first, last.unwrap_or(first))
        });
        let order = by_id.into_iter().map(|(_, place)| place).collect();
        Self { arrived: Arc::new(Arrived { batch, order }), spans, logs, bytes, starts }
    }

    /// Whether nothing of it can be kept.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty() && self.logs.is_empty()
    }

    /// Each trace with how many spans and log records arrived of it.
    pub fn counts(&self) -> impl Iterator<Item = (TraceId, usize, usize)> {
        let logs_of = |id: &TraceId| self.logs.get(id).map_or(0, Vec::len);
        let with_spans = self.spans.iter().map(move |(id, rows)| (*id, rows.len(), logs_of(id)));
        let has_spans = |id: &TraceId| self.spans.binary_search_by(|(other, _)| other.cmp(id)).is_ok();
        let others = self.logs.iter().filter(move |(id, _)| !has_spans(id));
        with_spans.chain(others.map(|(id, logs)| (*id, 0, logs.len())))
    }
}

impl Head {
    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.traces.is_empty()
    }

    /// Takes a batch; `may_be_sealed_too` is asked of each trace that is new here. Answers how many exact duplicates were
    /// left out.
    pub fn insert(&mut self, arriving: Arriving, may_be_sealed_too: &dyn Fn(TraceId) -> bool) -> u64 {
        let Arriving { arrived, spans, logs, bytes, starts } = arriving;
        self.bytes += bytes;
        self.note_starts(starts);
        self.batches.push(Arc::clone(&arrived.batch));
        let mut duplicates = 0;
        for (id, rows) in spans {
            let trace = self.trace(id, may_be_sealed_too);
            let before = trace.span_count;
            duplicates += trace.insert_spans(&arrived, rows);
            self.spans += (trace.span_count - before) as u64;
        }
        for (id, logs) in logs {
            let trace = self.trace(id, may_be_sealed_too);
            duplicates += logs.into_iter().map(|log| u64::from(!trace.insert_log(log))).sum::<u64>();
        }
        self.has_left_out |= duplicates > 0;
        duplicates
    }

    fn trace(&mut self, id: TraceId, may_be_sealed_too: &dyn Fn(TraceId) -> bool) -> &mut HeadTrace {
        let trace = self.traces.entry(id).or_insert_with(|| {
            let may_be_sealed_too = may_be_sealed_too(id);
            Arc::new(HeadTrace { may_be_sealed_too, ..HeadTrace::default() })
        });
        // A reader that holds the trace keeps what it has; only then it is copied.
        Arc::make_mut(trace)
    }

    fn note_starts(&mut self, starts: Option<(Instant, Instant)>) {
        self.starts = match (starts, self.starts) {
            (Some(one), Some(other)) => Some((one.0.min(other.0), one.1.max(other.1))),
            (one, other) => one.or(other),
        };
    }

    /// The batches of whose spans exactly those are here; none if some were left out.
    pub fn whole_batches(&self) -> Option<&[Arc<PackedBatch>]> {
        (!self.has_left_out).then_some(&self.batches)
    }

    /// Takes back what could not be sealed; `earlier` arrived before everything here.
    pub fn take_back(&mut self, earlier: &Self) {
        let later = std::mem::take(&mut self.traces);
        self.traces = earlier.traces.clone();
        self.bytes += earlier.bytes;
        self.oldest = earlier.oldest.or(self.oldest);
        self.note_starts(earlier.starts);
        self.batches.splice(..0, earlier.batches.iter().cloned());
        // Whether what came later repeats something earlier is not counted here.
        self.has_left_out = true;
        for (id, later) in later {
            let trace = self.trace(id, &|_| later.may_be_sealed_too);
            for part in &later.parts {
                trace.insert_spans(&part.arrived, part.rows.clone());
            }
            for log in &later.logs {
                trace.insert_log(log.clone());
            }
        }
        self.spans = self.traces.values().map(|trace| trace.span_count as u64).sum();
    }
}

impl HeadTrace {
    /// Its spans where they lie, in the order of their arrival.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.parts.iter().flat_map(|part| part.rows().map(move |span| (&part.arrived.batch, span)))
    }

    /// The earliest start of its spans; without spans, the earliest time of its log records.
    pub fn start(&self) -> Instant {
        let spans = self.rows().map(|(_, span)| span.start).min();
        spans.or_else(|| self.logs.iter().map(|log| log.moment()).min()).unwrap_or_default()
    }

    /// Its spans, unpacked, in the order of their arrival.
    pub fn spans(&self) -> impl Iterator<Item = Span> {
        self.rows().map(|(batch, span)| batch.unpack_span(span))
    }

    /// Takes rows of a batch; answers how many exact duplicates were left out.
    fn insert_spans(&mut self, arrived: &Arc<Arrived>, rows: Range<u32>) -> u64 {
        self.summary = OnceLock::new();
        let mut duplicates = 0;
        for row in rows {
            let span = &arrived.batch.spans[arrived.order[row as usize] as usize];
            if self.has(arrived, span) {
                duplicates += 1;
                continue;
            }
            self.span_count += 1;
            match self.parts.last_mut() {
                Some(last) if last.rows.end == row && Arc::ptr_eq(&last.arrived, arrived) => last.rows.end = row + 1,
                _ => self.parts.push(Part { arrived: Arc::clone(arrived), rows: row..row + 1 }),
            }
            if let Some(seen) = &mut self.seen {
                seen.entry(span.content_hash).or_insert((self.parts.len() as u32 - 1, row));
            }
        }
        duplicates
    }

    fn has(&mut self, arrived: &Arrived, span: &PackedSpan) -> bool {
        let is_same =
            |(other, row): Row<'_>| row.content_hash == span.content_hash && other.is_same(row, &arrived.batch, span);
        if self.span_count <= SPANS_COMPARED_MAX {
            return self.rows().any(is_same);
        }
        if self.seen.is_none() {
            self.seen = Some(self.places());
        }
        let place = self.seen.as_ref().and_then(|seen| seen.get(&span.content_hash));
        place.is_some_and(|&(part, row)| {
            let arrived = &self.parts[part as usize].arrived;
            is_same((&arrived.batch, &arrived.batch.spans[arrived.order[row as usize] as usize]))
        })
    }

    fn places(&self) -> hashbrown::HashMap<u64, (u32, u32)> {
        let mut places = hashbrown::HashMap::new();
        for (part, number) in self.parts.iter().zip(0..) {
            for (span, row) in part.rows().zip(part.rows.start..) {
                places.entry(span.content_hash).or_insert((number, row));
            }
        }
        places
    }

    /// Answers whether the record is new.
    fn insert_log(&mut self, log: LogRecord) -> bool {
        self.summary = OnceLock::new();
        let same = self.seen_logs.entry(log_hash(&log)).or_default();
        if same.iter().any(|&at| self.logs.get(at as usize) == Some(&log)) {
            return false;
        }
        same.push(self.logs.len() as u32);
        self.logs.push(log);
        true
    }

    /// The summary of this part alone.
    pub fn summary(&self, id: TraceId, summarise: &dyn Fn(&Gist<'_>) -> TraceSummary) -> &TraceSummary {
        self.summary.get_or_init(|| summarise(&gist(id, self.rows(), self.logs.len())))
    }
}

/// The gist of a trace of these rows. Exact duplicates were left out when they arrived, or are left out by whoever merges.
pub fn gist<'a>(id: TraceId, rows: impl Iterator<Item = Row<'a>>, log_count: usize) -> Gist<'a> {
    Gist::of_spans(id, rows.map(|(batch, span)| GistSpan::of_packed(batch, span)).collect(), log_count)
}

/// What a trace takes beside its rows: the place in the map, the list of parts, room left free.
const TRACE_BYTES: usize = 400;

fn log_bytes(log: &LogRecord) -> usize {
    // 48 for the index of duplicates.
    size_of::<LogRecord>() + 48 + log.body.memory() + log.attributes.memory()
}

fn log_hash(log: &LogRecord) -> u64 {
    let ids = (log.trace_id, log.span_id, log.time, log.observed_time);
    hash_of(&(ids, log.severity_number, &log.body, &log.attributes, &log.resource, &log.scope))
}
