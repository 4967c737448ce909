//! Calls that wait for each other: which may run side by side, which may not, and of which nobody can tell.
//!
//! Sequential is not the same as parallelisable. In hotel reservation every call waits for the one before in all of 6,000
//! traces, and each needs its answer. So a pair that is always in order is
//!
//! - *dependent* if what the second is given comes from the answer of the first, or it is never made when the first failed;
//! - *independent* if it is always made and all it is given was known before the first was made;
//! - otherwise nobody can tell, and the finding says so.

use std::collections::{HashMap, HashSet};

use model::{Duration, SpanIndex};

use super::repeats::saving_of;
use super::view::View;
use super::{Draft, Total};
use crate::fault::is_error;
use crate::finding::{Confidence, EvidenceSet, Finding, FindingKind, Place, Saving, Unit};
use crate::happens_before::{Extent, Family, Order, OrderCounts, PathId, TRACES_MIN};
use crate::limits::{LOOKED_AT_MAX, LOOKED_SPANS_MAX, SIBLING_PAIRS_MAX};
use crate::names::{Names, OperationId, Renumbered};
use crate::provenance::Values;
use crate::sketch::Sketch;
use crate::whatif::{Edit, saving_on};

/// Savings below this share of all time are left out; of those that nobody can tell of, below the other.
const IMPACT_MIN: (f64, f64) = (0.002, 0.01);
/// A second call that is made in a smaller share of the cases of the first may hang on its answer.
const ALWAYS: f64 = 0.98;
/// So many failures of the first without the second are a rule.
const FAILURES_MIN: u64 = 3;

/// Sibling orders, and what was seen of each ordered pair of calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sequential {
    pub(crate) orders: OrderCounts,
    looked: HashMap<Pair, Looked>,
    firsts: HashMap<(PathId, OperationId), First>,
    pub(crate) left_out: u64,
}

/// How often a call was made, and how often it failed.
#[derive(Clone, Copy, Debug, Default)]
struct First {
    calls: u64,
    failures: u64,
}

/// Call path, first, second.
type Pair = (PathId, OperationId, OperationId);

#[derive(Clone, Debug, Default)]
struct Looked {
    traces: u64,
    /// The second was given something that is told apart from trace to trace.
    given: u64,
    /// Something of it came from the answer of the first.
    carried: u64,
    /// All of it was known above the two.
    known: u64,
    /// What it was given the first time, and whether that ever changed.
    first_given: u64,
    varied: bool,
    /// The second was made although the first had failed.
    despite_failure: u64,
    savings: Sketch,
    costs: Sketch,
    evidence: EvidenceSet,
}

impl Sequential {
    pub(crate) fn add(&mut self, view: &View<'_>) {
        let Self { orders, looked, firsts, left_out } = self;
        orders.add(view.trace, &view.times, &view.called, |orders, family| {
            let calls: Vec<&Extent> = family.extents.iter().filter(|one| is_call(view, family.parent, one)).collect();
            for first in &calls {
                let failed = is_error(view.trace.span(first.first));
                let seen = firsts.entry((family.path, first.operation)).or_default();
                seen.calls += 1;
                seen.failures += u64::from(failed);
                for second in &calls {
                    if !first.ended_before(second) {
                        continue;
                    }
                    let pair = (family.path, first.operation, second.operation);
                    if looked.len() >= SIBLING_PAIRS_MAX && !looked.contains_key(&pair) {
                        *left_out += 1;
                    } else if orders.may_be_ordered(family.path, first.operation, second.operation) {
                        looked.entry(pair).or_default().look(view, family, first, second, failed);
                    }
                }
            }
        });
    }

    pub(crate) fn merge(&mut self, other: Self, numbers: &Renumbered) {
        let paths = self.orders.merge(&other.orders, numbers);
        let operation = |one: OperationId| numbers.operations[one as usize];
        for ((path, first, second), theirs) in other.looked {
            if let Some(path) = paths[path as usize] {
                self.looked.entry((path, operation(first), operation(second))).or_default().merge(theirs);
            }
        }
        for ((path, first), theirs) in other.firsts {
            if let Some(path) = paths[path as usize] {
                let ours = self.firsts.entry((path, operation(first))).or_default();
                ours.calls += theirs.calls;
                ours.failures += theirs.failures;
            }
        }
        self.left_out += other.left_out;
    }

    pub(crate) fn findings(&self, names: &Names, total: &Total) -> Vec<Finding> {
        let orders = self.orders.orders();
        let all: HashSet<Pair> = orders.iter().map(|order| (order.path, order.before, order.after)).collect();
        let mut after: HashMap<(PathId, OperationId), Vec<OperationId>> = HashMap::new();
        orders.iter().for_each(|order| after.entry((order.path, order.before)).or_default().push(order.after));
        let direct = |order: &&Order| {
            let between = after.get(&(order.path, order.before)).into_iter().flatten();
            !between.clone().any(|&middle| middle != order.after && all.contains(&(order.path, middle, order.after)))
        };
        orders.iter().filter(direct).filter_map(|order| self.finding(names, total, order)).collect()
    }

    fn finding(&self, names: &Names, total: &Total, order: &Order) -> Option<Finding> {
        let looked = self.looked.get(&(order.path, order.before, order.after))?;
        let first = self.firsts.get(&(order.path, order.before)).copied().unwrap_or_default();
        let always = order.seen as f64 >= first.calls as f64 * ALWAYS;
        let class = match looked.class(first.failures) {
            // Whether the second is made at all may be decided by what the first answered, as after a hit of a cache.
            Class::Independent if !always => Class::Unknown,
            class => class,
        };
        if class == Class::Dependent {
            return None;
        }
        let parent = self.orders.operation(order.path);
        let scale = order.seen as f64 / looked.traces.max(1) as f64;
        let share = looked.savings.sum().0 as f64 * scale / total.time.max(1) as f64;
        let (confidence, impact, reason) = match class {
            Class::Independent => (
                Confidence::Evidence,
                share,
                format!(
                    "in {} traces all that the second was given was known before the first was made; a check that the first makes \
                     (such as a permission) cannot be excluded",
                    looked.known
                ),
            ),
            _ => (
                Confidence::CannotTell,
                share * 0.1,
                format!(
                    "in order in {} of {} traces; {}",
                    order.seen - order.broken,
                    order.seen,
                    if !always {
                        "the second is not always made, which the first's answer may decide"
                    } else if looked.given == 0 {
                        "the second call's attributes do not say what it was given"
                    } else {
                        "what the second call was given stands neither in the first call's answer nor above both"
                    }
                ),
            ),
        };
        let least = if class == Class::Independent { IMPACT_MIN.0 } else { IMPACT_MIN.1 };
        let finding = Draft {
            kind: FindingKind::SequentialCalls,
            place: Place::Edge {
                caller: names.service_of(parent).clone(),
                operation: names.name_of(parent).clone(),
                callee: "".into(),
                called: format!("{}, {}", names.full_name(order.before), names.full_name(order.after)).into(),
            },
            title: format!("{} waits for {}", names.full_name(order.after), names.full_name(order.before)),
            what: format!(
                "one after another in {} of {} traces; side by side, the request would take {} less at the median, {} at P95",
                order.seen - order.broken,
                order.seen,
                looked.savings.quantile(0.5),
                looked.savings.quantile(0.95)
            ),
            seen: order.seen,
            cost: looked.costs.quantile(0.5),
            saving: Some(Saving { least: Duration::ZERO, ..saving_of(&looked.savings) }),
            confidence,
            reason,
            next_step: if class == Class::Independent {
                "start both before waiting for either".into()
            } else {
                "read the caller's source: if the second does not need the first's answer, start both before waiting for either".into()
            },
            impact,
            figures: vec![
                ("ordered", (order.seen - order.broken) as f64, Unit::Count),
                ("looked_at", looked.traces as f64, Unit::Count),
                ("given", looked.given as f64, Unit::Count),
                ("known_before", looked.known as f64, Unit::Count),
                ("from_answer", looked.carried as f64, Unit::Count),
            ],
            evidence: looked.evidence.list(),
            variant: self.orders.full_name(names, order.path).to_string(),
            ..Draft::new(total)
        };
        (share >= least).then(|| finding.finding())
    }
}

/// Whether the siblings of one operation ask somebody else: only then does waiting for them cost what it need not.
fn is_call(view: &View<'_>, parent: SpanIndex, extent: &Extent) -> bool {
    extent.count == 1
        && (view.trace.span(extent.first).kind.asks() || view.service(extent.first) != view.service(parent))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Independent,
    Dependent,
    Unknown,
}

impl Looked {
    fn look(&mut self, view: &View<'_>, family: &Family<'_>, first: &Extent, second: &Extent, failed: bool) {
        self.despite_failure += u64::from(failed);
        if self.traces >= LOOKED_AT_MAX {
            return;
        }
        self.traces += 1;
        let (a, b) = (first.first, second.first);
        let edit = Edit { side_by_side: vec![vec![a, b]], ..Edit::default() };
        let both_critical = view.critical_below(a) > 0 && view.critical_below(b) > 0;
        let saved = if both_critical { saving_on(view.trace, &view.times, &edit).0.max(0) } else { 0 };
        self.savings.insert(Duration(saved));
        self.costs.insert(Duration(view.critical_below(a) + view.critical_below(b)));
        self.evidence.add(saved, view.trace.id(), || view.ids(&[family.parent, a, b]));
        self.look_at_values(view, family.parent, a, b);
    }

    fn look_at_values(&mut self, view: &View<'_>, parent: SpanIndex, a: SpanIndex, b: SpanIndex) {
        let given = given_below(view, b);
        if given.is_empty() {
            return;
        }
        self.given += 1;
        let fingerprint = given.iter().fold(0_u64, |sum, value| sum.wrapping_add(*value).rotate_left(7));
        if self.given == 1 {
            self.first_given = fingerprint;
        }
        self.varied |= fingerprint != self.first_given;
        let mut above: HashSet<u64> = HashSet::new();
        let mut at = Some(parent);
        for _ in 0..LOOKED_SPANS_MAX {
            let Some(span) = at else { break };
            above.extend(Values::of(view.trace.span(span)).given);
            at = view.trace.parent(span);
        }
        let unknown: Vec<u64> = given.into_iter().filter(|value| !above.contains(value)).collect();
        if unknown.is_empty() {
            self.known += 1;
        } else {
            let answers = answers_below(view, a);
            self.carried += u64::from(unknown.iter().any(|value| answers.contains(value)));
        }
    }

    fn class(&self, failures: u64) -> Class {
        if self.carried * 2 > self.given || (failures >= FAILURES_MIN && self.despite_failure == 0) {
            return Class::Dependent;
        }
        let enough = self.given >= TRACES_MIN && self.varied;
        if enough && self.carried == 0 && self.known == self.given { Class::Independent } else { Class::Unknown }
    }

    fn merge(&mut self, other: Self) {
        self.varied |= other.varied || (self.given > 0 && other.given > 0 && self.first_given != other.first_given);
        if self.given == 0 {
            self.first_given = other.first_given;
        }
        self.traces += other.traces;
        self.given += other.given;
        self.carried += other.carried;
        self.known += other.known;
        self.despite_failure += other.despite_failure;
        self.savings.merge(&other.savings);
        self.costs.merge(&other.costs);
        self.evidence.merge(other.evidence);
    }
}

/// What a call was given: the telling values of its span and of the server's span right below.
fn given_below(view: &View<'_>, call: SpanIndex) -> Vec<u64> {
    let mut values = Values::of(view.trace.span(call)).given;
    for &child in view.trace.children(call).iter().filter(|&&child| view.trace.span(child).kind.answers()) {
        values.extend(Values::of(view.trace.span(child)).given);
    }
    values.sort_unstable();
    values.dedup();
    values
}

/// What a call answered: the answers in its span and below it.
fn answers_below(view: &View<'_>, call: SpanIndex) -> HashSet<u64> {
    let mut answers = HashSet::new();
    let mut stack = vec![call];
    for _ in 0..LOOKED_SPANS_MAX {
        let Some(span) = stack.pop() else { break };
        answers.extend(Values::of(view.trace.span(span)).answered);
        stack.extend(view.trace.children(span));
    }
    answers
}
