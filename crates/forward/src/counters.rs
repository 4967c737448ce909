//! What happened to what was to be sent on. Nothing is dropped without being counted here, with its reason.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::Instant;

use crate::limits::REASONS_MAX;

/// Counters of one destination.
#[derive(Debug, Default)]
pub struct Counters {
    delivered_requests: AtomicU64,
    delivered_items: AtomicU64,
    filtered_items: AtomicU64,
    retried: AtomicU64,
    rejected_by_destination: AtomicU64,
    dropped_requests: AtomicU64,
    dropped_items: AtomicU64,
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    reasons: HashMap<String, u64>,
    last_error: Option<(Instant, String)>,
}

/// A destination's counters at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests answered with success.
    pub delivered_requests: u64,
    /// Spans and log records in them.
    pub delivered_items: u64,
    /// Spans left out by the filter.
    pub filtered_items: u64,
    /// Tries that failed and were tried again.
    pub retried: u64,
    /// Spans and log records that the destination said it rejected.
    pub rejected_by_destination: u64,
    /// Requests given up.
    pub dropped_requests: u64,
    /// Spans and log records in them.
    pub dropped_items: u64,
    /// Why requests were given up, most frequent first.
    pub dropped_because: Vec<(String, u64)>,
    /// The last thing that went wrong, and when.
    pub last_error: Option<(Instant, String)>,
}

impl Counters {
    /// A request was taken; of its items, `rejected` were not.
    pub fn delivered(&self, items: u64, rejected: u64) {
        self.delivered_requests.fetch_add(1, Relaxed);
        self.delivered_items.fetch_add(items.saturating_sub(rejected), Relaxed);
        self.rejected_by_destination.fetch_add(rejected, Relaxed);
    }

    /// Items were left out by the filter.
    pub fn filtered(&self, items: u64) {
        self.filtered_items.fetch_add(items, Relaxed);
    }

    /// A try failed and will be repeated.
    pub fn retried(&self) {
        self.retried.fetch_add(1, Relaxed);
    }

    /// A request was given up.
    pub fn dropped(&self, items: u64, reason: &str, now: Instant) {
        self.dropped_requests.fetch_add(1, Relaxed);
        self.dropped_items.fetch_add(items, Relaxed);
        let mut told = self.told();
        let known = told.reasons.len() < REASONS_MAX || told.reasons.contains_key(reason);
        *told.reasons.entry(if known { reason } else { "other" }.to_owned()).or_default() += 1;
        told.last_error = Some((now, reason.to_owned()));
    }

    /// Something went wrong that may pass.
    pub fn error(&self, reason: &str, now: Instant) {
        self.told().last_error = Some((now, reason.to_owned()));
    }

    /// The counters now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let told = self.told();
        let mut dropped_because: Vec<(String, u64)> =
            told.reasons.iter().map(|(reason, count)| (reason.clone(), *count)).collect();
        dropped_because.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Counts {
            delivered_requests: self.delivered_requests.load(Relaxed),
            delivered_items: self.delivered_items.load(Relaxed),
            filtered_items: self.filtered_items.load(Relaxed),
            retried: self.retried.load(Relaxed),
            rejected_by_destination: self.rejected_by_destination.load(Relaxed),
            dropped_requests: self.dropped_requests.load(Relaxed),
            dropped_items: self.dropped_items.load(Relaxed),
            dropped_because,
            last_error: told.last_error.clone(),
        }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
