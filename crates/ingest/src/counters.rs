//! What came in and what became of it. Nothing is dropped without being counted here.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::Instant;

use crate::limits::REASONS_MAX;

/// Counters since the receiver started.
#[derive(Debug, Default)]
pub struct Counters {
    requests: AtomicU64,
    requests_rejected: AtomicU64,
    requests_throttled: AtomicU64,
    bytes: AtomicU64,
    spans: AtomicU64,
    spans_rejected: AtomicU64,
    logs: AtomicU64,
    logs_rejected: AtomicU64,
    logs_without_trace: AtomicU64,
    metric_points_not_kept: AtomicU64,
    rejections: Mutex<Rejections>,
}

#[derive(Debug, Default)]
struct Rejections {
    reasons: BTreeMap<String, u64>,
    last: Option<Rejection>,
}

/// Something that was refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// When.
    pub time: Instant,
    /// Who sent it.
    pub peer: SocketAddr,
    /// What was wrong and what to do.
    pub message: String,
}

/// The counters at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that were read, whatever the answer.
    pub requests: u64,
    /// Requests refused as a whole: wrong path, type, encoding, size, broken body.
    pub requests_rejected: u64,
    /// Requests told to come again.
    pub requests_throttled: u64,
    /// Bytes of the bodies as received.
    pub bytes: u64,
    /// Spans accepted.
    pub spans: u64,
    /// Spans set aside one by one.
    pub spans_rejected: u64,
    /// Log records accepted.
    pub logs: u64,
    /// Log records set aside one by one.
    pub logs_rejected: u64,
    /// Log records not kept for want of a trace id.
    pub logs_without_trace: u64,
    /// Metric data points answered and not kept.
    pub metric_points_not_kept: u64,
    /// Why things were refused or set aside, with how often.
    pub reasons: Vec<(String, u64)>,
    /// The last refusal.
    pub last_rejection: Option<Rejection>,
}

impl Counters {
    /// All counters now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let rejections = self.rejections();
        Counts {
            requests: load(&self.requests),
            requests_rejected: load(&self.requests_rejected),
            requests_throttled: load(&self.requests_throttled),
            bytes: load(&self.bytes),
            spans: load(&self.spans),
            spans_rejected: load(&self.spans_rejected),
            logs: load(&self.logs),
            logs_rejected: load(&self.logs_rejected),
            logs_without_trace: load(&self.logs_without_trace),
            metric_points_not_kept: load(&self.metric_points_not_kept),
            reasons: rejections.reasons.iter().map(|(reason, count)| (reason.clone(), *count)).collect(),
            last_rejection: rejections.last.clone(),
        }
    }

    fn rejections(&self) -> MutexGuard<'_, Rejections> {
        self.rejections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn body(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn accepted(&self, spans: usize, logs: usize) {
        self.spans.fetch_add(spans as u64, Ordering::Relaxed);
        self.logs.fetch_add(logs as u64, Ordering::Relaxed);
    }

    pub(crate) fn set_aside(&self, decoded: &otlp::DecodedPacked) {
        self.spans_rejected.fetch_add(decoded.rejected.spans, Ordering::Relaxed);
        self.logs_rejected.fetch_add(decoded.rejected.logs, Ordering::Relaxed);
        self.logs_without_trace.fetch_add(decoded.logs_without_trace, Ordering::Relaxed);
        if !decoded.rejected.is_empty() {
            let mut rejections = self.rejections();
            for (reason, count) in &decoded.rejected.reasons {
                rejections.count(reason, *count);
            }
        }
    }

    pub(crate) fn metrics(&self, points: u64) {
        self.metric_points_not_kept.fetch_add(points, Ordering::Relaxed);
    }

    pub(crate) fn throttled(&self) {
        self.requests_throttled.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn rejected(&self, kind: &str, rejection: Rejection) {
        self.requests_rejected.fetch_add(1, Ordering::Relaxed);
        let mut rejections = self.rejections();
        rejections.count(kind, 1);
        rejections.last = Some(rejection);
    }
}

impl Rejections {
    fn count(&mut self, reason: &str, count: u64) {
        let known = self.reasons.contains_key(reason) || self.reasons.len() < REASONS_MAX;
        let reason = if known { reason } else { "other reasons" };
        *self.reasons.entry(reason.to_owned()).or_default() += count;
    }
}
