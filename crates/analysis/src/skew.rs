//! By how much the clocks of two hosts differ, estimated from many calls, with bounds. Nothing is shifted.
//!
//! If the server's clock is ahead of the client's by t, a call that really lay inside the client's span tells
//!
//! ```text
//! server.end - client.end  <=  t  <=  server.start - client.start
//! ```
//!
//! Each call gives such an interval; t lies in all of them. A few spans end late for other reasons, so of each side the
//! 99.9 % quantile counts instead of the extreme. The estimate is the median of the middles, which assumes that the way
//! there and the way back take alike.

use std::collections::BTreeMap;

use model::{Duration, Span, SpanIndex, SpanKind, Text, Trace};

use crate::limits::{KEYS_MAX, SAMPLES_MAX};
use crate::statistics::{median, quantile};
use crate::timeline::Timeline;

/// Fewer calls than this give no estimate.
pub const CALLS_MIN: usize = 30;

/// How the clock of `callee` stands against that of `caller`, by the calls of one edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockOffset {
    /// The calling service and its host.
    pub caller: (Text, Text),
    /// The called service and its host.
    pub callee: (Text, Text),
    /// How many calls it is estimated from.
    pub calls: usize,
    /// In how many of them the server's span does not lie inside the client's.
    pub violations: usize,
    /// The least and the greatest offset that the calls allow.
    pub bounds: (Duration, Duration),
    /// The estimate: how far the callee's clock is ahead.
    pub offset: Duration,
    /// What may be concluded.
    pub verdict: SkewVerdict,
}

/// What the calls prove about two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkewVerdict {
    /// Zero lies outside the bounds.
    Skewed,
    /// Zero lies inside the bounds: not proven to differ.
    NotProven,
    /// No offset fits the calls: the clock drifted or jumped, or spans end late.
    Contradictory,
    /// Too few calls.
    NotEnoughCalls,
}

/// Calling service and host, called service and host.
type HostEdge = ((Text, Text), (Text, Text));

/// Collects calls between hosts.
#[derive(Clone, Debug, Default)]
pub struct ClockOffsets {
    edges: BTreeMap<HostEdge, Vec<(i64, i64)>>,
    left_out: u64,
}

impl ClockOffsets {
    /// Nothing seen.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the calls of a trace whose both sides and hosts are known. Calls on one host are left alone: their late ends
    /// are no matter of clocks.
    pub fn add(&mut self, trace: &Trace) {
        let times = Timeline::of(trace);
        for server in 0..trace.spans().len() as SpanIndex {
            let Some(client) = trace.parent(server) else { continue };
            let (asking, answering) = (trace.span(client), trace.span(server));
            let kinds = (asking.kind, answering.kind) == (SpanKind::CLIENT, SpanKind::SERVER);
            let (Some(from), Some(to)) = (host(asking), host(answering)) else { continue };
            if !kinds || from == to {
                continue;
            }
            let low = (times.end(server) - times.end(client)).0;
            let high = (times.start(server) - times.start(client)).0;
            self.insert(
                ((asking.service_name().into(), from.into()), (answering.service_name().into(), to.into())),
                (low, high),
            );
        }
    }

    fn insert(&mut self, key: HostEdge, bounds: (i64, i64)) {
        let new = !self.edges.contains_key(&key);
        if new && self.edges.len() >= KEYS_MAX {
            self.left_out += 1;
            return;
        }
        let calls = self.edges.entry(key).or_default();
        if calls.len() < SAMPLES_MAX { calls.push(bounds) } else { self.left_out += 1 }
    }

    /// The offset of every edge between two hosts.
    #[must_use]
    pub fn offsets(&self) -> Vec<ClockOffset> {
        self.edges.iter().map(|((caller, callee), calls)| offset(caller, callee, calls)).collect()
    }

    /// Calls that were not used because there were too many.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

fn offset(caller: &(Text, Text), callee: &(Text, Text), calls: &[(i64, i64)]) -> ClockOffset {
    let sorted = |values: &mut dyn Iterator<Item = i64>| {
        let mut values: Vec<i64> = values.collect();
        values.sort_unstable();
        values
    };
    let lows = sorted(&mut calls.iter().map(|call| call.0));
    let highs = sorted(&mut calls.iter().map(|call| call.1));
    let middles = sorted(&mut calls.iter().map(|&(low, high)| low.midpoint(high)));
    let (low, high) = (quantile(&lows, 0.999), quantile(&highs, 0.001));
    let verdict = if calls.len() < CALLS_MIN {
        SkewVerdict::NotEnoughCalls
    } else if low > high {
        SkewVerdict::Contradictory
    } else if low > 0 || high < 0 {
        SkewVerdict::Skewed
    } else {
        SkewVerdict::NotProven
    };
    ClockOffset {
        caller: caller.clone(),
        callee: callee.clone(),
        calls: calls.len(),
        violations: calls.iter().filter(|&&(low, high)| low > 0 || high < 0).count(),
        bounds: (Duration(low), Duration(high)),
        offset: Duration(median(&middles)),
        verdict,
    }
}

/// The machine a span ran on, most telling attribute first; a pod's name where nothing better is said.
fn host(span: &Span) -> Option<&str> {
    ["host.id", "k8s.node.name", "host.name", "host.ip", "hostname", "ip", "k8s.pod.name"]
        .iter()
        .find_map(|key| span.resource.attributes.text(key).filter(|text| !text.is_empty()))
}
