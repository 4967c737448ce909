//! Queries: from text to what the store is asked, and to spans of one trace.

use engine::Analysed;
use model::{SpanIndex, Trace};
use query::{Query, View};
use store::TraceScan;
use wire::{Place, QueryProblem};

/// What the store is asked for a query.
pub struct Plan {
    /// Finds the traces of the query.
    pub scan: TraceScan,
    /// The query as it was understood.
    pub text: String,
    /// Remarks.
    pub remarks: Vec<QueryProblem>,
}

/// Plans a query; bare words search span names.
///
/// # Errors
/// Every mistake, with its place in `text`.
pub fn plan(text: &str) -> Result<Plan, Vec<QueryProblem>> {
    let query = parse(text)?;
    let text = query.to_string();
    Ok(Plan { scan: engine::scan_of(&query), text, remarks: Vec::new() })
}

/// The spans of one trace that a query selects, and remarks.
///
/// # Errors
/// Every mistake, with its place in `text`.
pub fn select(trace: &Trace, text: &str) -> Result<(Vec<SpanIndex>, Vec<QueryProblem>), Vec<QueryProblem>> {
    let query = parse(text)?;
    let computed = Analysed::new(trace);
    Ok((query::select(&query, &View::with_computed(trace, &computed)), Vec::new()))
}

/// A metrics query.
///
/// # Errors
/// Every mistake, with its place in `text`.
pub fn parse_metrics(text: &str) -> Result<query::MetricsQuery, Vec<QueryProblem>> {
    let trimmed = text.trim();
    query::parse_metrics(trimmed)
        .into_result()
        .map_err(|problems| problems.iter().map(|problem| described(problem, text, true)).collect())
}

/// A query for traces; bare words search span names.
///
/// # Errors
/// Every mistake, with its place in `text`.
pub fn parse(text: &str) -> Result<Query, Vec<QueryProblem>> {
    let expanded = query::expand_search(text);
    query::parse(&expanded).into_result().map_err(|problems| {
        // Bare words that were expanded cannot be wrong; if they are, their place means nothing in what was typed.
        let is_typed = *expanded == *text.trim();
        problems.iter().map(|problem| described(problem, text, is_typed)).collect()
    })
}

fn described(problem: &query::Problem, text: &str, is_typed: bool) -> QueryProblem {
    let expected = (!problem.expected.is_empty()).then(|| format!("expected {}", problem.expected));
    let hint = Some(problem.hint.clone()).filter(|hint| !hint.is_empty());
    QueryProblem {
        error: problem.message.clone(),
        hint: hint.or(expected),
        place: is_typed.then(|| place_in(text, problem)),
        is_warning: false,
    }
}

/// A place in bytes of the trimmed text becomes one in lines, characters and UTF-16 units of the text as typed.
fn place_in(text: &str, problem: &query::Problem) -> Place {
    let trimmed = text.len() - text.trim_start().len();
    let at = |byte: usize| text.floor_char_boundary((trimmed + byte).min(text.len()));
    let (from, to) = (at(problem.from), at(problem.to.max(problem.from)));
    let before = &text[..from];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let units = |text: &str| text.encode_utf16().count() as u32;
    Place {
        of: "q".to_owned(),
        line: before.matches('\n').count() as u32 + 1,
        column: before[line_start..].chars().count() as u32 + 1,
        offset: units(before),
        length: units(&text[from..to]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, printed: &str, predicates: &[&str]) {
        let plan = plan(text).unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
        let read: Vec<String> = plan.scan.predicates.iter().map(|predicate| format!("{predicate:?}")).collect();
        let names: Vec<&str> = read.iter().map(|text| text.split([' ', '(']).next().unwrap_or_default()).collect();
        assert_eq!((plan.text.as_str(), names.as_slice()), (printed, predicates));
    }

    #[test]
    fn what_every_match_must_have_is_asked_of_the_store() {
        check("{ status = error }", "{ status = error }", &["HasError"]);
        check(
            "{ resource.service.name = \"rag\" && duration > 1s }",
            "{ resource.service.name = \"rag\" && duration > 1s }",
            &["Service", "SpanDuration"],
        );
        check("{ span.a = 1 || status = error }", "{ span.a = 1 || status = error }", &[]);
        check("{ span.a = nil }", "{ span.a = nil }", &[]);
        check("{ status != error }", "{ status != error }", &[]);
        check("chat", "{ name =~ \"(?i).*chat.*\" }", &[]);
    }

    #[test]
    fn mistakes_keep_their_place_in_what_was_typed() {
        let problems = plan("  {\n ü = \"é\" && status = }").err().expect("a mistake");
        let place = problems.last().and_then(|problem| problem.place.clone()).expect("has a place");
        assert_eq!((place.of.as_str(), place.line), ("q", 2));
        assert!(problems.iter().all(|problem| !problem.error.is_empty()));
    }
}
