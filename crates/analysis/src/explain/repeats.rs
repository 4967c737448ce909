//! The same call again and again: runs of siblings one after another (the N+1 pattern), and chatty pairs of services.

use std::collections::HashMap;

use model::{Duration, SpanIndex};

use super::view::View;
use super::{Draft, Total};
use crate::finding::{Confidence, EvidenceSet, Finding, FindingKind, Place, Saving, Unit};
use crate::limits::KEYS_MAX;
use crate::names::{NameId, Names, OperationId, Renumbered};
use crate::sketch::Sketch;
use crate::whatif::{Edit, saving_on};

/// So many calls in sequence are worth a word.
pub const REPEATS_MIN: usize = 5;
/// Calls from one service to another in one request that are chatty, at P95.
const CHATTY_MIN: i64 = 10;
/// Repeats whose saving is less than this share of the requests' time are left out.
const IMPACT_MIN: f64 = 0.001;

/// Repeated calls by caller and callee.
#[derive(Clone, Debug, Default)]
pub(crate) struct Repeats {
    runs: HashMap<(OperationId, OperationId), Run>,
    pairs: HashMap<(NameId, NameId), Pair>,
    pub(crate) left_out: u64,
}

#[derive(Clone, Debug, Default)]
struct Run {
    calls: Sketch,
    costs: Sketch,
    savings: Sketch,
    evidence: EvidenceSet,
}

#[derive(Clone, Debug, Default)]
struct Pair {
    calls: Sketch,
    times: Sketch,
    evidence: EvidenceSet,
}

impl Repeats {
    pub(crate) fn add(&mut self, view: &View<'_>) {
        self.add_runs(view);
        self.add_pairs(view);
    }

    fn add_runs(&mut self, view: &View<'_>) {
        let mut by_place: HashMap<(OperationId, OperationId), Vec<Vec<SpanIndex>>> = HashMap::new();
        for parent in (0..view.len()).filter(|&parent| view.trace.children(parent).len() >= REPEATS_MIN) {
            for run in runs_below(view, parent) {
                let place = (view.operation(parent), view.called[run[0] as usize]);
                by_place.entry(place).or_default().push(run);
            }
        }
        for (place, runs) in by_place {
            if self.runs.len() >= KEYS_MAX && !self.runs.contains_key(&place) {
                self.left_out += 1;
                continue;
            }
            let calls = runs.iter().map(Vec::len).sum::<usize>();
            let cost = runs.iter().flatten().map(|&span| view.critical_below(span)).sum();
            let first = runs[0].clone();
            let saved = saving_on(view.trace, &view.times, &Edit { side_by_side: runs, ..Edit::default() }).0.max(0);
            let run = self.runs.entry(place).or_default();
            run.calls.insert_value(calls as u64, 1);
            run.costs.insert(Duration(cost));
            run.savings.insert(Duration(saved));
            run.evidence.add(saved, view.trace.id(), || view.ids(&first));
        }
    }

    fn add_pairs(&mut self, view: &View<'_>) {
        let mut calls: Vec<(NameId, NameId, SpanIndex)> = Vec::new();
        for span in 0..view.len() {
            let Some(parent) = view.trace.parent(span) else { continue };
            if view.service(parent) != view.service(span) {
                calls.push((view.service(parent), view.service(span), span));
            }
        }
        calls.sort_unstable();
        for pair in calls.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let key = (pair[0].0, pair[0].1);
            if self.pairs.len() >= KEYS_MAX && !self.pairs.contains_key(&key) {
                self.left_out += 1;
                continue;
            }
            let entry = self.pairs.entry(key).or_default();
            entry.calls.insert_value(pair.len() as u64, 1);
            if pair.len() as i64 >= CHATTY_MIN {
                let time: i64 = pair.iter().map(|call| view.critical_below(call.2)).sum();
                entry.times.insert(Duration(time));
                entry.evidence.add(pair.len() as i64, view.trace.id(), || {
                    view.ids(&pair.iter().map(|call| call.2).collect::<Vec<_>>())
                });
            }
        }
    }

    pub(crate) fn merge(&mut self, other: Self, numbers: &Renumbered) {
        for ((caller, callee), theirs) in other.runs {
            let key = (numbers.operations[caller as usize], numbers.operations[callee as usize]);
            let ours = self.runs.entry(key).or_default();
            ours.calls.merge(&theirs.calls);
            ours.costs.merge(&theirs.costs);
            ours.savings.merge(&theirs.savings);
            ours.evidence.merge(theirs.evidence);
        }
        for ((caller, callee), theirs) in other.pairs {
            let ours = self.pairs.entry((numbers.names[caller as usize], numbers.names[callee as usize])).or_default();
            ours.calls.merge(&theirs.calls);
            ours.times.merge(&theirs.times);
            ours.evidence.merge(theirs.evidence);
        }
        self.left_out += other.left_out;
    }

    pub(crate) fn findings(&self, names: &Names, total: &Total) -> Vec<Finding> {
        let runs = self.runs.iter().filter_map(|(&place, run)| repeated(names, total, place, run));
        let mut found: Vec<Finding> = runs.collect();
        let told = |pair: (NameId, NameId)| {
            self.runs.keys().any(|&(caller, callee)| {
                (names.service_of(caller), names.service_of(callee)) == (names.text(pair.0), names.text(pair.1))
            })
        };
        let pairs = self.pairs.iter().filter(|(key, _)| !told(**key));
        found.extend(pairs.filter_map(|(&key, pair)| chatty(names, total, key, pair)));
        found
    }
}

/// Runs of at least [`REPEATS_MIN`] children that call the same, each starting at or after the end of the one before.
fn runs_below(view: &View<'_>, parent: SpanIndex) -> Vec<Vec<SpanIndex>> {
    let mut children: Vec<(OperationId, SpanIndex)> =
        view.trace.children(parent).iter().map(|&child| (view.called[child as usize], child)).collect();
    // Spans are numbered by start, so that children of one operation come by start.
    children.sort_unstable();
    let mut runs = Vec::new();
    for group in children.chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() >= REPEATS_MIN) {
        for run in group.chunk_by(|a, b| view.times.end(a.1) <= view.times.start(b.1)) {
            if run.len() >= REPEATS_MIN {
                runs.push(run.iter().map(|one| one.1).collect());
            }
        }
    }
    runs
}

fn repeated(names: &Names, total: &Total, (caller, callee): (OperationId, OperationId), run: &Run) -> Option<Finding> {
    let (seen, saved) = (run.calls.count(), run.savings.sum().0 as f64 / total.time.max(1) as f64);
    let (calls, most) = (run.calls.quantile(0.5).0, run.calls.max().0);
    let place = Place::Edge {
        caller: names.service_of(caller).clone(),
        operation: names.name_of(caller).clone(),
        callee: names.service_of(callee).clone(),
        called: names.name_of(callee).clone(),
    };
    let finding = Draft {
        kind: FindingKind::RepeatedCalls,
        title: format!("{} is called again and again by {}", names.name_of(callee), names.full_name(caller)),
        place,
        what: format!(
            "called {calls} times in sequence (up to {most}), {} of the critical path in all; side by side they would take {} less",
            run.costs.quantile(0.5),
            run.savings.quantile(0.5)
        ),
        seen,
        cost: run.costs.quantile(0.5),
        // Nothing proves that the calls do not need each other's answers, so the least is nothing.
        saving: Some(saving_of(&run.savings)),
        confidence: Confidence::of(seen),
        reason: "equal calls in a loop rarely need each other's answers, and nothing here proves that they do not"
            .into(),
        next_step:
            "ask for all of them in one call, or side by side; check first that none needs the answer of another".into(),
        impact: saved,
        figures: vec![("calls_median", calls as f64, Unit::Count), ("calls_most", most as f64, Unit::Count)],
        evidence: run.evidence.list(),
        ..Draft::new(total)
    };
    (saved >= IMPACT_MIN).then(|| finding.finding())
}

/// What re-timing gave, with nothing certain.
pub(crate) fn saving_of(savings: &Sketch) -> Saving {
    Saving { least: Duration::ZERO, median: savings.quantile(0.5), most: savings.max(), p95: savings.quantile(0.95) }
}

fn chatty(names: &Names, total: &Total, (caller, callee): (NameId, NameId), pair: &Pair) -> Option<Finding> {
    let (median, p95, most) = (pair.calls.quantile(0.5).0, pair.calls.quantile(0.95).0, pair.calls.max().0);
    if p95 < CHATTY_MIN {
        return None;
    }
    let impact = pair.times.sum().0 as f64 / total.time.max(1) as f64;
    let finding = Draft {
        kind: FindingKind::ChattyCalls,
        place: Place::Edge {
            caller: names.text(caller).clone(),
            operation: "".into(),
            callee: names.text(callee).clone(),
            called: "".into(),
        },
        title: format!("{} asks {} many times a request", names.text(caller), names.text(callee)),
        what: format!("{median} calls a request at the median, {p95} at P95, up to {most}"),
        seen: pair.times.count(),
        cost: pair.times.quantile(0.5),
        confidence: Confidence::of(pair.times.count()),
        reason: format!("counted in {} requests that make such calls", pair.calls.count()),
        next_step: "look for calls that can be joined into one, or answers that the caller already has".into(),
        // Fewer, larger calls save the round trips, not the work: part of the time.
        impact: impact / 4.0,
        figures: vec![
            ("calls_median", median as f64, Unit::Count),
            ("calls_p95", p95 as f64, Unit::Count),
            ("calls_most", most as f64, Unit::Count),
        ],
        evidence: pair.evidence.list(),
        ..Draft::new(total)
    };
    (impact >= IMPACT_MIN).then(|| finding.finding())
}
