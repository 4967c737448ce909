//! What one scenario's attempts looked like.

use std::collections::BTreeMap;

use analysis::Peers;
use model::{Span, SpanIndex, SpanKind, Trace};
use serde::{Deserialize, Serialize};

use crate::limits::{PROFILE_SPANS_MAX, PROFILE_TIMES_MAX};
use crate::run::{interval, median, quantile};

/// What one trace looks like.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shape {
    /// How many spans there are of each kind, each with its parent's.
    spans: BTreeMap<String, u32>,
    /// How many calls.
    calls: BTreeMap<String, u32>,
    /// The longest of each span that answers, ns.
    times: BTreeMap<String, i64>,
}

impl Shape {
    pub fn of(trace: &Trace) -> Self {
        let mut shape = Self::default();
        for (index, span) in trace.spans().iter().enumerate() {
            let own = label(span);
            let line = match trace.parent(index as SpanIndex) {
                Some(parent) => format!("{own} < {}", label(trace.span(parent))),
                None => own.clone(),
            };
            *shape.spans.entry(line).or_default() += 1;
            if matches!(span.kind, SpanKind::SERVER | SpanKind::CONSUMER) {
                let longest = shape.times.entry(own).or_default();
                *longest = (*longest).max(span.duration().nanos());
            }
        }
        for call in analysis::calls(trace, &Peers::default()) {
            if call.server.is_some() {
                *shape.calls.entry(format!("{} -> {}", call.caller, call.callee)).or_default() += 1;
            }
        }
        shape
    }
}

/// A span in words that do not change from request to request: numbers and ids in its name are one thing.
fn label(span: &Span) -> String {
    let name = span.name.split(|c: char| !c.is_ascii_alphanumeric()).fold(span.name.to_string(), |name, word| {
        let id = word.len() >= 8 && word.chars().all(|c| c.is_ascii_hexdigit());
        let number = !word.is_empty() && word.chars().all(|c| c.is_ascii_digit());
        if id || number { name.replace(word, "#") } else { name }
    });
    format!("{}: {name} ({})", span.service_name(), span.kind.name())
}

/// A median with its 95 % interval, ns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Band {
    /// The median.
    pub median: i64,
    /// Lower end of its interval (block bootstrap over the attempts).
    pub low: i64,
    /// Upper end of its interval.
    pub high: i64,
    /// 95th percentile, nearest rank.
    pub p95: i64,
}

/// What one scenario's attempts looked like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Profile {
    /// Of how many attempts.
    pub attempts: u32,
    /// Times to the answer.
    pub answer: Option<Band>,
    /// Times of spans that answer, the longest of each trace.
    pub times: BTreeMap<String, Band>,
    /// Calls between services: the least and the most of a trace.
    pub calls: BTreeMap<String, (u32, u32)>,
    /// Spans below spans: the least and the most of a trace.
    pub spans: BTreeMap<String, (u32, u32)>,
}

/// The profile of attempts: each with its time to the answer, ns, and its trace's shape.
pub(crate) fn profile(attempts: &[(i64, Shape)], seed: u64) -> Profile {
    let ranges = |of: fn(&Shape) -> &BTreeMap<String, u32>, most: usize| {
        let mut ranges: BTreeMap<String, (u32, u32)> = BTreeMap::new();
        for key in attempts.iter().flat_map(|(_, shape)| of(shape).keys()) {
            if ranges.len() < most && !ranges.contains_key(key) {
                let counts = || attempts.iter().map(|(_, shape)| of(shape).get(key).copied().unwrap_or_default());
                let range = (counts().min().unwrap_or_default(), counts().max().unwrap_or_default());
                ranges.insert(key.clone(), range);
            }
        }
        ranges
    };
    let mut times: BTreeMap<String, Vec<Vec<f64>>> = BTreeMap::new();
    for (key, time) in attempts.iter().flat_map(|(_, shape)| &shape.times) {
        if times.len() < PROFILE_TIMES_MAX || times.contains_key(key) {
            times.entry(key.clone()).or_default().push(vec![*time as f64]);
        }
    }
    let answers: Vec<Vec<f64>> = attempts.iter().map(|(answer, _)| vec![*answer as f64]).collect();
    Profile {
        attempts: u32::try_from(attempts.len()).unwrap_or(u32::MAX),
        answer: median_band(&answers, seed),
        times: times.into_iter().filter_map(|(key, times)| Some((key, median_band(&times, seed)?))).collect(),
        calls: ranges(|shape| &shape.calls, PROFILE_SPANS_MAX),
        spans: ranges(|shape| &shape.spans, PROFILE_SPANS_MAX),
    }
}

/// The band of the attempts' times, in the order in which they were made.
fn median_band(times: &[Vec<f64>], seed: u64) -> Option<Band> {
    let mut all = times.concat();
    let middle = median(&mut all)?;
    let (low, high) = interval(times, seed, |sample| median(sample))?;
    let p95 = quantile(&mut all, 0.95)?;
    Some(Band { median: middle as i64, low: low as i64, high: high as i64, p95: p95 as i64 })
}
