//! A metrics query on many traces, one after the other.

use std::sync::Arc;

use model::SpanIndex;

use super::collect::{Collector, seconds};
use super::series::{Operands, Series, chosen, combined, filtered};
use super::tree::{Metrics, MetricsQuery, SeriesQuery};
use super::window::Window;
use crate::evaluate::select;
use crate::limits::{EXEMPLARS_DEFAULT, EXEMPLARS_MAX};
use crate::tree::{Hint, Literal};
use crate::view::View;

/// Is shown traces, each once and whole, in any order, and gives series. The order changes nothing but the last bits of
/// sums of fractions.
#[derive(Clone, Debug)]
pub struct MetricsRun {
    query: MetricsQuery,
    /// One for each series query, left to right.
    collectors: Vec<Collector>,
}

/// Finds the spans that a run then counts. It changes nothing, so that several threads find spans for one run.
#[derive(Clone, Debug)]
pub struct SpanFinder {
    queries: Vec<Arc<SeriesQuery>>,
}

impl SpanFinder {
    /// The spans of a whole trace that each series query is about, left to right.
    #[must_use]
    pub fn find(&self, view: &View<'_>) -> Vec<Vec<SpanIndex>> {
        self.queries.iter().map(|query| select(&query.spans, view)).collect()
    }
}

/// Spans that nothing tells apart but their durations, and that start in the same step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupOfSpans {
    /// The step they start in.
    pub step: usize,
    /// How many there are.
    pub count: u64,
    /// How long they took together.
    pub duration: model::Duration,
    /// How many lasted about so many seconds, in order.
    pub buckets: Vec<(f64, u64)>,
}

/// What a metrics query gives.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricsAnswer {
    /// The series, by labels.
    pub series: Vec<Series>,
    /// Spans that were counted.
    pub spans: u64,
    /// Spans left out because there would be too many series or points.
    pub spans_left_out: u64,
    /// Attribute values that `compare` left out because there are too many different attributes.
    pub attributes_left_out: u64,
}

impl MetricsRun {
    /// A run that has seen nothing.
    #[must_use]
    pub fn new(query: &MetricsQuery, window: Window) -> Self {
        let queries = query.expression.series_queries();
        let collectors = queries.into_iter().map(|query| Collector::new(query, window)).collect();
        Self { query: query.clone(), collectors }
    }

    /// Shows a whole trace to every series query within.
    pub fn observe(&mut self, view: &View<'_>) {
        let found = self.finder().find(view);
        self.observe_found(view, &found);
    }

    /// Finds spans without the run.
    #[must_use]
    pub fn finder(&self) -> SpanFinder {
        SpanFinder { queries: self.collectors.iter().map(|collector| Arc::clone(&collector.query)).collect() }
    }

    /// As [`MetricsRun::observe`], with the spans that [`MetricsRun::finder`] found in the trace.
    pub fn observe_found(&mut self, view: &View<'_>, found: &[Vec<SpanIndex>]) {
        self.collectors.iter_mut().zip(found).for_each(|(collector, found)| collector.observe(view, found));
    }

    /// Shows spans that were added up before. `view` holds one span like all of them; the query may ask for nothing that
    /// tells them apart, except a rate, a count, and an average, a sum or quantiles of `duration`.
    pub fn observe_group(&mut self, view: &View<'_>, group: &GroupOfSpans) {
        self.collectors.iter_mut().for_each(|collector| collector.observe_group(view, group));
    }

    /// The series of all that was seen.
    #[must_use]
    pub fn finish(self) -> MetricsAnswer {
        let spans = self.collectors.iter().map(|collector| collector.matched).sum();
        let spans_left_out = self.collectors.iter().map(|collector| collector.left_out).sum();
        let attributes_left_out = self.collectors.iter().map(Collector::attributes_left_out).sum();
        let exemplars = exemplars_wanted(&self.query.hints);
        let mut series = self.collectors.into_iter().map(|collector| collector.finish(exemplars));
        let series = match computed(&self.query.expression, &mut series) {
            Operands::Series(series) => series,
            Operands::Constant(_) => Vec::new(),
        };
        MetricsAnswer { series, spans, spans_left_out, attributes_left_out }
    }
}

/// Takes the series of each series query in the order of the tree. Nested as deep as the parser allowed.
fn computed(metrics: &Metrics, leaves: &mut dyn Iterator<Item = Vec<Series>>) -> Operands {
    match metrics {
        Metrics::Constant(literal) => Operands::Constant(number_of(literal)),
        Metrics::Series(_) => Operands::Series(leaves.next().unwrap_or_default()),
        Metrics::Binary { operator, left, right } => {
            let left = computed(left, leaves);
            let right = computed(right, leaves);
            if let (Operands::Constant(_), Operands::Constant(_)) = (&left, &right) {
                return Operands::Constant(folded(*operator, &left, &right));
            }
            Operands::Series(combined(*operator, left, right))
        }
        Metrics::Filter { of, operator, value } => match computed(of, leaves) {
            Operands::Series(series) => Operands::Series(filtered(series, *operator, number_of(value))),
            constant => constant,
        },
        Metrics::Top { of, count, smallest } => match computed(of, leaves) {
            Operands::Series(series) => Operands::Series(chosen(series, *count as usize, *smallest)),
            constant => constant,
        },
    }
}

fn folded(operator: crate::tree::Operator, left: &Operands, right: &Operands) -> f64 {
    use crate::tree::Operator;
    let (Operands::Constant(a), Operands::Constant(b)) = (left, right) else { return f64::NAN };
    match operator {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        _ => a / b,
    }
}

fn number_of(literal: &Literal) -> f64 {
    match literal {
        Literal::Int(int) => *int as f64,
        Literal::Float(float) => *float,
        Literal::Duration(duration) => seconds(*duration),
        _ => f64::NAN,
    }
}

/// `with(exemplars=N)`, `with(exemplars=false)`.
fn exemplars_wanted(hints: &[Hint]) -> usize {
    let hint = hints.iter().rfind(|hint| &*hint.name == "exemplars");
    match hint.map(|hint| &hint.value) {
        Some(Literal::Bool(false)) => 0,
        Some(Literal::Int(count)) => usize::try_from(*count).unwrap_or(0).min(EXEMPLARS_MAX),
        _ => EXEMPLARS_DEFAULT,
    }
}
