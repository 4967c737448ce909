//! How far the clocks of machines are apart: `/api/v1/trace/{id}/clocks`, and within a diagnosis.

use crate::{Completeness, Cost, LookedAt, UnixNanos, shape, words};

shape! {
    /// `GET /api/v1/trace/{id}/clocks`: the clocks of the hosts in a trace, by the calls of all traces around it.
    pub struct TraceClocks {
        /// The traces that the offsets are estimated from.
        pub looked_at: LookedAt,
        /// The clocks of the trace's hosts; empty where too few calls between known hosts were seen.
        pub clocks: Clocks,
        /// Whether everything around the trace was looked at.
        pub completeness: Completeness,
        /// What it cost.
        pub cost: Cost,
    }

    /// The clocks of hosts.
    pub struct Clocks {
        /// The time for which the offsets are told; they differ over time only where there is a drift.
        pub at: UnixNanos,
        /// The hosts that call each other often enough, by name.
        pub hosts: Vec<HostClock>,
        /// Every pair of hosts with calls, by name: what the hosts' clocks are solved from.
        pub pairs: Vec<HostPair>,
    }

    /// The clock of a host against that of its group's reference.
    pub struct HostClock {
        /// The host.
        pub host: String,
        /// The host that it is compared with, directly or by way of others; itself, with an offset of zero, where it is that one.
        pub reference: String,
        /// How far ahead it is, ns; negative where it is behind.
        pub offset: i64,
        /// The least offset that the calls allow, ns.
        pub least: i64,
        /// The greatest offset that the calls allow, ns.
        pub most: i64,
        /// Nanoseconds that it gains each second; null where a constant offset fits the calls.
        pub drift: Option<i64>,
        /// Its spans are moved where clocks are adjusted: it is proven to be off, or its calls to one that is would not fit.
        pub is_moved: bool,
        /// Calls between it and other hosts.
        pub calls: u64,
        /// What may be concluded.
        pub verdict: ClockVerdict,
    }

    /// The clocks of two hosts, by the calls between them in both directions.
    pub struct HostPair {
        /// A host.
        pub one: String,
        /// Another one.
        pub other: String,
        /// How far the other one's clock is ahead, ns; negative where it is behind.
        pub offset: i64,
        /// The least offset that the calls allow, ns.
        pub least: i64,
        /// The greatest offset that the calls allow, ns.
        pub most: i64,
        /// Nanoseconds that the other one gains each second; null where a constant offset fits.
        pub drift: Option<i64>,
        /// Calls.
        pub calls: u64,
        /// What may be concluded.
        pub verdict: ClockVerdict,
    }
}

words! {
    /// What calls prove about two clocks.
    pub enum ClockVerdict {
        /// Zero lies outside the bounds: they differ.
        Skewed = "skewed",
        /// Zero lies inside the bounds: not proven to differ.
        NotProven = "not-proven",
        /// No offset fits the calls: a clock jumped, or spans end late.
        Contradictory = "contradictory",
        /// Too few calls.
        NotEnoughCalls = "not-enough-calls",
    }
}
