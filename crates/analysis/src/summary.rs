//! The row about a whole trace that is stored when a segment is sealed.

use model::{SpanFacts as _, SpanTree, TraceSummary};

use crate::critical_path::{CriticalPath, critical_path};

/// The model's summary, with each service's time on the critical path filled in.
#[must_use]
pub fn summarise<T: SpanTree>(trace: &T) -> TraceSummary {
    summarise_on(trace, &critical_path(trace))
}

/// As [`summarise`] for a caller that has the critical path already.
#[must_use]
pub fn summarise_on<T: SpanTree>(trace: &T, path: &CriticalPath) -> TraceSummary {
    let mut summary = TraceSummary::of(trace);
    for segment in &path.segments {
        let name = trace.span(segment.span).service_name();
        if let Ok(position) = summary.services.binary_search_by(|service| (*service.name).cmp(name)) {
            summary.services[position].critical += segment.duration();
        }
    }
    summary
}
