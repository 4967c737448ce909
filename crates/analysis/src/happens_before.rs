//! Which siblings must wait for which: A before B, learned from many traces of one call path.
//!
//! A runs before B where in every trace that has both, every A ended at or before every B started. One counter-example
//! in a thousand is borne, since clocks and late span ends make some; fewer than [`TRACES_MIN`] traces prove nothing.
//! Sequential is not the same as parallelisable: an order that never breaks may be a data dependency, and this file does
//! not claim otherwise.

use std::collections::{BTreeMap, HashMap};

use model::{SpanIndex, Text, Trace};

use crate::limits::CALL_PATHS_MAX;
use crate::operation::operation;
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
    /// Each call path: the number of the one above and the operation.
    paths: Vec<(Option<u32>, Text)>,
    numbers: HashMap<(Option<u32>, Text), u32>,
    pairs: BTreeMap<(u32, Text, Text), Pair>,
    traces: u64,
    left_out: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Pair {
    seen: u64,
    first_before_second: u64,
    second_before_first: u64,
}

/// Start and end of the siblings that share an operation: the earliest and latest of each.
#[derive(Clone, Copy)]
struct Extent {
    starts: (u64, u64),
    ends: (u64, u64),
}

impl SiblingOrders {
    /// Nothing seen.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a trace.
    pub fn add(&mut self, trace: &Trace) {
        let times = Timeline::of(trace);
        self.traces += 1;
        let mut path_of: Vec<Option<u32>> = vec![None; trace.spans().len()];
        for (index, _) in trace.depth_first() {
            if trace.children(index).is_empty() {
                continue;
            }
            let parent = trace.parent(index);
            let above = parent.and_then(|parent| path_of[parent as usize]);
            if parent.is_some() && above.is_none() {
                // Below a path that there was no room for: it is no root.
                self.left_out += 1;
                continue;
            }
            let path = self.path(above, operation(trace, index));
            path_of[index as usize] = path;
            if let Some(path) = path {
                self.add_siblings(trace, &times, path, trace.children(index));
            }
        }
    }

    fn path(&mut self, above: Option<u32>, operation: Text) -> Option<u32> {
        // The number of the path above keeps paths short however deep the trace is; names are joined when they are read.
        let path = (above, operation);
        if let Some(&number) = self.numbers.get(&path) {
            return Some(number);
        }
        if self.paths.len() >= CALL_PATHS_MAX {
            self.left_out += 1;
            return None;
        }
        let number = self.paths.len() as u32;
        self.paths.push(path.clone());
        self.numbers.insert(path, number);
        Some(number)
    }

    fn add_siblings(&mut self, trace: &Trace, times: &Timeline, path: u32, siblings: &[SpanIndex]) {
        let mut extents: BTreeMap<Text, Extent> = BTreeMap::new();
        for &sibling in siblings {
            let (start, end) = (times.start(sibling).0, times.end(sibling).0);
            let extent =
                extents.entry(operation(trace, sibling)).or_insert(Extent { starts: (start, start), ends: (end, end) });
            extent.starts = (extent.starts.0.min(start), extent.starts.1.max(start));
            extent.ends = (extent.ends.0.min(end), extent.ends.1.max(end));
        }
        if extents.len() > crate::limits::SIBLING_OPERATIONS_MAX {
            self.left_out += 1;
            return;
        }
        let all: Vec<(&Text, &Extent)> = extents.iter().collect();
        for (position, (first, a)) in all.iter().enumerate() {
            for (second, b) in &all[position + 1..] {
                let pair = self.pairs.entry((path, (*first).clone(), (*second).clone())).or_default();
                pair.seen += 1;
                pair.first_before_second += u64::from(a.ends.1 <= b.starts.0);
                pair.second_before_first += u64::from(b.ends.1 <= a.starts.0);
            }
        }
    }

    /// The orders that hold, sorted; none before [`TRACES_MIN`] traces were seen.
    #[must_use]
    pub fn orders(&self) -> Vec<SiblingOrder> {
        let mut orders = Vec::new();
        if self.traces < TRACES_MIN {
            return orders;
        }
        for ((path, first, second), pair) in &self.pairs {
            let order = |before: &Text, after: &Text, held: u64| SiblingOrder {
                parent: self.full_name(*path),
                before: before.clone(),
                after: after.clone(),
                seen: pair.seen,
                broken: pair.seen - held,
            };
            let forward = order(first, second, pair.first_before_second);
            let backward = order(second, first, pair.second_before_first);
            orders.extend([forward, backward].into_iter().filter(holds));
        }
        orders.sort();
        orders
    }

    /// How many sibling pairs were seen in one order at least once.
    #[must_use]
    pub fn pairs_ordered_once(&self) -> usize {
        self.pairs
            .values()
            .map(|pair| usize::from(pair.first_before_second > 0) + usize::from(pair.second_before_first > 0))
            .sum()
    }

    /// Call paths and families that were left out because there were too many.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    fn full_name(&self, path: u32) -> Text {
        let mut names = Vec::new();
        let mut at = Some(path);
        while let Some(path) = at {
            let (above, operation) = &self.paths[path as usize];
            names.push(&**operation);
            at = *above;
        }
        names.reverse();
        names.join(" > ").into()
    }
}

/// One break in a thousand is borne, and none among fewer than five hundred.
fn holds(order: &SiblingOrder) -> bool {
    let borne = if order.seen >= 500 { (order.seen / 1_000).max(1) } else { 0 };
    order.seen >= crate::limits::PAIRS_SEEN_MIN && order.broken <= borne
}
