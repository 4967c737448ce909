//! The counters of every part, as the API shows them.

use std::sync::Arc;

use api::Feed;
use forward::{Activity, DestinationStatus, Forwarder};
use store::EmbeddedStore;
use wire::{Forwarding, ForwardingState, ReasonCount, Receiving, Rejection, Storing, UnixNanos};

/// Reads the counters of the parts.
#[derive(Debug)]
pub struct Counters {
    pub receiver: Arc<ingest::Counters>,
    pub store: Arc<EmbeddedStore>,
    pub forwarder: Arc<Forwarder>,
    pub feed: Arc<Feed>,
}

impl api::Counters for Counters {
    fn receiving(&self) -> Receiving {
        let counts = self.receiver.counts();
        Receiving {
            requests: counts.requests,
            requests_rejected: counts.requests_rejected,
            requests_throttled: counts.requests_throttled,
            bytes: counts.bytes,
            spans: counts.spans,
            spans_rejected: counts.spans_rejected,
            logs: counts.logs,
            logs_without_trace: counts.logs_without_trace,
            logs_rejected: counts.logs_rejected,
            metrics_not_kept: counts.metric_points_not_kept,
            spans_per_second: self.feed.spans_per_second(),
            last_rejection: counts.last_rejection.map(|rejection| Rejection {
                time: UnixNanos(rejection.time.0),
                peer: rejection.peer.to_string(),
                error: rejection.message,
                hint: None,
            }),
        }
    }

    fn storing(&self) -> Storing {
        let counts = self.store.counts();
        Storing {
            spans: counts.spans,
            traces: counts.traces,
            bytes: counts.bytes,
            oldest: counts.oldest.map(|instant| UnixNanos(instant.0)),
            newest: counts.newest.map(|instant| UnixNanos(instant.0)),
            traces_dropped_by_retention: counts.traces_dropped_by_retention,
            fault: counts.fault,
        }
    }

    fn forwarding(&self) -> Vec<Forwarding> {
        self.forwarder.status().into_iter().map(forwarding).collect()
    }

    fn ready(&self) -> Result<(), String> {
        self.store.stats().last_problem.map_or(Ok(()), Err)
    }
}

fn forwarding(status: DestinationStatus) -> Forwarding {
    let counts = status.counts;
    Forwarding {
        name: status.name,
        endpoint: status.endpoint,
        protocol: status.protocol.to_owned(),
        state: match status.activity {
            Activity::Idle => ForwardingState::Idle,
            Activity::Delivering => ForwardingState::Delivering,
            Activity::Retrying => ForwardingState::Retrying,
        },
        queued_requests: status.queued_requests,
        queued_bytes: status.queued_bytes,
        delivered_requests: counts.delivered_requests,
        delivered_spans: counts.delivered_items,
        filtered_spans: counts.filtered_items,
        retried: counts.retried,
        rejected_by_destination: counts.rejected_by_destination,
        dropped_requests: counts.dropped_requests,
        dropped_spans: counts.dropped_items,
        dropped_because: counts
            .dropped_because
            .into_iter()
            .map(|(reason, count)| ReasonCount { reason, count })
            .collect(),
        last_error_time: counts.last_error.as_ref().map(|(time, _)| UnixNanos(time.0)),
        last_error: counts.last_error.map(|(_, error)| error),
    }
}
