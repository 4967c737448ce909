//! Which siblings must wait for which: A before B, learned from many traces of one call path.
//!
//! A runs before B where in every trace that has both, every A ended at or before every B started. One counter-example
//! in a thousand is borne, since clocks and late span ends make some; fewer than [`TRACES_MIN`] traces prove nothing.
//! Sequential is not the same as parallelisable: an order that never breaks may be a data dependency, and this file does
//! not claim otherwise.

use std::collections::HashMap;

use model::{SpanIndex, Text, Trace};

use crate::limits::{CALL_PATHS_MAX, SIBLING_PAIRS_MAX};
use crate::names::{Names, OperationId, Renumbered};
use crate::timeline::Timeline;

/// Fewer traces than this are a hint, not evidence (measured: 50 traces find the true orders of
/// a real system and no others; 20 give one false one in twenty).
pub const TRACES_MIN: u64 = 50;

/// Siblings of one call path and in which order they ran.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SiblingOrder {
    /// Services and operations from the root to the parent, joined by ` > `.
    pub parent: Text,
    /// The operation that ran first, with its service.
    pub before: Text,
    /// The operation that waited.
    pub after: Text,
    /// In how many parents both were seen.
    pub seen: u64,
    /// In how many of them the order was broken.
    pub broken: u64,
}

/// Collects sibling orders trace by trace.
#[derive(Clone, Debug, Default)]
pub struct SiblingOrders {
    names: Names,
    counts: OrderCounts,
}

impl SiblingOrders {
    /// Nothing seen.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a trace.
    pub fn add(&mut self, trace: &Trace) {
        let mut operation = |span: &model::Span| {
            let (service, name) = (self.names.name(span.service_name()), self.names.name(&span.name));
            self.names.operation(service, name)
        };
        let operations: Vec<OperationId> = trace.spans().iter().map(&mut operation).collect();
        self.counts.add(trace, &Timeline::of(trace), &operations, |_, _| {});
    }

    /// Adds everything that `other` has seen.
    pub fn merge(&mut self, other: Self) {
        let numbers = self.names.absorb(&other.names);
        self.counts.merge(&other.counts, &numbers);
    }

    /// The orders that hold, sorted; none before [`TRACES_MIN`] traces were seen.
    #[must_use]
    pub fn orders(&self) -> Vec<SiblingOrder> {
        let mut orders: Vec<SiblingOrder> = self
            .counts
            .orders()
            .into_iter()
            .map(|order| SiblingOrder {
                parent: self.counts.full_name(&self.names, order.path),
                before: self.names.full_name(order.before).into(),
                after: self.names.full_name(order.after).into(),
                seen: order.seen,
                broken: order.broken,
            })
            .collect();
        orders.sort();
        orders
    }

    /// How many sibling pairs were seen in one order at least once.
    #[must_use]
    pub fn pairs_ordered_once(&self) -> usize {
        let once = |count: u64| usize::from(count > 0);
        self.counts.pairs.values().map(|pair| once(pair.first_before_second) + once(pair.second_before_first)).sum()
    }

    /// Call paths and families that were left out because there were too many.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.counts.left_out + self.names.left_out
    }
}

/// The number of a call path: the operations from the root to a parent.
pub(crate) type PathId = u32;

/// Orders by number.
#[derive(Clone, Debug, Default)]
pub(crate) struct OrderCounts {
    /// Each call path: the number of the one above and the operation.
    paths: Vec<(Option<PathId>, OperationId)>,
    numbers: HashMap<(Option<PathId>, OperationId), PathId>,
    pairs: HashMap<PairKey, Pair>,
    traces: u64,
    pub(crate) left_out: u64,
}

/// A call path and two operations below it, the one of the lower number first.
pub(crate) type PairKey = (PathId, OperationId, OperationId);

#[derive(Clone, Copy, Debug, Default)]
struct Pair {
    seen: u64,
    first_before_second: u64,
    second_before_first: u64,
}

/// An order that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Order {
    pub(crate) path: PathId,
    pub(crate) before: OperationId,
    pub(crate) after: OperationId,
    pub(crate) seen: u64,
    pub(crate) broken: u64,
}

/// The siblings that share an operation: the earliest and latest start and end, and how many there are.
#[derive(Clone, Copy)]
pub(crate) struct Extent {
    pub(crate) operation: OperationId,
    starts: (u64, u64),
    ends: (u64, u64),
    pub(crate) first: SpanIndex,
    pub(crate) count: u32,
}

impl Extent {
    pub(crate) fn ended_before(&self, other: &Self) -> bool {
        self.operation != other.operation && self.ends.1 <= other.starts.0
    }
}

/// A parent whose children were compared.
pub(crate) struct Family<'f> {
    pub(crate) path: PathId,
    pub(crate) parent: SpanIndex,
    /// By operation.
    pub(crate) extents: &'f [Extent],
}

impl OrderCounts {
    /// Adds a trace whose spans have these operations; `family` is told of every parent.
    pub(crate) fn add(
        &mut self,
        trace: &Trace,
        times: &Timeline,
        operations: &[OperationId],
        mut family: impl FnMut(&Self, &Family<'_>),
    ) {
        self.traces += 1;
        let mut path_of: Vec<Option<PathId>> = vec![None; trace.spans().len()];
        let mut extents: Vec<Extent> = Vec::new();
        let mut stack: Vec<SpanIndex> = trace.roots().iter().rev().copied().collect();
        while let Some(index) = stack.pop() {
            let children = trace.children(index);
            if children.is_empty() {
                continue;
            }
            stack.extend(children.iter().rev());
            let parent = trace.parent(index);
            let above = parent.and_then(|parent| path_of[parent as usize]);
            if parent.is_some() && above.is_none() {
                // Below a path that there was no room for: it is no root.
                self.left_out += 1;
                continue;
            }
            let path = self.path(above, operations[index as usize]);
            path_of[index as usize] = path;
            let Some(path) = path else { continue };
            extents_of(times, operations, children, &mut extents);
            if extents.len() > crate::limits::SIBLING_OPERATIONS_MAX {
                self.left_out += 1;
            } else {
                self.compare(path, &extents);
                family(self, &Family { path, parent: index, extents: &extents });
            }
        }
    }

    fn path(&mut self, above: Option<PathId>, operation: OperationId) -> Option<PathId> {
        // The number of the path above keeps paths short however deep the trace is; names are joined when they are read.
        let path = (above, operation);
        if let Some(&number) = self.numbers.get(&path) {
            return Some(number);
        }
        if self.paths.len() >= CALL_PATHS_MAX {
            self.left_out += 1;
            return None;
        }
        let number = self.paths.len() as PathId;
        self.paths.push(path);
        self.numbers.insert(path, number);
        Some(number)
    }

    fn compare(&mut self, path: PathId, extents: &[Extent]) {
        for (position, a) in extents.iter().enumerate() {
            for b in &extents[position + 1..] {
                let key = (path, a.operation, b.operation);
                if self.pairs.len() >= SIBLING_PAIRS_MAX && !self.pairs.contains_key(&key) {
                    self.left_out += 1;
                    continue;
                }
                let pair = self.pairs.entry(key).or_default();
                pair.seen += 1;
                pair.first_before_second += u64::from(a.ends.1 <= b.starts.0);
                pair.second_before_first += u64::from(b.ends.1 <= a.starts.0);
            }
        }
    }

    /// The numbers that `other`'s paths have here.
    pub(crate) fn merge(&mut self, other: &Self, numbers: &Renumbered) -> Vec<Option<PathId>> {
        self.traces += other.traces;
        self.left_out += other.left_out;
        let mut paths: Vec<Option<PathId>> = Vec::with_capacity(other.paths.len());
        // A path's number is greater than that of the one above it, which is known here by then.
        for &(above, operation) in &other.paths {
            let ours = above.map(|above| paths[above as usize]);
            let operation = numbers.operations[operation as usize];
            paths.push(match ours {
                None => self.path(None, operation),
                Some(above) => above.and_then(|above| self.path(Some(above), operation)),
            });
        }
        for (&(path, first, second), theirs) in &other.pairs {
            let Some(path) = paths[path as usize] else { continue };
            let [first, second] = [first, second].map(|one| numbers.operations[one as usize]);
            let (key, theirs) = match first <= second {
                true => ((path, first, second), *theirs),
                false => ((path, second, first), theirs.turned()),
            };
            let ours = self.pairs.entry(key).or_default();
            ours.seen += theirs.seen;
            ours.first_before_second += theirs.first_before_second;
            ours.second_before_first += theirs.second_before_first;
        }
        paths
    }

    /// The orders that hold; none before [`TRACES_MIN`] traces were seen.
    pub(crate) fn orders(&self) -> Vec<Order> {
        if self.traces < TRACES_MIN {
            return Vec::new();
        }
        let mut orders = Vec::new();
        for (&(path, first, second), pair) in &self.pairs {
            let order =
                |before, after, held: u64| Order { path, before, after, seen: pair.seen, broken: pair.seen - held };
            let forward = order(first, second, pair.first_before_second);
            let backward = order(second, first, pair.second_before_first);
            orders.extend([forward, backward].into_iter().filter(holds));
        }
        orders.sort_unstable();
        orders
    }

    /// Whether the order of these two may still turn out to hold.
    pub(crate) fn may_be_ordered(&self, path: PathId, before: OperationId, after: OperationId) -> bool {
        let (first, second) = (before.min(after), before.max(after));
        self.pairs.get(&(path, first, second)).is_some_and(|pair| {
            let held = if before == first { pair.first_before_second } else { pair.second_before_first };
            held * 1_000 >= pair.seen * 999
        })
    }

    /// Services and operations from the root to the parent, joined by ` > `.
    pub(crate) fn full_name(&self, names: &Names, path: PathId) -> Text {
        let mut parts = Vec::new();
        let mut at = Some(path);
        while let Some(path) = at {
            let (above, operation) = self.paths[path as usize];
            parts.push(names.full_name(operation));
            at = above;
        }
        parts.reverse();
        parts.join(" > ").into()
    }

    /// The operation at the end of a path.
    pub(crate) fn operation(&self, path: PathId) -> OperationId {
        self.paths[path as usize].1
    }
}

impl Pair {
    fn turned(self) -> Self {
        let (first_before_second, second_before_first) = (self.second_before_first, self.first_before_second);
        Self { first_before_second, second_before_first, ..self }
    }
}

/// The extents of `siblings` by operation, into `extents`.
fn extents_of(times: &Timeline, operations: &[OperationId], siblings: &[SpanIndex], extents: &mut Vec<Extent>) {
    extents.clear();
    for &sibling in siblings {
        let (start, end) = (times.start(sibling).0, times.end(sibling).0);
        let operation = operations[sibling as usize];
        let alone = Extent { operation, starts: (start, start), ends: (end, end), first: sibling, count: 1 };
        extents.push(alone);
    }
    extents.sort_by_key(|extent| (extent.operation, extent.first));
    extents.dedup_by(|next, kept| {
        let same = next.operation == kept.operation;
        if same {
            kept.starts = (kept.starts.0.min(next.starts.0), kept.starts.1.max(next.starts.1));
            kept.ends = (kept.ends.0.min(next.ends.0), kept.ends.1.max(next.ends.1));
            kept.count += 1;
        }
        same
    });
}

/// One break in a thousand is borne, and none among fewer than five hundred.
fn holds(order: &Order) -> bool {
    let borne = if order.seen >= 500 { (order.seen / 1_000).max(1) } else { 0 };
    order.seen >= crate::limits::PAIRS_SEEN_MIN && order.broken <= borne
}
