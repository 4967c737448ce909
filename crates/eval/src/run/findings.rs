//! The assertion `findings`, on the whole traces of all attempts together.

use analysis::{Explanation, Place};

use super::attempt::assertion_report;
use crate::check::{findings_of_all, settle_answer};
use crate::limits::EVIDENCE_MAX;
use crate::report::{AssertionReport, EvidenceSpan};
use crate::suite::{Assertion, FindingsCheck};

/// What `explanation`, of all whole traces, says of `assertion`; there is none where no trace was whole.
pub(super) fn findings(
    assertion: &Assertion,
    check: &FindingsCheck,
    explanation: Option<&Explanation>,
) -> AssertionReport {
    let explained = explanation.cloned().unwrap_or_default().finish();
    let (finding, counting) = findings_of_all(check, &explained);
    // Only whole traces went in: nothing more can come.
    let settled = settle_answer(&finding, assertion.optional);
    AssertionReport {
        evidence: counting.into_iter().filter_map(first_span).take(EVIDENCE_MAX).collect(),
        ..assertion_report(assertion, finding, settled, None)
    }
}

/// The first span of the trace that shows a finding best.
fn first_span(finding: &analysis::Finding) -> Option<EvidenceSpan> {
    let evidence = finding.evidence.first()?;
    let (service, name) = match &finding.place {
        Place::Service(service) => (&**service, ""),
        Place::Operation { service, operation } => (&**service, &**operation),
        Place::Edge { callee, called, .. } => (&**callee, &**called),
        Place::Hosts(..) | Place::Traces => ("", ""),
    };
    Some(EvidenceSpan {
        trace_id: evidence.trace.to_string(),
        span_id: evidence.spans.first()?.to_string(),
        service: service.to_owned(),
        name: name.to_owned(),
        note: finding.what.clone(),
    })
}
