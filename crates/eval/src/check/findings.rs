//! What is found in the traces of all attempts together, by the same analysis as `headwater explain`.

use analysis::{Explained, Place};
use model::Duration;

use super::trace::Judged;
use super::{Finding, State};
use crate::suite::{FindingsCheck, Range, percent};

/// Of one attempt alone nothing is judged: what its trace shows is found together with the others.
pub(super) fn of_one(judged: &Judged<'_>) -> Finding {
    let found = format!("{} spans, judged together with those of all attempts", judged.trace.spans().len());
    Finding::new(State::HeldSoFar, "a whole trace in which something can be found", found)
}

/// What all whole traces together show, and the findings that count.
pub(crate) fn of_all<'e>(check: &FindingsCheck, explained: &'e Explained) -> (Finding, Vec<&'e analysis::Finding>) {
    let expected = words(check);
    if explained.traces == 0 {
        return (Finding::not_evaluable(expected, "no attempt has a whole trace"), Vec::new());
    }
    let counting: Vec<&analysis::Finding> = explained.findings.iter().filter(|one| counts(check, one)).collect();
    let untold = explained.cannot_tell.iter().filter(|one| one.kinds.iter().any(|kind| check.kinds.contains(kind)));
    let untold: Vec<&str> = untold.map(|one| one.why.as_str()).collect();
    if counting.is_empty() && !untold.is_empty() {
        return (Finding::not_evaluable(expected, untold.join("; ")), counting);
    }
    let holds = check.count.holds(counting.len() as f64);
    let state = if holds { State::HeldSoFar } else { State::FailedForGood };
    let titles: Vec<String> = counting.iter().map(|one| told(one)).collect();
    let titles = if titles.is_empty() { "none".to_owned() } else { titles.join("; ") };
    let found = format!("{titles}, in {} traces with {} spans", explained.traces, explained.spans);
    (Finding::new(state, expected, found), counting)
}

fn told(one: &analysis::Finding) -> String {
    let title = one.title.trim_end_matches('.');
    let cost = if one.cost > Duration::ZERO { format!(", costs {} a trace", one.cost) } else { String::new() };
    format!("{title} ({} of {} traces{cost}; {})", one.traces.0, one.traces.1, one.id)
}

fn counts(check: &FindingsCheck, one: &analysis::Finding) -> bool {
    let exceeds = |range: &Option<Range>, value: f64| range.as_ref().is_none_or(|range| !range.holds(value));
    (check.kinds.is_empty() || check.kinds.contains(&one.kind))
        && one.confidence >= check.sure
        && check.edge.as_ref().is_none_or(|edge| is_on(&one.place, &edge.caller, &edge.callee))
        && check.service.as_ref().is_none_or(|service| is_at(&one.place, service))
        && !check.suppress.contains(&one.id)
        && exceeds(&check.cost, one.cost.nanos() as f64)
        && exceeds(&check.saving, one.saving.map_or(0.0, |saving| saving.median.nanos() as f64))
        && exceeds(&check.impact, one.impact)
}

fn is_on(place: &Place, of: &str, to: &str) -> bool {
    matches!(place, Place::Edge { caller, callee, .. } if &**caller == of && &**callee == to)
}

fn is_at(place: &Place, name: &str) -> bool {
    match place {
        Place::Service(service) | Place::Operation { service, .. } => &**service == name,
        Place::Edge { caller, callee, .. } => &**caller == name || &**callee == name,
        Place::Hosts(..) | Place::Traces => false,
    }
}

fn words(check: &FindingsCheck) -> String {
    let kinds: Vec<&str> = check.kinds.iter().map(|kind| kind.name()).collect();
    let kinds = if kinds.is_empty() { String::new() } else { format!(" of {}", kinds.join(", ")) };
    let edge = check.edge.as_ref().map(|edge| format!(" on {edge}")).unwrap_or_default();
    let service = check.service.as_ref().map(|service| format!(" at {service}")).unwrap_or_default();
    let nanos = |value: f64| Duration(value as i64).to_string();
    let bounds = [
        check.cost.map(|range| format!("cost {}", range.words(nanos))),
        check.saving.map(|range| format!("could save {}", range.words(nanos))),
        check.impact.map(|range| format!("have an impact of {}", range.words(percent))),
    ];
    let bounds: Vec<String> = bounds.into_iter().flatten().collect();
    let but = if bounds.is_empty() { String::new() } else { format!(", besides those that {}", bounds.join(" and ")) };
    let count = if check.count == Range::exactly(0.0) { "no".to_owned() } else { check.count.to_string() };
    format!("{count} findings{kinds}{edge}{service}{but}")
}
