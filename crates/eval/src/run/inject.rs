//! Faults by proxies: put in before the main step is sent, ended once its trace is judged, and asked whether they hit.
//! A fault that hit nothing tried nothing: whatever then holds, or fails, says nothing about it.

use model::TraceId;

use super::again;
use super::attempt::Sent;
use super::runner::Shared;
use crate::injector::InjectedFault;
use crate::report::{AssertionReport, Verdict};
use crate::suite::{Injection, MAIN_STEP, Scenario, Step};

/// The kind under which reports tell of them.
const KIND: &str = "faults";

/// Puts the scenario's faults in if this is its main step.
pub(super) async fn begin(
    shared: &Shared,
    scenario: &Scenario,
    step: &Step,
    trace: TraceId,
) -> Result<Option<u64>, String> {
    if step.name != MAIN_STEP || scenario.injections.is_empty() {
        return Ok(None);
    }
    let Some(injector) = &shared.host.injector else {
        return Err(format!("no proxy stands on `{}`: {}", scenario.injections[0].rule.edge, WHERE));
    };
    let rules = scenario.injections.iter().map(|injection| injection.rule.clone()).collect();
    injector.begin(trace, rules).await.map(Some).map_err(|error| error.message)
}

const WHERE: &str = "name it under `proxies`, or start `headwater proxy` and say `--via`";

/// Ends the faults of what was sent; what each did.
pub(super) async fn end(shared: &Shared, sent: &[Sent<'_>]) -> Result<Vec<InjectedFault>, String> {
    let mut ended = Vec::new();
    for lease in sent.iter().filter_map(|sent| sent.lease) {
        if let Some(injector) = &shared.host.injector {
            ended.extend(injector.end(lease).await.map_err(|error| error.message)?);
        }
    }
    Ok(ended)
}

/// Whether each fault hit; of a run that is judged again, as it was found then.
pub(super) fn reports(
    shared: &Shared,
    scenario: &Scenario,
    number: u32,
    ended: &[InjectedFault],
) -> Vec<AssertionReport> {
    if let Some(run) = &shared.plan.options.again {
        let attempt = again::attempt(run, &scenario.name, number);
        let recorded = attempt.into_iter().flat_map(|attempt| &attempt.assertions);
        return recorded.filter(|report| report.kind == KIND).cloned().collect();
    }
    scenario.injections.iter().zip(ended).map(|(injection, fault)| report(injection, fault)).collect()
}

fn report(injection: &Injection, fault: &InjectedFault) -> AssertionReport {
    let missed = fault.hits == 0 && !injection.may_miss;
    AssertionReport {
        kind: KIND.to_owned(),
        text: fault.rule.clone(),
        verdict: if missed { Verdict::NotEvaluable } else { Verdict::Pass },
        expected: if missed { "a request that the fault hits".to_owned() } else { String::new() },
        found: format!("hit {} of {} on {}", fault.hits, requests(fault.seen, "of this trace"), fault.edge),
        reason: if missed { reason(fault) } else { String::new() },
        selectors: Vec::new(),
        evidence: Vec::new(),
        nearest: None,
        line: injection.place.line,
    }
}

/// Why it hit nothing, as far as the proxy can tell.
fn reason(fault: &InjectedFault) -> String {
    let edge = &fault.edge;
    if fault.seen > 0 {
        return format!(
            "{} crossed {edge}, and none was one that the fault is for (an answer shorter than the cut, a header that was not there, another attempt)",
            requests(fault.seen, "of this trace")
        );
    }
    match (fault.requests, fault.without_context) {
        (0, _) => format!("no request at all crossed the proxy on {edge}: is the caller started with its address?"),
        (others, 0) => format!("no request of this trace crossed {edge}; {} did", requests(others, "of other traces")),
        (others, without) => format!(
            "no request of this trace crossed {edge}; of {others} that did, {without} carried no `traceparent`: `headwater doctor` names the hop that loses it"
        ),
    }
}

fn requests(count: u64, whose: &str) -> String {
    format!("{count} request{} {whose}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::Place;

    fn told(seen: u64, hits: u64, requests: u64, without_context: u64, may_miss: bool) -> (Verdict, String) {
        let rule: fault::Rule = "a -> b: status=503".parse().expect("a rule");
        let fault =
            InjectedFault { edge: rule.edge.clone(), rule: rule.to_string(), seen, hits, requests, without_context };
        let report = report(&Injection { rule, may_miss, place: Place { line: 1, column: 1, width: 1 } }, &fault);
        (report.verdict, report.reason)
    }

    #[test]
    fn a_fault_that_hits_nothing_makes_nothing_pass() {
        assert_eq!(told(3, 1, 3, 0, false), (Verdict::Pass, String::new()));
        assert_eq!(told(0, 0, 0, 0, true), (Verdict::Pass, String::new()));
        let check = |told: (Verdict, String), reason: &str| {
            assert_eq!(told.0, Verdict::NotEvaluable);
            assert!(told.1.contains(reason), "{}", told.1);
        };
        check(told(0, 0, 0, 0, false), "no request at all crossed the proxy on a -> b");
        check(told(0, 0, 2, 0, false), "2 requests of other traces did");
        check(told(0, 0, 2, 1, false), "1 carried no `traceparent`");
        check(told(2, 0, 2, 0, false), "none was one that the fault is for");
    }
}
