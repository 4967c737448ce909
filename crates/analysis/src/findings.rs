//! Findings over many traces: bottlenecks by critical path, and calls repeated one after another.

use std::collections::BTreeMap;

use model::{Duration, SpanId, SpanIndex, Text, Trace, TraceId};

use crate::critical_path::critical_path;
use crate::finding::{Confidence, EVIDENCE_MAX, Finding, FindingKind, id_of};
use crate::limits::KEYS_MAX;
use crate::operation::operation;
use crate::statistics::{median, quantile};
use crate::timeline::Timeline;
use crate::whatif::{Edit, saving, sequential_runs};

/// So many calls in sequence are worth a word.
pub const REPEATS_MIN: usize = 5;

/// Bottlenecks below this share of all critical time are left out.
const SHARE_MIN: f64 = 0.02;

/// Collects findings trace by trace.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    traces: u64,
    critical_total: i128,
    critical: BTreeMap<Text, Place>,
    repeats: BTreeMap<Text, Repeats>,
    left_out: u64,
}

#[derive(Clone, Debug, Default)]
struct Place {
    times: Vec<i64>,
    evidence: Vec<(TraceId, SpanId)>,
}

#[derive(Clone, Debug, Default)]
struct Repeats {
    calls: Vec<i64>,
    costs: Vec<i64>,
    savings: Vec<i64>,
    evidence: Vec<(TraceId, SpanId)>,
}

impl Findings {
    /// Nothing found.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a trace.
    pub fn add(&mut self, trace: &Trace) {
        self.traces += 1;
        let on_path = critical_path(trace).by_span();
        self.add_critical(trace, &on_path);
        self.add_repeats(trace);
    }

    fn add_critical(&mut self, trace: &Trace, on_path: &std::collections::HashMap<SpanIndex, Duration>) {
        let mut here: BTreeMap<Text, (i64, SpanIndex, i64)> = BTreeMap::new();
        for (&span, time) in on_path {
            let entry = here.entry(operation(trace, span)).or_insert((0, span, 0));
            entry.0 += time.0;
            if (time.0, std::cmp::Reverse(span)) > (entry.2, std::cmp::Reverse(entry.1)) {
                (entry.1, entry.2) = (span, time.0);
            }
        }
        for (name, (time, span, _)) in here {
            self.critical_total += i128::from(time);
            if self.critical.len() >= KEYS_MAX && !self.critical.contains_key(&name) {
                self.left_out += 1;
                continue;
            }
            let place = self.critical.entry(name).or_default();
            place.times.push(time);
            add_evidence(&mut place.evidence, trace, span);
        }
    }

    fn add_repeats(&mut self, trace: &Trace) {
        let times = Timeline::of(trace);
        let mut by_place: BTreeMap<Text, Vec<Vec<SpanIndex>>> = BTreeMap::new();
        for run in sequential_runs(trace, REPEATS_MIN) {
            let parent = trace.parent(run[0]).map_or_else(Text::default, |parent| operation(trace, parent));
            by_place.entry(format!("{parent} -> {}", trace.span(run[0]).name).into()).or_default().push(run);
        }
        for (place, runs) in by_place {
            if self.repeats.len() >= KEYS_MAX && !self.repeats.contains_key(&place) {
                self.left_out += 1;
                continue;
            }
            let repeats = self.repeats.entry(place).or_default();
            repeats.calls.push(runs.iter().map(Vec::len).sum::<usize>() as i64);
            repeats.costs.push(runs.iter().flatten().map(|&span| times.duration(span).0).sum());
            add_evidence(&mut repeats.evidence, trace, runs[0][0]);
            let edit = Edit { side_by_side: runs, ..Edit::default() };
            repeats.savings.push(saving(trace, &edit).0.max(0));
        }
    }

    /// The findings: repeated calls by what they would save in all, then bottlenecks by their share.
    #[must_use]
    pub fn finish(self) -> Vec<Finding> {
        let Self { traces, critical_total, critical, repeats, .. } = self;
        let mut repeated: Vec<(i128, Finding)> =
            repeats.into_iter().map(|(place, repeats)| repeated_calls(traces, &place, repeats)).collect();
        repeated.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.place.cmp(&b.1.place)));
        let mut slow: Vec<(f64, Finding)> =
            critical.into_iter().filter_map(|(name, place)| bottleneck(traces, critical_total, &name, place)).collect();
        slow.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.place.cmp(&b.1.place)));
        repeated.into_iter().map(|found| found.1).chain(slow.into_iter().map(|found| found.1)).collect()
    }

    /// Places that were left out because there were too many.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

fn repeated_calls(traces: u64, place: &Text, mut repeats: Repeats) -> (i128, Finding) {
    let seen = repeats.calls.len() as u64;
    let total = repeats.savings.iter().map(|&saving| i128::from(saving)).sum();
    [&mut repeats.calls, &mut repeats.costs, &mut repeats.savings]
        .into_iter()
        .for_each(|values| values.sort_unstable());
    let (calls, most) = (median(&repeats.calls), repeats.calls.last().copied().unwrap_or(0));
    let finding = Finding {
        id: id_of(FindingKind::RepeatedCalls, place),
        kind: FindingKind::RepeatedCalls,
        place: place.clone(),
        what: format!("called {calls} times in sequence (up to {most}), {} in all", Duration(median(&repeats.costs))),
        traces: (seen, traces),
        evidence: repeats.evidence,
        cost: Duration(median(&repeats.costs)),
        // Nothing proves that the calls do not need each other's answers, so the least is nothing.
        saving: Some((Duration::ZERO, Duration(median(&repeats.savings)), Duration(quantile(&repeats.savings, 1.0)))),
        confidence: Confidence::of(seen),
        next_step:
            "ask for all of them in one call, or side by side; check first that none needs the answer of another".into(),
    };
    (total, finding)
}

fn bottleneck(traces: u64, critical_total: i128, name: &Text, mut place: Place) -> Option<(f64, Finding)> {
    place.times.sort_unstable();
    let sum: i128 = place.times.iter().map(|&time| i128::from(time)).sum();
    let share = sum as f64 / critical_total.max(1) as f64;
    let (middle, tail) = (median(&place.times), quantile(&place.times, 0.95));
    let finding = Finding {
        id: id_of(FindingKind::Bottleneck, name),
        kind: FindingKind::Bottleneck,
        place: name.clone(),
        what: format!(
            "{:.0} % of the critical path; itself {} at the median, {} at P95",
            share * 100.0,
            Duration(middle),
            Duration(tail)
        ),
        traces: (place.times.len() as u64, traces),
        evidence: place.evidence,
        cost: Duration(middle),
        saving: None,
        confidence: Confidence::of(place.times.len() as u64),
        next_step: "look at what the span does itself: requests wait for it and not for what it calls".into(),
    };
    (share >= SHARE_MIN).then_some((share, finding))
}

fn add_evidence(evidence: &mut Vec<(TraceId, SpanId)>, trace: &Trace, span: SpanIndex) {
    if evidence.len() < EVIDENCE_MAX {
        evidence.push((trace.id(), trace.span(span).span_id));
    }
}
