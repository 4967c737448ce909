//! Which service made requests slower, between a normal and an abnormal window; or "cannot tell".
//!
//! Durations of whole spans always blame the root. What is compared instead is the time that belongs to nobody below: the
//! self time of each operation in each instance, and the time between caller and callee on each edge. For each, how far its
//! P75 and P90 rose, in units of what it normally varies by:
//!
//! ```text
//! score = (P75 and P90 abnormal - those of a bad block of the normal window) / (1.48 MAD + 5 % of the median
//!         + that P90 minus that of the middle block + 1 % of the median request + 20 µs, all normal)
//! ```
//!
//! The time of an edge is charged to the callee, unless other callers of the same callee are as fast as ever: then to the
//! caller. A service answers for its worst score; below the threshold nobody does.

use std::collections::BTreeMap;

use model::{Duration, Instant, SpanIndex, SpanKind, Text, Trace};

use crate::limits::KEYS_MAX;
use crate::samples::Samples;
use crate::self_time::self_time;
use crate::statistics::{median, median_deviation, quantile, sorted_values};
use crate::timeline::Timeline;

/// Where time was spent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Spot {
    /// In an operation itself.
    Own {
        /// The service.
        service: Text,
        /// The instance: pod or host; empty when unknown.
        instance: Text,
        /// The span's name.
        operation: Text,
        /// A span inside the service with nothing below it: it may be a call whose far side sends no spans.
        may_be_call: bool,
    },
    /// Between two services.
    Edge {
        /// The calling service.
        caller: Text,
        /// The called service, which is charged.
        callee: Text,
        /// The called instance.
        instance: Text,
    },
}

impl Spot {
    /// Who answers for this time.
    #[must_use]
    pub fn service(&self) -> &Text {
        match self {
            Self::Own { service, .. } => service,
            Self::Edge { callee, .. } => callee,
        }
    }

    fn of_any_instance(&self) -> Self {
        let mut spot = self.clone();
        let (Self::Own { instance, .. } | Self::Edge { instance, .. }) = &mut spot;
        *instance = Text::default();
        spot
    }
}

/// Self and edge times of a window, by where they were spent.
#[derive(Clone, Debug, Default)]
pub struct LatencyProfile {
    /// Start and time spent.
    samples: BTreeMap<Spot, Samples<(u64, i64)>>,
    /// How long whole requests took.
    requests: Samples<(u64, i64)>,
    left_out: u64,
}

impl LatencyProfile {
    /// Nothing measured.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the spans of `trace` that start within `from..until`.
    pub fn add(&mut self, trace: &Trace, from: Instant, until: Instant) {
        let times = Timeline::of(trace);
        let own = self_time(trace);
        for index in 0..trace.spans().len() as SpanIndex {
            let start = times.start(index);
            if start < from || start >= until {
                continue;
            }
            if trace.parent(index).is_none() {
                self.requests.push((start.0, times.duration(index).0));
            }
            match far_side(trace, index) {
                Some(server) => {
                    let between = times.duration(index) - times.duration(server);
                    self.insert(edge(trace, index, server), (start.0, between.0));
                }
                None => self.insert(own_spot(trace, index), (start.0, own[index as usize].0)),
            }
        }
    }

    fn insert(&mut self, spot: Spot, time: (u64, i64)) {
        if self.samples.len() >= KEYS_MAX && !self.samples.contains_key(&spot) {
            self.left_out += 1;
            return;
        }
        self.samples.entry(spot).or_default().push(time);
    }

    /// Adds everything that `other` has measured.
    pub fn merge(&mut self, other: Self) {
        self.left_out += other.left_out;
        self.requests.merge(other.requests);
        for (spot, theirs) in other.samples {
            if self.samples.len() >= KEYS_MAX && !self.samples.contains_key(&spot) {
                self.left_out += theirs.seen();
            } else {
                self.samples.entry(spot).or_default().merge(theirs);
            }
        }
    }

    /// Measurements that were not kept because there were too many.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out + self.requests.left_out() + self.samples.values().map(Samples::left_out).sum::<u64>()
    }
}

/// The one span of another service below a span that does nothing but call it.
fn far_side(trace: &Trace, index: SpanIndex) -> Option<SpanIndex> {
    let [child] = trace.children(index) else { return None };
    let (span, below) = (trace.span(index), trace.span(*child));
    let calls = !matches!(span.kind, SpanKind::SERVER | SpanKind::CONSUMER | SpanKind::PRODUCER);
    (calls && trace.parent(index).is_some() && span.service_name() != below.service_name()).then_some(*child)
}

fn instance(trace: &Trace, index: SpanIndex) -> Text {
    let attributes = &trace.span(index).resource.attributes;
    ["service.instance.id", "k8s.pod.name", "host.name"]
        .iter()
        .find_map(|key| attributes.text(key))
        .unwrap_or("")
        .into()
}

fn edge(trace: &Trace, client: SpanIndex, server: SpanIndex) -> Spot {
    Spot::Edge {
        caller: trace.span(client).service_name().into(),
        callee: trace.span(server).service_name().into(),
        instance: instance(trace, server),
    }
}

fn own_spot(trace: &Trace, index: SpanIndex) -> Spot {
    let span = trace.span(index);
    let inside = trace.parent(index).is_some_and(|parent| trace.span(parent).service_name() == span.service_name());
    Spot::Own {
        service: span.service_name().into(),
        instance: instance(trace, index),
        operation: span.name.clone(),
        may_be_call: inside && trace.children(index).is_empty(),
    }
}

/// How much slower a spot became.
#[derive(Clone, Debug, PartialEq)]
pub struct Suspect {
    /// Where.
    pub spot: Spot,
    /// Who answers for it.
    pub service: Text,
    /// Rise of P75 and P90 in units of its normal variation.
    pub score: f64,
    /// P90 in the normal window.
    pub p90_normal: Duration,
    /// P90 in the abnormal window.
    pub p90_abnormal: Duration,
    /// Measurements in either window.
    pub counts: (usize, usize),
}

/// Who made it slower.
#[derive(Clone, Debug, PartialEq)]
pub struct RootCause {
    /// The worst spot of each service, worst first.
    pub suspects: Vec<Suspect>,
    /// What a score had to exceed.
    pub threshold: f64,
    /// The service, or none: cannot tell.
    pub answer: Option<Text>,
}

/// Compares two windows. `threshold` is what scores reach between two normal windows; see [`score_of_chance`].
#[must_use]
pub fn latency_root_cause(normal: &LatencyProfile, abnormal: &LatencyProfile, threshold: f64) -> RootCause {
    let suspects = suspects(normal, abnormal);
    let answer = suspects.first().filter(|worst| worst.score > threshold).map(|worst| worst.service.clone());
    RootCause { suspects, threshold, answer }
}

/// The highest score between two windows in which nothing happened: the part of a threshold that comes from chance.
#[must_use]
pub fn score_of_chance(one: &LatencyProfile, other: &LatencyProfile) -> f64 {
    suspects(one, other).first().map_or(0.0, |worst| worst.score)
}

/// A spot needs so many measurements in the normal window, and so many in the abnormal one.
const SAMPLES_MIN: (usize, usize) = (10, 3);

/// The normal window is cut into so many blocks of time, and the third worst counts: a burst that comes every minute is
/// normal, and a window called normal may hold the end of some other trouble.
const BLOCKS: usize = 8;
const BLOCK_THAT_COUNTS: f64 = 0.75;

fn suspects(normal: &LatencyProfile, abnormal: &LatencyProfile) -> Vec<Suspect> {
    // Instances come and go between windows: what is normal is told by all of them together.
    let mut pooled: BTreeMap<Spot, Vec<(u64, i64)>> = BTreeMap::new();
    for (spot, samples) in &normal.samples {
        pooled.entry(spot.of_any_instance()).or_default().extend(samples.kept());
    }
    pooled.values_mut().for_each(|samples| samples.sort_unstable());
    let noticeable = NOTICEABLE * median(&sorted_values(normal.requests.kept())) as f64;
    let mut found: Vec<Suspect> = abnormal
        .samples
        .iter()
        .filter_map(|(spot, after)| suspect(spot, pooled.get(&spot.of_any_instance())?, after.kept(), noticeable))
        .collect();
    charge_callers(&mut found);
    let mut worst: BTreeMap<Text, Suspect> = BTreeMap::new();
    for suspect in found {
        let known = worst.entry(suspect.service.clone()).or_insert_with(|| suspect.clone());
        if suspect.score > known.score {
            *known = suspect;
        }
    }
    let mut suspects: Vec<Suspect> = worst.into_values().collect();
    suspects.sort_by(|a, b| b.score.total_cmp(&a.score));
    suspects
}

/// An edge that became slow while others into the same callee did not, or while others out of the same caller did as well:
/// the caller is late in sending the request or in reading the answer.
fn charge_callers(found: &mut [Suspect]) {
    const AS_FAST: f64 = 0.2;
    const AS_SLOW: f64 = 0.3;
    let mut into: BTreeMap<Text, BTreeMap<Text, f64>> = BTreeMap::new();
    let mut out_of: BTreeMap<Text, BTreeMap<Text, f64>> = BTreeMap::new();
    for suspect in found.iter() {
        if let Spot::Edge { caller, callee, .. } = &suspect.spot {
            let worst = into.entry(callee.clone()).or_default().entry(caller.clone()).or_insert(f64::MIN);
            *worst = worst.max(suspect.score);
            let worst = out_of.entry(caller.clone()).or_default().entry(callee.clone()).or_insert(f64::MIN);
            *worst = worst.max(suspect.score);
        }
    }
    for suspect in found {
        let Spot::Edge { caller, callee, .. } = &suspect.spot else { continue };
        let mut others = into[callee].iter().filter(|(name, _)| *name != caller).map(|(_, score)| *score).peekable();
        let only_here = others.peek().is_some() && others.all(|score| score < suspect.score * AS_FAST);
        let everywhere = out_of[caller].iter().any(|(name, &score)| name != callee && score > suspect.score * AS_SLOW);
        if suspect.score > 0.0 && (only_here || everywhere) {
            suspect.service = caller.clone();
        }
    }
}

/// The P90 alone jumps where the share of slow calls goes from 8 % to 12 %; the P75 does not.
const WEIGHT_OF_P75: f64 = 0.8;

/// A leaf inside a service may be waiting for somebody who sends no spans: it counts for half.
const SURE_OF_LEAF: f64 = 0.5;

/// What share of a request's usual time is worth speaking of.
const NOTICEABLE: f64 = 0.01;

fn suspect(spot: &Spot, before: &[(u64, i64)], after: &[(u64, i64)], noticeable: f64) -> Option<Suspect> {
    if before.len() < SAMPLES_MIN.0 || after.len() < SAMPLES_MIN.1 {
        return None;
    }
    let (all, changed) = (sorted_values(before), sorted_values(after));
    let block = before.len().div_ceil(BLOCKS).max(SAMPLES_MIN.0);
    let of_blocks = |share: f64| {
        let mut figures: Vec<i64> = before.chunks(block).map(|block| high(&sorted_values(block), share)).collect();
        figures.sort_unstable();
        figures
    };
    let (p75s, p90s) = (of_blocks(0.75), of_blocks(0.9));
    let (p75_before, p90_before) = (quantile(&p75s, BLOCK_THAT_COUNTS), quantile(&p90s, BLOCK_THAT_COUNTS));
    let (p75_after, p90_after) = (high(&changed, 0.75), high(&changed, 0.9));
    let rise =
        WEIGHT_OF_P75 * (p75_after - p75_before) as f64 + (1.0 - WEIGHT_OF_P75) * (p90_after - p90_before) as f64;
    let sure = if matches!(spot, Spot::Own { may_be_call: true, .. }) { SURE_OF_LEAF } else { 1.0 };
    let between_blocks = p90_before - median(&p90s);
    let variation = 1.48 * median_deviation(&all) as f64
        + 0.05 * median(&all).abs() as f64
        + 20_000.0
        + between_blocks as f64
        + noticeable;
    Some(Suspect {
        spot: spot.clone(),
        service: spot.service().clone(),
        score: sure * rise / variation,
        p90_normal: Duration(p90_before),
        p90_abnormal: Duration(p90_after),
        counts: (all.len(), changed.len()),
    })
}

/// The quantile; of few values a lower one, so that never fewer than three of them decide.
fn high(sorted: &[i64], share: f64) -> i64 {
    let most = (1.0 - 2.0 / sorted.len().max(1) as f64).max(0.5);
    quantile(sorted, share.min(most))
}
