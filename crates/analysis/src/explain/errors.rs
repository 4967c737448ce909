//! Errors over many traces, grouped by where they began, what they look like and their message without its numbers.

use std::collections::BTreeMap;

use model::{Duration, Span, SpanIndex, Text, Value};

use super::view::View;
use super::{Draft, Total};
use crate::fault::{FaultKind, Origin, OriginPlace, fault_path_on, is_error};
use crate::finding::{Confidence, EvidenceSet, Finding, FindingKind, Place, Unit};
use crate::limits::{ERROR_GROUPS_MAX, ERROR_PATHS_MAX, MESSAGE_LENGTH_MAX};
use crate::peer::Peers;
use crate::sketch::Sketch;

/// Errors by origin.
#[derive(Clone, Debug, Default)]
pub(crate) struct Errors {
    groups: BTreeMap<Key, Group>,
    pub(crate) left_out: u64,
}

type Key = (OriginPlace, FaultKind, bool, Text);

#[derive(Clone, Debug, Default)]
struct Group {
    traces: u64,
    origins: u64,
    /// Time on the critical path until the error was there.
    times: Sketch,
    /// Services from the outermost that erred to the origin, and how often.
    paths: BTreeMap<Text, u64>,
    evidence: EvidenceSet,
}

impl Errors {
    pub(crate) fn add(&mut self, view: &View<'_>, peers: &Peers) {
        if !view.trace.spans().iter().any(is_error) {
            return;
        }
        let faults = fault_path_on(view.trace, &view.times, peers);
        let mut here: BTreeMap<Key, Vec<&Origin>> = BTreeMap::new();
        for origin in &faults.origins {
            let message = message_of(view.trace.span(origin.span));
            here.entry((origin.place.clone(), origin.kind, origin.absorbed, message)).or_default().push(origin);
        }
        for (key, origins) in here {
            if self.groups.len() >= ERROR_GROUPS_MAX && !self.groups.contains_key(&key) {
                self.left_out += 1;
                continue;
            }
            let group = self.groups.entry(key).or_default();
            group.traces += 1;
            group.origins += origins.len() as u64;
            let time = origins.iter().map(|origin| view.critical_below(origin.span)).sum();
            group.times.insert(Duration(time));
            let path = path_of(view, origins[0]);
            if group.paths.len() < ERROR_PATHS_MAX || group.paths.contains_key(&path) {
                *group.paths.entry(path).or_default() += 1;
            }
            group.evidence.add(time, view.trace.id(), || {
                view.ids(&origins.iter().flat_map(|origin| origin.chain.iter().copied()).collect::<Vec<SpanIndex>>())
            });
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (key, theirs) in other.groups {
            let ours = self.groups.entry(key).or_default();
            ours.traces += theirs.traces;
            ours.origins += theirs.origins;
            ours.times.merge(&theirs.times);
            theirs.paths.into_iter().for_each(|(path, count)| *ours.paths.entry(path).or_default() += count);
            ours.evidence.merge(theirs.evidence);
        }
        self.left_out += other.left_out;
    }

    pub(crate) fn findings(&self, total: &Total) -> Vec<Finding> {
        self.groups.iter().map(|(key, group)| finding(total, key, group)).collect()
    }
}

fn finding(total: &Total, (place, kind, absorbed, message): &Key, group: &Group) -> Finding {
    let share = group.traces as f64 / total.traces.max(1) as f64;
    let path = group.paths.iter().max_by_key(|(path, count)| (**count, std::cmp::Reverse((*path).clone())));
    let path = path.map(|(path, _)| path.to_string()).unwrap_or_default();
    let said = if message.is_empty() { String::new() } else { format!(": {message}") };
    let finding_kind = match (absorbed, kind) {
        (true, _) => FindingKind::HandledError,
        (false, FaultKind::Timeout) => FindingKind::Timeout,
        (false, _) => FindingKind::Error,
    };
    let (title, next_step) = words(place, *kind, *absorbed);
    let lost = group.times.quantile(0.5);
    let cost = if *absorbed { group.times.sum().0 as f64 / total.time.max(1) as f64 } else { share };
    Draft {
        kind: finding_kind,
        place: place_of(place),
        title,
        what: format!(
            "in {} of {} traces{said}; path: {path}; {lost} of the critical path until then",
            group.traces, total.traces
        ),
        seen: group.traces,
        cost: lost,
        confidence: Confidence::Evidence,
        reason: if *absorbed {
            "the span above went on without an error: it was handled, and is not the cause of a failure".into()
        } else {
            "no span below it erred, and every span above it passed the error on".into()
        },
        next_step,
        impact: cost,
        figures: vec![("traces_share", share, Unit::Share), ("errors", group.origins as f64, Unit::Count)],
        evidence: group.evidence.list(),
        variant: format!("{} {absorbed} {message}", kind.name()),
        ..Draft::new(total)
    }
    .finding()
}

fn words(place: &OriginPlace, kind: FaultKind, absorbed: bool) -> (String, String) {
    let handled = if absorbed { " (handled)" } else { "" };
    match (kind, place) {
        (FaultKind::Timeout, OriginPlace::Edge(caller, callee)) => (
            format!("{caller} stopped waiting for {}{handled}", or_unknown(callee)),
            "compare the caller's time limit with how long the callee usually takes; look at the callee's span, if it came".into(),
        ),
        (FaultKind::Refused, _) => (
            format!("nobody answered: {place}{handled}"),
            "look whether the callee was up and reachable at that address then".into(),
        ),
        _ => (
            format!("errors begin in {place}{handled}"),
            "open one of the traces at the first span named: its status, exception and logs".into(),
        ),
    }
}

fn or_unknown(name: &str) -> &str {
    if name.is_empty() { "an unnamed callee" } else { name }
}

fn place_of(place: &OriginPlace) -> Place {
    match place {
        OriginPlace::Service(service) => Place::Service(service.clone()),
        OriginPlace::Edge(caller, callee) => Place::Edge {
            caller: caller.clone(),
            operation: Text::default(),
            callee: callee.clone(),
            called: Text::default(),
        },
    }
}

/// Services from the outermost erring span to the origin, and the callee of an edge.
fn path_of(view: &View<'_>, origin: &Origin) -> Text {
    let mut services: Vec<&str> = origin.chain.iter().rev().map(|&span| view.trace.span(span).service_name()).collect();
    services.dedup();
    if let OriginPlace::Edge(_, callee) = &origin.place {
        services.push(or_unknown(callee));
    }
    services.join(" > ").into()
}

/// What the span says of its error, without what differs from case to case.
fn message_of(span: &Span) -> Text {
    let exception = span.events.iter().find(|event| &*event.name == "exception");
    let of_exception = |key: &str| exception.and_then(|event| event.attributes.text(key)).unwrap_or_default();
    let status = ["http.response.status_code", "http.status_code", "rpc.response.status_code", "rpc.grpc.status_code"]
        .iter()
        .find_map(|key| Some(format!("status {}", span.attributes.get(key)?)));
    let said = [
        &*span.status.message,
        of_exception("exception.message"),
        of_exception("exception.type"),
        span.attributes.get("error.type").and_then(Value::as_str).unwrap_or_default(),
    ];
    let text = said.into_iter().find(|text| !text.is_empty()).map(str::to_owned).or(status).unwrap_or_default();
    normalised_message(&text).into()
}

/// A message without what differs from case to case: words with digits in them (ids, numbers, addresses) become `#`, and
/// what is longer than [`MESSAGE_LENGTH_MAX`] is cut. Three digits on their own stay: they are mostly a status.
///
/// ```
/// assert_eq!(analysis::normalised_message("user 8d3f-11 not found after 1500 ms"), "user # not found after # ms");
/// assert_eq!(analysis::normalised_message("status 503"), "status 503");
/// ```
#[must_use]
pub fn normalised_message(message: &str) -> String {
    let mut out = String::new();
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    let mut rest = message;
    while let Some(first) = rest.chars().next() {
        if out.chars().count() >= MESSAGE_LENGTH_MAX {
            out.push('…');
            break;
        }
        let length = if is_word(first) {
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else {
            rest.find(is_word).unwrap_or(rest.len())
        };
        let (piece, after) = rest.split_at(length);
        rest = after;
        let word = piece.trim_end_matches(['.', ':', '-']);
        let is_status = word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_digit());
        if word.contains(|c: char| c.is_ascii_digit()) && !is_status {
            out.push('#');
            out.push_str(&piece[word.len()..]);
        } else {
            out.push_str(piece);
        }
    }
    out.trim().to_owned()
}
