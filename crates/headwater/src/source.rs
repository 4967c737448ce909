//! Where an evaluation's traces come from when they arrive at a server beside us: its watch, one long poll for each trace.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use client::Client;
use eval::{Arrivals, Cursor, SourceError, TraceSource, WatchedTraces};
use futures_util::future::BoxFuture;
use model::{Batch, TraceId};
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

async fn poll(client: Arc<Client>, watched: Arc<WatchedTraces>, failed: Arc<Mutex<Option<String>>>, id: TraceId) {
    let mut cursor: Option<String> = None;
    let mut count = 0;
    loop {
        let wait = if cursor.is_none() { Duration::ZERO } else { POLL };
        match client.watch(id, cursor.as_deref(), wait).await {
            Ok(answer) => {
                *failed.lock().unwrap_or_else(PoisonError::into_inner) = None;
                let all: Vec<Batch> = answer.arrivals.into_iter().map(|arrived| arrived.batch).collect();
                // Told from the start again: what came already is left out.
                let spans: usize = all.iter().map(|batch| batch.spans.len()).sum();
                if !answer.from_start || spans > count {
                    all.iter().for_each(|batch| watched.receive(batch));
                }
                count = if answer.from_start { spans } else { count + spans };
                cursor = Some(answer.cursor);
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

    fn arrivals(&self, trace_id: TraceId, after: Cursor) -> BoxFuture<'_, Result<Arrivals, SourceError>> {
        if let Some(message) = self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Box::pin(std::future::ready(Err(SourceError { message })));
        }
        self.watched.arrivals(trace_id, after)
    }

    fn changed(&self, trace_id: TraceId, after: Cursor) -> BoxFuture<'_, ()> {
        self.watched.changed(trace_id, after)
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
