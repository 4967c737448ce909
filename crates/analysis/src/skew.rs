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

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use model::{Duration, Resource, Span, SpanIndex, SpanKind, Text, Trace};

use crate::host_clocks::HostClocks;
use crate::limits::{KEYS_MAX, RESOURCES_KNOWN_MAX};
use crate::names::{NameId, Names};
use crate::samples::Samples;
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

/// What one call says of two clocks: the server's is ahead by `low` to `high`, ns, at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClockCall {
    pub(crate) low: i64,
    pub(crate) high: i64,
    /// When the client's span starts, by its own clock.
    pub(crate) at: u64,
}

/// Calling service and host, called service and host, by number.
type HostEdge = [NameId; 4];

/// Collects calls between hosts.
#[derive(Clone, Debug, Default)]
pub struct ClockOffsets {
    names: Names,
    edges: HashMap<HostEdge, Samples<ClockCall>>,
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
        self.add_on(trace, &Timeline::of(trace));
    }

    /// As [`Self::add`] for a caller that has the sanitised times already.
    pub fn add_on(&mut self, trace: &Trace, times: &Timeline) {
        // Few resources stand behind many spans: each is looked at once.
        let mut known: Vec<(*const Resource, Option<[NameId; 2]>)> = Vec::new();
        for server in 0..trace.spans().len() as SpanIndex {
            let Some(client) = trace.parent(server) else { continue };
            let (asking, answering) = (trace.span(client), trace.span(server));
            if (asking.kind, answering.kind) != (SpanKind::CLIENT, SpanKind::SERVER) {
                continue;
            }
            let (from, to) = (self.place(&mut known, asking), self.place(&mut known, answering));
            let (Some(from), Some(to)) = (from, to) else { continue };
            if from[1] != to[1] {
                let low = (times.end(server) - times.end(client)).0;
                let high = (times.start(server) - times.start(client)).0;
                let at = times.start(client).0;
                self.insert([from[0], from[1], to[0], to[1]], ClockCall { low, high, at });
            }
        }
    }

    fn place(&mut self, known: &mut Vec<(*const Resource, Option<[NameId; 2]>)>, span: &Span) -> Option<[NameId; 2]> {
        let resource = Arc::as_ptr(&span.resource);
        if let Some((_, place)) = known.iter().find(|(one, _)| *one == resource) {
            return *place;
        }
        let place = host(span).map(|host| [self.names.name(span.service_name()), self.names.name(host)]);
        if known.len() < RESOURCES_KNOWN_MAX {
            known.push((resource, place));
        }
        place
    }

    fn insert(&mut self, key: HostEdge, call: ClockCall) {
        if self.edges.len() >= KEYS_MAX && !self.edges.contains_key(&key) {
            self.left_out += 1;
            return;
        }
        self.edges.entry(key).or_default().push(call);
    }

    /// Adds everything that `other` has seen.
    pub fn merge(&mut self, other: Self) {
        let numbers = self.names.absorb(&other.names);
        self.left_out += other.left_out;
        for (key, calls) in other.edges {
            let key = key.map(|name| numbers.names[name as usize]);
            if self.edges.len() >= KEYS_MAX && !self.edges.contains_key(&key) {
                self.left_out += calls.seen();
            } else {
                self.edges.entry(key).or_default().merge(calls);
            }
        }
    }

    /// The offset of every edge between two hosts, by caller and callee.
    #[must_use]
    pub fn offsets(&self) -> Vec<ClockOffset> {
        let text = |name: NameId| self.names.text(name).clone();
        let mut offsets: Vec<ClockOffset> = self
            .edges
            .iter()
            .map(|(key, calls)| offset(&(text(key[0]), text(key[1])), &(text(key[2]), text(key[3])), calls))
            .collect();
        offsets.sort_by(|a, b| (&a.caller, &a.callee).cmp(&(&b.caller, &b.callee)));
        offsets
    }

    /// The clock of each host against one of them, from all pairs together.
    #[must_use]
    pub fn hosts(&self) -> HostClocks {
        let mut pairs: BTreeMap<(Text, Text), Vec<ClockCall>> = BTreeMap::new();
        for (key, calls) in &self.edges {
            let (from, to) = (self.names.text(key[1]).clone(), self.names.text(key[3]).clone());
            let turned = |call: &ClockCall| ClockCall {
                low: call.high.saturating_neg(),
                high: call.low.saturating_neg(),
                at: call.at,
            };
            match from < to {
                true => pairs.entry((from, to)).or_default().extend(calls.kept()),
                false => pairs.entry((to, from)).or_default().extend(calls.kept().iter().map(turned)),
            }
        }
        HostClocks::of(&pairs)
    }

    /// Calls that were not used: there were too many edges, or so many calls of one that every so many were taken.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out + self.edges.values().map(Samples::left_out).sum::<u64>()
    }
}

fn offset(caller: &(Text, Text), callee: &(Text, Text), calls: &Samples<ClockCall>) -> ClockOffset {
    let calls = calls.kept();
    let sorted = |values: &mut dyn Iterator<Item = i64>| {
        let mut values: Vec<i64> = values.collect();
        values.sort_unstable();
        values
    };
    let lows = sorted(&mut calls.iter().map(|call| call.low));
    let highs = sorted(&mut calls.iter().map(|call| call.high));
    let middles = sorted(&mut calls.iter().map(|call| call.low.midpoint(call.high)));
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
        violations: calls.iter().filter(|call| call.low > 0 || call.high < 0).count(),
        bounds: (Duration(low), Duration(high)),
        offset: Duration(median(&middles)),
        verdict,
    }
}

/// The machine a span ran on, most telling attribute first; a pod's name where nothing better is said.
#[must_use]
pub fn host(span: &Span) -> Option<&str> {
    host_of_resource(&span.resource)
}

pub(crate) fn host_of_resource(resource: &Resource) -> Option<&str> {
    ["host.id", "k8s.node.name", "host.name", "host.ip", "hostname", "ip", "k8s.pod.name"]
        .iter()
        .find_map(|key| resource.attributes.text(key).filter(|text| !text.is_empty()))
}
