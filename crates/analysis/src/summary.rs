//! The row about a whole trace that is stored when a segment is sealed.

use model::{Trace, TraceSummary};

use crate::critical_path::critical_by_service;

/// The model's summary, with each service's time on the critical path filled in.
#[must_use]
pub fn summarise(trace: &Trace) -> TraceSummary {
    let mut summary = TraceSummary::of(trace);
    for (name, time) in critical_by_service(trace) {
        if let Ok(position) = summary.services.binary_search_by(|service| service.name.cmp(&name)) {
            summary.services[position].critical = time;
        }
    }
    summary
}
