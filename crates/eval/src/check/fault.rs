//! How errors spread, and how calls were tried again.

use analysis::{Backoff, FaultKind, Origin, OriginPlace};

use super::trace::Judged;
use super::{Finding, State};
use crate::suite::{Edge, ErrorKind, FaultOrigin, FaultPathCheck, Range};

pub(super) fn fault_path(check: &FaultPathCheck, judged: &Judged<'_>) -> Finding {
    let path = analysis::fault_path(judged.trace, judged.peers);
    let found = || match path.origins.as_slice() {
        [] => "no error span".to_owned(),
        origins => origins.iter().take(5).map(words).collect::<Vec<_>>().join("; "),
    };
    let FaultPathCheck::Some { origin, kind, reaches, handled } = check else {
        if judged.trace.spans().is_empty() {
            return Finding::not_evaluable("no error span", "there is no span to judge");
        }
        let state = if path.is_none() { State::HeldSoFar } else { State::FailedForGood };
        let evidence = path.origins.iter().map(|origin| (origin.span, "an error begins here".to_owned()));
        return Finding::new(state, "no error span", found()).noted(evidence);
    };
    let expected = expected(origin.as_ref(), *kind, reaches.as_deref(), *handled);
    let fits = |candidate: &&Origin| {
        origin.as_ref().is_none_or(|origin| same_place(origin, &candidate.place))
            && kind.is_none_or(|kind| same_kind(kind, candidate.kind))
            && reaches.as_ref().is_none_or(|service| candidate.reaches.as_ref() == Some(service))
            && candidate.absorbed == handled.unwrap_or(false)
    };
    match path.origins.iter().find(fits) {
        Some(fitting) => {
            // The server span that would move an edge's origin into the callee may still be on its way.
            let state =
                if matches!(fitting.place, OriginPlace::Edge(..)) { State::HeldSoFar } else { State::HeldForGood };
            Finding::new(state, "", words(fitting)).evidence(fitting.chain.iter().copied())
        }
        None => {
            let evidence = path.origins.iter().map(|origin| (origin.span, words(origin)));
            Finding::new(State::Absent, expected, found()).noted(evidence)
        }
    }
}

fn words(origin: &Origin) -> String {
    let reaches = match &origin.reaches {
        Some(service) if origin.absorbed => format!("reached {service} and was handled above it"),
        Some(service) => format!("reached {service}"),
        None if origin.absorbed => "was handled".to_owned(),
        None => "reached no server span".to_owned(),
    };
    format!("{} in {}, which {reaches}", origin.kind.name(), origin.place)
}

fn expected(
    origin: Option<&FaultOrigin>,
    kind: Option<ErrorKind>,
    reaches: Option<&str>,
    handled: Option<bool>,
) -> String {
    let kind = match kind {
        Some(ErrorKind::Timeout) => "a timeout",
        Some(ErrorKind::Refused) => "a refused call",
        Some(ErrorKind::Error) | None => "an error",
    };
    let origin = match origin {
        Some(FaultOrigin::Service(service)) => format!(" that begins in {service}"),
        Some(FaultOrigin::Edge(edge)) => format!(" that begins on {edge}"),
        None => String::new(),
    };
    let reaches = reaches.map(|service| format!(" and reaches {service}")).unwrap_or_default();
    let handled = match handled {
        Some(true) => " and is handled",
        Some(false) => " and is not handled",
        None => "",
    };
    format!("{kind}{origin}{reaches}{handled}")
}

fn same_place(asked: &FaultOrigin, found: &OriginPlace) -> bool {
    match (asked, found) {
        (FaultOrigin::Service(asked), OriginPlace::Service(found)) => asked == found,
        (FaultOrigin::Edge(asked), OriginPlace::Edge(caller, callee)) => {
            asked.caller == *caller && asked.callee == *callee
        }
        _ => false,
    }
}

fn same_kind(asked: ErrorKind, found: FaultKind) -> bool {
    match asked {
        ErrorKind::Timeout => found == FaultKind::Timeout,
        ErrorKind::Refused => found == FaultKind::Refused,
        // A word for all that is neither; a timeout is an error of its own kind.
        ErrorKind::Error => found == FaultKind::Error,
    }
}

pub(super) fn retries(edge: &Edge, attempts: Option<Range>, growing: bool, judged: &Judged<'_>) -> Finding {
    let calls = analysis::attempts(judged.trace, judged.peers);
    let of_edge = calls.iter().filter(|call| call.caller == edge.caller && call.callee == edge.callee);
    let Some(call) = of_edge.max_by_key(|call| call.attempts) else {
        let found = format!("no call {edge}");
        return Finding::new(State::Absent, format!("attempts at {edge}"), found);
    };
    let gaps: Vec<String> = call.gaps.iter().map(ToString::to_string).collect();
    let gaps = if gaps.is_empty() { String::new() } else { format!(", {} apart", gaps.join(", ")) };
    let found = format!("{} attempts at {edge}{gaps}", call.attempts);
    let spans = || call.spans.iter().enumerate().map(|(n, &span)| (span, format!("attempt {}", n + 1)));
    let mut findings = Vec::new();
    if let Some(range) = attempts {
        let count = f64::from(call.attempts);
        let state = if range.above(count) {
            State::FailedForGood
        } else if range.below(count) {
            State::Absent
        } else {
            State::HeldSoFar
        };
        findings.push(Finding::new(state, format!("{range} attempts at {edge}"), found.clone()).noted(spans()));
    }
    if growing {
        let expected = format!("gaps that grow between the attempts at {edge}");
        findings.push(match call.backoff() {
            Backoff::Growing => Finding::new(State::HeldSoFar, expected, found).noted(spans()),
            Backoff::Unknown => {
                let reason = format!("{found}: growing gaps need at least three attempts");
                Finding::not_evaluable(expected, reason).noted(spans())
            }
            _ => Finding::new(State::FailedSoFar, expected, found).noted(spans()),
        });
    }
    Finding::all(findings)
}
