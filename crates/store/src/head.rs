//! The head: what arrived and is not sealed yet, in memory, by trace. Exact duplicates are kept once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Arc, OnceLock};

use model::{Attributes, Batch, Instant, LogRecord, Resource, Scope, Span, Trace, TraceId, TraceSummary, Value};

/// Unsealed spans and log records.
#[derive(Debug, Default)]
pub struct Head {
    pub traces: HashMap<TraceId, Arc<HeadTrace>>,
    /// Roughly the memory it takes.
    pub bytes: usize,
    /// When its first batch arrived; none if it is empty.
    pub oldest: Option<Instant>,
    /// Earliest and latest start of its spans; none if it has none.
    pub starts: Option<(Instant, Instant)>,
    /// The journal's position of its last batch.
    pub position: u64,
}

/// The unsealed part of one trace.
#[derive(Clone, Debug, Default)]
pub struct HeadTrace {
    pub spans: Vec<Span>,
    pub logs: Vec<LogRecord>,
    /// Whether a segment may hold another part of the trace.
    pub may_be_sealed_too: bool,
    seen: HashMap<u64, Vec<u32>>,
    summary: OnceLock<TraceSummary>,
}

/// One trace's part of a batch, sized and hashed before any lock is taken.
#[derive(Debug, Default)]
pub struct Arriving {
    pub spans: Vec<(u64, Span)>,
    pub logs: Vec<(u64, LogRecord)>,
    pub bytes: usize,
}

/// Sorts a batch by trace. Log records without a trace id are left out.
pub fn by_trace(batch: Batch, hasher: &RandomState) -> HashMap<TraceId, Arriving> {
    let mut shared = SharedHashes { hasher, known: HashMap::new() };
    let mut traces: HashMap<TraceId, Arriving> = HashMap::new();
    for span in batch.spans {
        let arriving = traces.entry(span.trace_id).or_default();
        arriving.bytes += span_bytes(&span);
        arriving.spans.push((shared.of_span(&span), span));
    }
    for log in batch.logs {
        let Some(id) = log.trace_id else { continue };
        let arriving = traces.entry(id).or_default();
        arriving.bytes += log_bytes(&log);
        arriving.logs.push((shared.of_log(&log), log));
    }
    traces
}

/// Hashes resources and scopes once per batch: many spans share one.
struct SharedHashes<'a> {
    hasher: &'a RandomState,
    known: HashMap<usize, u64>,
}

impl SharedHashes<'_> {
    fn of_span(&mut self, span: &Span) -> u64 {
        let shared = (self.of_resource(&span.resource), self.of_scope(&span.scope));
        let ids = (span.trace_id, span.span_id, span.parent_span_id);
        let what = (span.start, span.end, &span.name, span.kind, &span.status, &span.attributes);
        self.hasher.hash_one((shared, ids, what, &span.events, &span.links))
    }

    fn of_log(&mut self, log: &LogRecord) -> u64 {
        let shared = (self.of_resource(&log.resource), self.of_scope(&log.scope));
        let ids = (log.trace_id, log.span_id);
        self.hasher.hash_one((
            shared,
            ids,
            log.time,
            log.observed_time,
            log.severity_number,
            &log.body,
            &log.attributes,
        ))
    }

    fn of_resource(&mut self, resource: &Arc<Resource>) -> u64 {
        self.of(Arc::as_ptr(resource) as usize, resource)
    }

    fn of_scope(&mut self, scope: &Arc<Scope>) -> u64 {
        self.of(Arc::as_ptr(scope) as usize, scope)
    }

    fn of(&mut self, address: usize, shared: &impl Hash) -> u64 {
        *self.known.entry(address).or_insert_with(|| self.hasher.hash_one(shared))
    }
}

impl Head {
    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.traces.is_empty()
    }

    /// Takes one trace's part; `may_be_sealed_too` is asked when the trace is new here. Answers how many exact
    /// duplicates were left out.
    pub fn insert(&mut self, id: TraceId, arriving: Arriving, may_be_sealed_too: impl FnOnce() -> bool) -> u64 {
        let trace = match self.traces.entry(id) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let new = HeadTrace { may_be_sealed_too: may_be_sealed_too(), ..HeadTrace::default() };
                entry.insert(Arc::new(new))
            }
        };
        self.bytes += arriving.bytes;
        for (_, span) in &arriving.spans {
            let (first, last) = self.starts.unwrap_or((span.start, span.start));
            self.starts = Some((first.min(span.start), last.max(span.start)));
        }
        // A reader that holds the trace keeps what it has; only then it is copied.
        Arc::make_mut(trace).insert(arriving)
    }

    /// Takes back what could not be sealed; `earlier` arrived before everything here.
    pub fn take_back(&mut self, earlier: &Self, hasher: &RandomState) {
        let later = std::mem::take(&mut self.traces);
        self.traces = earlier.traces.clone();
        self.bytes += earlier.bytes;
        self.oldest = earlier.oldest.or(self.oldest);
        self.starts = match (earlier.starts, self.starts) {
            (Some(one), Some(other)) => Some((one.0.min(other.0), one.1.max(other.1))),
            (one, other) => one.or(other),
        };
        for (id, trace) in later {
            let batch = Batch { spans: trace.spans.clone(), logs: trace.logs.clone() };
            let may_be_sealed_too = trace.may_be_sealed_too;
            for arriving in by_trace(batch, hasher).into_values() {
                self.insert(id, Arriving { bytes: 0, ..arriving }, || may_be_sealed_too);
            }
        }
    }
}

impl HeadTrace {
    fn insert(&mut self, arriving: Arriving) -> u64 {
        self.summary = OnceLock::new();
        let mut duplicates = 0;
        for (hash, span) in arriving.spans {
            let same = self.seen.entry(hash).or_default();
            if same.iter().any(|&at| self.spans.get(at as usize) == Some(&span)) {
                duplicates += 1;
                continue;
            }
            same.push(self.spans.len() as u32);
            self.spans.push(span);
        }
        for (hash, log) in arriving.logs {
            // Log records have numbers of their own, counted from the top.
            let same = self.seen.entry(hash).or_default();
            if same.iter().any(|&at| self.logs.get((u32::MAX - at) as usize) == Some(&log)) {
                duplicates += 1;
                continue;
            }
            same.push(u32::MAX - self.logs.len() as u32);
            self.logs.push(log);
        }
        duplicates
    }

    /// The summary of this part alone.
    pub fn summary(&self, id: TraceId, summarise: &dyn Fn(&Trace) -> TraceSummary) -> &TraceSummary {
        self.summary.get_or_init(|| summarise(&Trace::assemble(id, self.spans.clone(), self.logs.clone())))
    }
}

/// Roughly the memory a span takes in the head.
fn span_bytes(span: &Span) -> usize {
    let events: usize = span.events.iter().map(|event| 80 + attributes_bytes(&event.attributes)).sum();
    let links: usize = span.links.iter().map(|link| 100 + attributes_bytes(&link.attributes)).sum();
    // 48 for the index of duplicates.
    size_of::<Span>()
        + 48
        + span.name.len()
        + span.status.message.len()
        + attributes_bytes(&span.attributes)
        + events
        + links
}

fn log_bytes(log: &LogRecord) -> usize {
    size_of::<LogRecord>() + 48 + value_bytes(&log.body) + attributes_bytes(&log.attributes)
}

fn attributes_bytes(attributes: &Attributes) -> usize {
    attributes.iter().map(|(_, value)| 56 + value_bytes(value)).sum()
}

/// Nesting is bounded by the decoder that made the value ([`crate::limits::VALUE_DEPTH_MAX`]).
fn value_bytes(value: &Value) -> usize {
    match value {
        Value::String(text) => 16 + text.len(),
        Value::Bytes(bytes) => 16 + bytes.len(),
        Value::Array(values) => values.iter().map(|value| 32 + value_bytes(value)).sum(),
        Value::Map(entries) => entries.iter().map(|entry| 56 + value_bytes(&entry.value)).sum(),
        Value::Empty | Value::Bool(_) | Value::Int(_) | Value::Double(_) => 0,
    }
}
