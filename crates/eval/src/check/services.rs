//! Which services have spans, and who calls whom.

use std::collections::{BTreeMap, BTreeSet};

use model::{SpanIndex, Text};

use super::trace::Judged;
use super::{Finding, State};
use crate::suite::{Edge, ServicesCheck};

pub(super) fn services(checks: &[ServicesCheck], judged: &Judged<'_>) -> Finding {
    Finding::all(checks.iter().map(|check| one(check, judged)).collect())
}

fn one(check: &ServicesCheck, judged: &Judged<'_>) -> Finding {
    let mut first: BTreeMap<&str, SpanIndex> = BTreeMap::new();
    for (index, span) in judged.trace.spans().iter().enumerate() {
        first.entry(span.service_name()).or_insert(index as SpanIndex);
    }
    let found = format!("spans of {}", joined(first.keys().copied()));
    let missing =
        |names: &[Text]| -> Vec<Text> { names.iter().filter(|name| !first.contains_key(&***name)).cloned().collect() };
    let absent = |names: &[Text]| -> Option<Finding> {
        let missing = missing(names);
        let expected = format!("spans of {}", joined(missing.iter().map(|name| &**name)));
        (!missing.is_empty()).then(|| Finding::new(State::Absent, expected, found.clone()))
    };
    match check {
        ServicesCheck::All => {
            absent(judged.services).unwrap_or_else(|| Finding::new(State::HeldForGood, "", found.clone()))
        }
        ServicesCheck::Include(names) => {
            absent(names).unwrap_or_else(|| Finding::new(State::HeldForGood, "", found.clone()))
        }
        ServicesCheck::Exactly(names) => {
            let others = first.iter().filter(|(name, _)| names.iter().all(|allowed| **allowed != ***name));
            let others: Vec<SpanIndex> = others.map(|(_, &span)| span).collect();
            if !others.is_empty() {
                let expected = format!("spans of {} only", joined(names.iter().map(|name| &**name)));
                return Finding::new(State::FailedForGood, expected, found).evidence(others);
            }
            absent(names).unwrap_or_else(|| Finding::new(State::HeldSoFar, "", found.clone()))
        }
        ServicesCheck::Exclude(names) => {
            let there: Vec<SpanIndex> = names.iter().filter_map(|name| first.get(&**name).copied()).collect();
            let expected = format!("no span of {}", joined(names.iter().map(|name| &**name)));
            let state = if there.is_empty() { State::HeldSoFar } else { State::FailedForGood };
            Finding::new(state, expected, found).evidence(there)
        }
    }
}

pub(super) fn edges(edges: &[Edge], exactly: bool, judged: &Judged<'_>) -> Finding {
    let calls = analysis::calls(judged.trace, judged.peers);
    let mut there: BTreeMap<Edge, SpanIndex> = BTreeMap::new();
    for call in &calls {
        // A call whose callee sent nothing is an edge too if it is known whom it reached for.
        let Some(span) = call.client.or(call.server) else { continue };
        if call.callee.is_empty() || (call.server.is_none() && !call.failed) {
            continue;
        }
        there.entry(Edge { caller: call.caller.clone(), callee: call.callee.clone() }).or_insert(span);
    }
    let found = format!("calls {}", joined_edges(there.keys()));
    let missing: Vec<&Edge> = edges.iter().filter(|edge| !there.contains_key(*edge)).collect();
    let others: Vec<(SpanIndex, String)> = there
        .iter()
        .filter(|(edge, _)| exactly && !edges.contains(edge))
        .map(|(edge, &span)| (span, edge.to_string()))
        .collect();
    if !others.is_empty() {
        let expected = format!("no call but {}", joined_edges(edges.iter()));
        return Finding::new(State::FailedForGood, expected, found).noted(others);
    }
    if !missing.is_empty() {
        let expected = format!("calls {}", joined_edges(missing.iter().copied()));
        let nearest = missing.iter().find_map(|edge| unanswered(edge, judged));
        return Finding::new(State::Absent, expected, found).nearest(nearest);
    }
    let state = if exactly { State::HeldSoFar } else { State::HeldForGood };
    Finding::new(state, "", found).evidence(edges.iter().filter_map(|edge| there.get(edge).copied()))
}

/// A client span of the caller that nobody answered.
fn unanswered(edge: &Edge, judged: &Judged<'_>) -> Option<(SpanIndex, String)> {
    let trace = judged.trace;
    let position = trace.spans().iter().enumerate().position(|(index, span)| {
        span.service_name() == &*edge.caller
            && span.kind == model::SpanKind::CLIENT
            && trace.children(index as SpanIndex).is_empty()
    })?;
    Some((position as SpanIndex, format!("a call of {} without a server span", edge.caller)))
}

fn joined<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: BTreeSet<&str> = names.collect();
    if names.is_empty() { "nobody".to_owned() } else { names.into_iter().collect::<Vec<_>>().join(", ") }
}

fn joined_edges<'a>(edges: impl Iterator<Item = &'a Edge>) -> String {
    let edges: Vec<String> = edges.map(ToString::to_string).collect();
    if edges.is_empty() { "none".to_owned() } else { edges.join(", ") }
}
