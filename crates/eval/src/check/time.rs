//! How spans lie to one another in time and in the tree.

use model::{Duration, Span, SpanIndex, Text};

use super::trace::{Judged, Selection};
use super::{Finding, State};
use crate::suite::{Range, Relation, Selector};

fn selections(selectors: &[Selector], judged: &Judged<'_>) -> Result<Vec<Selection>, Box<Finding>> {
    selectors.iter().map(|selector| judged.select(selector)).collect()
}

/// The selections, or the first that is empty.
fn none_empty(mut selections: Vec<Selection>) -> Result<Vec<Selection>, Selection> {
    match selections.iter().position(|selection| selection.spans.is_empty()) {
        Some(empty) => Err(selections.swap_remove(empty)),
        None => Ok(selections),
    }
}

pub(super) fn order(selectors: &[Selector], judged: &Judged<'_>) -> Finding {
    let selections = match selections(selectors, judged) {
        Ok(selections) => selections,
        Err(finding) => return *finding,
    };
    let texts: Vec<String> = selections.iter().map(|selection| selection.text.clone()).collect();
    let expected = format!("{}, each over before the next begins", quoted(&texts, " then "));
    let selections = match none_empty(selections) {
        Ok(selections) => selections,
        Err(empty) => return empty.absent(expected),
    };
    for pair in selections.windows(2) {
        let last = pair[0].spans.iter().copied().max_by_key(|&span| judged.trace.span(span).end);
        let first = pair[1].spans.iter().copied().min_by_key(|&span| judged.trace.span(span).start);
        let (Some(last), Some(first)) = (last, first) else { continue };
        let overlap = judged.trace.span(last).end - judged.trace.span(first).start;
        // Ends touch in clocks of millisecond resolution.
        if overlap > Duration::ZERO {
            let found = format!("`{}` ends {overlap} after `{}` begins", pair[0].text, pair[1].text);
            let evidence = [(last, "ends too late".to_owned()), (first, "begins too early".to_owned())];
            return Finding::new(State::FailedForGood, expected, found).noted(evidence).selectors(texts);
        }
    }
    let firsts: Vec<SpanIndex> = selections.iter().filter_map(|selection| selection.spans.first().copied()).collect();
    Finding::new(State::HeldSoFar, expected, "in this order").evidence(firsts).selectors(texts)
}

pub(super) fn parallel(selectors: &[Selector], judged: &Judged<'_>) -> Finding {
    let selections = match selections(selectors, judged) {
        Ok(selections) => selections,
        Err(finding) => return *finding,
    };
    let texts: Vec<String> = selections.iter().map(|selection| selection.text.clone()).collect();
    let expected = format!("{} at the same time", quoted(&texts, " and "));
    let selections = match none_empty(selections) {
        Ok(selections) => selections,
        Err(empty) => return empty.absent(expected),
    };
    let mut evidence = Vec::new();
    for (position, one) in selections.iter().enumerate() {
        for other in &selections[position + 1..] {
            let overlapping = one.spans.iter().find_map(|&a| {
                let lies = |&&b: &&SpanIndex| a != b && overlap(judged.trace.span(a), judged.trace.span(b));
                other.spans.iter().find(lies).map(|&b| [a, b])
            });
            let Some(pair) = overlapping else {
                let found = format!("`{}` and `{}` share no moment", one.text, other.text);
                let spans = one.spans.first().into_iter().chain(other.spans.first()).copied();
                return Finding::new(State::Absent, expected, found).evidence(spans).selectors(texts);
            };
            evidence.extend(pair);
        }
    }
    Finding::new(State::HeldForGood, expected, "they overlap").evidence(evidence).selectors(texts)
}

fn overlap(a: &Span, b: &Span) -> bool {
    a.start < b.end && b.start < a.end
}

pub(super) fn relation(left: &Selector, relation: Relation, right: &Selector, judged: &Judged<'_>) -> Finding {
    let (left, right) = match (judged.select(left), judged.select(right)) {
        (Ok(left), Ok(right)) => (left, right),
        (Err(finding), _) | (_, Err(finding)) => return *finding,
    };
    let word = Relation::ALL.iter().find(|(_, candidate)| *candidate == relation).map_or("", |(word, _)| *word);
    let expected = format!("every `{}` lies {} some `{}`", left.text, word.replace('_', " "), right.text);
    let texts = [left.text.clone(), right.text.clone()];
    if left.spans.is_empty() {
        let reason = format!("no span of `{}` to judge", left.text);
        return Finding::not_evaluable(expected, reason).nearest(left.nearest).selectors(texts);
    }
    if right.spans.is_empty() {
        return right.absent(expected);
    }
    let against: Vec<SpanIndex> = left
        .spans
        .iter()
        .copied()
        .filter(|&span| !right.spans.iter().any(|&other| lies(judged, span, relation, other)))
        .collect();
    if against.is_empty() {
        return Finding::new(State::HeldSoFar, expected, "all do").evidence(left.spans).selectors(texts);
    }
    let found = format!("{} of {} do not", against.len(), left.spans.len());
    Finding::new(State::FailedSoFar, expected, found).evidence(against).selectors(texts)
}

fn lies(judged: &Judged<'_>, left: SpanIndex, relation: Relation, right: SpanIndex) -> bool {
    let (a, b) = (judged.trace.span(left), judged.trace.span(right));
    match relation {
        Relation::Before => a.end <= b.start,
        Relation::After => a.start >= b.end,
        Relation::Overlaps => left != right && overlap(a, b),
        Relation::Within => left != right && a.start >= b.start && a.end <= b.end,
        Relation::Child => judged.trace.parent(left) == Some(right),
        Relation::Descendant => {
            let mut at = left;
            while let Some(parent) = judged.trace.parent(at) {
                if parent == right {
                    return true;
                }
                at = parent;
            }
            false
        }
        Relation::SameService => a.service_name() == b.service_name(),
        Relation::Linked => a.links.iter().any(|link| link.trace_id == b.trace_id && link.span_id == b.span_id),
    }
}

pub(super) fn critical_path(service: &Text, share: &Range, judged: &Judged<'_>) -> Finding {
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let expected = format!("{} of the critical path in {service}", share.words(percent));
    let path = analysis::critical_path(judged.trace);
    let by_service = path.by_service(judged.trace);
    let total: i64 = by_service.iter().map(|(_, time)| time.nanos()).sum();
    if total == 0 {
        return Finding::not_evaluable(expected, "the trace has no duration");
    }
    let spans = judged.trace.spans();
    let of_service = || spans.iter().enumerate().filter(|(_, span)| span.service_name() == &**service);
    if of_service().next().is_none() {
        return Finding::new(State::Absent, expected, format!("no span of {service}"));
    }
    let part = |time: &Duration| time.nanos() as f64 / total as f64;
    let own = by_service.iter().find(|(name, _)| name == service).map_or(0.0, |(_, time)| part(time));
    let others: Vec<String> =
        by_service.iter().take(4).map(|(name, time)| format!("{name} {}", percent(part(time)))).collect();
    let found = format!("{} ({})", percent(own), others.join(", "));
    let state = if share.holds(own) { State::HeldSoFar } else { State::FailedSoFar };
    let mut evidence: Vec<(SpanIndex, Duration)> =
        path.by_span().into_iter().filter(|(span, _)| judged.trace.span(*span).service_name() == &**service).collect();
    evidence.sort_by_key(|&(span, time)| (std::cmp::Reverse(time), span));
    Finding::new(state, expected, found)
        .noted(evidence.into_iter().map(|(span, time)| (span, format!("{time} on the critical path"))))
}

fn quoted(texts: &[String], between: &str) -> String {
    texts.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(between)
}
