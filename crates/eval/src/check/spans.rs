//! Selections: count, each, any, none, where.

use model::SpanIndex;
use query::{AggregateFilter, AggregateFunction, Operator, Scalar};

use super::trace::{Judged, Selection};
use super::{Finding, State};
use crate::limits::EVIDENCE_MAX;
use crate::select;
use crate::suite::{Range, Selector, SpansTest, Template};

pub(super) fn spans(selector: &Selector, tests: &[SpansTest], judged: &Judged<'_>) -> Finding {
    let selection = match judged.select(selector) {
        Ok(selection) => selection,
        Err(finding) => return *finding,
    };
    let findings = tests.iter().map(|test| match test {
        SpansTest::Count(range) => count(range, &selection),
        SpansTest::Each(expression) => every(expression, &selection, judged, Every::Meets),
        SpansTest::None(expression) => every(expression, &selection, judged, Every::Misses),
        SpansTest::Any(expression) => any(expression, &selection, judged),
        SpansTest::Where(aggregate) => aggregated(aggregate, &selection, judged),
    });
    Finding::all(findings.collect()).selectors([selection.text])
}

fn count(range: &Range, selection: &Selection) -> Finding {
    let count = selection.spans.len() as f64;
    let expected = format!("{} of `{}`", spans_words(range), selection.text);
    let found = match selection.spans.len() {
        1 => "1 span".to_owned(),
        count => format!("{count} spans"),
    };
    let state = State::of_sum(range, count);
    let nearest = selection.nearest.clone().filter(|_| state == State::Absent);
    Finding::new(state, expected, found).evidence(selection.spans.iter().copied()).nearest(nearest)
}

fn spans_words(range: &Range) -> String {
    let words = range.to_string();
    if words == "1" { "1 span".to_owned() } else { format!("{words} spans") }
}

#[derive(Clone, Copy, PartialEq)]
enum Every {
    Meets,
    Misses,
}

fn every(expression: &Template, selection: &Selection, judged: &Judged<'_>, what: Every) -> Finding {
    let (tree, text) = match select::field(expression, judged.variables) {
        Ok(read) => read,
        Err(reason) => return Finding::not_evaluable("a field expression", reason),
    };
    let quantifier = if what == Every::Meets { "every" } else { "no" };
    let expected = format!("{quantifier} span of `{}` meets `{text}`", selection.text);
    if let Some(finding) = empty_or_unknown(&expected, &query::keys_of_field(&tree), selection, judged) {
        return finding;
    }
    if query::field_asks_duration(&tree)
        && let Some(finding) = backwards(&expected, selection, judged)
    {
        return finding;
    }
    let holds = |span: &SpanIndex| query::field_holds(&tree, &judged.view, *span) == (what == Every::Meets);
    let against: Vec<SpanIndex> = selection.spans.iter().copied().filter(|span| !holds(span)).collect();
    if against.is_empty() {
        return Finding::new(State::HeldSoFar, expected, format!("all {} do", selection.spans.len()));
    }
    let found = format!("{} of {} do not keep to it", against.len(), selection.spans.len());
    let noted = against.into_iter().take(EVIDENCE_MAX).map(|span| {
        let why = query::exclusions(&tree, &judged.view, span).into_iter().map(|exclusion| exclusion.found);
        (span, why.filter(|found| !found.is_empty()).collect::<Vec<_>>().join("; "))
    });
    Finding::new(State::FailedForGood, expected, found).noted(noted.collect::<Vec<_>>())
}

fn any(expression: &Template, selection: &Selection, judged: &Judged<'_>) -> Finding {
    let (tree, text) = match select::field(expression, judged.variables) {
        Ok(read) => read,
        Err(reason) => return Finding::not_evaluable("a field expression", reason),
    };
    let expected = format!("some span of `{}` meets `{text}`", selection.text);
    if let Some(reason) = select::unknown(&query::keys_of_field(&tree), judged.trace) {
        return Finding::not_evaluable(expected, reason);
    }
    if query::field_asks_duration(&tree)
        && let Some(finding) = backwards(&expected, selection, judged)
    {
        return finding;
    }
    match selection.spans.iter().copied().find(|&span| query::field_holds(&tree, &judged.view, span)) {
        Some(span) => Finding::new(State::HeldForGood, expected, "one does").evidence([span]),
        None => {
            let found = format!("none of {} does", selection.spans.len());
            let noted = selection.spans.iter().take(EVIDENCE_MAX).map(|&span| {
                let why = query::exclusions(&tree, &judged.view, span).into_iter().map(|exclusion| exclusion.found);
                (span, why.collect::<Vec<_>>().join("; "))
            });
            Finding::new(State::Absent, expected, found)
                .noted(noted.collect::<Vec<_>>())
                .nearest(selection.nearest.clone())
        }
    }
}

fn aggregated(aggregate: &Template, selection: &Selection, judged: &Judged<'_>) -> Finding {
    let (filter, text) = match select::aggregate(aggregate, judged.variables) {
        Ok(read) => read,
        Err(reason) => return Finding::not_evaluable("an aggregate", reason),
    };
    let expected = format!("`{text}` over `{}`", selection.text);
    if let Some(finding) = empty_or_unknown(&expected, &query::keys_of_aggregate(&filter), selection, judged) {
        return finding;
    }
    if query::aggregate_asks_duration(&filter)
        && let Some(finding) = backwards(&expected, selection, judged)
    {
        return finding;
    }
    let number = |side: &Scalar| query::number(side, &judged.view, &selection.spans);
    let Some(held) = query::meets(&filter, &judged.view, &selection.spans) else {
        return Finding::not_evaluable(expected, "no selected span has a number to aggregate");
    };
    let found = match (number(&filter.left), number(&filter.right)) {
        (Some(left), Some(right)) => format!("{} is {left}, compared with {right}", filter.left),
        _ => String::new(),
    };
    let state = match (held, more_spans_cannot_change(&filter, held)) {
        (true, true) => State::HeldForGood,
        (true, false) => State::HeldSoFar,
        (false, true) => State::FailedForGood,
        (false, false) => State::FailedSoFar,
    };
    Finding::new(state, expected, found).evidence(selection.spans.iter().copied())
}

/// Whether there is something to measure for `runs`, which is judged over all attempts.
pub(super) fn measurable(aggregate: &Template, selector: &Selector, judged: &Judged<'_>) -> Finding {
    let expected = "spans to measure over all attempts";
    let selection = match judged.select(selector) {
        Ok(selection) => selection,
        Err(finding) => return *finding,
    };
    let count = measured(aggregate, selector, judged).len();
    match (selection.spans.len(), count) {
        (0, _) => selection.absent(expected),
        (_, 0) => {
            Finding::not_evaluable(expected, "no selected span has a number to aggregate").selectors([selection.text])
        }
        _ => Finding::new(State::HeldForGood, expected, format!("{count} measured")).selectors([selection.text]),
    }
}

/// One number of each selected span; for `count()`, how many there are.
pub(super) fn measured(aggregate: &Template, selector: &Selector, judged: &Judged<'_>) -> Vec<f64> {
    let (Ok((filter, _)), Ok(selection)) = (select::aggregate(aggregate, judged.variables), judged.select(selector))
    else {
        return Vec::new();
    };
    let Scalar::Aggregate { of, .. } = &filter.left else { return Vec::new() };
    let Some(of) = of else { return vec![selection.spans.len() as f64] };
    // Of one span, the greatest of its values is its value.
    let each = Scalar::Aggregate { function: AggregateFunction::Max, of: Some(of.clone()), quantile: None };
    let value = |span: &SpanIndex| match query::number(&each, &judged.view, &[*span])? {
        query::Number::Plain(number) => Some(number),
        query::Number::Duration(duration) => Some(duration.nanos() as f64),
    };
    selection.spans.iter().filter_map(value).collect()
}

/// A greatest value only grows, a least one only shrinks.
fn more_spans_cannot_change(filter: &AggregateFilter, held: bool) -> bool {
    let (Scalar::Aggregate { function, .. }, Scalar::Literal(_)) = (&filter.left, &filter.right) else { return false };
    let upper = matches!(filter.operator, Operator::Less | Operator::LessOrEqual);
    let lower = matches!(filter.operator, Operator::Greater | Operator::GreaterOrEqual);
    match function {
        AggregateFunction::Max | AggregateFunction::Count => (upper && !held) || (lower && held),
        AggregateFunction::Min => (lower && !held) || (upper && held),
        _ => false,
    }
}

/// How long a span took that ends before it starts, nobody knows: less than any bound it is not.
fn backwards(expected: &str, selection: &Selection, judged: &Judged<'_>) -> Option<Finding> {
    let backwards = |span: &SpanIndex| judged.trace.span(*span).end < judged.trace.span(*span).start;
    let spans: Vec<SpanIndex> = selection.spans.iter().copied().filter(backwards).collect();
    if spans.is_empty() {
        return None;
    }
    let reason =
        format!("{} of the selected spans end before they start: how long they took is not known", spans.len());
    Some(Finding::not_evaluable(expected, reason).evidence(spans))
}

/// Bounds on nothing say nothing.
fn empty_or_unknown(
    expected: &str,
    keys: &[query::KeyUse],
    selection: &Selection,
    judged: &Judged<'_>,
) -> Option<Finding> {
    if selection.spans.is_empty() {
        let reason = format!("no span of `{}` to judge", selection.text);
        return Some(Finding::not_evaluable(expected, reason).nearest(selection.nearest.clone()));
    }
    select::unknown(keys, judged.trace).map(|reason| Finding::not_evaluable(expected, reason))
}
