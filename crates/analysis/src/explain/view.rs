//! One trace made ready for every collector: sanitised times, operations as numbers, time on the critical path.

use std::cell::OnceCell;
use std::sync::Arc;

use model::{Resource, SpanId, SpanIndex, Trace};

use crate::critical_path::{CriticalPath, critical_path_on};
use crate::names::{NameId, Names, OperationId};
use crate::timeline::Timeline;

/// A trace and what several collectors need of it.
pub(crate) struct View<'t> {
    pub(crate) trace: &'t Trace,
    pub(crate) times: Timeline,
    pub(crate) operations: Vec<OperationId>,
    /// What each span calls: the operation of the one span of another service below it, else its own. Client spans are
    /// often all called alike (`POST`); what they call tells them apart.
    pub(crate) called: Vec<OperationId>,
    pub(crate) services: Vec<NameId>,
    pub(crate) path: CriticalPath,
    /// Time on the critical path of the first root, by span, ns.
    pub(crate) critical: Vec<i64>,
    /// The first root; there is none in a trace without spans, and such traces are not viewed.
    pub(crate) root: SpanIndex,
    below: OnceCell<Vec<i64>>,
}

impl<'t> View<'t> {
    /// None for a trace without spans.
    pub(crate) fn of(trace: &'t Trace, names: &mut Names) -> Option<Self> {
        let &root = trace.roots().first()?;
        let (mut operations, mut services) = (Vec::new(), Vec::new());
        let mut last: Option<(*const Resource, NameId)> = None;
        for span in trace.spans() {
            let resource = Arc::as_ptr(&span.resource);
            let service = match last {
                Some((known, service)) if known == resource => service,
                _ => names.name(span.service_name()),
            };
            last = Some((resource, service));
            let name = names.name(&span.name);
            services.push(service);
            operations.push(names.operation(service, name));
        }
        let called = called(trace, &operations, &services);
        let times = Timeline::of(trace);
        let path = critical_path_on(trace, &times, root);
        let mut critical = vec![0; trace.spans().len()];
        path.segments.iter().for_each(|segment| critical[segment.span as usize] += segment.duration().0);
        Some(Self { trace, times, operations, called, services, path, critical, root, below: OnceCell::new() })
    }

    pub(crate) fn len(&self) -> SpanIndex {
        self.operations.len() as SpanIndex
    }

    /// How long the first root took, ns.
    pub(crate) fn duration(&self) -> i64 {
        self.times.duration(self.root).0
    }

    pub(crate) fn operation(&self, span: SpanIndex) -> OperationId {
        self.operations[span as usize]
    }

    pub(crate) fn service(&self, span: SpanIndex) -> NameId {
        self.services[span as usize]
    }

    /// Time on the critical path of the span and everything below it, ns: what would be saved if it had not been there.
    pub(crate) fn critical_below(&self, span: SpanIndex) -> i64 {
        let sums = self.below.get_or_init(|| {
            let mut sums = self.critical.clone();
            // Children come after their parents in this order: backwards, they are whole when they are added.
            for (index, _) in self.trace.depth_first().into_iter().rev() {
                if let Some(parent) = self.trace.parent(index) {
                    sums[parent as usize] += sums[index as usize];
                }
            }
            sums
        });
        sums[span as usize]
    }

    pub(crate) fn ids(&self, spans: &[SpanIndex]) -> Vec<SpanId> {
        spans.iter().map(|&span| self.trace.span(span).span_id).collect()
    }
}

fn called(trace: &Trace, operations: &[OperationId], services: &[NameId]) -> Vec<OperationId> {
    let of = |span: usize| match trace.children(span as SpanIndex) {
        [child] if services[*child as usize] != services[span] => operations[*child as usize],
        _ => operations[span],
    };
    (0..operations.len()).map(of).collect()
}
