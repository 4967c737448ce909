//! A stored trace: nothing is waited for; what is there is looked at once.

use model::Trace;

use super::assess::{Expected, assess};
use super::wait::{Wait, Waited};
use crate::OWN_SCOPE;
use crate::report::Outcome;
use crate::source::SourceError;

/// What the source keeps of the trace, and what is known to be missing of it.
///
/// # Errors
/// When the source cannot be asked.
pub(crate) async fn look_at_stored(wait: Wait<'_>) -> Result<Waited, SourceError> {
    let Some(trace) = wait.source.stored(wait.trace_id).await? else {
        let reason = "it is not stored: it was not received, or is past retention".to_owned();
        let trace = Trace::assemble(wait.trace_id, Vec::new(), Vec::new());
        return Ok(Waited { trace, outcome: Outcome::NoSpan, reasons: vec![reason], room: None });
    };
    let (mut spans, logs) = trace.without_scope(OWN_SCOPE).into_parts();
    // Whatever begins the trace is taken for what continues a request of ours.
    for span in &mut spans {
        span.parent_span_id.get_or_insert(wait.own_span);
    }
    let learned = wait.learned.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let expected = Expected { own_span: wait.own_span, services: wait.services, edges: wait.edges, learned: &learned };
    let assessment = assess(&spans, &expected);
    drop(learned);
    for span in &mut spans {
        span.parent_span_id = span.parent_span_id.filter(|parent| *parent != wait.own_span);
    }
    let (outcome, reasons) = match (spans.is_empty(), assessment.certain.is_empty()) {
        (true, _) => (Outcome::NoSpan, vec!["nothing but spans of the runner is stored of it".to_owned()]),
        (false, true) => (Outcome::Complete, vec!["every span that something stored refers to is there".to_owned()]),
        (false, false) => (Outcome::Quiet, assessment.reasons()),
    };
    Ok(Waited { trace: Trace::assemble(wait.trace_id, spans, logs), outcome, reasons, room: None })
}
