//! Retries, hedges and storms over many traces: how often, with which back-off, at what price.

use std::collections::HashMap;

use model::{Duration, SpanIndex, Value};

use super::repeats::saving_of;
use super::view::View;
use super::{Draft, Total};
use crate::fault::is_error;
use crate::finding::{Confidence, EvidenceSet, Finding, FindingKind, Place, Unit};
use crate::limits::KEYS_MAX;
use crate::names::{Names, OperationId, Renumbered};
use crate::peer::Peers;
use crate::retries::{Backoff, LogicalCall, Outcome, attempts};
use crate::sketch::Sketch;
use crate::whatif::{Edit, saving_on};

/// More attempts a call than this, over all calls of an edge, are a storm.
const STORM_AMPLIFICATION: f64 = 1.5;
/// So many attempts of one call without a pause are a storm.
const STORM_ATTEMPTS: u64 = 4;

/// Retried calls by client operation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Retrying {
    /// All client and producer spans, the healthy ones too.
    calls: HashMap<OperationId, u64>,
    edges: HashMap<(OperationId, model::Text), Edge>,
    pub(crate) left_out: u64,
}

#[derive(Clone, Debug, Default)]
struct Edge {
    traces: u64,
    retried: u64,
    extra: u64,
    recovered: u64,
    failed: u64,
    hedged: u64,
    /// Calls whose attempts call somebody who tries again too.
    layered: u64,
    attempts: Sketch,
    wasted: Sketch,
    savings: Sketch,
    /// Calls without a pause, with a constant, a growing, an irregular one; unknown where one gap says nothing.
    backoffs: [u64; 5],
    evidence: EvidenceSet,
}

impl Retrying {
    pub(crate) fn add(&mut self, view: &View<'_>, peers: &Peers) {
        let mut suspicious = overlaps(view);
        for (index, span) in view.trace.spans().iter().enumerate() {
            if span.kind.asks() {
                *self.calls.entry(view.operations[index]).or_default() += 1;
                suspicious |= is_error(span)
                    || span.attributes.get("http.request.resend_count").and_then(Value::as_int) > Some(0);
            }
        }
        if suspicious {
            self.add_retried(view, peers);
        }
    }

    fn add_retried(&mut self, view: &View<'_>, peers: &Peers) {
        let retried: Vec<LogicalCall> = attempts(view.trace, peers)
            .into_iter()
            .filter(|call| call.attempts > 1 && !call.spans.is_empty())
            .collect();
        let mut by_edge: HashMap<(OperationId, model::Text), Vec<&LogicalCall>> = HashMap::new();
        for call in &retried {
            by_edge.entry((view.operation(call.spans[0]), call.callee.clone())).or_default().push(call);
        }
        let layered = layered(view, &retried);
        for (key, calls) in by_edge {
            if self.edges.len() >= KEYS_MAX && !self.edges.contains_key(&key) {
                self.left_out += 1;
                continue;
            }
            let edge = self.edges.entry(key).or_default();
            edge.traces += 1;
            let mut edit = Edit::default();
            let mut wasted = 0;
            for call in &calls {
                edge.add(call);
                edge.layered += u64::from(call.spans.iter().any(|span| layered.contains(span)));
                // All but the last attempt would not be made.
                for &span in &call.spans[..call.spans.len() - 1] {
                    wasted += view.critical_below(span);
                    edit.durations.insert(span, Duration::ZERO);
                }
            }
            let saved = saving_on(view.trace, &view.times, &edit).0.max(0);
            edge.wasted.insert(Duration(wasted));
            edge.savings.insert(Duration(saved));
            let spans: Vec<SpanIndex> = calls.iter().flat_map(|call| call.spans.iter().copied()).collect();
            edge.evidence.add(spans.len() as i64, view.trace.id(), || view.ids(&spans));
        }
    }

    pub(crate) fn merge(&mut self, other: Self, numbers: &Renumbered) {
        for (operation, count) in other.calls {
            *self.calls.entry(numbers.operations[operation as usize]).or_default() += count;
        }
        for ((operation, callee), theirs) in other.edges {
            let ours = self.edges.entry((numbers.operations[operation as usize], callee)).or_default();
            ours.merge(theirs);
        }
        self.left_out += other.left_out;
    }

    pub(crate) fn findings(&self, names: &Names, total: &Total) -> Vec<Finding> {
        let finding = |(key, edge): (&(OperationId, model::Text), &Edge)| {
            let calls = self.calls.get(&key.0).copied().unwrap_or(0);
            edge.finding(names, total, key, calls)
        };
        self.edges.iter().map(finding).collect()
    }
}

/// Whether two sibling calls of one name overlap: only then can one be a hedge of the other.
fn overlaps(view: &View<'_>) -> bool {
    let trace = view.trace;
    (0..view.len()).any(|parent| {
        let children = trace.children(parent);
        if children.len() < 2 {
            return false;
        }
        // They come by start: where no call begins before the latest end so far, no two overlap.
        let mut latest = model::Instant(0);
        let mut any = false;
        for &child in children.iter().filter(|&&child| trace.span(child).kind.asks()) {
            any |= view.times.start(child) < latest;
            latest = latest.max(view.times.end(child));
        }
        any && same_overlap(view, children)
    })
}

fn same_overlap(view: &View<'_>, children: &[SpanIndex]) -> bool {
    let mut ends: HashMap<OperationId, model::Instant> = HashMap::new();
    children.iter().filter(|&&child| view.trace.span(child).kind.asks()).any(|&child| {
        let end = ends.entry(view.operation(child)).or_default();
        let overlaps = view.times.start(child) < *end;
        *end = (*end).max(view.times.end(child));
        overlaps
    })
}

/// Attempts below which somebody else tries again too: retries that multiply.
fn layered(view: &View<'_>, retried: &[LogicalCall]) -> std::collections::HashSet<SpanIndex> {
    let tries: std::collections::HashSet<SpanIndex> =
        retried.iter().flat_map(|call| call.spans.iter().copied()).collect();
    let mut above = std::collections::HashSet::new();
    for call in retried {
        let mut at = view.trace.parent(call.spans[0]);
        // Each span is walked over once: what lies above a marked one is marked already.
        while let Some(span) = at {
            if tries.contains(&span) && !above.insert(span) {
                break;
            }
            at = view.trace.parent(span);
        }
    }
    above
}

impl Edge {
    fn add(&mut self, call: &LogicalCall) {
        self.retried += 1;
        self.extra += u64::from(call.attempts) - 1;
        self.recovered += u64::from(call.outcome == Outcome::Recovered);
        self.failed += u64::from(call.outcome == Outcome::Failed);
        self.hedged += u64::from(call.hedged);
        self.attempts.insert_value(u64::from(call.attempts), 1);
        let backoff = match call.backoff() {
            Backoff::Unknown => 0,
            Backoff::None => 1,
            Backoff::Constant => 2,
            Backoff::Growing => 3,
            Backoff::Irregular => 4,
        };
        self.backoffs[backoff] += 1;
    }

    fn merge(&mut self, other: Self) {
        self.traces += other.traces;
        self.retried += other.retried;
        self.extra += other.extra;
        self.recovered += other.recovered;
        self.failed += other.failed;
        self.hedged += other.hedged;
        self.layered += other.layered;
        self.attempts.merge(&other.attempts);
        self.wasted.merge(&other.wasted);
        self.savings.merge(&other.savings);
        self.backoffs.iter_mut().zip(other.backoffs).for_each(|(ours, theirs)| *ours += theirs);
        self.evidence.merge(other.evidence);
    }

    /// Calls as they were meant among `calls` client spans, and attempts for each of them.
    fn amplification(&self, calls: u64) -> f64 {
        let meant = calls.saturating_sub(self.extra).max(self.retried).max(1);
        (meant + self.extra) as f64 / meant as f64
    }

    fn backoff(&self) -> &'static str {
        let words = [
            "a single pause each",
            "without a pause",
            "pauses of the same length",
            "growing pauses",
            "irregular pauses",
        ];
        let most = (0..words.len()).max_by_key(|&at| (self.backoffs[at], at)).unwrap_or(0);
        words[most]
    }

    fn storm(&self, calls: u64) -> Option<String> {
        let most = self.attempts.max().0 as u64;
        if self.layered > 0 {
            return Some("those called try again as well, so that attempts multiply".into());
        }
        if self.amplification(calls) > STORM_AMPLIFICATION && self.retried >= 3 {
            return Some(format!("{:.1} attempts for each call over all", self.amplification(calls)));
        }
        (self.backoffs[1] > 0 && most >= STORM_ATTEMPTS).then(|| format!("up to {most} attempts without a pause"))
    }

    fn finding(
        &self,
        names: &Names,
        total: &Total,
        (operation, callee): &(OperationId, model::Text),
        calls: u64,
    ) -> Finding {
        let storm = self.storm(calls);
        let hedge = self.hedged * 2 > self.retried;
        let (kind, verb) = match (&storm, hedge) {
            (_, true) => (FindingKind::Hedging, "sends calls twice at once"),
            (Some(_), _) => (FindingKind::RetryStorm, "may cause a storm of retries"),
            _ => (FindingKind::Retries, "tries calls again"),
        };
        let to = if callee.is_empty() { names.name_of(*operation).to_string() } else { callee.to_string() };
        let storm = storm.map(|why| format!("; {why}")).unwrap_or_default();
        let wasted = self.wasted.sum().0 as f64 / total.time.max(1) as f64;
        Draft {
            kind,
            place: Place::Edge {
                caller: names.service_of(*operation).clone(),
                operation: "".into(),
                callee: callee.clone(),
                called: names.name_of(*operation).clone(),
            },
            title: format!("{} {verb} to {to}", names.service_of(*operation)),
            what: format!(
                "{} calls took {} more attempts (up to {}), {}; {} recovered, {} failed in the end; amplification {:.2}{storm}",
                self.retried,
                self.extra,
                self.attempts.max().0,
                self.backoff(),
                self.recovered,
                self.failed,
                self.amplification(calls)
            ),
            seen: self.traces,
            cost: self.wasted.quantile(0.5),
            saving: Some(saving_of(&self.savings)),
            confidence: Confidence::Evidence,
            reason: "same parent, callee and name, each attempt after the failure of the one before or marked as sent again".into(),
            next_step: match kind {
                FindingKind::RetryStorm => {
                    "retry at one layer only, with growing pauses and jitter, and a budget for the share of retries".into()
                }
                FindingKind::Hedging => "check that the second call is sent late enough to be rare".into(),
                _ => "mend what makes the first attempt fail; see the errors of the callee".into(),
            },
            impact: wasted.max(self.traces as f64 / total.traces.max(1) as f64 * 0.2),
            figures: vec![
                ("calls_retried", self.retried as f64, Unit::Count),
                ("attempts_extra", self.extra as f64, Unit::Count),
                ("amplification", self.amplification(calls), Unit::Count),
                ("recovered", self.recovered as f64, Unit::Count),
                ("failed", self.failed as f64, Unit::Count),
            ],
            evidence: self.evidence.list(),
            ..Draft::new(total)
        }
        .finding()
    }
}
