//! The spans of one trace as a forest, whatever was received, with remarks on what is broken.
//!
//! ```text
//! spans (sorted by start)     parent          children (one array, cut by offsets)
//!  0 gateway                  -               [1, 3]
//!  1 auth                     0               []
//!  2 orphan  <- MissingParent -               []
//!  3 orchestrator             0               []
//!  roots = [0, 2]             spans without a parent first, then those whose parent is missing
//! ```
//!
//! Nothing here recurses: traces of depth 20,000 and circles of parents are data that people send.

use std::collections::HashSet;

use crate::forest::{Forest, NO_PARENT, remark, span_order};
use crate::{LogRecord, Oddity, OddityKind, Span, SpanId, SpanTree, TraceId};

/// Position of a span in [`Trace::spans`].
pub type SpanIndex = u32;

/// The spans and log records of one trace. Spans are sorted by start (then longest first, then id); exact duplicates
/// are kept once; every span is reachable from exactly one root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    id: TraceId,
    spans: Vec<Span>,
    logs: Vec<LogRecord>,
    forest: Forest,
}

impl SpanTree for Trace {
    type Span = Span;

    fn id(&self) -> TraceId {
        self.id
    }

    fn spans(&self) -> &[Span] {
        &self.spans
    }

    fn forest(&self) -> &Forest {
        &self.forest
    }

    fn log_count(&self) -> usize {
        self.logs.len()
    }
}

impl Trace {
    /// Builds the forest. Spans of other traces must not be among `spans`.
    #[must_use]
    pub fn assemble(id: TraceId, spans: Vec<Span>, logs: Vec<LogRecord>) -> Self {
        let mut oddities = Vec::new();
        let spans = without_duplicates(spans, &mut oddities);
        Self::forest(id, spans, logs, oddities)
    }

    /// The same of spans among which no two are equal: who knows that spares looking. Of spans that were read in part it
    /// must be known, since they may look equal and are not.
    #[must_use]
    pub fn assemble_distinct(id: TraceId, spans: Vec<Span>, logs: Vec<LogRecord>) -> Self {
        Self::forest(id, spans, logs, Vec::new())
    }

    fn forest(id: TraceId, mut spans: Vec<Span>, mut logs: Vec<LogRecord>, oddities: Vec<Oddity>) -> Self {
        spans.sort_by(span_order);
        logs.sort_by_key(LogRecord::moment);
        let forest = Forest::of(&spans, oddities);
        Self { id, spans, logs, forest }
    }

    /// The trace's id.
    #[must_use]
    pub fn id(&self) -> TraceId {
        self.id
    }

    /// All spans, by start.
    #[must_use]
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The span at `index`.
    ///
    /// # Panics
    /// If `index` did not come from this trace.
    #[must_use]
    pub fn span(&self, index: SpanIndex) -> &Span {
        &self.spans[index as usize]
    }

    /// All log records, by time.
    #[must_use]
    pub fn logs(&self) -> &[LogRecord] {
        &self.logs
    }

    /// The parent of the span at `index`; none for roots and for spans whose parent was not received.
    #[must_use]
    pub fn parent(&self, index: SpanIndex) -> Option<SpanIndex> {
        Some(self.forest.parents[index as usize]).filter(|&parent| parent != NO_PARENT)
    }

    /// The children of the span at `index`, by start.
    #[must_use]
    pub fn children(&self, index: SpanIndex) -> &[SpanIndex] {
        self.forest.children(index)
    }

    /// Where the trees begin: spans without a parent first, then those whose parent is missing; each group by start.
    #[must_use]
    pub fn roots(&self) -> &[SpanIndex] {
        &self.forest.roots
    }

    /// Every span with its depth (roots have 0): depth first, siblings by start.
    #[must_use]
    pub fn depth_first(&self) -> Vec<(SpanIndex, u32)> {
        self.forest.depth_first()
    }

    /// The first span with this id.
    #[must_use]
    pub fn find(&self, span_id: SpanId) -> Option<SpanIndex> {
        self.spans.iter().position(|span| span.span_id == span_id).map(|position| position as SpanIndex)
    }

    /// Remarks on what is broken, in the order of the spans.
    #[must_use]
    pub fn oddities(&self) -> &[Oddity] {
        &self.forest.oddities
    }

    /// The trace as it would be if no span had the instrumentation scope `name`: what such spans began begins anew. So
    /// the spans that a test runner adds to a system's trace are left out of what is said about the system.
    #[must_use]
    pub fn without_scope(self, name: &str) -> Self {
        let left_out: HashSet<SpanId> =
            self.spans.iter().filter(|span| &*span.scope.name == name).map(|span| span.span_id).collect();
        if left_out.is_empty() {
            return self;
        }
        let id = self.id();
        let (mut spans, logs) = self.into_parts();
        spans.retain(|span| &*span.scope.name != name);
        for span in &mut spans {
            span.parent_span_id = span.parent_span_id.filter(|parent| !left_out.contains(parent));
        }
        Self::assemble(id, spans, logs)
    }

    /// Gives the spans and log records back.
    #[must_use]
    pub fn into_parts(self) -> (Vec<Span>, Vec<LogRecord>) {
        (self.spans, self.logs)
    }
}

fn without_duplicates(spans: Vec<Span>, oddities: &mut Vec<Oddity>) -> Vec<Span> {
    let mut duplicate = vec![false; spans.len()];
    {
        let mut seen: HashSet<&Span> = HashSet::with_capacity(spans.len());
        for (span, duplicate) in spans.iter().zip(&mut duplicate) {
            *duplicate = !seen.insert(span);
        }
    }
    let mut kept = Vec::with_capacity(spans.len());
    for (span, duplicate) in spans.into_iter().zip(duplicate) {
        if duplicate {
            remark(oddities, OddityKind::Duplicate, &span);
        } else {
            kept.push(span);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Instant;
    use crate::SpanKind;

    fn span(id: u8, parent: u8, start: u64, end: u64) -> Span {
        let mut span = Span::new(TraceId([9; 16]), SpanId([id; 8]), format!("span {id}"));
        span.parent_span_id = (parent != 0).then_some(SpanId([parent; 8]));
        (span.start, span.end) = (Instant(start), Instant(end));
        span
    }

    /// `shape` is the depth-first outline `id@depth`, `remarks` the names of the oddities.
    fn check(spans: Vec<Span>, shape: &str, remarks: &[&str]) {
        let count = spans.len();
        let trace = Trace::assemble(TraceId([9; 16]), spans, Vec::new());
        let order = trace.depth_first();
        let outline: Vec<String> =
            order.iter().map(|&(index, depth)| format!("{}@{depth}", trace.span(index).span_id.0[0])).collect();
        assert_eq!(outline.join(" "), shape);
        let seen: Vec<&str> = trace.oddities().iter().map(|oddity| oddity.kind.name()).collect();
        assert_eq!(seen, remarks);
        let duplicates = seen.iter().filter(|name| **name == "duplicate").count();
        assert_eq!(order.len() + duplicates, count, "every span is reachable exactly once");
    }

    #[test]
    fn without_a_scope_what_it_began_begins_anew() {
        let mut spans = vec![span(1, 0, 0, 10), span(2, 1, 1, 9), span(3, 2, 2, 8), span(4, 3, 3, 7)];
        for runner in [0, 1] {
            spans[runner].scope = std::sync::Arc::new(crate::Scope { name: "runner".into(), ..Default::default() });
        }
        let trace = Trace::assemble(TraceId([9; 16]), spans, Vec::new()).without_scope("runner");
        let names: Vec<&str> = trace.depth_first().iter().map(|&(index, _)| &*trace.span(index).name).collect();
        assert_eq!(names, ["span 3", "span 4"]);
        assert!(trace.oddities().is_empty(), "no parent is missing: {:?}", trace.oddities());
        let same = trace.clone().without_scope("nobody's");
        assert_eq!(same.spans(), trace.spans());
    }

    #[test]
    fn a_healthy_tree_has_no_remarks() {
        check(vec![span(3, 1, 5, 6), span(2, 1, 1, 4), span(1, 0, 0, 10)], "1@0 2@1 3@1", &[]);
    }

    #[test]
    fn an_orphan_is_a_root_of_its_own() {
        check(vec![span(1, 0, 5, 10), span(2, 7, 1, 4)], "1@0 2@0", &["missing-parent"]);
    }

    #[test]
    fn circles_are_cut_at_the_earliest_span() {
        check(
            vec![span(1, 2, 0, 9), span(2, 3, 1, 8), span(3, 1, 2, 7), span(4, 3, 3, 4)],
            "1@0 3@1 2@2 4@2",
            &["cycle", "starts-before-parent", "ends-after-parent"],
        );
    }

    #[test]
    fn a_span_that_is_its_own_parent_is_a_root() {
        check(vec![span(1, 1, 0, 9)], "1@0", &["self-parent"]);
    }

    #[test]
    fn exact_duplicates_are_kept_once_and_shared_ids_all() {
        check(vec![span(1, 0, 0, 9), span(1, 0, 0, 9)], "1@0", &["duplicate"]);
        check(vec![span(1, 0, 0, 9), span(2, 1, 1, 2), span(2, 1, 3, 4)], "1@0 2@1 2@1", &["shared-id", "shared-id"]);
    }

    #[test]
    fn both_sides_of_a_zipkin_call_share_an_id() {
        let mut client = span(2, 1, 1, 8);
        client.kind = SpanKind::CLIENT;
        let mut server = span(2, 1, 2, 7);
        server.kind = SpanKind::SERVER;
        check(vec![span(1, 0, 0, 9), client, server, span(3, 2, 3, 4)], "1@0 2@1 2@2 3@3", &["shared-id", "shared-id"]);
    }

    #[test]
    fn clocks_that_run_backwards_are_remarked() {
        check(
            vec![span(1, 0, 10, 5), span(2, 0, 20, 0)],
            "1@0 2@0",
            &["several-roots", "negative-duration", "unfinished"],
        );
    }

    #[test]
    fn depth_of_a_hundred_thousand_is_no_trouble() {
        let mut spans = Vec::new();
        for depth in 0..100_000_u64 {
            let mut span = span(0, 0, depth, 1_000_000 - depth);
            span.span_id = SpanId((depth + 1).to_be_bytes());
            span.parent_span_id = (depth > 0).then(|| SpanId(depth.to_be_bytes()));
            spans.push(span);
        }
        let trace = Trace::assemble(TraceId([9; 16]), spans, Vec::new());
        assert_eq!(trace.depth_first().last().map(|&(_, depth)| depth), Some(99_999));
        assert!(trace.oddities().is_empty());
    }

    proptest::proptest! {
        /// Whatever the ids and times, every span is reachable from exactly one root.
        #[test]
        fn any_input_becomes_a_forest(raw in proptest::collection::vec((1_u8..12, 0_u8..14, 0_u64..20, 0_u64..20, 0_i32..6), 0..40)) {
            let mut spans: Vec<Span> = Vec::new();
            for (position, (id, parent, start, end, kind)) in raw.into_iter().enumerate() {
                let mut span = span(id, parent, start, end);
                span.kind = SpanKind(kind);
                span.flags = position as u32; // no exact duplicates here
                spans.push(span);
            }
            let count = spans.len();
            let trace = Trace::assemble(TraceId([9; 16]), spans, Vec::new());
            let mut seen: Vec<SpanIndex> = trace.depth_first().into_iter().map(|(index, _)| index).collect();
            seen.sort_unstable();
            proptest::prop_assert_eq!(seen, (0..count as u32).collect::<Vec<_>>());
        }
    }
}
