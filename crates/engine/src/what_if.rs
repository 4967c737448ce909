//! What changes would do to many traces: each is re-timed under happens-before, with every change alone and with all of them
//! together, so that nothing is counted twice.

use std::collections::BTreeSet;

use analysis::{Change, OperationName, Timeline, edit_of, retime};
use model::{Duration, SpanIndex, Text, Trace, TraceId};

use crate::limits::{EXAMPLES_MAX, HOPS_MAX};

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
        let times = Timeline::of(trace);
        let now = times.duration(root);
        let after = |edit| retime(trace, &edit)[root as usize];
        let (together, counts) = edit_of(trace, &times, &self.changes);
        for ((change, effect), spans) in self.changes.iter().zip(&mut self.effects).zip(counts) {
            effect.spans += spans;
            if spans > 0 {
                let sooner = now - after(edit_of(trace, &times, std::slice::from_ref(change)).0);
                effect.savings.extend(Some(sooner.0).filter(|sooner| *sooner != 0));
            }
        }
        let then = after(together);
        self.before.push(now.0);
        self.after.push(then.0);
        if then != now {
            self.savings.push((now - then).0);
            self.add_example(trace.id(), now, then);
        }
    }

    fn note_names(&mut self, trace: &Trace) {
        let indices = 0..trace.spans().len() as SpanIndex;
        self.missing.retain(|wanted| !indices.clone().any(|index| wanted.matches(trace, index)));
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
        let near = |wanted: &OperationName| near(&wanted.to_string(), &self.seen);
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
