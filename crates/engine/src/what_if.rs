//! What changes would do to many traces: each is re-timed under happens-before, with every change alone and with all of them
//! together, so that nothing is counted twice.

use std::collections::{BTreeSet, HashMap};

use analysis::{Edit, Peers, Timeline, attempts, retime};
use model::{Duration, SpanIndex, SpanKind, Text, Trace, TraceId};

use crate::limits::{EXAMPLES_MAX, HOPS_MAX};

/// A change to be tried.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// These operations run side by side where they meet below one span.
    Parallel(Vec<OperationName>),
    /// Calls of this operation are answered at once.
    Cache(OperationName),
    /// This operation takes its time divided by the factor.
    SpeedUp(OperationName, f64),
    /// Attempts that failed and were tried again do not happen, nor do the pauses after them.
    DropRetries,
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Parallel(operations) => {
                let names: Vec<&str> = operations.iter().map(|operation| &*operation.0).collect();
                write!(f, "{} side by side", names.join(", "))
            }
            Self::Cache(operation) => write!(f, "{} from a cache", operation.0),
            Self::SpeedUp(operation, factor) if *factor >= 1.0 => write!(f, "{} {factor} times as fast", operation.0),
            Self::SpeedUp(operation, factor) => write!(f, "{} at {factor} of its speed", operation.0),
            Self::DropRetries => f.write_str("no retries"),
        }
    }
}

impl Change {
    /// The operations it names.
    pub fn operations(&self) -> &[OperationName] {
        match self {
            Self::Parallel(operations) => operations,
            Self::Cache(operation) | Self::SpeedUp(operation, _) => std::slice::from_ref(operation),
            Self::DropRetries => &[],
        }
    }
}

/// An operation as people name it: a span's name, what stands behind its last slash (a method, the end of a path),
/// `SERVICE:NAME`, or a service, which stands for its outermost spans.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationName(pub Text);

impl OperationName {
    fn names(&self, trace: &Trace, index: SpanIndex) -> bool {
        let (span, wanted) = (trace.span(index), &*self.0);
        let service = span.service_name();
        let outermost = || trace.parent(index).is_none_or(|parent| trace.span(parent).service_name() != service);
        *span.name == *wanted
            || span.name.rsplit_once('/').is_some_and(|(_, method)| method == wanted)
            || wanted
                .strip_prefix(service)
                .and_then(|rest| rest.strip_prefix(':'))
                .is_some_and(|name| *span.name == *name)
            || (service == wanted && outermost())
    }

    fn spans(&self, trace: &Trace) -> Vec<SpanIndex> {
        (0..trace.spans().len() as SpanIndex).filter(|&index| self.names(trace, index)).collect()
    }
}

/// Tries changes on trace after trace.
#[derive(Clone, Debug)]
pub struct WhatIf {
    changes: Vec<Change>,
    effects: Vec<Effect>,
    before: Vec<i64>,
    after: Vec<i64>,
    savings: Vec<i64>,
    examples: Vec<(i64, TraceId, Duration, Duration)>,
    /// Operations that were named and not seen yet.
    missing: BTreeSet<OperationName>,
    seen: BTreeSet<(Text, Text)>,
}

#[derive(Clone, Debug, Default)]
struct Effect {
    spans: u64,
    savings: Vec<i64>,
}

/// What the changes would do.
#[derive(Clone, Debug, PartialEq)]
pub struct Predicted {
    /// How long requests take now, ascending.
    pub before: Vec<Duration>,
    /// How long they would take, ascending.
    pub after: Vec<Duration>,
    /// How much sooner the traces that change would end, ascending.
    pub savings: Vec<Duration>,
    /// Each change alone.
    pub effects: Vec<PredictedEffect>,
    /// The traces that change most: now and then.
    pub examples: Vec<(TraceId, Duration, Duration)>,
    /// Operations that were named and are in no trace, each with names that come near.
    pub missing: Vec<(OperationName, Vec<String>)>,
}

/// What one change does alone.
#[derive(Clone, Debug, PartialEq)]
pub struct PredictedEffect {
    /// The change.
    pub change: Change,
    /// Spans that it was applied to.
    pub spans: u64,
    /// How much sooner the traces that change would end, ascending.
    pub savings: Vec<Duration>,
}

impl WhatIf {
    /// Nothing tried yet.
    #[must_use]
    pub fn new(changes: Vec<Change>) -> Self {
        let missing = changes.iter().flat_map(Change::operations).cloned().collect();
        Self {
            effects: vec![Effect::default(); changes.len()],
            changes,
            before: Vec::new(),
            after: Vec::new(),
            savings: Vec::new(),
            examples: Vec::new(),
            missing,
            seen: BTreeSet::new(),
        }
    }

    /// Tries the changes on a trace; the time of its first root counts.
    pub fn add(&mut self, trace: &Trace) {
        let Some(&root) = trace.roots().first() else { return };
        self.note_names(trace);
        let now = Timeline::of(trace).duration(root);
        let mut together = Edit::default();
        for (change, effect) in self.changes.iter().zip(&mut self.effects) {
            let (edit, spans) = edit_of(trace, change);
            effect.spans += spans;
            if spans == 0 {
                continue;
            }
            let sooner = now - retime(trace, &edit)[root as usize];
            if sooner != Duration::ZERO {
                effect.savings.push(sooner.0);
            }
            join(&mut together, edit);
        }
        let then = retime(trace, &together)[root as usize];
        self.before.push(now.0);
        self.after.push(then.0);
        if then != now {
            self.savings.push((now - then).0);
            self.add_example(trace.id(), now, then);
        }
    }

    fn note_names(&mut self, trace: &Trace) {
        let indices = 0..trace.spans().len() as SpanIndex;
        self.missing.retain(|wanted| !indices.clone().any(|index| wanted.names(trace, index)));
        if self.missing.is_empty() {
            return;
        }
        for span in trace.spans() {
            if self.seen.len() < HOPS_MAX {
                self.seen.insert((span.service_name().into(), span.name.clone()));
            }
        }
    }

    fn add_example(&mut self, id: TraceId, now: Duration, then: Duration) {
        let change = (now - then).0.saturating_abs();
        let at = self.examples.partition_point(|example| example.0 >= change);
        self.examples.insert(at, (change, id, now, then));
        self.examples.truncate(EXAMPLES_MAX);
    }

    /// What came of it.
    #[must_use]
    pub fn finish(self) -> Predicted {
        let near = |wanted: &OperationName| near(&wanted.0, &self.seen);
        Predicted {
            missing: self.missing.iter().map(|wanted| (wanted.clone(), near(wanted))).collect(),
            before: sorted(self.before),
            after: sorted(self.after),
            savings: sorted(self.savings),
            effects: self
                .changes
                .into_iter()
                .zip(self.effects)
                .map(|(change, effect)| PredictedEffect {
                    change,
                    spans: effect.spans,
                    savings: sorted(effect.savings),
                })
                .collect(),
            examples: self.examples.into_iter().map(|(_, id, now, then)| (id, now, then)).collect(),
        }
    }
}

fn sorted(mut nanos: Vec<i64>) -> Vec<Duration> {
    nanos.sort_unstable();
    nanos.into_iter().map(Duration).collect()
}

/// Names told of when one was not found.
const NEAR_MAX: usize = 5;

/// What was seen that looks like `wanted`, else the first of what was seen.
fn near(wanted: &str, seen: &BTreeSet<(Text, Text)>) -> Vec<String> {
    let lower = wanted.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 2).collect();
    let all = || seen.iter().map(|(service, name)| format!("{service}:{name}"));
    let alike: Vec<String> =
        all().filter(|name| words.iter().any(|word| name.to_lowercase().contains(word))).take(NEAR_MAX).collect();
    if alike.is_empty() { all().take(NEAR_MAX).collect() } else { alike }
}

/// The change as an edit of this trace, and how many spans it touches.
fn edit_of(trace: &Trace, change: &Change) -> (Edit, u64) {
    let times = Timeline::of(trace);
    let mut edit = Edit::default();
    match change {
        Change::Parallel(operations) => edit.side_by_side = meetings(trace, operations),
        Change::Cache(operation) => {
            let calls = operation.spans(trace).into_iter().map(|span| call_of(trace, span));
            edit.durations.extend(calls.map(|call| (call, Duration::ZERO)));
        }
        Change::SpeedUp(operation, factor) => {
            let faster = |span: SpanIndex| Duration((times.duration(span).0 as f64 / factor).round() as i64);
            edit.durations.extend(operation.spans(trace).into_iter().map(|span| (span, faster(span))));
        }
        Change::DropRetries => {
            for call in attempts(trace, &Peers::default()).into_iter().filter(|call| call.attempts > 1 && !call.hedged)
            {
                let failed = call.spans.iter().rev().skip(1);
                edit.durations.extend(failed.map(|&span| (span, Duration::ZERO)));
                edit.side_by_side.push(call.spans);
            }
        }
    }
    let spans = edit.durations.len() + edit.side_by_side.iter().map(Vec::len).sum::<usize>();
    (edit, spans as u64)
}

/// Two changes of one span: the shorter time counts, since both are made.
fn join(together: &mut Edit, edit: Edit) {
    for (span, duration) in edit.durations {
        together.durations.entry(span).and_modify(|known| *known = (*known).min(duration)).or_insert(duration);
    }
    together.side_by_side.extend(edit.side_by_side);
}

/// The span of the caller that does nothing but call `span`, else the span itself: what a cache would spare.
fn call_of(trace: &Trace, span: SpanIndex) -> SpanIndex {
    let Some(parent) = trace.parent(span) else { return span };
    let caller = trace.span(parent);
    let calls = matches!(caller.kind, SpanKind::CLIENT | SpanKind::PRODUCER)
        && caller.service_name() != trace.span(span).service_name()
        && trace.children(parent).len() == 1;
    if calls { parent } else { span }
}

/// Where the operations meet: groups of siblings, each of which is, or has below it, a span of one of the operations. Of one
/// operation alone, its repetitions meet.
fn meetings(trace: &Trace, operations: &[OperationName]) -> Vec<Vec<SpanIndex>> {
    // Which operations wait below each span for a meeting further up.
    let mut waiting: HashMap<SpanIndex, BTreeSet<usize>> = HashMap::new();
    let mut groups = Vec::new();
    for (index, _) in trace.depth_first().into_iter().rev() {
        let below: Vec<SpanIndex> =
            trace.children(index).iter().copied().filter(|child| waiting.contains_key(child)).collect();
        let mut here: BTreeSet<usize> = below.iter().flat_map(|child| waiting[child].iter().copied()).collect();
        let wanted = if operations.len() == 1 { 1 } else { 2 };
        if below.len() >= 2 && here.len() >= wanted {
            groups.push(below);
            here.clear();
        }
        here.extend(operations.iter().enumerate().filter(|(_, wanted)| wanted.names(trace, index)).map(|(at, _)| at));
        if !here.is_empty() {
            waiting.insert(index, here);
        }
    }
    groups
}
