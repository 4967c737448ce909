//! Whatever the ids, times, kinds and attributes: nothing panics, and time is conserved.

use analysis::{
    AttributeProfile, Change, Edit, ExplainOptions, Explanation, OperationName, PathVerdict, Peers, ServiceGraph,
    SiblingOrders, StructureProfile, Timeline, attempts, cache_accesses, calls, compare_structure, critical_path,
    critical_path_below, drags, edit_of, fault_path, retime, self_time, sequential_runs, slacks, summarise,
};
use model::{Attributes, Instant, Resource, Span, SpanId, SpanIndex, SpanKind, StatusCode, Trace, TraceId};
use proptest::prelude::*;

type Raw = (u8, u8, u64, u64, i32, i32, u8);

fn trace(raw: Vec<Raw>) -> Trace {
    let spans = raw.into_iter().map(|(id, parent, start, length, kind, status, service)| {
        let mut span = Span::new(TraceId([9; 16]), SpanId([id; 8]), format!("op{}", id % 3));
        span.parent_span_id = (parent > 0).then_some(SpanId([parent; 8]));
        span.start = Instant(start);
        // Some end before they start, some never.
        span.end = Instant(if length == 0 { 0 } else { (start + length).saturating_sub(5) });
        (span.kind, span.status.code) = (SpanKind(kind), StatusCode(status));
        if service > 3 {
            span.attributes.push("server.address", format!("h{}", service % 2));
            span.attributes.push("http.response.status_code", i64::from(service) * 100);
        }
        let attributes = Attributes::from_iter([("service.name", format!("s{}", service % 3))]);
        span.resource = Resource { attributes, ..Resource::default() }.into();
        span
    });
    Trace::assemble(TraceId([9; 16]), spans.collect(), Vec::new())
}

proptest! {
    #[test]
    fn nothing_panics_and_time_is_conserved(
        raw in prop::collection::vec((1_u8..20, 0_u8..22, 0_u64..60, 0_u64..40, 0_i32..7, 0_i32..4, 0_u8..8), 0..40)
    ) {
        let trace = trace(raw);
        let times = Timeline::of(&trace);
        for root in 0..trace.spans().len() as SpanIndex {
            let path = critical_path_below(&trace, root);
            prop_assert_eq!(path.duration(), times.duration(root));
            prop_assert!(path.segments.windows(2).all(|pair| pair[0].end == pair[1].start));
            prop_assert!(path.segments.iter().all(|piece| piece.start < piece.end));
        }
        for (span, own) in (0..).zip(self_time(&trace)) {
            prop_assert!(own.0 >= 0 && own <= times.duration(span));
        }
        let mut peers = Peers::default();
        peers.learn(&trace);
        let errors = fault_path(&trace, &peers);
        let listed = |span: &SpanIndex| errors.error_spans.contains(span);
        prop_assert!(errors.origins.iter().all(|origin| origin.chain.iter().all(listed)));
        let count = attempts(&trace, &peers).iter().map(|call| call.attempts as usize).sum::<usize>();
        prop_assert!(count <= calls(&trace, &peers).len());
        prop_assert!(cache_accesses(&trace, &[]).is_empty());
        ServiceGraph::default().add(&trace, &peers);
        SiblingOrders::new().add(&trace);
        let summary = summarise(&trace);
        if let Some(&root) = trace.roots().first() {
            let critical = summary.services.iter().map(|service| service.critical).sum::<model::Duration>();
            prop_assert_eq!(critical, times.duration(root));
        }
        let mut findings = Explanation::new(ExplainOptions::default());
        findings.add(&trace);
        let explained = findings.finish();
        prop_assert!(explained.findings.iter().all(|finding| finding.traces.0 <= 1));
        prop_assert!(explained.findings.iter().all(|finding| (0.0..=1.0).contains(&finding.impact)));
        // Merging into nothing changes nothing.
        let mut merged = Explanation::new(ExplainOptions::default());
        merged.merge(findings);
        prop_assert_eq!(merged.finish(), explained);
        let path = critical_path(&trace);
        let (drag, slack) = (drags(&trace, &times, &path), slacks(&trace, &times, &path));
        for span in 0..trace.spans().len() {
            prop_assert!(drag[span].0 >= 0 && drag[span] <= times.duration(span as SpanIndex));
            prop_assert!(slack[span].0 >= 0);
        }
        let structure = StructureProfile::of(&trace);
        prop_assert!(compare_structure(&structure, &structure).iter().all(|one| one.verdict == PathVerdict::Same));
        AttributeProfile::new().add(&trace);
        let changes = [
            Change::SpeedUp { operation: OperationName::new("op1"), factor: 2.0 },
            Change::Parallel(vec![OperationName::new("op1"), OperationName::new("op2")]),
            Change::DropRetries(Vec::new()),
        ];
        if let Some(&root) = trace.roots().first() {
            let after = retime(&trace, &edit_of(&trace, &times, &changes).0)[root as usize];
            prop_assert!(after <= times.duration(root));
        }
        // An edit that changes nothing changes nothing; side by side is never slower.
        let same: Vec<_> = (0..trace.spans().len() as SpanIndex).map(|span| times.duration(span)).collect();
        prop_assert_eq!(&retime(&trace, &Edit::default()), &same);
        let edit = Edit { side_by_side: sequential_runs(&trace, 2), ..Edit::default() };
        prop_assert!(retime(&trace, &edit).iter().zip(&same).all(|(after, before)| after <= before));
    }
}
