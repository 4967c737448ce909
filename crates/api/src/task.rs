//! Long work over many traces: on a thread that may be busy, with a time limit, called off when nobody waits any more, and
//! telling how far it is.
//!
//! With `Accept: application/x-ndjson` the answer comes in lines: `{"progress":{"read":200,"of":1840}}` now and then, at the
//! end `{"result":…}` or `{"problem":…}`.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use model::Duration;
use serde::Serialize;
use store::ScanBudget;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::answer::{Answered, Refusal, json};
use crate::limits::{LINES_QUEUED_MAX, LONG_WORK_MAX, LONG_WORK_WAIT, PROGRESS_NANOS};
use crate::server::Api;

const LINES: &str = "application/x-ndjson";

/// What long work is handed.
pub struct Task {
    /// The server.
    pub api: Arc<Api>,
    /// When it began, by the monotonic clock.
    pub began: u64,
    deadline: u64,
    nobody_waits: Arc<AtomicBool>,
    read: AtomicU64,
    of: AtomicU64,
    told: AtomicU64,
    lines: Option<mpsc::Sender<Bytes>>,
}

impl Task {
    /// Whether to end with what there is.
    pub fn is_stopped(&self) -> bool {
        self.nobody_waits.load(Ordering::Relaxed) || self.is_late()
    }

    /// Whether the time is over.
    pub fn is_late(&self) -> bool {
        self.api.clock.monotonic_nanos() >= self.deadline
    }

    /// What a scan may take of the time that is left.
    pub fn budget(&self) -> ScanBudget {
        let left = self.deadline.saturating_sub(self.api.clock.monotonic_nanos());
        ScanBudget {
            time: Some(Duration(i64::try_from(left).unwrap_or(i64::MAX))),
            cancelled: Some(self.nobody_waits.clone()),
            bytes: Some(engine::limits::BYTES_MAX),
            memory: Some(engine::limits::MEMORY_MAX),
            ..ScanBudget::default()
        }
    }

    /// So many traces more are to be read.
    pub fn expect(&self, traces: usize) {
        self.of.fetch_add(traces as u64, Ordering::Relaxed);
        self.tell();
    }

    /// One more was read.
    pub fn advance(&self) {
        self.read.fetch_add(1, Ordering::Relaxed);
        let now = self.api.clock.monotonic_nanos();
        let told = self.told.load(Ordering::Relaxed);
        if now.saturating_sub(told) >= PROGRESS_NANOS
            && self.told.compare_exchange(told, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        {
            self.tell();
        }
    }

    /// A reader that is slow misses some of the progress and nothing else.
    fn tell(&self) {
        let Some(lines) = &self.lines else { return };
        let (read, of) = (self.read.load(Ordering::Relaxed), self.of.load(Ordering::Relaxed));
        let _ = lines.try_send(line("progress", &serde_json::json!({ "read": read, "of": of })));
    }
}

fn line(key: &str, value: &impl Serialize) -> Bytes {
    let mut text = serde_json::to_vec(value).unwrap_or_else(|_| b"null".to_vec());
    let mut line = format!("{{{key:?}:").into_bytes();
    line.append(&mut text);
    line.extend(b"}\n");
    line.into()
}

/// Somebody waits until this is dropped.
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Does `work` for an answer that is more than what comes of it.
pub async fn run<T: Send + 'static>(
    api: &Arc<Api>,
    timeout: Duration,
    work: impl FnOnce(&Task) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let (task, place, waiting) = begin(api, timeout).await?;
    let done = api.busy(move || (work(&task), place)).await?.0;
    drop(waiting);
    done
}

async fn begin(api: &Arc<Api>, timeout: Duration) -> Result<(Task, OwnedSemaphorePermit, Waiting), Refusal> {
    let Ok(Ok(place)) = tokio::time::timeout(LONG_WORK_WAIT, api.long_work.clone().acquire_owned()).await else {
        return Err(Refusal::unavailable(format!("{LONG_WORK_MAX} analyses of many traces are running already")));
    };
    let began = api.clock.monotonic_nanos();
    let nobody_waits = Arc::new(AtomicBool::new(false));
    let waiting = Waiting(nobody_waits.clone());
    let task = Task {
        api: api.clone(),
        began,
        deadline: began.saturating_add(timeout.0.unsigned_abs()),
        nobody_waits,
        read: AtomicU64::new(0),
        of: AtomicU64::new(0),
        told: AtomicU64::new(began),
        lines: None,
    };
    Ok((task, place, waiting))
}

/// Does `work` and answers with what came of it.
pub async fn answer<T: Serialize + Send + 'static>(
    api: &Arc<Api>,
    headers: &HeaderMap,
    timeout: Duration,
    work: impl FnOnce(&Task) -> Result<T, Refusal> + Send + 'static,
) -> Answered {
    let (mut task, place, waiting) = begin(api, timeout).await?;
    let asked = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !asked.contains(LINES) {
        let done = api.busy(move || (work(&task), place)).await?.0;
        drop(waiting);
        return json(headers, &done?);
    }
    let (sender, receiver) = mpsc::channel(LINES_QUEUED_MAX);
    task.lines = Some(sender.clone());
    tokio::task::spawn_blocking(move || {
        let last = match work(&task) {
            Ok(result) => line("result", &result),
            Err(refusal) => line("problem", refusal.problem()),
        };
        // Whoever asked may have gone.
        let _ = sender.blocking_send(last);
        drop((task, place));
    });
    let lines = stream::unfold((receiver, waiting), |(mut receiver, waiting)| async move {
        let line = receiver.recv().await?;
        Some((Ok::<_, Infallible>(line), (receiver, waiting)))
    });
    let mut response = Response::new(Body::from_stream(lines));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(LINES));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
