//! How the spans of a trace hang together, found from a few facts of each, so that it is known of a trace in gist as well as
//! of a whole one.
//!
//! Nothing here recurses: traces of depth 20,000 and circles of parents are data that people send.

use std::sync::Arc;

use crate::{Instant, Link, Oddity, OddityKind, Span, SpanId, SpanIndex, SpanKind, TraceId};

pub(crate) const NO_PARENT: SpanIndex = SpanIndex::MAX;

/// How the spans of a trace hang together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forest {
    pub(crate) parents: Vec<SpanIndex>,
    children: Vec<SpanIndex>,
    /// `children[child_offsets[i]..child_offsets[i + 1]]` are the children of span `i`.
    child_offsets: Vec<u32>,
    pub(crate) roots: Vec<SpanIndex>,
    pub(crate) oddities: Vec<Oddity>,
}

/// What has to be known of a span to see how a trace hangs together and what it was waiting for.
pub trait SpanFacts {
    /// As in [`Span`].
    fn span_id(&self) -> SpanId;
    /// As in [`Span`].
    fn parent_span_id(&self) -> Option<SpanId>;
    /// As in [`Span`].
    fn start(&self) -> Instant;
    /// As in [`Span`].
    fn end(&self) -> Instant;
    /// As in [`Span`].
    fn kind(&self) -> SpanKind;
    /// As [`Span::is_error`].
    fn is_error(&self) -> bool;
    /// As in [`Span`].
    fn name(&self) -> &str;
    /// As [`Span::service_name`].
    fn service_name(&self) -> &str;
    /// As in [`Span`].
    fn links(&self) -> &[Link];
}

impl SpanFacts for Span {
    fn span_id(&self) -> SpanId {
        self.span_id
    }

    fn parent_span_id(&self) -> Option<SpanId> {
        self.parent_span_id
    }

    fn start(&self) -> Instant {
        self.start
    }

    fn end(&self) -> Instant {
        self.end
    }

    fn kind(&self) -> SpanKind {
        self.kind
    }

    fn is_error(&self) -> bool {
        self.is_error()
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn service_name(&self) -> &str {
        self.service_name()
    }

    fn links(&self) -> &[Link] {
        &self.links
    }
}

/// A trace, whole or in gist.
pub trait SpanTree {
    /// What its spans are.
    type Span: SpanFacts;

    /// The trace's id.
    fn id(&self) -> TraceId;
    /// All spans, by start.
    fn spans(&self) -> &[Self::Span];
    /// How they hang together.
    fn forest(&self) -> &Forest;
    /// How many log records belong to it.
    fn log_count(&self) -> usize;

    /// The span at `index`.
    ///
    /// # Panics
    /// If `index` did not come from this trace.
    fn span(&self, index: SpanIndex) -> &Self::Span {
        &self.spans()[index as usize]
    }

    /// As [`crate::Trace::children`].
    fn children(&self, index: SpanIndex) -> &[SpanIndex] {
        self.forest().children(index)
    }

    /// As [`crate::Trace::roots`].
    fn roots(&self) -> &[SpanIndex] {
        &self.forest().roots
    }

    /// As [`crate::Trace::oddities`].
    fn oddities(&self) -> &[Oddity] {
        &self.forest().oddities
    }

    /// As [`crate::Trace::depth_first`].
    fn depth_first(&self) -> Vec<(SpanIndex, u32)> {
        self.forest().depth_first()
    }
}

impl<T: SpanTree> SpanTree for &T {
    type Span = T::Span;

    fn id(&self) -> TraceId {
        (**self).id()
    }

    fn spans(&self) -> &[T::Span] {
        (**self).spans()
    }

    fn forest(&self) -> &Forest {
        (**self).forest()
    }

    fn log_count(&self) -> usize {
        (**self).log_count()
    }
}

impl<T: SpanTree> SpanTree for Arc<T> {
    type Span = T::Span;

    fn id(&self) -> TraceId {
        (**self).id()
    }

    fn spans(&self) -> &[T::Span] {
        (**self).spans()
    }

    fn forest(&self) -> &Forest {
        (**self).forest()
    }

    fn log_count(&self) -> usize {
        (**self).log_count()
    }
}

impl Forest {
    /// How these spans hang together, which must be in [`span_order`]; `oddities` were remarked before.
    pub(crate) fn of<S: SpanFacts>(spans: &[S], mut oddities: Vec<Oddity>) -> Self {
        let mut parents = resolve_parents(spans, &mut oddities);
        cut_cycles(spans, &mut parents, &mut oddities);
        let (children, child_offsets) = children_of(&parents);
        let roots = roots_of(spans, &parents, &mut oddities);
        remark_on_times(spans, &parents, &mut oddities);
        Self { parents, children, child_offsets, roots, oddities }
    }

    pub(crate) fn children(&self, index: SpanIndex) -> &[SpanIndex] {
        let index = index as usize;
        &self.children[self.child_offsets[index] as usize..self.child_offsets[index + 1] as usize]
    }

    pub(crate) fn depth_first(&self) -> Vec<(SpanIndex, u32)> {
        let mut order = Vec::with_capacity(self.parents.len());
        let mut stack: Vec<(SpanIndex, u32)> = self.roots.iter().rev().map(|&root| (root, 0)).collect();
        while let Some((index, depth)) = stack.pop() {
            order.push((index, depth));
            stack.extend(self.children(index).iter().rev().map(|&child| (child, depth + 1)));
        }
        order
    }
}

/// What decides the order of a trace's spans: start, the longest first, id.
pub(crate) fn span_order<S: SpanFacts>(a: &S, b: &S) -> std::cmp::Ordering {
    (a.start(), b.end(), a.span_id()).cmp(&(b.start(), a.end(), b.span_id()))
}

pub(crate) fn remark(oddities: &mut Vec<Oddity>, kind: OddityKind, span: &impl SpanFacts) {
    oddities.push(Oddity { kind, span_id: span.span_id(), count: 1 });
}

fn resolve_parents<S: SpanFacts>(spans: &[S], oddities: &mut Vec<Oddity>) -> Vec<SpanIndex> {
    // Sorted, spans of one id stand together in their order; most traces are small, and nothing is hashed.
    let number = |id: SpanId| u64::from_be_bytes(id.0);
    let mut sorted: Vec<(u64, SpanIndex)> = spans.iter().map(|span| number(span.span_id())).zip(0..).collect();
    sorted.sort_unstable();
    let of_id = |id: SpanId| {
        let id = number(id);
        let begin = sorted.partition_point(|&(other, _)| other < id);
        let length = sorted[begin..].partition_point(|&(other, _)| other == id);
        &sorted[begin..begin + length]
    };
    let has_twins = sorted.windows(2).any(|two| two[0].0 == two[1].0);
    let mut parents = vec![NO_PARENT; spans.len()];
    for (index, span) in spans.iter().enumerate() {
        let twins = if has_twins { of_id(span.span_id()) } else { &[] };
        if twins.len() > 1 {
            remark(oddities, OddityKind::SharedId, span);
            // Zipkin lets both sides of a call share one id: the server then hangs below the client.
            if let Some(client) = client_of_shared_id(spans, twins, index) {
                parents[index] = client;
                continue;
            }
        }
        let Some(parent_id) = span.parent_span_id() else { continue };
        if parent_id == span.span_id() {
            remark(oddities, OddityKind::SelfParent, span);
            continue;
        }
        match of_id(parent_id) {
            [] => remark(oddities, OddityKind::MissingParent, span),
            [(_, parent)] => parents[index] = *parent,
            candidates => parents[index] = nearest_parent(spans, candidates, span),
        }
    }
    parents
}

fn client_of_shared_id<S: SpanFacts>(spans: &[S], twins: &[(u64, SpanIndex)], index: usize) -> Option<SpanIndex> {
    if !spans[index].kind().answers() {
        return None;
    }
    twins.iter().map(|&(_, twin)| twin).find(|&twin| spans[twin as usize].kind().asks())
}

/// Of several spans with the parent's id: the answering side in the child's own service, else in the child's service,
/// else the first.
fn nearest_parent<S: SpanFacts>(spans: &[S], candidates: &[(u64, SpanIndex)], child: &S) -> SpanIndex {
    let candidates = || candidates.iter().map(|&(_, candidate)| candidate);
    let same_service = |candidate: &SpanIndex| spans[*candidate as usize].service_name() == child.service_name();
    let answers = |candidate: &SpanIndex| spans[*candidate as usize].kind().answers();
    candidates()
        .find(|candidate| same_service(candidate) && answers(candidate))
        .or_else(|| candidates().find(same_service))
        .or_else(|| candidates().next())
        .unwrap_or(NO_PARENT)
}

fn cut_cycles<S: SpanFacts>(spans: &[S], parents: &mut [SpanIndex], oddities: &mut Vec<Oddity>) {
    const UNSEEN: u32 = 0;
    // Each walk towards the root has a number of its own; meeting one's own number again is a circle.
    let mut walk_of = vec![UNSEEN; parents.len()];
    for start in 0..parents.len() {
        let walk = start as u32 + 1;
        let mut at = start;
        while walk_of[at] == UNSEEN {
            walk_of[at] = walk;
            if parents[at] == NO_PARENT {
                break;
            }
            at = parents[at] as usize;
        }
        if walk_of[at] != walk || parents[at] == NO_PARENT {
            continue;
        }
        // `at` lies on a circle. Spans are sorted by start, so the smallest index is the earliest span.
        let mut earliest = at;
        let mut next = parents[at] as usize;
        while next != at {
            earliest = earliest.min(next);
            next = parents[next] as usize;
        }
        parents[earliest] = NO_PARENT;
        remark(oddities, OddityKind::Cycle, &spans[earliest]);
    }
}

fn children_of(parents: &[SpanIndex]) -> (Vec<SpanIndex>, Vec<u32>) {
    let mut offsets = vec![0_u32; parents.len() + 1];
    for &parent in parents.iter().filter(|&&parent| parent != NO_PARENT) {
        offsets[parent as usize + 1] += 1;
    }
    for index in 1..offsets.len() {
        offsets[index] += offsets[index - 1];
    }
    let mut next = offsets.clone();
    let mut children = vec![0; offsets[parents.len()] as usize];
    for (child, &parent) in parents.iter().enumerate() {
        if parent != NO_PARENT {
            children[next[parent as usize] as usize] = child as SpanIndex;
            next[parent as usize] += 1;
        }
    }
    (children, offsets)
}

fn roots_of<S: SpanFacts>(spans: &[S], parents: &[SpanIndex], oddities: &mut Vec<Oddity>) -> Vec<SpanIndex> {
    let without_parent = || (0..spans.len()).filter(|&index| parents[index] == NO_PARENT);
    let is_true_root = |&index: &usize| spans[index].parent_span_id().is_none();
    let true_roots: Vec<usize> = without_parent().filter(is_true_root).collect();
    for &index in true_roots.iter().skip(1) {
        remark(oddities, OddityKind::SeveralRoots, &spans[index]);
    }
    let orphans = without_parent().filter(|index| !is_true_root(index));
    true_roots.iter().copied().chain(orphans).map(|index| index as SpanIndex).collect()
}

fn remark_on_times<S: SpanFacts>(spans: &[S], parents: &[SpanIndex], oddities: &mut Vec<Oddity>) {
    for (span, &parent) in spans.iter().zip(parents) {
        if span.end().0 == 0 {
            remark(oddities, OddityKind::Unfinished, span);
        } else if span.end() < span.start() {
            remark(oddities, OddityKind::NegativeDuration, span);
        }
        if parent == NO_PARENT {
            continue;
        }
        let parent = &spans[parent as usize];
        if span.start() < parent.start() {
            remark(oddities, OddityKind::StartsBeforeParent, span);
        }
        if parent.end().0 != 0 && span.end() > parent.end() {
            remark(oddities, OddityKind::EndsAfterParent, span);
        }
    }
}
