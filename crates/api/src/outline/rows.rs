//! The order of the rows: depth first, siblings by start. A parent that was named but not received gets a row of its
//! own above the spans that name it.
//!
//! ```text
//! row 0  gateway                    span 0
//! row 1    auth                     span 1
//! row 2  (missing 7ac3…)            no span
//! row 3    orphan                   span 2
//! ```

use std::collections::{HashMap, HashSet};

use model::{SpanId, SpanIndex, Trace};

/// What stands in one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// A span of the trace.
    Span(SpanIndex),
    /// A parent that was named but not received.
    Missing(SpanId),
}

/// The rows of a trace, from 0.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// What stands in each row.
    pub rows: Vec<Row>,
    /// Row of the parent, -1 for none.
    pub parents: Vec<i32>,
    /// Depth, 0 at the top.
    pub depths: Vec<u32>,
    /// How many rows each subtree has, its own included.
    pub subtrees: Vec<u32>,
    row_of_span: Vec<u32>,
}

const NO_ROW: u32 = u32::MAX;

impl Rows {
    /// Orders the spans of `trace`; rows past `rows_max` are left out.
    #[must_use]
    pub fn of(trace: &Trace, rows_max: usize) -> Self {
        let mut rows = Self { row_of_span: vec![NO_ROW; trace.spans().len()], ..Self::default() };
        for top in tops(trace) {
            match top {
                Top::Root(root) => rows.walk(trace, root, -1, 0, rows_max),
                Top::Orphans(missing, orphans) => {
                    if rows.rows.len() >= rows_max {
                        break;
                    }
                    let parent = rows.push(Row::Missing(missing), -1, 0);
                    for orphan in orphans {
                        rows.walk(trace, orphan, parent, 1, rows_max);
                    }
                }
            }
        }
        rows.count_subtrees();
        rows
    }

    /// The row of a span; none when it was left out.
    #[must_use]
    pub fn row_of(&self, span: SpanIndex) -> Option<u32> {
        self.row_of_span.get(span as usize).copied().filter(|&row| row != NO_ROW)
    }

    /// How many spans there was no row for.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.row_of_span.iter().filter(|&&row| row == NO_ROW).count()
    }

    /// What stands in `row`.
    #[must_use]
    pub fn at(&self, row: u32) -> Option<Row> {
        self.rows.get(row as usize).copied()
    }

    fn walk(&mut self, trace: &Trace, root: SpanIndex, parent: i32, depth: u32, rows_max: usize) {
        let mut stack = vec![(root, parent, depth)];
        while let Some((span, parent, depth)) = stack.pop() {
            if self.rows.len() >= rows_max {
                return;
            }
            let row = self.push(Row::Span(span), parent, depth);
            stack.extend(trace.children(span).iter().rev().map(|&child| (child, row, depth + 1)));
        }
    }

    fn push(&mut self, row: Row, parent: i32, depth: u32) -> i32 {
        let at = self.rows.len() as u32;
        if let Row::Span(span) = row {
            self.row_of_span[span as usize] = at;
        }
        self.rows.push(row);
        self.parents.push(parent);
        self.depths.push(depth);
        at as i32
    }

    fn count_subtrees(&mut self) {
        self.subtrees = vec![1; self.rows.len()];
        for row in (0..self.rows.len()).rev() {
            if let Ok(parent) = usize::try_from(self.parents[row]) {
                self.subtrees[parent] += self.subtrees[row];
            }
        }
    }
}

enum Top {
    Root(SpanIndex),
    Orphans(SpanId, Vec<SpanIndex>),
}

/// The trees of the trace, spans whose parent is missing gathered by that parent.
fn tops(trace: &Trace) -> Vec<Top> {
    // Most traces name no parent that is missing: then there is nothing to look for.
    let named: HashSet<SpanId> = trace.roots().iter().filter_map(|&root| trace.span(root).parent_span_id).collect();
    let is_named = |span: &SpanId| !named.is_empty() && named.contains(span);
    let received: HashSet<SpanId> = trace.spans().iter().map(|span| span.span_id).filter(is_named).collect();
    let mut tops: Vec<Top> = Vec::new();
    let mut position_of: HashMap<SpanId, usize> = HashMap::new();
    for &root in trace.roots() {
        // A parent that was received and is no parent here was cut from a circle.
        let missing = trace.span(root).parent_span_id.filter(|parent| !received.contains(parent));
        let Some(missing) = missing else {
            tops.push(Top::Root(root));
            continue;
        };
        match position_of.get(&missing).and_then(|&position| tops.get_mut(position)) {
            Some(Top::Orphans(_, orphans)) => orphans.push(root),
            _ => {
                position_of.insert(missing, tops.len());
                tops.push(Top::Orphans(missing, vec![root]));
            }
        }
    }
    tops
}

#[cfg(test)]
mod tests {
    use model::{Instant, Span, TraceId};

    use super::*;

    /// Spans as (id, parent), 0 for none; the rows as text: depth dots, then the id or `?id` for a missing parent.
    fn check(spans: &[(u8, u8)], rows_max: usize, expected: &[&str]) {
        let spans = spans.iter().enumerate().map(|(position, &(id, parent))| {
            let mut span = Span::new(TraceId([1; 16]), SpanId([id; 8]), "x");
            span.parent_span_id = (parent > 0).then_some(SpanId([parent; 8]));
            span.start = Instant(position as u64 + 1);
            span.end = Instant(100);
            span
        });
        let trace = Trace::assemble(TraceId([1; 16]), spans.collect(), Vec::new());
        let rows = Rows::of(&trace, rows_max);
        let text = |(row, depth): (&Row, &u32)| {
            let dots = ".".repeat(*depth as usize);
            match row {
                Row::Span(span) => format!("{dots}{}", trace.span(*span).span_id.0[0]),
                Row::Missing(id) => format!("{dots}?{}", id.0[0]),
            }
        };
        let read: Vec<String> = rows.rows.iter().zip(&rows.depths).map(text).collect();
        assert_eq!(read, expected);
        for (row, &size) in rows.subtrees.iter().enumerate() {
            let inside = (row + 1..row + size as usize).all(|below| rows.depths[below] > rows.depths[row]);
            let next = rows.depths.get(row + size as usize).is_none_or(|&depth| depth <= rows.depths[row]);
            assert!(inside && next, "row {row}: {size}");
        }
    }

    #[test]
    fn rows_stand_depth_first() {
        check(&[(1, 0), (2, 1), (3, 1), (4, 2), (5, 3)], 99, &["1", ".2", "..4", ".3", "..5"]);
    }

    #[test]
    fn spans_of_one_missing_parent_stand_together_below_it() {
        check(&[(1, 0), (2, 9), (3, 8), (4, 9), (5, 2)], 99, &["1", "?9", ".2", "..5", ".4", "?8", ".3"]);
    }

    #[test]
    fn a_circle_and_a_self_parent_are_no_missing_parents() {
        check(&[(1, 2), (2, 1), (3, 3)], 99, &["1", ".2", "3"]);
    }

    #[test]
    fn rows_beyond_the_bound_are_left_out() {
        check(&[(1, 0), (2, 1), (3, 1), (4, 9)], 2, &["1", ".2"]);
        check(&[(1, 0), (4, 9)], 2, &["1", "?9"]);
    }
}
