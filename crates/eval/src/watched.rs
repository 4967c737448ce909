//! The traces a run is waiting for, in memory: a [`TraceSource`] for whoever owns a receiver and hands over each batch.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use model::{Batch, LogRecord, PackedBatch, TraceId, Unpacker};
use stdx::Clock;
use tokio::sync::watch;

use crate::limits::{TRACE_LOGS_MAX, TRACE_SPANS_MAX, WATCHED_SPANS_MAX};
use crate::source::{Arrivals, ArrivedSpan, Cursor, SourceError, TraceSource};

/// Holds what arrives of the traces that are watched, and nothing else.
///
/// ```text
/// watch(id) ── spans and logs of id are kept ── release(id)
///                 each arrival wakes whoever waits in changed(id)
/// ```
#[derive(Debug)]
pub struct WatchedTraces {
    clock: Arc<dyn Clock>,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    traces: HashMap<TraceId, Watched>,
    span_count: usize,
}

/// What arrived and was not read yet, and how much there was in all.
#[derive(Debug)]
struct Watched {
    spans: Vec<ArrivedSpan>,
    /// Spans that are still in the batches that they came in.
    packed: Vec<Rows>,
    /// How many of both were not read.
    unread: usize,
    logs: Vec<LogRecord>,
    span_total: usize,
    log_total: usize,
    /// There was no room for these here.
    left_out: u64,
    /// Whoever we have the trace from had no room for these.
    left_out_before: u64,
    /// What of both was read.
    left_out_read: u64,
    revision: watch::Sender<u64>,
}

/// Rows of a batch, in memory that the store shares.
#[derive(Debug)]
struct Rows {
    batch: Arc<PackedBatch>,
    rows: Vec<u32>,
    arrived: model::Instant,
}

impl Rows {
    fn unpack(&self, spans: &mut Vec<ArrivedSpan>) {
        let mut unpacker = Unpacker::new(&self.batch);
        let unpacked = self.rows.iter().map(|row| unpacker.span(&self.batch.spans[*row as usize]));
        spans.extend(unpacked.map(|span| ArrivedSpan { span, arrived: self.arrived }));
    }
}

impl Watched {
    fn left_out(&self) -> u64 {
        self.left_out + self.left_out_before
    }
}

impl WatchedTraces {
    /// Watches nothing yet. `clock` gives the wall time of arrivals.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, inner: Mutex::default() }
    }

    /// As [`WatchedTraces::receive`]; spans are unpacked when they are read.
    pub fn receive_packed(&self, batch: &Arc<PackedBatch>) {
        let arrived = model::Instant(self.clock.unix_nanos());
        let mut guard = self.lock();
        let inner = &mut *guard;
        if inner.traces.is_empty() {
            return;
        }
        let mut rows: HashMap<TraceId, Vec<u32>> = HashMap::new();
        for (row, span) in (0..).zip(&batch.spans) {
            let Some(watched) = inner.traces.get_mut(&span.trace_id) else { continue };
            if inner.span_count < WATCHED_SPANS_MAX && watched.span_total < TRACE_SPANS_MAX {
                watched.span_total += 1;
                inner.span_count += 1;
                rows.entry(span.trace_id).or_default().push(row);
            } else {
                watched.left_out += 1;
                rows.entry(span.trace_id).or_default();
            }
        }
        for (trace_id, rows) in rows {
            if let Some(watched) = inner.traces.get_mut(&trace_id) {
                watched.unread += rows.len();
                // Without rows it would only hold on to the batch.
                if !rows.is_empty() {
                    watched.packed.push(Rows { batch: Arc::clone(batch), rows, arrived });
                }
                watched.revision.send_modify(|revision| *revision += 1);
            }
        }
        let is_watched = |log: &&LogRecord| log.trace_id.is_some_and(|id| inner.traces.contains_key(&id));
        let logs: Vec<LogRecord> = batch.logs.iter().filter(is_watched).cloned().collect();
        drop(guard);
        if !logs.is_empty() {
            self.receive(&Batch { spans: Vec::new(), logs });
        }
    }

    /// Takes the spans and log records of watched traces out of `batch`; the rest costs one lookup each.
    pub fn receive(&self, batch: &Batch) {
        let arrived = model::Instant(self.clock.unix_nanos());
        let mut inner = self.lock();
        if inner.traces.is_empty() {
            return;
        }
        let mut touched: Vec<TraceId> = Vec::new();
        for span in &batch.spans {
            let room = inner.span_count < WATCHED_SPANS_MAX;
            let Some(watched) = inner.traces.get_mut(&span.trace_id) else { continue };
            touched.push(span.trace_id);
            if room && watched.span_total < TRACE_SPANS_MAX {
                watched.span_total += 1;
                watched.unread += 1;
                watched.spans.push(ArrivedSpan { span: span.clone(), arrived });
                inner.span_count += 1;
            } else {
                watched.left_out += 1;
            }
        }
        for log in &batch.logs {
            let Some(trace_id) = log.trace_id else { continue };
            let Some(watched) = inner.traces.get_mut(&trace_id) else { continue };
            touched.push(trace_id);
            if watched.log_total < TRACE_LOGS_MAX {
                watched.log_total += 1;
                watched.logs.push(log.clone());
            } else {
                watched.left_out += 1;
            }
        }
        touched.dedup();
        for trace_id in touched {
            if let Some(watched) = inner.traces.get(&trace_id) {
                watched.revision.send_modify(|revision| *revision += 1);
            }
        }
    }

    /// Notes that whoever the trace comes from had to leave out `total` of its spans and log records so far, so that it is
    /// not taken for whole.
    pub fn note_left_out(&self, trace_id: TraceId, total: u64) {
        let mut inner = self.lock();
        let Some(watched) = inner.traces.get_mut(&trace_id) else { return };
        if watched.left_out_before != total {
            watched.left_out_before = total;
            watched.revision.send_modify(|revision| *revision += 1);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere cannot leave these maps half-changed in a way that matters; go on.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TraceSource for WatchedTraces {
    fn watch(&self, trace_id: TraceId) {
        self.lock().traces.entry(trace_id).or_insert_with(|| Watched {
            spans: Vec::new(),
            packed: Vec::new(),
            unread: 0,
            logs: Vec::new(),
            span_total: 0,
            log_total: 0,
            left_out: 0,
            left_out_before: 0,
            left_out_read: 0,
            revision: watch::Sender::new(0),
        });
    }

    fn release(&self, trace_id: TraceId) {
        let mut inner = self.lock();
        if let Some(watched) = inner.traces.remove(&trace_id) {
            inner.span_count -= watched.unread;
        }
    }

    fn unread(&self, trace_id: TraceId) -> usize {
        self.lock().traces.get(&trace_id).map_or(0, |watched| watched.unread)
    }

    fn arrivals(&self, trace_id: TraceId, after: Cursor) -> BoxFuture<'_, Result<Arrivals, SourceError>> {
        let mut inner = self.lock();
        let Some(watched) = inner.traces.get_mut(&trace_id) else {
            return Box::pin(std::future::ready(Ok(Arrivals { cursor: after, ..Arrivals::default() })));
        };
        watched.left_out_read = watched.left_out();
        let mut arrivals = Arrivals {
            spans: std::mem::take(&mut watched.spans),
            logs: std::mem::take(&mut watched.logs),
            left_out: watched.left_out_read,
            cursor: Cursor((watched.span_total + watched.log_total) as u64),
        };
        let packed = std::mem::take(&mut watched.packed);
        let unread = std::mem::take(&mut watched.unread);
        inner.span_count -= unread;
        drop(inner);
        packed.iter().for_each(|rows| rows.unpack(&mut arrivals.spans));
        Box::pin(std::future::ready(Ok(arrivals)))
    }

    fn changed(&self, trace_id: TraceId, _after: Cursor) -> BoxFuture<'_, ()> {
        let inner = self.lock();
        let Some(watched) = inner.traces.get(&trace_id) else { return Box::pin(std::future::pending()) };
        if watched.unread > 0 || !watched.logs.is_empty() || watched.left_out() != watched.left_out_read {
            return Box::pin(std::future::ready(()));
        }
        // Subscribed while the lock is held: an arrival from here on is seen.
        let mut revision = watched.revision.subscribe();
        Box::pin(async move {
            if revision.changed().await.is_err() {
                // Released: nothing will ever come.
                std::future::pending::<()>().await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Span, SpanId};
    use stdx::ManualClock;

    fn batch(trace: u8, spans: u8) -> Batch {
        let spans = (0..spans).map(|id| Span::new(TraceId([trace; 16]), SpanId([id + 1; 8]), "x")).collect();
        Batch { spans, logs: Vec::new() }
    }

    #[tokio::test]
    async fn only_watched_traces_are_kept_and_read_once() {
        let traces = WatchedTraces::new(Arc::new(ManualClock::at(5)));
        let id = TraceId([1; 16]);
        traces.watch(id);
        traces.receive(&batch(1, 2));
        traces.receive(&batch(2, 2));
        let first = traces.arrivals(id, Cursor::START).await.expect("memory answers");
        assert_eq!(first.spans.len(), 2);
        let again = traces.arrivals(id, first.cursor).await.expect("memory answers");
        assert!(again.spans.is_empty());
        assert!(traces.arrivals(TraceId([2; 16]), Cursor::START).await.expect("answers").spans.is_empty());
        traces.release(id);
        assert_eq!(traces.lock().span_count, 0);
    }

    #[tokio::test]
    async fn packed_spans_are_those_that_were_sent() {
        let traces = WatchedTraces::new(Arc::new(ManualClock::at(5)));
        let id = TraceId([1; 16]);
        traces.watch(id);
        let mut mixed = batch(1, 3);
        mixed.spans.extend(batch(2, 2).spans);
        let waiting = traces.changed(id, Cursor::START);
        traces.receive_packed(&Arc::new(PackedBatch::from(&mixed)));
        waiting.await;
        assert_eq!(traces.unread(id), 3);
        let read = traces.arrivals(id, Cursor::START).await.expect("memory answers");
        let spans: Vec<Span> = read.spans.into_iter().map(|arrived| arrived.span).collect();
        assert_eq!(spans, batch(1, 3).spans);
        assert_eq!((traces.unread(id), traces.lock().span_count), (0, 0));
        traces.receive_packed(&Arc::new(PackedBatch::from(&batch(1, 2))));
        traces.release(id);
        assert_eq!(traces.lock().span_count, 0, "what was never read is given back too");
    }

    #[tokio::test]
    async fn an_arrival_before_the_wait_is_not_missed() {
        let traces = WatchedTraces::new(Arc::new(ManualClock::at(5)));
        let id = TraceId([1; 16]);
        traces.watch(id);
        let waiting = traces.changed(id, Cursor::START);
        traces.receive(&batch(1, 1));
        waiting.await;
        traces.changed(id, Cursor::START).await;
    }
    #[tokio::test]
    async fn what_was_left_out_before_us_wakes_and_is_told() {
        let traces = WatchedTraces::new(Arc::new(ManualClock::at(5)));
        let id = TraceId([1; 16]);
        traces.watch(id);
        let waiting = traces.changed(id, Cursor::START);
        traces.note_left_out(id, 2);
        waiting.await;
        traces.changed(id, Cursor::START).await;
        let arrivals = traces.arrivals(id, Cursor::START).await.expect("memory answers");
        assert_eq!(arrivals.left_out, 2);
        // The same total again is no news.
        traces.note_left_out(id, 2);
        let news = tokio::time::timeout(std::time::Duration::ZERO, traces.changed(id, arrivals.cursor)).await;
        assert!(news.is_err());
        traces.note_left_out(id, 3);
        traces.changed(id, arrivals.cursor).await;
    }
}
