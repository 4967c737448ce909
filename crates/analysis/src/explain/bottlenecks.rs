//! Where requests spend their time, and where slow requests spend what usual ones do not.
//!
//! Both answers to "which is slowest" are given: the largest share of the critical path, and the largest excess in the
//! tail. Under load they differ: medians of inner services hardly move while their P99 doubles.

use std::collections::{BTreeMap, HashMap};

use model::{Duration, SpanIndex, TraceId};

use super::view::View;
use super::{Draft, Total, operation_place};
use crate::drag::drags;
use crate::finding::{Confidence, EvidenceSet, Finding, FindingKind, Place, Saving, Unit};
use crate::limits::SLICES_MAX;
use crate::names::{NameId, Names, OperationId, Renumbered};
use crate::sketch::Sketch;
use crate::whatif::{Edit, saving_on};

/// Operations below this share of all critical time are left out.
const SHARE_MIN: f64 = 0.02;
/// So many bottlenecks are told at most; the rest of the time is spread over many places.
const TOLD_MAX: usize = 8;
/// Operations below this share of what slow requests take longer are left out.
const TAIL_SHARE_MIN: f64 = 0.25;
/// A root operation needs so many traces before its slowest twentieth is spoken of.
const TAIL_TRACES_MIN: u64 = 100;
/// Nothing is said of a tail that is shorter than this many times the middle.
const TAIL_RATIO_MIN: f64 = 1.3;

/// Traces that the saving of one operation is told by: re-timing costs as much as all else that is found in a trace, and ten
/// tell a median. They are those with the least hash of their id, so that neither order nor merging matters: of n traces
/// about `10 (1 + ln (n / 10))` are re-timed until the ten are found.
const RETIMED_MAX: usize = 10;

/// Critical time by operation, and by how slow the whole request was.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bottlenecks {
    places: HashMap<OperationId, Spent>,
    /// Traces by root operation and how long the root took, in eighths of octaves.
    slices: BTreeMap<(OperationId, u16), Slice>,
    entries: usize,
    pub(crate) left_out: u64,
}

#[derive(Clone, Debug, Default)]
struct Spent {
    times: Sketch,
    drag: Sketch,
    /// What half of its own time would save, re-timed in [`RETIMED_MAX`] traces where it is a share to speak of.
    savings: BTreeMap<(u64, TraceId), Duration>,
    /// Whom its spans do nothing but call, and how many do: then its own time is the way there and back.
    calls: HashMap<NameId, u64>,
    evidence: EvidenceSet,
}

#[derive(Clone, Debug, Default)]
struct Slice {
    traces: u64,
    time: i128,
    by_operation: HashMap<OperationId, i64>,
}

impl Spent {
    /// Whether a trace is among those that the saving is told by.
    fn re_times(&self, drawn: (u64, TraceId)) -> bool {
        self.savings.len() < RETIMED_MAX || self.savings.last_key_value().is_some_and(|(last, _)| drawn < *last)
    }

    fn savings_within_bound(&mut self) {
        while self.savings.len() > RETIMED_MAX {
            self.savings.pop_last();
        }
    }

    /// The savings as a distribution.
    fn saved(&self) -> Sketch {
        let mut saved = Sketch::new();
        self.savings.values().for_each(|saving| saved.insert(*saving));
        saved
    }

    /// Whom its spans mostly do nothing but call.
    fn callee(&self) -> Option<NameId> {
        let most = self.calls.iter().max_by_key(|(callee, count)| (**count, std::cmp::Reverse(**callee)))?;
        (*most.1 * 2 > self.times.count()).then_some(*most.0)
    }
}

/// Fibonacci hashing of both halves of an id, so that ids counted upwards are drawn from evenly too.
fn hash_of(id: TraceId) -> u64 {
    let (high, low) = id.0.split_at(8);
    let word = |bytes: &[u8]| bytes.iter().fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
    let mixed = (word(high) ^ word(low).rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

/// An eighth of an octave.
fn slice_of(nanos: i64) -> u16 {
    let value = nanos.max(8) as u64;
    let octave = 63 - value.leading_zeros();
    (octave * 8 + ((value >> (octave - 3)) & 7) as u32) as u16
}

impl Bottlenecks {
    pub(crate) fn add(&mut self, view: &View<'_>) {
        let mut on_path: Vec<(OperationId, SpanIndex)> = (0..view.len())
            .filter(|&span| view.critical[span as usize] > 0)
            .map(|span| (view.operation(span), span))
            .collect();
        on_path.sort_unstable();
        let drags = drags(view.trace, &view.times, &view.path);
        let key = (view.operation(view.root), slice_of(view.duration()));
        let slice = self.slices.entry(key).or_default();
        slice.traces += 1;
        slice.time += i128::from(view.duration());
        let drawn = (hash_of(view.trace.id()), view.trace.id());
        for group in on_path.chunk_by(|a, b| a.0 == b.0) {
            let operation = group[0].0;
            let time: i64 = group.iter().map(|one| view.critical[one.1 as usize]).sum();
            let drag: i64 = group.iter().map(|one| drags[one.1 as usize].0).sum();
            let place = self.places.entry(operation).or_default();
            place.times.insert(Duration(time));
            place.drag.insert(Duration(drag.min(time)));
            if time as f64 >= view.duration() as f64 * SHARE_MIN && place.re_times(drawn) {
                place.savings.insert(drawn, half_saved(view, group));
                place.savings_within_bound();
            }
            if let [callee] = view.trace.children(group[0].1)
                && view.service(*callee) != view.service(group[0].1)
            {
                *place.calls.entry(view.service(*callee)).or_default() += 1;
            }
            place.evidence.add(time, view.trace.id(), || {
                let mut spans: Vec<SpanIndex> = group.iter().map(|one| one.1).collect();
                spans.sort_by_key(|&span| std::cmp::Reverse(view.critical[span as usize]));
                view.ids(&spans)
            });
            if self.entries >= SLICES_MAX && !slice.by_operation.contains_key(&operation) {
                self.left_out += 1;
                continue;
            }
            let sum = slice.by_operation.entry(operation).or_insert_with(|| {
                self.entries += 1;
                0
            });
            *sum = sum.saturating_add(time);
        }
    }

    pub(crate) fn merge(&mut self, other: Self, numbers: &Renumbered) {
        for (operation, theirs) in other.places {
            let ours = self.places.entry(numbers.operations[operation as usize]).or_default();
            ours.times.merge(&theirs.times);
            ours.drag.merge(&theirs.drag);
            ours.savings.extend(theirs.savings);
            ours.savings_within_bound();
            for (callee, count) in theirs.calls {
                *ours.calls.entry(numbers.names[callee as usize]).or_default() += count;
            }
            ours.evidence.merge(theirs.evidence);
        }
        for ((root, slice), theirs) in other.slices {
            let ours = self.slices.entry((numbers.operations[root as usize], slice)).or_default();
            ours.traces += theirs.traces;
            ours.time += theirs.time;
            for (operation, time) in theirs.by_operation {
                let sum = ours.by_operation.entry(numbers.operations[operation as usize]).or_insert_with(|| {
                    self.entries += 1;
                    0
                });
                *sum = sum.saturating_add(time);
            }
        }
        self.left_out += other.left_out;
    }

    pub(crate) fn findings(&self, names: &Names, total: &Total) -> Vec<Finding> {
        let mut by_time: Vec<(&OperationId, &Spent)> = self.places.iter().collect();
        by_time
            .sort_by_key(|(operation, spent)| (std::cmp::Reverse(spent.times.sum().0), names.full_name(**operation)));
        let told =
            by_time.iter().take(TOLD_MAX).filter_map(|(operation, spent)| bottleneck(names, total, **operation, spent));
        let mut found: Vec<Finding> = told.collect();
        found.extend(self.tail(names, total));
        found
    }

    /// How much longer each operation is on the path of the slowest twentieth than of the middle half, in all.
    fn tail(&self, names: &Names, total: &Total) -> Vec<Finding> {
        let mut excess: HashMap<OperationId, (f64, f64)> = HashMap::new();
        let (mut slow, mut whole) = (0_u64, 0.0);
        let mut slices: Vec<(&(OperationId, u16), &Slice)> = self.slices.iter().collect();
        slices.sort_by_key(|(key, _)| **key);
        for root in slices.chunk_by(|a, b| a.0.0 == b.0.0) {
            let Some((tail, middle)) = Part::tail_and_middle(root) else { continue };
            slow += tail.traces;
            let weight = tail.traces as f64;
            whole += (tail.mean - middle.mean) * weight;
            for (&operation, &time) in &tail.by_operation {
                let usual = middle.by_operation.get(&operation).copied().unwrap_or(0.0);
                let entry = excess.entry(operation).or_default();
                entry.0 += (time - usual) * weight;
                entry.1 += usual * weight;
            }
        }
        let mut worst: Vec<(OperationId, (f64, f64))> =
            excess.into_iter().filter(|(_, (more, _))| *more / whole >= TAIL_SHARE_MIN && whole > 0.0).collect();
        worst.sort_by(|a, b| b.1.0.total_cmp(&a.1.0).then(a.0.cmp(&b.0)));
        worst
            .into_iter()
            .map(|(operation, times)| self.tail_finding(names, total, operation, times, (slow, whole)))
            .collect()
    }

    fn tail_finding(
        &self,
        names: &Names,
        total: &Total,
        operation: OperationId,
        (more, usual): (f64, f64),
        (slow, whole): (u64, f64),
    ) -> Finding {
        let each = |sum: f64| Duration((sum / slow.max(1) as f64) as i64);
        let share = more / whole;
        Draft {
            kind: FindingKind::TailBottleneck,
            place: operation_place(names, operation),
            title: format!("{} makes slow requests slow", names.full_name(operation)),
            what: format!(
                "{:.0} % of what the slowest 5 % of requests take longer; itself {} on their critical path, {} on that of usual ones",
                share * 100.0,
                each(more + usual),
                each(usual)
            ),
            seen: slow,
            cost: each(more),
            confidence: Confidence::of(slow),
            reason: format!("{slow} slow requests compared with the middle half of the same kinds of requests"),
            next_step: "compare a slow trace with a usual one at this span: queueing, locks, garbage collection, cold caches or \
                        larger inputs show there"
                .into(),
            impact: (more / total.time.max(1) as f64).clamp(0.0, 1.0),
            figures: vec![
                ("tail_share", share, Unit::Share),
                ("tail_time_mean", (more + usual) / slow.max(1) as f64, Unit::Nanos),
                ("usual_time_mean", usual / slow.max(1) as f64, Unit::Nanos),
            ],
            evidence: self.places.get(&operation).map(|spent| spent.evidence.list()).unwrap_or_default(),
            ..Draft::new(total)
        }
        .finding()
    }
}

/// What the trace would take less if each of these spans took half its own time on the critical path.
fn half_saved(view: &View<'_>, group: &[(OperationId, SpanIndex)]) -> Duration {
    let mut less = vec![0_i64; view.len() as usize];
    group.iter().for_each(|(_, span)| less[*span as usize] = view.critical[*span as usize] / 2);
    // A span around another of the group takes less by what that one does too.
    if group.len() > 1 {
        for (index, _) in view.trace.depth_first().into_iter().rev() {
            if let Some(parent) = view.trace.parent(index) {
                less[parent as usize] = less[parent as usize].saturating_add(less[index as usize]);
            }
        }
    }
    let shorter = |span: SpanIndex| Duration(view.times.duration(span).0.saturating_sub(less[span as usize]));
    let durations = group.iter().map(|&(_, span)| (span, shorter(span))).collect();
    saving_on(view.trace, &view.times, &Edit { durations, ..Edit::default() }).max(Duration::ZERO)
}

/// The traces of some slices of one root operation: means.
struct Part {
    traces: u64,
    mean: f64,
    by_operation: HashMap<OperationId, f64>,
}

impl Part {
    fn tail_and_middle(slices: &[(&(OperationId, u16), &Slice)]) -> Option<(Self, Self)> {
        let traces: u64 = slices.iter().map(|(_, slice)| slice.traces).sum();
        if traces < TAIL_TRACES_MIN {
            return None;
        }
        let (mut tail, mut middle, mut seen) = (Vec::new(), Vec::new(), 0_u64);
        for (_, slice) in slices {
            let (from, to) = (seen, seen + slice.traces);
            seen = to;
            // A slice belongs where most of its traces are; the last one is in the tail in any case.
            if from * 20 >= traces * 19 || to == traces {
                tail.push(*slice);
            } else if from + to >= traces / 2 && (from + to) * 2 <= traces * 3 {
                middle.push(*slice);
            }
        }
        let (tail, middle) = (Self::of(&tail), Self::of(&middle));
        (middle.traces > 0 && tail.mean >= middle.mean * TAIL_RATIO_MIN && tail.traces * 4 < traces)
            .then_some((tail, middle))
    }

    fn of(slices: &[&Slice]) -> Self {
        let traces: u64 = slices.iter().map(|slice| slice.traces).sum();
        let time: i128 = slices.iter().map(|slice| slice.time).sum();
        let mut by_operation: HashMap<OperationId, f64> = HashMap::new();
        for slice in slices {
            for (&operation, &time) in &slice.by_operation {
                *by_operation.entry(operation).or_default() += time as f64 / traces as f64;
            }
        }
        Self { traces, mean: time as f64 / traces.max(1) as f64, by_operation }
    }
}

fn bottleneck(names: &Names, total: &Total, operation: OperationId, spent: &Spent) -> Option<Finding> {
    let share = spent.times.sum().0 as f64 / total.time.max(1) as f64;
    let at = |quantile| spent.times.quantile(quantile);
    let (place, title, next_step) = match spent.callee() {
        Some(callee) => (
            Place::Edge {
                caller: names.service_of(operation).clone(),
                operation: names.name_of(operation).clone(),
                callee: names.text(callee).clone(),
                called: "".into(),
            },
            format!("the way from {} to {} takes time", names.full_name(operation), names.text(callee)),
            "look at what lies between the two: connections made anew, queueing before the callee, the network, proxies, \
             serialisation in the client",
        ),
        None => (
            operation_place(names, operation),
            format!("{} is where requests spend their time", names.full_name(operation)),
            "look at what the span does itself: requests wait for it and not for what it calls",
        ),
    };
    let saved = spent.saved();
    let finding = Draft {
        kind: FindingKind::Bottleneck,
        place,
        title,
        what: format!(
            "{:.0} % of the critical path; itself {} at the median, {} at P95, {} at P99",
            share * 100.0,
            at(0.5),
            at(0.95),
            at(0.99)
        ),
        seen: spent.times.count(),
        cost: at(0.5),
        // Were it free, something else would limit: the drag is what can be won at most.
        saving: Some(Saving {
            least: Duration::ZERO,
            median: saved.quantile(0.5),
            most: spent.drag.max(),
            p95: saved.quantile(0.95),
        }),
        confidence: Confidence::of(spent.times.count()),
        reason: format!(
            "the saving is what half of its own time is worth, by re-timing {} traces; at most what it could shrink before \
             something else limits",
            spent.savings.len()
        ),
        next_step: next_step.into(),
        impact: share,
        figures: vec![
            ("share", share, Unit::Share),
            ("time_median", at(0.5).0 as f64, Unit::Nanos),
            ("time_p95", at(0.95).0 as f64, Unit::Nanos),
            ("time_p99", at(0.99).0 as f64, Unit::Nanos),
            ("retimed", spent.savings.len() as f64, Unit::Count),
            ("drag_median", spent.drag.quantile(0.5).0 as f64, Unit::Nanos),
        ],
        evidence: spent.evidence.list(),
        ..Draft::new(total)
    };
    (share >= SHARE_MIN).then(|| finding.finding())
}
