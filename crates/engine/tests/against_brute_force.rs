//! Whatever the store skips, the answer is that of evaluating the query on every trace.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use engine::{Analysed, Search, search, series};
use model::{
    Attributes, Batch, Duration, Event, Instant, Resource, Span, SpanId, SpanKind, StatusCode, Trace, TraceId,
    TraceSummary, Value,
};
use query::{MetricsRun, View, Window, parse, parse_metrics};
use store::{
    Answer, Arrival, AttributeScope, Completeness, Cost, Cursor, FoundTrace, JournalRecord, KnownKey, KnownValue,
    LatencyHistogram, MinuteAggregate, Needs, Predicate, Receipt, ScanBudget, Shortfall, SpanFilter, SpanStore,
    StoreError, TimeRange, TraceOrder, TracePage, TraceScan, ValueType,
};

/// A store in a map. It answers predicates by looking at every span, as the trait words them, and counts how many traces it
/// had to ask the residual about.
#[derive(Default)]
struct MapStore {
    traces: BTreeMap<TraceId, Arc<Trace>>,
    asked: Mutex<u64>,
}

impl MapStore {
    fn of(traces: Vec<Trace>) -> Self {
        let traces = traces.into_iter().map(|trace| (trace.id(), Arc::new(trace))).collect();
        Self { traces, asked: Mutex::default() }
    }
}

fn has(trace: &Trace, test: impl Fn(&Span) -> bool) -> bool {
    trace.spans().iter().any(test)
}

fn carries(span: &Span, scope: Option<AttributeScope>, key: &str) -> bool {
    let within = |scope| match scope {
        AttributeScope::Span => span.attributes.get(key).is_some(),
        AttributeScope::Resource => span.resource.attributes.get(key).is_some(),
        AttributeScope::Instrumentation => span.scope.attributes.get(key).is_some(),
        AttributeScope::Event => span.events.iter().any(|event| event.attributes.get(key).is_some()),
        AttributeScope::Link => span.links.iter().any(|link| link.attributes.get(key).is_some()),
    };
    scope.map_or_else(|| AttributeScope::ALL.into_iter().any(within), within)
}

fn holds(predicate: &Predicate, trace: &Trace) -> bool {
    let summary = TraceSummary::of(trace);
    match predicate {
        Predicate::Service(service) => has(trace, |span| span.service_name() == &**service),
        Predicate::RootService(service) => summary.root_service == *service,
        Predicate::RootName(name) => summary.root_name == *name,
        Predicate::SpanName(name) => has(trace, |span| span.name == *name),
        Predicate::SpanKind(kind) => has(trace, |span| span.kind == *kind),
        Predicate::SpanStatus(status) => has(trace, |span| span.status.code == *status),
        Predicate::Attribute { .. } => panic!("the engine never asks for exact values"),
        Predicate::HasAttribute { scope, key } => has(trace, |span| carries(span, *scope, key)),
        Predicate::SpanDuration { min, max } => has(trace, |span| (*min..=*max).contains(&span.duration())),
        Predicate::TraceDuration { min, max } => (*min..=*max).contains(&summary.duration),
        Predicate::HasError(errs) => has(trace, Span::is_error) == *errs,
    }
}

/// Whether a span meets a filter, looked up as the trait words it.
fn filter_holds(filter: &SpanFilter, span: &Span) -> bool {
    let values = |scope: AttributeScope, key: &str| -> Vec<Value> {
        match scope {
            AttributeScope::Span => span.attributes.get(key).into_iter().cloned().collect(),
            AttributeScope::Resource => span.resource.attributes.get(key).into_iter().cloned().collect(),
            AttributeScope::Instrumentation => span.scope.attributes.get(key).into_iter().cloned().collect(),
            AttributeScope::Event => {
                span.events.iter().filter_map(|event| event.attributes.get(key)).cloned().collect()
            }
            AttributeScope::Link => span.links.iter().filter_map(|link| link.attributes.get(key)).cloned().collect(),
        }
    };
    match filter {
        SpanFilter::All(parts) => parts.iter().all(|part| filter_holds(part, span)),
        SpanFilter::Any(parts) => parts.iter().any(|part| filter_holds(part, span)),
        SpanFilter::Name(test) => {
            let meets = (test.meets)(&span.name);
            assert!(test.equals.is_none() || meets == (test.equals.as_ref() == Some(&span.name)));
            meets
        }
        SpanFilter::Kind(test) => test(&span.kind),
        SpanFilter::Status(test) => test(&span.status.code),
        SpanFilter::Duration(test) => test(&span.duration()),
        SpanFilter::Attribute { scope, key, test } => {
            let scopes = scope.map_or(AttributeScope::ALL.to_vec(), |scope| vec![scope]);
            let found = scopes.into_iter().map(|scope| values(scope, key)).find(|values| !values.is_empty());
            let meets = |value: &Value| {
                let meets = (test.meets)(value);
                if let (Some(equals), Value::String(text)) = (&test.equals, value) {
                    assert_eq!(meets, equals == text);
                }
                meets
            };
            found.is_some_and(|values| values.iter().any(meets))
        }
    }
}

/// A trace with no more in it than is needed.
fn reduced(trace: &Trace, needs: &Needs) -> Trace {
    if needs.everything {
        return trace.clone();
    }
    let reduce = |span: &Span| {
        let mut less = Span::new(span.trace_id, span.span_id, if needs.name { &*span.name } else { "" });
        (less.parent_span_id, less.kind, less.start, less.end) = (span.parent_span_id, span.kind, span.start, span.end);
        (less.status.code, less.resource) = (span.status.code, Arc::clone(&span.resource));
        if needs.events {
            less.events = span.events.clone();
        }
        if needs.links {
            less.links = span.links.clone();
        }
        let needed = span.attributes.0.iter().filter(|entry| needs.attributes.contains(&entry.key));
        less.attributes = Attributes(needed.cloned().collect());
        less
    };
    Trace::assemble(trace.id(), trace.spans().iter().map(reduce).collect(), Vec::new())
}

/// Filters let pass all that the residual finds, and just that where they claim it.
fn check_filters(scan: &TraceScan, trace: &Trace, matched: Option<u32>) {
    if matched.is_some() {
        for filter in &scan.spans {
            assert!(has(trace, |span| filter_holds(filter, span)), "{filter:?}");
        }
    }
    if scan.is_exact {
        let [filter] = &scan.spans[..] else { panic!("one filter is exact") };
        let count = trace.spans().iter().filter(|span| filter_holds(filter, span)).count() as u32;
        assert_eq!(count, matched.unwrap_or(0), "{filter:?}");
    }
}

impl SpanStore for MapStore {
    fn append(&self, _: Batch, _: JournalRecord) -> Result<Receipt, StoreError> {
        Ok(Receipt::nothing())
    }

    fn trace(&self, id: TraceId) -> Result<Answer<Option<Arc<Trace>>>, StoreError> {
        Ok(Answer::complete(self.traces.get(&id).cloned(), Cost { rows: 1, ..Cost::default() }))
    }

    fn summaries(&self, ids: &[TraceId]) -> Result<Answer<Vec<TraceSummary>>, StoreError> {
        let summaries = ids.iter().filter_map(|id| self.traces.get(id)).map(TraceSummary::of).collect();
        Ok(Answer::complete(summaries, Cost::default()))
    }

    fn scan(&self, scan: &TraceScan) -> Result<Answer<TracePage>, StoreError> {
        let mut found = Vec::new();
        let (mut cost, mut completeness) = (Cost::default(), Completeness::default());
        for trace in self.traces.values() {
            let summary = TraceSummary::of(trace);
            if !scan.time.contains(summary.start) || !scan.predicates.iter().all(|predicate| holds(predicate, trace)) {
                continue;
            }
            if scan.budget.traces.is_some_and(|traces| cost.traces >= traces) {
                completeness.shortfalls.push(Shortfall::TracesLimit(cost.traces));
                break;
            }
            cost.traces += 1;
            cost.rows += trace.spans().len() as u64;
            let Some(residual) = &scan.residual else { panic!("the engine always asks the query itself") };
            *self.asked.lock().expect("not poisoned") += 1;
            let matched = residual(&reduced(trace, &scan.needs));
            check_filters(scan, trace, matched);
            if let Some(matched) = matched {
                found.push(FoundTrace { summary, matched_spans: Some(matched) });
            }
        }
        assert_eq!(scan.order, TraceOrder::Newest, "the only order this store knows");
        let place = |found: &FoundTrace| (std::cmp::Reverse(found.summary.start), found.summary.trace_id);
        found.sort_by_key(place);
        if let Some(cursor) = scan.cursor {
            found.retain(|found| place(found) > (std::cmp::Reverse(cursor.start), cursor.trace_id));
        }
        let limit = if scan.limit == 0 { 20 } else { scan.limit };
        let next = (found.len() > limit).then(|| {
            let last = &found[limit - 1].summary;
            Cursor { key: 0, start: last.start, trace_id: last.trace_id }
        });
        found.truncate(limit);
        Ok(Answer { value: TracePage { traces: found, next }, completeness, cost })
    }

    fn keys(&self, _: TimeRange) -> Result<Answer<Vec<KnownKey>>, StoreError> {
        let known = |scope, key: &str, value_type, count| KnownKey { scope, key: key.into(), value_type, count };
        let keys = vec![
            known(AttributeScope::Resource, "service.name", ValueType::String, 90),
            known(AttributeScope::Span, "code", ValueType::Int, 30),
            known(AttributeScope::Span, "code", ValueType::String, 9),
            known(AttributeScope::Span, "a b", ValueType::Bool, 1),
        ];
        Ok(Answer::complete(keys, Cost::default()))
    }

    fn values(
        &self,
        scope: AttributeScope,
        key: &str,
        _: TimeRange,
        _: usize,
    ) -> Result<Answer<Vec<KnownValue>>, StoreError> {
        let values: &[(&str, u64)] = match (scope, key) {
            (AttributeScope::Resource, "service.name") => &[("gateway", 50), ("rag", 40), ("x \"y\"", 1)],
            _ => &[],
        };
        let values = values.iter().map(|&(value, count)| KnownValue { value: value.into(), count }).collect();
        Ok(Answer::complete(values, Cost::default()))
    }

    /// One aggregate a span: their sums are the caller's to make.
    fn aggregates(&self, time: TimeRange) -> Result<Answer<Vec<MinuteAggregate>>, StoreError> {
        let spans = self.traces.values().flat_map(|trace| trace.spans());
        let aggregate = |span: &Span| {
            let mut durations = LatencyHistogram::default();
            durations.record(span.duration());
            MinuteAggregate {
                minute: Instant(span.start.0 / 60_000_000_000 * 60_000_000_000),
                service: span.service_name().into(),
                name: span.name.clone(),
                kind: span.kind,
                status: span.status.code,
                count: 1,
                duration_sum: span.duration(),
                durations,
            }
        };
        let found = spans.map(aggregate).filter(|aggregate| time.contains(aggregate.minute));
        Ok(Answer::complete(found.collect(), Cost::default()))
    }

    fn delete_trace(&self, _: TraceId) -> Result<u64, StoreError> {
        Ok(0)
    }

    fn last_arrival(&self, _: TraceId) -> Option<Instant> {
        None
    }

    fn subscribe(&self) -> tokio::sync::broadcast::Receiver<Arrival> {
        tokio::sync::broadcast::channel(1).1
    }
}

const MS: u64 = 1_000_000;

/// Small traces in which everything that queries ask about occurs now and then; the same for the same seed.
fn traces(seed: u64, count: u64) -> Vec<Trace> {
    use stdx::Random as _;
    let random = stdx::SeededRandom::new(seed);
    let pick = |bound: u64| random.below(bound);
    (1..=count)
        .map(|number| {
            let id = TraceId((u128::from(number) << 64 | u128::from(seed)).to_be_bytes());
            let spans = 1 + pick(7);
            let began = (pick(600) + 4_000) * 1_000 * MS;
            let spans = (1..=spans).map(|position| {
                let mut span = Span::new(id, SpanId(position.to_be_bytes()), ["get", "ask", "query"][pick(3) as usize]);
                span.parent_span_id = (position > 1).then(|| SpanId((1 + pick(position - 1)).to_be_bytes()));
                span.kind = SpanKind(pick(6) as i32);
                span.status.code = StatusCode(pick(3) as i32);
                span.start = Instant(began + position * MS);
                span.end = span.start + Duration::from_millis(pick(8) as i64 * 10);
                let service = ["rag", "llm", "gateway"][pick(3) as usize];
                let attributes = if pick(5) > 0 {
                    Attributes::from_iter([("service.name", service)])
                } else {
                    Attributes::default()
                };
                span.resource = Arc::new(Resource { attributes, ..Resource::default() });
                match pick(6) {
                    0 => span.attributes.push("code", pick(3) as i64),
                    1 => span.attributes.push("code", pick(3) as f64),
                    2 => span.attributes.push("code", pick(3).to_string()),
                    3 => span.attributes.push("code", Value::Array(vec![Value::Int(1), Value::Int(2)])),
                    4 => span.attributes.push("code", pick(2) == 0),
                    _ => {}
                }
                if pick(3) == 0 {
                    let attributes = Attributes::from_iter([("exception.type", "Timeout")]);
                    span.events.push(Event { time: span.start, attributes, ..Event::default() });
                }
                span
            });
            Trace::assemble(id, spans.collect(), Vec::new())
        })
        .collect()
}

const QUERIES: &[&str] = &[
    "{ }",
    "{ status = error }",
    "{ status = ok && kind = server }",
    "{ status != error && !(kind = client) }",
    r#"{ resource.service.name = "rag" && name = "ask" }"#,
    r#"{ "llm" = resource.service.name }"#,
    r#"{ resource.service.name = nil }"#,
    r#"{ resource.service.name != nil && .code = nil }"#,
    "{ span.code = 1 }",
    "{ span.code >= 1 && duration > 20ms }",
    "{ span.code != 1 }",
    r#"{ .code = "1" || span.code = true }"#,
    "{ span.code }",
    r#"{ .code =~ "[12]" }"#,
    "{ parent.code = 1 && duration <= 30ms }",
    r#"{ event.exception.type = "Timeout" && 10ms < duration }"#,
    r#"{ rootName = "get" && traceDuration >= 30ms }"#,
    r#"{ rootServiceName = "gateway" && duration = 20ms }"#,
    r#"{ status = error } >> { status = error }"#,
    r#"{ name = "get" } !>> { kind = client }"#,
    r#"{ name = "get" } &~ { name = "ask" }"#,
    r#"{ name = "get" } && { name = "ask" } && { name = "query" }"#,
    r#"{ name = "get" } || { span.code = 2 }"#,
    "{ kind = server } | count() > 1",
    r#"{ } | by(name) | count() > 1 | { status = error } | select(name, span.code)"#,
    r#"({ status = error } | count() > 1) || { span:critical > 40ms }"#,
    "{ span:self > 20ms } > { span.code != nil }",
    r#"{ name = "nothing" }"#,
    r#"{ name = "get" || span.code = 2 } | { duration > 10ms } | select(span.code)"#,
    r#"{ span.code != "1" && kind != client }"#,
    r#"{ name !~ "a.*" && (status = ok || 20ms <= duration) } | by(name)"#,
    r#"{ .service.name =~ "r.*|l.*" }"#,
    r#"{ event.exception.type != "Timeout" }"#,
    "{ true } | { !(status = error) }",
];

#[test]
fn searches_find_what_brute_force_finds() {
    for seed in 0..6 {
        let all = traces(seed, 60);
        let store = MapStore::of(all.clone());
        for text in QUERIES {
            let query = parse(text).into_result().unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
            let mut expected: Vec<(std::cmp::Reverse<Instant>, TraceId, Vec<query::Spanset>)> = all
                .iter()
                .map(|trace| {
                    let spansets = query::evaluate(&query, &View::with_computed(trace, &Analysed::new(trace)));
                    (std::cmp::Reverse(TraceSummary::of(trace).start), trace.id(), spansets)
                })
                .filter(|(.., spansets)| !spansets.is_empty())
                .collect();
            expected.sort_by_key(|(start, id, _)| (*start, *id));

            let (mut found, mut cursor) = (Vec::new(), None);
            loop {
                let asked = Search { limit: 7, cursor, spans: 100, ..Search::default() };
                let answer = search(&store, &query, &asked).expect("answers");
                assert!(answer.completeness.is_complete());
                found.extend(answer.value.traces);
                cursor = answer.value.next;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(found.len(), expected.len(), "{text}");
            for (found, (_, id, spansets)) in found.iter().zip(&expected) {
                assert_eq!(found.summary.trace_id, *id, "{text}");
                let trace = store.traces.get(id).expect("held");
                let told = |set: &engine::FoundSpanset| set.spans.iter().map(|span| span.span_id).collect::<Vec<_>>();
                let brute = |set: &query::Spanset| set.spans.iter().map(|&span| trace.span(span).span_id).collect();
                let (told, brute): (Vec<_>, Vec<Vec<SpanId>>) =
                    (found.spansets.iter().map(told).collect(), spansets.iter().map(brute).collect());
                assert_eq!(told, brute, "{text}");
            }
        }
    }
}

#[test]
fn series_count_what_brute_force_counts() {
    let pipelines = [
        "rate()",
        "count_over_time() by(resource.service.name, status)",
        "quantile_over_time(duration, 0.5, 0.9) by(name) | topk(1)",
        "max_over_time(span.code) > 0",
        "compare({ status = error }, 3)",
    ];
    let window = Window::new(Instant(4_100_000 * MS), Instant(4_500_000 * MS), Duration::from_secs(50)).expect("valid");
    let all = traces(7, 150);
    let store = MapStore::of(all.clone());
    for text in QUERIES.iter().flat_map(|query| pipelines.map(|pipeline| format!("{query} | {pipeline}"))) {
        let query = parse_metrics(&text).into_result().unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
        let mut brute = MetricsRun::new(&query, window);
        all.iter().for_each(|trace| brute.observe(&View::with_computed(trace, &Analysed::new(trace))));
        let answer = series(&store, &query, window, ScanBudget::default()).expect("answers");
        assert_eq!(answer.value, brute.finish(), "{text}");
    }
    let ratio = "({ status = error && kind = server } | rate()) / ({ kind = server } | rate())";
    let query = parse_metrics(ratio).into_result().expect("valid");
    let mut brute = MetricsRun::new(&query, window);
    all.iter().for_each(|trace| brute.observe(&View::new(trace)));
    assert_eq!(series(&store, &query, window, ScanBudget::default()).expect("answers").value, brute.finish());
}

#[test]
fn aggregates_answer_as_spans_do() {
    const MINUTE: u64 = 60_000 * MS;
    let window = Window::new(Instant(66 * MINUTE), Instant(78 * MINUTE), Duration::from_secs(120)).expect("valid");
    let all = traces(11, 150);
    let is_named = |trace: &&Trace| !has(trace, |span| span.resource.attributes.get("service.name").is_none());
    let named: Vec<Trace> = all.iter().filter(is_named).cloned().collect();
    let check = |traces: &[Trace], text: &str, from_aggregates: bool| {
        let store = MapStore::of(traces.to_vec());
        let query = parse_metrics(text).into_result().unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
        let mut brute = MetricsRun::new(&query, window);
        traces.iter().for_each(|trace| brute.observe(&View::with_computed(trace, &Analysed::new(trace))));
        let (brute, answer) = (brute.finish(), series(&store, &query, window, ScanBudget::default()).expect("answers"));
        assert_eq!(*store.asked.lock().expect("not poisoned") == 0, from_aggregates, "{text}");
        assert_eq!(answer.value.spans, brute.spans, "{text}");
        assert_eq!(answer.value.series.len(), brute.series.len(), "{text}");
        assert!(brute.spans > 0);
        for (found, expected) in answer.value.series.iter().zip(&brute.series) {
            assert_eq!(found.labels, expected.labels, "{text}");
            for (found, expected) in found.points.iter().zip(&expected.points) {
                let (Some(found), Some(expected)) = (found, expected) else {
                    assert_eq!(found, expected, "{text}");
                    continue;
                };
                assert!((found - expected).abs() <= expected.abs() * 0.04 + 1e-9, "{text}: {found} {expected}");
            }
        }
    };
    for text in [
        "{ } | rate()",
        "{ } | count_over_time() by(resource.service.name, name, status)",
        r#"{ resource.service.name = "rag" && (kind = server || status = error) } | rate() by(kind)"#,
        r#"{ name =~ "a.*" && status != ok } | avg_over_time(duration) by(name)"#,
        "{ } | quantile_over_time(duration, 0.5, 0.99) by(resource.service.name, name)",
        "{ } | sum_over_time(duration)",
        "({ status = error } | rate() by(name)) / ({ } | rate() by(name))",
    ] {
        check(&named, text, true);
        // A span without a service name is `nil` in the language, but has a stand-in in the aggregates.
        check(&all, text, false);
    }
    for text in [
        "{ span.code = 1 } | rate()",
        "{ } | rate() by(span.code)",
        "{ } | max_over_time(duration)",
        "{ } | count() > 1 | rate()",
        "{ } >> { } | rate()",
        "{ } | rate() with(exemplars=3)",
    ] {
        check(&named, text, false);
    }
}

#[test]
fn the_store_is_spared_what_it_can_answer() {
    let store = MapStore::of(traces(3, 200));
    let query = parse(r#"{ name = "nothing" && status = error }"#).into_result().expect("valid");
    let answer = search(&store, &query, &Search::default()).expect("answers");
    assert_eq!((answer.value.traces.len(), *store.asked.lock().expect("not poisoned"), answer.cost.rows), (0, 0, 0));
}

#[test]
fn a_spent_budget_is_said() {
    let store = MapStore::of(traces(3, 50));
    let query = parse("{ }").into_result().expect("valid");
    let budget = ScanBudget { traces: Some(10), ..ScanBudget::default() };
    let answer = search(&store, &query, &Search { budget: budget.clone(), ..Search::default() }).expect("answers");
    assert_eq!(answer.completeness.shortfalls, [Shortfall::TracesLimit(10)]);
    assert_eq!(answer.value.traces.len(), 10);
    let metrics = parse_metrics("{ } | rate()").into_result().expect("valid");
    let window = Window::instant(Instant(0), Instant(10_000_000 * MS)).expect("valid");
    let answer = series(&store, &metrics, window, budget).expect("answers");
    assert_eq!(answer.completeness.shortfalls, [Shortfall::TracesLimit(10)]);
}

#[test]
fn selected_fields_and_groups_are_told() {
    let store = MapStore::of(traces(5, 30));
    let text = "{ } | by(name) | select(span.code, duration)";
    let query = parse(text).into_result().expect("valid");
    let answer = search(&store, &query, &Search { limit: 30, spans: 1, ..Search::default() }).expect("answers");
    let sets: Vec<_> = answer.value.traces.iter().flat_map(|found| &found.spansets).collect();
    assert!(sets.iter().all(|set| set.group[0].0 == "name" && set.spans.len() == 1));
    assert!(sets.iter().any(|set| set.matched > 1));
    let fields = |set: &&engine::FoundSpanset| set.spans[0].fields.iter().map(|(field, _)| field.clone()).collect();
    let fields: Vec<Vec<String>> = sets.iter().map(fields).collect();
    assert!(fields.contains(&vec!["span.code".to_owned(), "duration".to_owned()]));
    assert!(fields.contains(&vec!["duration".to_owned()]));
}

#[test]
fn what_may_stand_at_the_cursor_is_suggested() {
    let store = MapStore::default();
    let check = |text: &str, expected: &[&str]| {
        let answer = engine::complete(&store, text, text.len(), TimeRange::default()).expect("answers");
        let texts: Vec<&str> = answer.value.suggestions.iter().map(|suggestion| suggestion.text.as_str()).collect();
        assert_eq!(texts, expected, "{text}");
    };
    check("", &["{ "]);
    check("{ co", &["span.code", "childCount"]);
    check("{ span.", &["span.code", "span.\"a b\""]);
    check("{ resource.service.name = ", &[r#""gateway""#, r#""rag""#, r#""x \"y\"""#]);
    check("{ resource.service.name = \"a", &[r#""gateway""#, r#""rag""#]);
    check("{ .service.name = ra", &[r#""rag""#]);
    check("{ status = e", &["error", "unset"]);
    check("{ kind = cl", &["client"]);
    check("{ } | qua", &["quantile_over_time(duration, 0.5, 0.99)"]);
}
