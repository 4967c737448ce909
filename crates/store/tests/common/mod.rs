//! A codec for bodies that only tests know, hooks, and spans: the store must not care what a body is.
#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use journal::FaultyDisk;
use model::{
    Attributes, Batch, Instant, LogRecord, PackedBatch, Resource, Span, SpanId, StatusCode, TraceId, TraceSummary,
};
use stdx::{Clock, ManualClock};
use store::{EmbeddedStore, Hooks, JournalRecord, OpenReport, Options, SpanStore};

pub const START: u64 = 1_700_000_000_000_000_000;
pub const SECOND: u64 = 1_000_000_000;

/// Bodies are numbers; what they stand for is held here, as the outside world would.
#[derive(Clone, Debug, Default)]
pub struct Bodies(Arc<Mutex<Vec<Batch>>>);

impl Bodies {
    pub fn put(&self, batch: Batch) -> JournalRecord {
        let mut bodies = self.0.lock().expect("not poisoned");
        bodies.push(batch);
        JournalRecord { signal: 1, format: 2, encoding: 3, body: Bytes::from((bodies.len() - 1).to_string()) }
    }

    /// Lets go of the last body: where nothing will be replayed, memory is not for bodies.
    pub fn forget_last(&self) {
        if let Some(last) = self.0.lock().expect("not poisoned").last_mut() {
            *last = Batch::default();
        }
    }

    fn decode(&self, record: &JournalRecord) -> Result<PackedBatch, String> {
        assert_eq!((record.signal, record.format, record.encoding), (1, 2, 3));
        let number: usize =
            std::str::from_utf8(&record.body).map_err(|e| e.to_string())?.parse().map_err(|_| "no number")?;
        let bodies = self.0.lock().expect("not poisoned");
        bodies.get(number).map(PackedBatch::from).ok_or_else(|| "unknown body".to_owned())
    }
}

pub struct World {
    pub disk: FaultyDisk,
    pub bodies: Bodies,
    pub clock: Arc<ManualClock>,
    pub options: Options,
}

impl World {
    pub fn new() -> Self {
        Self {
            disk: FaultyDisk::new(),
            bodies: Bodies::default(),
            clock: Arc::new(ManualClock::at(START)),
            // The disk is memory here: files of 64 MiB would make it slow.
            options: Options { journal_file_bytes: 64 << 10, ..Options::new("/data") },
        }
    }

    pub fn hooks(&self) -> Hooks {
        let bodies = self.bodies.clone();
        Hooks {
            decode: Arc::new(move |record| bodies.decode(record)),
            summarise: Arc::new(|gist: &model::Gist<'_>| TraceSummary::of(gist)),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
        }
    }

    pub fn open(&self) -> (EmbeddedStore, OpenReport) {
        EmbeddedStore::open_on(Arc::new(self.disk.clone()), self.options.clone(), self.hooks()).expect("opens")
    }

    pub fn now(&self) -> Instant {
        Instant(self.clock.unix_nanos())
    }

    pub fn append(&self, store: &EmbeddedStore, spans: Vec<Span>, logs: Vec<LogRecord>) {
        let batch = Batch { spans, logs };
        let record = self.bodies.put(batch.clone());
        store.append(batch, record).expect("taken").wait().expect("on disk");
    }
}

pub fn trace_id(number: u64) -> TraceId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    id[15] = 1;
    TraceId(id)
}

pub fn resource(service: &str) -> Arc<Resource> {
    let mut attributes = Attributes::default();
    attributes.push("service.name", service);
    Arc::new(Resource { attributes, ..Resource::default() })
}

/// A span that starts `second` seconds after [`START`] and lasts `millis`.
pub fn span(trace: u64, id: u8, parent: u8, service: &str, name: &str, second: u64, millis: u64) -> Span {
    let mut span = Span::new(trace_id(trace), SpanId([id; 8]), name);
    span.parent_span_id = (parent > 0).then_some(SpanId([parent; 8]));
    span.start = Instant(START + second * SECOND);
    span.end = Instant(span.start.0 + millis * 1_000_000);
    span.resource = resource(service);
    span
}

pub fn failed(mut span: Span) -> Span {
    span.status.code = StatusCode::ERROR;
    span
}

pub fn with(mut span: Span, key: &str, value: impl Into<model::Value>) -> Span {
    span.attributes.push(key, value);
    span
}

pub fn log(trace: u64, second: u64, text: &str) -> LogRecord {
    LogRecord {
        trace_id: Some(trace_id(trace)),
        time: Instant(START + second * SECOND),
        body: text.into(),
        resource: resource("logger"),
        ..LogRecord::default()
    }
}
