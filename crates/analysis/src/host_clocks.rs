//! One offset for each host, from the offsets between pairs of hosts: the clocks of a whole system against one of them.
//!
//! Every call between two hosts says in which interval the difference of their clocks lies ([`crate::ClockOffsets`]). The
//! intervals of all pairs together are a system of difference constraints: the tightest bounds of a host against the
//! reference are shortest paths (Bellman-Ford), and a circle of negative length says that no clocks fit. Between two hosts
//! the point is the median of the middles of the quarter of calls with the least time on the way, as in NTP's clock filter
//! (RFC 5905, 10); between a host and the reference it is the least squares solution over all pairs, kept within the bounds.
//! A drift is told only where no constant offset fits the calls of a pair and a moving one does.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::{Duration, Instant, Span, SpanId, Text, Trace};

use crate::limits::{CLOCK_SWEEPS_MAX, CLOCK_WINDOWS, HOSTS_MAX};
use crate::skew::{CALLS_MIN, ClockCall, SkewVerdict, host, host_of_resource};
use crate::statistics::{median, quantile};

/// The clock of a host against that of its group's reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostClock {
    /// The host.
    pub host: Text,
    /// The host with the most calls among those that are connected by calls: its own offset is zero.
    pub reference: Text,
    /// How far ahead it is at [`HostClocks::at`]; negative where it is behind.
    pub offset: Duration,
    /// The least and the greatest offset that the calls allow.
    pub bounds: (Duration, Duration),
    /// Nanoseconds that it gains each second; none where a constant offset fits the calls.
    pub drift: Option<i64>,
    /// Its spans are moved where clocks are adjusted: it is proven to be off, or what calls it or is called by it is, and,
    /// left alone, their calls would not fit together any more.
    pub is_moved: bool,
    /// Calls between it and other hosts.
    pub calls: usize,
    /// What may be concluded.
    pub verdict: SkewVerdict,
}

/// The clocks of two hosts against each other, by the calls between them in both directions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPair {
    /// The hosts, by name.
    pub hosts: (Text, Text),
    /// How far the second one's clock is ahead of the first one's.
    pub offset: Duration,
    /// The least and the greatest offset that the calls allow.
    pub bounds: (Duration, Duration),
    /// Nanoseconds that the second one gains each second; none where a constant offset fits.
    pub drift: Option<i64>,
    /// Calls.
    pub calls: usize,
    /// What may be concluded.
    pub verdict: SkewVerdict,
}

/// The clocks of all hosts that call each other often enough.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostClocks {
    /// By name.
    pub hosts: Vec<HostClock>,
    /// By name.
    pub pairs: Vec<HostPair>,
    /// The time for which the offsets are told: the middle of the calls. They differ over time only where there is a drift.
    pub at: Instant,
    /// Hosts that there was no room for.
    pub left_out: u64,
}

impl HostClocks {
    /// From the calls of each pair of hosts, by the offset of the second host's clock.
    pub(crate) fn of(calls: &BTreeMap<(Text, Text), Vec<ClockCall>>) -> Self {
        let mut times: Vec<u64> = calls.values().flatten().map(|call| call.at).collect();
        times.sort_unstable();
        let at = times.get(times.len() / 2).copied().unwrap_or_default();
        let pairs: Vec<HostPair> = calls.iter().map(|(hosts, calls)| pair(hosts, calls, at)).collect();
        let (hosts, left_out) = solve(&pairs);
        Self { hosts, pairs, at: Instant(at), left_out }
    }

    /// What to add to the times of each span of `trace`, ns, so that the proven offsets are gone; zero for spans of hosts
    /// that are not moved ([`HostClock::is_moved`]), and of unknown hosts.
    #[must_use]
    pub fn shifts(&self, trace: &Trace) -> Vec<i64> {
        trace.spans().iter().map(|span| self.shift(span)).collect()
    }

    /// `trace` with its times shifted so. The trace itself stays as received.
    #[must_use]
    pub fn adjusted(&self, trace: &Trace) -> Trace {
        let shifts = self.shifts(trace);
        let (mut spans, mut logs) = trace.clone().into_parts();
        // A record lies where its span does; one without a span goes with the clock of its host.
        let of_spans: HashMap<SpanId, i64> =
            spans.iter().zip(&shifts).map(|(span, &shift)| (span.span_id, shift)).collect();
        for log in &mut logs {
            let of_host = || host_of_resource(&log.resource).map_or(0, |name| self.shift_at(name, log.moment()));
            let shift = log.span_id.and_then(|id| of_spans.get(&id).copied()).unwrap_or_else(of_host);
            (log.time, log.observed_time) = (moved(log.time, shift), moved(log.observed_time, shift));
        }
        for (span, shift) in spans.iter_mut().zip(shifts) {
            (span.start, span.end) = (moved(span.start, shift), moved(span.end, shift));
            span.events.iter_mut().for_each(|event| event.time = moved(event.time, shift));
        }
        Trace::assemble(trace.id(), spans, logs)
    }

    /// The hosts that `trace` has spans of, by the names used here.
    #[must_use]
    pub fn of_trace<'t>(&self, trace: &'t Trace) -> BTreeSet<&'t str> {
        trace.spans().iter().filter_map(host).collect()
    }

    fn shift(&self, span: &Span) -> i64 {
        host(span).map_or(0, |name| self.shift_at(name, span.start))
    }

    fn shift_at(&self, name: &str, time: Instant) -> i64 {
        let Ok(position) = self.hosts.binary_search_by(|one| (*one.host).cmp(name)) else { return 0 };
        let clock = &self.hosts[position];
        if !clock.is_moved {
            return 0;
        }
        let since = i128::from(time.0) - i128::from(self.at.0);
        let drifted = i128::from(clock.drift.unwrap_or(0)) * since / 1_000_000_000;
        i64::try_from(-(i128::from(clock.offset.0) + drifted)).unwrap_or(0)
    }
}

/// A time of zero means that it is not known.
fn moved(at: Instant, shift: i64) -> Instant {
    if at.0 == 0 { at } else { Instant(at.0.saturating_add_signed(shift)) }
}

/// Some spans end late for reasons that are no clock's: this share of the calls counts on either side, or, where no offset
/// fits those, a little less.
const QUANTILES: [f64; 3] = [0.999, 0.997, 0.99];

fn pair(hosts: &(Text, Text), calls: &[ClockCall], at: u64) -> HostPair {
    let told = |estimate: &Estimate, drift, verdict| HostPair {
        hosts: hosts.clone(),
        offset: Duration(estimate.middle),
        bounds: (Duration(estimate.low), Duration(estimate.high)),
        drift,
        calls: calls.len(),
        verdict,
    };
    let still = Estimate::of(calls, QUANTILES[0]);
    if calls.len() < CALLS_MIN {
        return told(&still, None, SkewVerdict::NotEnoughCalls);
    }
    if let Some(fitting) = Estimate::fitting(calls) {
        return told(&fitting, None, fitting.verdict());
    }
    if let Some(slope) = slope(calls) {
        let moved: Vec<ClockCall> = calls
            .iter()
            .map(|call| {
                let drifted = (slope * since(call.at, at)) as i64;
                let (low, high) = (call.low.saturating_sub(drifted), call.high.saturating_sub(drifted));
                ClockCall { low, high, at: call.at }
            })
            .collect();
        if let Some(moving) = Estimate::fitting(&moved) {
            return told(&moving, Some((slope * 1e9).round() as i64), moving.verdict());
        }
    }
    told(&still, None, SkewVerdict::Contradictory)
}

/// Nanoseconds from one time to another; their difference is exact, the times themselves would not be.
fn since(time: u64, from: u64) -> f64 {
    (i128::from(time) - i128::from(from)) as f64
}

struct Estimate {
    low: i64,
    high: i64,
    middle: i64,
}

impl Estimate {
    /// With as few calls left aside as are needed for an offset to fit the others.
    fn fitting(calls: &[ClockCall]) -> Option<Self> {
        QUANTILES.into_iter().map(|kept| Self::of(calls, kept)).find(|estimate| estimate.low <= estimate.high)
    }

    /// `kept`: the share of calls of which the bounds of each side count.
    fn of(calls: &[ClockCall], kept: f64) -> Self {
        let sorted = |of: fn(&ClockCall) -> i64| {
            let mut values: Vec<i64> = calls.iter().map(of).collect();
            values.sort_unstable();
            values
        };
        let (low, high) = (quantile(&sorted(|call| call.low), kept), quantile(&sorted(|call| call.high), 1.0 - kept));
        Self { low, high, middle: middle(calls) }
    }

    fn verdict(&self) -> SkewVerdict {
        if self.low > 0 || self.high < 0 { SkewVerdict::Skewed } else { SkewVerdict::NotProven }
    }
}

/// The median of the middles of the quarter of calls, [`CALLS_MIN`] at least, that were on the way for the least time.
fn middle(calls: &[ClockCall]) -> i64 {
    let mut by_width: Vec<(i64, i64)> =
        calls.iter().map(|call| (call.high.saturating_sub(call.low), call.low.midpoint(call.high))).collect();
    by_width.sort_unstable();
    by_width.truncate(calls.len().div_ceil(4).max(CALLS_MIN));
    let mut middles: Vec<i64> = by_width.into_iter().map(|(_, middle)| middle).collect();
    middles.sort_unstable();
    median(&middles)
}

/// Theil and Sen's slope of the middles of windows with as many calls each: ns per ns. None with too few calls or no time
/// between them.
fn slope(calls: &[ClockCall]) -> Option<f64> {
    let mut calls = calls.to_vec();
    calls.sort_by_key(|call| call.at);
    let windows = (calls.len() / CALLS_MIN).min(CLOCK_WINDOWS);
    if windows < 3 {
        return None;
    }
    let points: Vec<(f64, f64)> = calls
        .chunks(calls.len().div_ceil(windows))
        .map(|window| (since(window[window.len() / 2].at, calls[0].at), middle(window) as f64))
        .collect();
    let mut slopes: Vec<f64> = Vec::new();
    for (position, (at, value)) in points.iter().enumerate() {
        let later = points[position + 1..].iter().filter(|(other, _)| other > at);
        slopes.extend(later.map(|(other, other_value)| (other_value - value) / (other - at)));
    }
    slopes.sort_by(f64::total_cmp);
    slopes.get(slopes.len() / 2).copied()
}

/// A pair of hosts by number, as far as it says something.
struct Link {
    from: usize,
    to: usize,
    offset: f64,
    drift: f64,
    low: i128,
    high: i128,
    weight: f64,
}

fn solve(pairs: &[HostPair]) -> (Vec<HostClock>, u64) {
    let says = |pair: &&HostPair| !matches!(pair.verdict, SkewVerdict::NotEnoughCalls | SkewVerdict::Contradictory);
    let mut names: Vec<Text> =
        pairs.iter().filter(says).flat_map(|pair| [pair.hosts.0.clone(), pair.hosts.1.clone()]).collect();
    names.sort_unstable();
    names.dedup();
    let left_out = names.len().saturating_sub(HOSTS_MAX) as u64;
    names.truncate(HOSTS_MAX);
    let number = |name: &Text| names.binary_search(name).ok();
    let mut calls = vec![0; names.len()];
    let mut links = Vec::new();
    for pair in pairs.iter().filter(says) {
        let (Some(from), Some(to)) = (number(&pair.hosts.0), number(&pair.hosts.1)) else { continue };
        calls[from] += pair.calls;
        calls[to] += pair.calls;
        links.push(Link {
            from,
            to,
            offset: pair.offset.0 as f64,
            drift: pair.drift.unwrap_or(0) as f64,
            low: i128::from(pair.bounds.0.0),
            high: i128::from(pair.bounds.1.0),
            weight: pair.calls as f64,
        });
    }
    let reference = references(&calls, &links);
    let highs = distances(&reference, &links, |link| (link.high, -link.low));
    let lows = distances(&reference, &links, |link| (-link.low, link.high));
    let offsets = least_squares(&reference, &links, |link| link.offset);
    let drifts = least_squares(&reference, &links, |link| link.drift);
    let clock = |host: usize| {
        let (low, high) = (narrow(-lows[host]), narrow(highs[host]));
        let fits = low <= high;
        let offset = if fits { (offsets[host].round() as i64).clamp(low, high) } else { offsets[host].round() as i64 };
        let drift = drifts[host].round() as i64;
        HostClock {
            host: names[host].clone(),
            reference: names[reference[host]].clone(),
            offset: Duration(offset),
            bounds: (Duration(low), Duration(high)),
            drift: Some(drift).filter(|drift| *drift != 0),
            is_moved: false,
            calls: calls[host],
            verdict: if !fits {
                SkewVerdict::Contradictory
            } else if low > 0 || high < 0 {
                SkewVerdict::Skewed
            } else {
                SkewVerdict::NotProven
            },
        }
    };
    let mut hosts: Vec<HostClock> = (0..names.len()).map(clock).collect();
    mark_moved(&mut hosts, &links);
    (hosts, left_out)
}

/// Those that are proven to be off, and, one after the other, those whose calls to them would not fit if they stayed.
fn mark_moved(hosts: &mut [HostClock], links: &[Link]) {
    hosts.iter_mut().for_each(|host| host.is_moved = host.verdict == SkewVerdict::Skewed);
    let mut changed = true;
    while changed {
        changed = false;
        for link in links {
            let (from, to) = (&hosts[link.from], &hosts[link.to]);
            let taken = |host: &HostClock| if host.is_moved { i128::from(host.offset.0) } else { 0 };
            let between = taken(to) - taken(from);
            let fits = link.low <= between && between <= link.high;
            let unmoved = match (from.is_moved, to.is_moved) {
                (true, false) => link.to,
                (false, true) => link.from,
                _ => continue,
            };
            let may_move =
                hosts[unmoved].verdict == SkewVerdict::NotProven && hosts[unmoved].host != hosts[unmoved].reference;
            if !fits && may_move {
                hosts[unmoved].is_moved = true;
                changed = true;
            }
        }
    }
}

fn narrow(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

/// By host: the host with the most calls (then the first) of all that are connected with it.
fn references(calls: &[usize], links: &[Link]) -> Vec<usize> {
    let mut reference: Vec<usize> = (0..calls.len()).collect();
    let better = |one: usize, other: usize| (calls[one], other) > (calls[other], one);
    let mut changed = true;
    while changed {
        changed = false;
        for link in links {
            let (one, other) = (reference[link.from], reference[link.to]);
            if one != other {
                let best = if better(one, other) { one } else { other };
                (reference[link.from], reference[link.to]) = (best, best);
                changed = true;
            }
        }
    }
    reference
}

/// Shortest ways from each host's reference to it, where a link costs the first number forwards and the second one
/// backwards. A circle of negative length has no shortest way: after as many rounds as there are hosts it ends.
fn distances(reference: &[usize], links: &[Link], lengths: impl Fn(&Link) -> (i128, i128)) -> Vec<i128> {
    const FAR: i128 = i128::MAX / 4;
    let mut distance: Vec<i128> =
        reference.iter().enumerate().map(|(host, of)| if host == *of { 0 } else { FAR }).collect();
    for _ in 0..=reference.len() {
        let mut changed = false;
        for link in links {
            let (there, back) = lengths(link);
            for (from, to, length) in [(link.from, link.to, there), (link.to, link.from, back)] {
                if distance[from] < FAR && distance[from] + length < distance[to] {
                    distance[to] = distance[from] + length;
                    changed = true;
                }
            }
        }
        if !changed {
            break;
        }
    }
    distance
}

/// The values of all hosts, that of a reference zero, that fit the differences best: from a spanning tree on, improved by
/// Gauss and Seidel.
fn least_squares(reference: &[usize], links: &[Link], difference: impl Fn(&Link) -> f64) -> Vec<f64> {
    let mut beside: Vec<Vec<(usize, f64, f64)>> = vec![Vec::new(); reference.len()];
    for link in links {
        let value = difference(link);
        beside[link.from].push((link.to, value, link.weight));
        beside[link.to].push((link.from, -value, link.weight));
    }
    let mut values = vec![0.0; reference.len()];
    let mut known: Vec<bool> = reference.iter().enumerate().map(|(host, of)| host == *of).collect();
    let mut next: std::collections::VecDeque<usize> = (0..known.len()).filter(|host| known[*host]).collect();
    while let Some(host) = next.pop_front() {
        for &(other, value, _) in &beside[host] {
            if !known[other] {
                known[other] = true;
                values[other] = values[host] + value;
                next.push_back(other);
            }
        }
    }
    for _ in 0..CLOCK_SWEEPS_MAX {
        let mut moved = 0.0_f64;
        for host in (0..values.len()).filter(|host| reference[*host] != *host) {
            let weight: f64 = beside[host].iter().map(|(_, _, weight)| weight).sum();
            let sum: f64 = beside[host].iter().map(|(other, value, weight)| (values[*other] - value) * weight).sum();
            let better = sum / weight.max(1.0);
            moved = moved.max((better - values[host]).abs());
            values[host] = better;
        }
        if moved < 1.0 {
            break;
        }
    }
    values
}
