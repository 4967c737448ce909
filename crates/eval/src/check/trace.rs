//! A trace with all that checks need, and which check is whose.

use std::cell::OnceCell;

use analysis::Peers;
use model::{SpanIndex, Text, Trace};
use query::View;

use super::{Finding, State, content, fault, findings, rag, services, spans, time};
use crate::rag::Told;
use crate::select::{self, Numbers};
use crate::suite::{Assertion, Check, Edge, Selector, Variables};

/// A trace to judge, the runner's own spans left out.
pub(crate) struct Judged<'a> {
    pub trace: &'a Trace,
    pub view: View<'a>,
    pub variables: &'a Variables,
    /// Who exists, as the suite says.
    pub services: &'a [Text],
    pub peers: &'a Peers,
    told: OnceCell<Told>,
}

impl<'a> Judged<'a> {
    pub fn new(
        trace: &'a Trace,
        numbers: &'a Numbers,
        variables: &'a Variables,
        services: &'a [Text],
        peers: &'a Peers,
    ) -> Self {
        Self { trace, view: View::with_computed(trace, numbers), variables, services, peers, told: OnceCell::new() }
    }

    /// What its spans say of retrieval and generation; read when it is first asked for.
    pub fn told(&self) -> &Told {
        self.told.get_or_init(|| crate::rag::told(self.trace))
    }

    /// What a selector finds.
    pub fn select(&self, selector: &Selector) -> Result<Selection, Box<Finding>> {
        let (query, text) = select::selector(&selector.template, self.variables)
            .map_err(|reason| Box::new(Finding::not_evaluable("a selector that can be read", reason)))?;
        if let Some(reason) = select::unknown(&query::keys_of_query(&query), self.trace) {
            let finding = Finding::not_evaluable(format!("spans of `{text}`"), reason);
            return Err(Box::new(finding.selectors([text])));
        }
        let spans = query::select(&query, &self.view);
        let nearest = if spans.is_empty() { select::nearest(&query, &self.view) } else { None };
        Ok(Selection { spans, text, nearest })
    }
}

/// What a selector found.
pub(crate) struct Selection {
    pub spans: Vec<SpanIndex>,
    pub text: String,
    /// Where it found none: the span that came nearest.
    pub nearest: Option<(SpanIndex, String)>,
}

impl Selection {
    /// The finding that this selection is empty though something must be there.
    pub fn absent(self, expected: impl Into<String>) -> Finding {
        let found = format!("no span of `{}`", self.text);
        Finding::new(State::Absent, expected, found).nearest(self.nearest).selectors([self.text])
    }
}

/// Whether an assertion needs a trace.
pub(crate) fn is_about_trace(assertion: &Assertion) -> bool {
    assertion.when.is_some()
        || !matches!(
            assertion.check,
            Check::Status(_)
                | Check::GrpcStatus(_)
                | Check::Json { .. }
                | Check::Body(_)
                | Check::Header { .. }
                | Check::JsonSchema(_)
                | Check::Latency(_)
                | Check::FasterThan { .. }
                | Check::Runs { spans: None, .. }
                | Check::PassRate(_)
                | Check::Similar(_)
                | Check::Judged(_)
        )
}

/// Checks an assertion on a trace; none if it is about the answer.
pub(crate) fn check_trace(assertion: &Assertion, judged: &Judged<'_>) -> Option<Finding> {
    Some(match &assertion.check {
        Check::Services(checks) => services::services(checks, judged),
        Check::Edges { edges, exactly } => services::edges(edges, *exactly, judged),
        Check::Spans { selector, tests } => spans::spans(selector, tests, judged),
        Check::FaultPath(check) => fault::fault_path(check, judged),
        Check::Retries { edge, attempts, backoff_growing } => fault::retries(edge, *attempts, *backoff_growing, judged),
        Check::Order(selectors) => time::order(selectors, judged),
        Check::Parallel(selectors) => time::parallel(selectors, judged),
        Check::Relation { left, relation, right } => time::relation(left, *relation, right, judged),
        Check::CriticalPath { service, share } => time::critical_path(service, share, judged),
        Check::Cache { service, result } => content::cache(service.as_ref(), *result, judged),
        Check::DataFlow { from, to } => content::data_flow(from, to, judged),
        Check::Quantity { quantity, range } => content::quantity(*quantity, range, judged),
        Check::Retrieval(check) => rag::retrieval(check, judged),
        Check::Handover(range) => rag::handover(range, judged),
        Check::Grounding(check) => rag::grounding(check, judged),
        Check::Refusal(wanted) => rag::refusal(*wanted, judged),
        Check::Truncated(wanted) => rag::truncated(*wanted, judged),
        Check::ToolCalls(check) => rag::tool_calls(check, judged),
        Check::Logs(check) => content::logs(check, judged),
        Check::Findings(_) => findings::of_one(judged),
        Check::Runs { aggregate, spans: Some(selector) } => spans::measurable(aggregate, selector, judged),
        _ => return None,
    })
}

/// The numbers that `runs` aggregates over all attempts, of this attempt's spans; none for any other assertion.
pub(crate) fn measure(assertion: &Assertion, judged: &Judged<'_>) -> Option<Vec<f64>> {
    match &assertion.check {
        Check::Runs { aggregate, spans: Some(selector) } => Some(spans::measured(aggregate, selector, judged)),
        _ => None,
    }
}

/// Whether this assertion has no reason to wait for more: nothing that must be there is absent.
pub(crate) fn needs_nothing_more(assertion: &Assertion, judged: &Judged<'_>) -> bool {
    if let Some(when) = &assertion.when
        && judged.select(when).map_or(true, |selection| selection.spans.is_empty())
    {
        return false;
    }
    check_trace(assertion, judged).is_none_or(|finding| match finding.state {
        State::Absent => false,
        State::NotEvaluable => assertion.optional,
        _ => true,
    })
}

/// Calls that these assertions say must be there: completeness waits for their server spans.
pub(crate) fn expected_edges<'a>(assertions: impl Iterator<Item = &'a Assertion>) -> Vec<Edge> {
    let mut edges: Vec<Edge> = assertions
        .flat_map(|assertion| match &assertion.check {
            Check::Edges { edges, .. } => edges.clone(),
            _ => Vec::new(),
        })
        .collect();
    edges.sort();
    edges.dedup();
    edges
}
