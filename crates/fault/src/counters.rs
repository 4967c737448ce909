//! What happened on an edge.

use serde::{Deserialize, Serialize};

use crate::fault::Kind;

/// What happened on an edge since its proxy stands there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EdgeCounters {
    /// Requests that came.
    pub requests: u64,
    /// Of them, those without a trace context: no fault that is meant for a trace can hit them.
    pub without_context: u64,
    /// Requests that a fault hit.
    pub hit: u64,
    /// Faults, by kind; a request may meet several.
    pub faults: FaultCounts,
    /// Requests for which the callee could not be reached; they were answered with 502.
    pub unreachable: u64,
    /// Requests whose connection the callee itself dropped.
    pub broken: u64,
}

/// Faults by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FaultCounts {
    /// Waited.
    pub delay: u64,
    /// Answered slowly.
    pub bandwidth: u64,
    /// Answered in the callee's place.
    pub status: u64,
    /// Dropped.
    pub drop: u64,
    /// Cut.
    pub truncate: u64,
    /// Stripped of headers.
    pub strip: u64,
}

impl FaultCounts {
    /// Counts one more.
    pub fn add(&mut self, kind: Kind) {
        *match kind {
            Kind::Delay => &mut self.delay,
            Kind::Bandwidth => &mut self.bandwidth,
            Kind::Status => &mut self.status,
            Kind::Drop => &mut self.drop,
            Kind::Truncate => &mut self.truncate,
            Kind::Strip => &mut self.strip,
        } += 1;
    }

    /// How many of a kind.
    #[must_use]
    pub fn of(&self, kind: Kind) -> u64 {
        match kind {
            Kind::Delay => self.delay,
            Kind::Bandwidth => self.bandwidth,
            Kind::Status => self.status,
            Kind::Drop => self.drop,
            Kind::Truncate => self.truncate,
            Kind::Strip => self.strip,
        }
    }
}
