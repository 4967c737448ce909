//! What arrives while a command runs: which traces, of which services, and when the last of it came.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use ingest::{Received, Refusal, Sink};
use model::TraceId;
use stdx::Clock;

/// Traces that are remembered; past this the rest is stored but not judged, and that is said.
const TRACES_MAX: usize = 100_000;
/// Services that are counted.
const SERVICES_MAX: usize = 10_000;

/// A sink beside the store.
#[derive(Debug)]
pub struct Captured {
    clock: Arc<dyn Clock>,
    seen: Mutex<Seen>,
}

/// What was seen so far.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// In the order in which they were first seen.
    pub traces: Vec<TraceId>,
    known: BTreeSet<TraceId>,
    /// Traces past the bound, counted by their spans.
    pub spans_not_remembered: u64,
    /// Spans by service.
    pub services: BTreeMap<String, u64>,
    /// Spans.
    pub spans: u64,
    /// When the last batch came, on the monotonic clock.
    pub last: Option<u64>,
}

impl Captured {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, seen: Mutex::default() }
    }

    /// What was seen so far.
    pub fn seen(&self) -> Seen {
        self.lock().clone()
    }

    /// Nanoseconds since the last batch; none if nothing came.
    pub fn silent_for(&self) -> Option<u64> {
        self.lock().last.map(|last| self.clock.monotonic_nanos().saturating_sub(last))
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for Captured {
    fn accept(&self, received: Arc<Received>) -> BoxFuture<'_, Result<(), Refusal>> {
        let mut seen = self.lock();
        seen.last = Some(self.clock.monotonic_nanos());
        for span in &received.batch.spans {
            seen.spans += 1;
            let service = received.batch.resources[span.resource as usize].service_name();
            if let Some(count) = seen.services.get_mut(service) {
                *count += 1;
            } else if seen.services.len() < SERVICES_MAX {
                seen.services.insert(service.to_owned(), 1);
            }
            if seen.known.contains(&span.trace_id) {
                continue;
            }
            if seen.traces.len() >= TRACES_MAX {
                seen.spans_not_remembered += 1;
                continue;
            }
            seen.known.insert(span.trace_id);
            seen.traces.push(span.trace_id);
        }
        Box::pin(std::future::ready(Ok(())))
    }
}
