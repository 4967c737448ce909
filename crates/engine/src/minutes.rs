//! Metrics queries that the store's aggregates answer, without looking at a span.
//!
//! An aggregate stands for spans of one service, name, kind and status. So a selector, a label or a function that speaks of
//! nothing else is the same for all of them, and one stand-in span is asked in their place.

use std::collections::HashMap;
use std::sync::Arc;

use model::{Attributes, Duration, Resource, Span, SpanId, Text, Trace, TraceId};
use query::{
    AttributeField, Field, FieldExpression, GroupOfSpans, Intrinsic, Literal, Metrics, MetricsAnswer, MetricsFunction,
    MetricsQuery, MetricsRun, Scope, SeriesQuery, Spansets, View, Window,
};
use store::{AggregateDetail, Answer, LatencyHistogram, MinuteAggregate, SpanStore, StoreError, TimeRange};

const MINUTE: u64 = 60_000_000_000;

/// Whether aggregates can answer every part of the query: steps are whole minutes, and nothing is asked of spans but their
/// service, name, kind, status, number and duration.
#[must_use]
pub fn aggregates_answer(query: &MetricsQuery, window: Window) -> bool {
    let (from, to, step) = (window.from().0, window.to().0, window.step().0 as u64);
    let whole = step.is_multiple_of(MINUTE) && from.is_multiple_of(step) && to.is_multiple_of(step);
    // Who asks for example spans by name gets them.
    let wants_exemplars =
        query.hints.iter().any(|hint| &*hint.name == "exemplars" && hint.value != Literal::Bool(false));
    whole && !wants_exemplars && query.expression.series_queries().into_iter().all(is_of_groups) && !is_constant(query)
}

fn is_constant(query: &MetricsQuery) -> bool {
    matches!(query.expression, Metrics::Constant(_))
}

fn is_of_groups(series: &SeriesQuery) -> bool {
    let selector = match &series.spans.source {
        Spansets::Selector(None) => true,
        Spansets::Selector(Some(expression)) => speaks_of_groups(expression),
        _ => false,
    };
    let function = match &series.function {
        MetricsFunction::Rate | MetricsFunction::Count => true,
        MetricsFunction::Avg(of) | MetricsFunction::Sum(of) | MetricsFunction::Quantiles(of, _) => {
            *of == FieldExpression::Field(Field::Intrinsic(Intrinsic::Duration))
        }
        _ => false,
    };
    selector && function && series.spans.stages.is_empty() && series.by.iter().all(speaks_of_groups)
}

/// Whether the expression asks only for what the spans of an aggregate share. Nested as deep as the parser allowed.
fn speaks_of_groups(expression: &FieldExpression) -> bool {
    match expression {
        FieldExpression::Literal(_) => true,
        FieldExpression::Field(Field::Intrinsic(intrinsic)) => {
            matches!(intrinsic, Intrinsic::Name | Intrinsic::Kind | Intrinsic::Status)
        }
        FieldExpression::Field(Field::Attribute(AttributeField { of_parent, scope, key })) => {
            !of_parent && *scope == Scope::Resource && &**key == "service.name"
        }
        FieldExpression::Unary { of, .. } | FieldExpression::Matches { of, .. } => speaks_of_groups(of),
        FieldExpression::Binary { left, right, .. } => speaks_of_groups(left) && speaks_of_groups(right),
    }
}

/// Service, name, kind, status.
type Key = (Text, Text, i32, i32);

/// What is known of one key in one step.
#[derive(Default)]
struct Sum {
    count: u64,
    duration: Duration,
    durations: LatencyHistogram,
}

/// What the query tells apart.
fn detail(query: &MetricsQuery) -> AggregateDetail {
    let mut needed = AggregateDetail { service: false, name: false, kind: false, status: false, durations: false };
    for series in query.expression.series_queries() {
        let selector = match &series.spans.source {
            Spansets::Selector(expression) => expression.as_ref(),
            _ => None,
        };
        series.by.iter().chain(selector).for_each(|expression| note_fields(expression, &mut needed));
        needed.durations |= matches!(series.function, MetricsFunction::Quantiles(..));
    }
    // Whether a span has no service name must be seen.
    AggregateDetail { service: true, ..needed }
}

fn note_fields(expression: &FieldExpression, needed: &mut AggregateDetail) {
    match expression {
        FieldExpression::Literal(_) | FieldExpression::Field(Field::Attribute(_)) => {}
        FieldExpression::Field(Field::Intrinsic(intrinsic)) => match intrinsic {
            Intrinsic::Name => needed.name = true,
            Intrinsic::Kind => needed.kind = true,
            _ => needed.status = true,
        },
        FieldExpression::Unary { of, .. } | FieldExpression::Matches { of, .. } => note_fields(of, needed),
        FieldExpression::Binary { left, right, .. } => {
            note_fields(left, needed);
            note_fields(right, needed);
        }
    }
}

/// The answer from aggregates; none if a group might hold spans without a service name, whose label would be `nil`.
///
/// # Errors
/// As for [`SpanStore::aggregates`].
pub fn from_aggregates(
    store: &dyn SpanStore,
    query: &MetricsQuery,
    window: Window,
) -> Result<Option<Answer<MetricsAnswer>>, StoreError> {
    let time = TimeRange { from: window.from(), to: window.to() };
    let answer = store.aggregates_in_steps(time, window.step(), detail(query))?;
    if answer.value.iter().any(|aggregate| aggregate.service.as_ref() == Resource::default().service_name()) {
        return Ok(None);
    }
    Ok(Some(answer.map(|aggregates| {
        let mut run = MetricsRun::new(query, window);
        for (key, steps) in by_key(aggregates, window) {
            let trace = stand_in(&key);
            let view = View::new(&trace);
            for (step, sum) in steps {
                let buckets = sum.durations.buckets.iter().map(|&(bucket, count)| (middle(bucket), count)).collect();
                run.observe_group(&view, &GroupOfSpans { step, count: sum.count, duration: sum.duration, buckets });
            }
        }
        run.finish()
    })))
}

fn by_key(aggregates: Vec<MinuteAggregate>, window: Window) -> HashMap<Key, HashMap<usize, Sum>> {
    let mut keys: HashMap<Key, HashMap<usize, Sum>> = HashMap::new();
    for aggregate in aggregates {
        let Some(step) = window.step_of(aggregate.minute) else { continue };
        let key = (aggregate.service, aggregate.name, aggregate.kind.0, aggregate.status.0);
        let sum = keys.entry(key).or_default().entry(step).or_default();
        sum.count += aggregate.count;
        sum.duration += aggregate.duration_sum;
        if sum.durations.buckets.is_empty() {
            sum.durations = aggregate.durations;
        } else {
            sum.durations.merge(&aggregate.durations);
        }
    }
    keys
}

/// The middle of a bucket, in seconds.
fn middle(bucket: u16) -> f64 {
    let (low, high) = LatencyHistogram::bounds(bucket);
    (low + (high - low) / 2) as f64 / 1e9
}

/// A trace of one span that is like all spans of the group.
fn stand_in((service, name, kind, status): &Key) -> Trace {
    let mut span = Span::new(TraceId([1; 16]), SpanId([1; 8]), "");
    span.name = Arc::clone(name);
    span.kind = model::SpanKind(*kind);
    span.status.code = model::StatusCode(*status);
    let attributes = Attributes::from_iter([("service.name", &**service)]);
    span.resource = Arc::new(Resource { attributes, ..Resource::default() });
    Trace::assemble(span.trace_id, vec![span], Vec::new())
}
