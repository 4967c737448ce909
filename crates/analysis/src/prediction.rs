//! What changes would do to many traces: each is re-timed with all changes at once, so that nothing is counted twice.
//!
//! ```
//! use analysis::{Change, OperationName, Prediction};
//! let twice = Change::SpeedUp { operation: OperationName::new("llm:POST /v1/chat"), factor: 2.0 };
//! let mut prediction = Prediction::new(vec![twice]);
//! # let traces: Vec<model::Trace> = Vec::new();
//! traces.iter().for_each(|trace| prediction.add(trace));
//! assert_eq!(prediction.after().count(), 0); // no traces, nothing predicted
//! ```
//!
//! What is not modelled: contention (more at once makes each slower), batching, rate limits. A saving is an upper bound.

use std::collections::HashMap;

use model::{Duration, Span, SpanId, SpanIndex, Text, Trace};

use crate::peer::Peers;
use crate::retries::attempts;
use crate::sketch::Sketch;
use crate::timeline::Timeline;
use crate::whatif::{Edit, retime};

/// Names spans by `SERVICE:NAME`, by the span's name, or by the service.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OperationName(Text);

impl OperationName {
    /// As a person wrote it.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.trim().into())
    }

    /// Whether `span` is meant.
    #[must_use]
    pub fn matches(&self, span: &Span) -> bool {
        let (service, name) = (span.service_name(), &*span.name);
        *self.0 == *name
            || *self.0 == *service
            || self.0.strip_prefix(service).and_then(|rest| rest.strip_prefix(':')) == Some(name)
    }
}

impl std::fmt::Display for OperationName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Something that could be changed.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Siblings of these operations all start when the first of them starts; one name alone puts its repeats side by side.
    Parallel(Vec<OperationName>),
    /// This share (0 to 1) of the calls is answered by a cache, in this time.
    Cache {
        /// The calls.
        operation: OperationName,
        /// How many of them hit.
        hit_share: f64,
        /// How long a hit takes.
        hit: Duration,
    },
    /// Takes its duration divided by `factor`, everything below included; a factor below 1 slows down.
    SpeedUp {
        /// The spans.
        operation: OperationName,
        /// How many times as fast; what is not above zero changes nothing.
        factor: f64,
    },
    /// Only the last attempt of each call is made, when the first was.
    DropRetries,
}

/// Durations of requests before and after some changes.
#[derive(Clone, Debug, Default)]
pub struct Prediction {
    changes: Vec<Change>,
    traces: u64,
    touched: u64,
    /// Spans that each change applies to.
    spans: Vec<u64>,
    before: Sketch,
    after: Sketch,
    savings: Sketch,
    slower: u64,
}

impl Prediction {
    /// Of these changes, all at once.
    #[must_use]
    pub fn new(changes: Vec<Change>) -> Self {
        Self { spans: vec![0; changes.len()], changes, ..Self::default() }
    }

    /// The changes.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Re-times a trace.
    pub fn add(&mut self, trace: &Trace) {
        let Some(&root) = trace.roots().first() else { return };
        let times = Timeline::of(trace);
        let (edit, counts) = edit_of(trace, &times, &self.changes);
        self.traces += 1;
        self.touched += u64::from(counts.iter().any(|&count| count > 0));
        self.spans.iter_mut().zip(counts).for_each(|(all, here)| *all += here);
        let (before, after) = (times.duration(root), retime(trace, &edit)[root as usize]);
        self.before.insert(before);
        self.after.insert(after);
        self.savings.insert(before - after);
        self.slower += u64::from(after > before);
    }

    /// Adds everything that `other`, of the same changes, has seen.
    pub fn merge(&mut self, other: &Self) {
        self.traces += other.traces;
        self.touched += other.touched;
        self.spans.iter_mut().zip(&other.spans).for_each(|(ours, theirs)| *ours += theirs);
        self.before.merge(&other.before);
        self.after.merge(&other.after);
        self.savings.merge(&other.savings);
        self.slower += other.slower;
    }

    /// Traces that were re-timed.
    #[must_use]
    pub fn traces(&self) -> u64 {
        self.traces
    }

    /// Traces that a change applies to.
    #[must_use]
    pub fn touched(&self) -> u64 {
        self.touched
    }

    /// Spans that each change applies to, in the order of the changes: zero says that nothing has that name.
    #[must_use]
    pub fn spans(&self) -> &[u64] {
        &self.spans
    }

    /// How long the first roots took.
    #[must_use]
    pub fn before(&self) -> &Sketch {
        &self.before
    }

    /// How long they would take.
    #[must_use]
    pub fn after(&self) -> &Sketch {
        &self.after
    }

    /// What each trace would save; those that would become slower count as zero.
    #[must_use]
    pub fn savings(&self) -> &Sketch {
        &self.savings
    }

    /// Traces that would become slower.
    #[must_use]
    pub fn slower(&self) -> u64 {
        self.slower
    }
}

/// What `changes` are in one trace, and how many spans each applies to.
#[must_use]
pub fn edit_of(trace: &Trace, times: &Timeline, changes: &[Change]) -> (Edit, Vec<u64>) {
    let mut edit = Edit::default();
    let mut counts = Vec::with_capacity(changes.len());
    for change in changes {
        let count = match change {
            Change::Parallel(operations) => parallel(trace, operations, &mut edit),
            Change::Cache { operation, hit_share, hit } => {
                let hits = |span: &Span| operation.matches(span) && share_of(span.span_id) < *hit_share;
                shorten(trace, &mut edit, hits, |before, span| before.unwrap_or(times.duration(span)).min(*hit))
            }
            Change::SpeedUp { operation, factor } if *factor > 0.0 => shorten(
                trace,
                &mut edit,
                |span| operation.matches(span),
                |before, span| Duration((before.unwrap_or(times.duration(span)).0 as f64 / factor) as i64),
            ),
            Change::SpeedUp { .. } => 0,
            Change::DropRetries => drop_retries(trace, &mut edit),
        };
        counts.push(count);
    }
    (edit, counts)
}

fn shorten(
    trace: &Trace,
    edit: &mut Edit,
    applies: impl Fn(&Span) -> bool,
    after: impl Fn(Option<Duration>, SpanIndex) -> Duration,
) -> u64 {
    let mut count = 0;
    for (index, span) in trace.spans().iter().enumerate() {
        if applies(span) {
            let index = index as SpanIndex;
            let duration = after(edit.durations.get(&index).copied(), index);
            edit.durations.insert(index, duration);
            count += 1;
        }
    }
    count
}

fn parallel(trace: &Trace, operations: &[OperationName], edit: &mut Edit) -> u64 {
    let mut families: HashMap<Option<SpanIndex>, Vec<SpanIndex>> = HashMap::new();
    for (index, span) in trace.spans().iter().enumerate() {
        if operations.iter().any(|operation| operation.matches(span)) {
            families.entry(trace.parent(index as SpanIndex)).or_default().push(index as SpanIndex);
        }
    }
    let mut groups: Vec<Vec<SpanIndex>> = families
        .into_iter()
        .filter(|(parent, group)| parent.is_some() && group.len() > 1)
        .map(|(_, group)| group)
        .collect();
    groups.sort();
    let count = groups.iter().map(|group| group.len() as u64).sum();
    edit.side_by_side.extend(groups);
    count
}

fn drop_retries(trace: &Trace, edit: &mut Edit) -> u64 {
    let mut count = 0;
    for call in attempts(trace, &Peers::default()).into_iter().filter(|call| call.spans.len() > 1) {
        let (last, dropped) = call.spans.split_last().unwrap_or((&0, &[]));
        edit.durations.extend(dropped.iter().map(|&span| (span, Duration::ZERO)));
        count += dropped.len() as u64;
        // The pauses go as well: the last attempt is made when the first was.
        edit.side_by_side.push(dropped.iter().chain([last]).copied().collect());
    }
    count
}

/// From 0 to 1 by the span's id, the same every time: which calls hit.
fn share_of(id: SpanId) -> f64 {
    let mut hash = u64::from_be_bytes(id.0);
    // The finaliser of MurmurHash3: ids that were counted up spread as well as random ones.
    for factor in [0xff51_afd7_ed55_8ccd_u64, 0xc4ce_b9fe_1a85_ec53] {
        hash = (hash ^ (hash >> 33)).wrapping_mul(factor);
    }
    ((hash ^ (hash >> 33)) >> 11) as f64 / (1_u64 << 53) as f64
}
