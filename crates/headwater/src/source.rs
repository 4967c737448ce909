//! Where an evaluation's traces come from when they arrive at a server beside us: its watch, one long poll for each trace.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use client::{Arrived, Client, Watched};
use eval::{Arrivals, Cursor, SourceError, TraceSource, WatchedTraces};
use futures_util::future::BoxFuture;
use model::{Batch, Trace, TraceId};
use tokio::task::JoinHandle;

/// How long one poll waits for something.
const POLL: Duration = Duration::from_secs(20);
/// The pause after a poll that failed.
const PAUSE: Duration = Duration::from_millis(250);

/// The traces of a running server.
pub struct ServerTraces {
    client: Arc<Client>,
    watched: Arc<WatchedTraces>,
    polls: Mutex<HashMap<TraceId, JoinHandle<()>>>,
    failed: Arc<Mutex<Option<String>>>,
}

impl fmt::Debug for ServerTraces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTraces").finish_non_exhaustive()
    }
}

impl ServerTraces {
    pub fn new(client: Arc<Client>, watched: Arc<WatchedTraces>) -> Self {
        Self { client, watched, polls: Mutex::default(), failed: Arc::default() }
    }

    fn polls(&self) -> std::sync::MutexGuard<'_, HashMap<TraceId, JoinHandle<()>>> {
        self.polls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How far one trace was read.
#[derive(Debug, Default)]
struct Progress {
    cursor: Option<String>,
    /// Spans and log records read.
    items: usize,
}

impl Progress {
    /// Hands on what the server told. An answer told from the start holds everything the server has: it is handed on where
    /// that is more than came so far. Spans that are then told twice are kept once by whoever assembles the trace.
    fn take(&mut self, id: TraceId, answer: Watched, watched: &WatchedTraces) {
        let items = |arrived: &Arrived| arrived.batch.spans.len() + arrived.batch.logs.len();
        let told: usize = answer.arrivals.iter().map(items).sum();
        if !answer.from_start || told > self.items {
            answer.arrivals.iter().for_each(|arrived| watched.receive(&arrived.batch));
        }
        watched.note_left_out(id, answer.left_out);
        self.items = if answer.from_start { told } else { self.items + told };
        self.cursor = Some(answer.cursor);
    }
}

async fn poll(client: Arc<Client>, watched: Arc<WatchedTraces>, failed: Arc<Mutex<Option<String>>>, id: TraceId) {
    let mut progress = Progress::default();
    loop {
        let wait = if progress.cursor.is_none() { Duration::ZERO } else { POLL };
        match client.watch(id, progress.cursor.as_deref(), wait).await {
            Ok(answer) => {
                *failed.lock().unwrap_or_else(PoisonError::into_inner) = None;
                progress.take(id, answer, &watched);
            }
            Err(error) => {
                *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

impl TraceSource for ServerTraces {
    fn watch(&self, trace_id: TraceId) {
        self.watched.watch(trace_id);
        let polling = poll(Arc::clone(&self.client), Arc::clone(&self.watched), Arc::clone(&self.failed), trace_id);
        self.polls().insert(trace_id, tokio::spawn(polling));
    }

    fn release(&self, trace_id: TraceId) {
        if let Some(poll) = self.polls().remove(&trace_id) {
            poll.abort();
        }
        self.watched.release(trace_id);
    }

    fn unread(&self, trace_id: TraceId) -> usize {
        self.watched.unread(trace_id)
    }

    fn arrivals(&self, trace_id: TraceId, after: Cursor) -> BoxFuture<'_, Result<Arrivals, SourceError>> {
        if let Some(message) = self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Box::pin(std::future::ready(Err(SourceError { message })));
        }
        self.watched.arrivals(trace_id, after)
    }

    fn changed(&self, trace_id: TraceId, after: Cursor) -> BoxFuture<'_, ()> {
        self.watched.changed(trace_id, after)
    }

    fn stored(&self, trace_id: TraceId) -> BoxFuture<'_, Result<Option<Trace>, SourceError>> {
        Box::pin(async move { crate::stored_traces::ask(&self.client, trace_id).await })
    }
}

/// The traces of the receiver in this process, and those that its store keeps.
#[derive(Debug)]
pub struct OwnTraces {
    pub watched: Arc<WatchedTraces>,
    pub store: Arc<store::EmbeddedStore>,
}

impl TraceSource for OwnTraces {
    fn watch(&self, trace_id: TraceId) {
        self.watched.watch(trace_id);
    }

    fn release(&self, trace_id: TraceId) {
        self.watched.release(trace_id);
    }

    fn unread(&self, trace_id: TraceId) -> usize {
        self.watched.unread(trace_id)
    }

    fn arrivals(&self, trace_id: TraceId, after: Cursor) -> BoxFuture<'_, Result<Arrivals, SourceError>> {
        self.watched.arrivals(trace_id, after)
    }

    fn changed(&self, trace_id: TraceId, after: Cursor) -> BoxFuture<'_, ()> {
        self.watched.changed(trace_id, after)
    }

    fn stored(&self, trace_id: TraceId) -> BoxFuture<'_, Result<Option<Trace>, SourceError>> {
        use store::SpanStore as _;
        let store = Arc::clone(&self.store);
        Box::pin(async move {
            let wrong = |message: String| SourceError { message };
            let read = tokio::task::spawn_blocking(move || store.trace(trace_id)).await;
            let read = read.map_err(|error| wrong(error.to_string()))?;
            read.map(|answer| answer.value.map(Arc::unwrap_or_clone)).map_err(|error| wrong(error.to_string()))
        })
    }
}

/// The runner's own spans, sent to the server like everybody's.
#[derive(Debug)]
pub struct ServerSink(pub Arc<Client>);

impl eval::SpanSink for ServerSink {
    fn deliver(&self, batch: Batch) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if let Err(error) = self.0.import(&batch).await {
                eprintln!("headwater: the runner's own spans could not be sent: {error}");
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{LogRecord, Span, SpanId};

    const ID: TraceId = TraceId([1; 16]);

    fn answer(from_start: bool, spans: u8, logs: usize, left_out: u64) -> Watched {
        let spans = (0..spans).map(|id| Span::new(ID, SpanId([id + 1; 8]), "x")).collect();
        let logs = vec![LogRecord { trace_id: Some(ID), ..LogRecord::default() }; logs];
        let arrivals = vec![Arrived { at: None, batch: Batch { spans, logs } }];
        Watched { arrivals, from_start, left_out, cursor: "1.1".to_owned() }
    }

    /// What comes of these answers: spans, log records, and how much was left out.
    async fn told(answers: Vec<Watched>) -> (usize, usize, u64) {
        let watched = WatchedTraces::new(crate::server::clock());
        watched.watch(ID);
        let mut progress = Progress::default();
        answers.into_iter().for_each(|answer| progress.take(ID, answer, &watched));
        let arrivals = watched.arrivals(ID, Cursor::START).await.expect("memory answers");
        (arrivals.spans.len(), arrivals.logs.len(), arrivals.left_out)
    }

    #[tokio::test]
    async fn a_first_answer_of_log_records_alone_is_handed_on() {
        assert_eq!(told(vec![answer(true, 0, 2, 0), answer(false, 1, 0, 0)]).await, (1, 2, 0));
    }

    #[tokio::test]
    async fn what_the_server_left_out_is_said() {
        assert_eq!(told(vec![answer(true, 0, 0, 0), answer(false, 1, 0, 3)]).await, (1, 0, 3));
    }

    #[tokio::test]
    async fn what_is_told_again_from_the_start_is_handed_on_where_it_is_more() {
        assert_eq!(told(vec![answer(true, 2, 1, 0), answer(true, 2, 1, 0)]).await, (2, 1, 0));
        assert_eq!(told(vec![answer(true, 1, 0, 0), answer(true, 3, 0, 0)]).await, (4, 0, 0));
    }
}
