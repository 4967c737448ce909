//! Metrics queries: what they count, compute and print.

use std::sync::Arc;

use model::{Attributes, Instant, Resource, Span, SpanId, StatusCode, Trace, TraceId};
use query::{AnyQuery, MetricsRun, View, Window, parse_any, parse_metrics};

const SECOND: u64 = 1_000_000_000;

/// Trace `n` starts at second `n` and lasts `n` seconds, service `a` for even and `b` for odd, every third with an error;
/// each has a child of half its length.
fn traces() -> Vec<Trace> {
    (1..=12_u64)
        .map(|n| {
            let id = TraceId([n as u8; 16]);
            let mut root = Span::new(id, SpanId([1; 8]), "root");
            (root.start, root.end) = (Instant(n * SECOND), Instant(2 * n * SECOND));
            let service = if n % 2 == 0 { "a" } else { "b" };
            let attributes = Attributes::from_iter([("service.name", service)]);
            root.resource = Arc::new(Resource { attributes, ..Resource::default() });
            root.attributes.push("tokens", n as i64);
            root.status.code = if n % 3 == 0 { StatusCode::ERROR } else { StatusCode::UNSET };
            let mut child = root.clone();
            (child.span_id, child.parent_span_id, child.name) = (SpanId([2; 8]), Some(SpanId([1; 8])), "child".into());
            child.end = Instant(child.start.0 + n * SECOND / 2);
            Trace::assemble(id, vec![root, child], Vec::new())
        })
        .collect()
}

/// Series as text, over 12 s from second 1 in steps of 4 s.
fn series(text: &str) -> Vec<String> {
    let query = parse_metrics(text).into_result().unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
    assert_eq!(parse_metrics(&query.to_string()).into_result().as_ref(), Ok(&query), "{text} prints as {query}");
    let window = Window::new(Instant(SECOND), Instant(13 * SECOND), model::Duration::from_secs(4)).expect("valid");
    let answer = |traces: &mut dyn Iterator<Item = &Trace>| {
        let mut run = MetricsRun::new(&query, window);
        traces.for_each(|trace| run.observe(&View::new(trace)));
        run.finish()
    };
    let traces = traces();
    let (forth, back) = (answer(&mut traces.iter()), answer(&mut traces.iter().rev()));
    assert_eq!(forth, back, "{text}: the order of traces changes nothing");
    let line = |series: &query::Series| {
        let labels: Vec<String> = series.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let points: Vec<String> =
            series.points.iter().map(|point| point.map_or("-".to_owned(), |point| format!("{point:.4}"))).collect();
        let points = points.join(" ").replace(".0000", "");
        format!("{{{}}} {points}", labels.join(" "))
    };
    forth.series.iter().map(line).collect()
}

fn check(text: &str, expected: &[&str]) {
    assert_eq!(series(text), expected, "{text}");
}

#[test]
fn spans_are_counted() {
    check("{ } | rate()", &["{} 2 2 2"]);
    check("{ parent = nil } | count_over_time()", &["{} 4 4 4"]);
    check("{ status = error } | count_over_time()", &["{} 2 2 4"]);
    check(
        "{ name = \"root\" } | count_over_time() by(resource.service.name)",
        &["{resource.service.name=a} 2 2 2", "{resource.service.name=b} 2 2 2"],
    );
    check("{ name = \"nothing\" } | rate()", &[]);
    check("{ } > { span.tokens > 11 } | count_over_time()", &["{} 0 0 1"]);
}

#[test]
fn values_are_measured_and_durations_count_seconds() {
    check("{ name = \"root\" } | min_over_time(duration)", &["{} 1 5 9"]);
    check("{ name = \"root\" } | max_over_time(span.tokens)", &["{} 4 8 12"]);
    check("{ name = \"root\" } | avg_over_time(span.tokens)", &["{} 2.5000 6.5000 10.5000"]);
    check("{ name = \"root\" } | sum_over_time(duration / 2)", &["{} 5 13 21"]);
    check("{ } | max_over_time(span.missing)", &[]);
    check(
        "{ name = \"root\" } | histogram_over_time(span.tokens)",
        &[
            "{__bucket=1.0} 1 0 0",
            "{__bucket=16.0} 0 0 4",
            "{__bucket=2.0} 1 0 0",
            "{__bucket=4.0} 2 0 0",
            "{__bucket=8.0} 0 4 0",
        ],
    );
    let quantiles = series("{ name = \"root\" } | quantile_over_time(duration, 0.5, 1)");
    assert_eq!(quantiles.len(), 2);
    assert!(quantiles[0].starts_with("{p=0.5} 2.0") && quantiles[1].ends_with(" 12"), "{quantiles:?}");
}

#[test]
fn series_are_chosen_filtered_and_computed_with() {
    check(
        "{ } | count_over_time() by(span.tokens) | topk(1)",
        &["{span.tokens=1} 2 0 0".replace(" 0 0", " - -").as_str(), "{span.tokens=10} - - 2", "{span.tokens=5} - 2 -"],
    );
    check(
        "{ } | sum_over_time(span.tokens) by(resource.service.name) | bottomk(1)",
        &["{resource.service.name=b} 8 24 40"],
    );
    check("{ } | count_over_time() > 8", &[]);
    check("{ status = error } | count_over_time() >= 4", &["{} - - 4"]);
    check("({ status = error } | count_over_time()) / ({ } | count_over_time())", &["{} 0.2500 0.2500 0.5000"]);
    check("({ status = error } | rate()) / ({ } | rate()) * 100 > 30", &["{} - - 50"]);
    check(
        "({ status = error } | count_over_time() by(resource.service.name)) / ({ } | count_over_time())",
        &["{resource.service.name=a} 0 0.2500 0.2500", "{resource.service.name=b} 0.2500 0 0.2500"],
    );
    check("100 - ({ } | count_over_time()) * 2 + 1", &["{} 85 85 85"]);
    check("({ } | count_over_time()) / ({ name = \"root\" } | count_over_time() - 4)", &["{} - - -"]);
}

#[test]
fn compare_tells_the_selection_from_the_rest() {
    let found = series("{ name = \"root\" } | compare({ status = error }, 2)");
    let has = |line: &str| assert!(found.iter().any(|found| found == line), "{line} is not in {found:#?}");
    has("{__meta_type=selection resource.service.name=a} 0 1 1");
    has("{__meta_type=baseline resource.service.name=b} 1 2 1");
    has("{__meta_type=selection_total span.tokens=nil} 1 1 2");
    has("{__meta_error=__too_many_values__ span.tokens=nil} - - -");
    assert_eq!(found.iter().filter(|line| line.starts_with("{__meta_type=baseline span.tokens")).count(), 2);
    let window = series("{ name = \"root\" } | compare({ }, 10, 5000000000, 9000000000)");
    assert!(window.contains(&"{__meta_type=selection_total name=nil} 0 4 0".to_owned()));
}

#[test]
fn exemplars_are_the_largest_and_bounded() {
    let found = |text: &str| {
        let query = parse_metrics(text).into_result().expect("valid");
        let window = Window::instant(Instant(0), Instant(100 * SECOND)).expect("valid");
        let mut run = MetricsRun::new(&query, window);
        traces().iter().for_each(|trace| run.observe(&View::new(trace)));
        run.finish().series.into_iter().flat_map(|series| series.exemplars).map(|e| e.trace_id.0[0]).collect::<Vec<_>>()
    };
    assert_eq!(found("{ } | rate()"), [12]);
    assert_eq!(found("{ } | rate() by(resource.service.name)"), [12, 11]);
    assert_eq!(found("{ } | rate() by(resource.service.name) with(exemplars=1)"), [12]);
    assert!(found("{ } | rate() with(exemplars=false)").is_empty());
}

#[test]
fn too_many_series_are_counted_and_said() {
    let query = parse_metrics("{ } | rate() by(name)").into_result().expect("valid");
    let window = Window::instant(Instant(0), Instant(10)).expect("valid");
    let mut run = MetricsRun::new(&query, window);
    let spans = (0..3_000_u64).map(|n| Span::new(TraceId([1; 16]), SpanId((n + 1).to_be_bytes()), format!("{n}")));
    run.observe(&View::new(&Trace::assemble(TraceId([1; 16]), spans.collect(), Vec::new())));
    let answer = run.finish();
    assert_eq!((answer.series.len(), answer.spans, answer.spans_left_out), (2_000, 3_000, 1_000));
}

#[test]
fn windows_are_checked() {
    let window = |from, to, step| Window::new(Instant(from), Instant(to), model::Duration(step));
    assert!(window(5, 5, 1).is_err() && window(0, 5, 0).is_err() && window(0, 1 << 60, 1).is_err());
    let window = window(10, 21, 5).expect("valid");
    assert_eq!((window.steps(), window.step_of(Instant(20)), window.step_of(Instant(21))), (3, Some(2), None));
    assert_eq!(window.start_of(2), Instant(20));
}

#[test]
fn both_kinds_are_told_apart() {
    let kind = |text: &str| match parse_any(text).into_result() {
        Ok(AnyQuery::Traces(_)) => "traces",
        Ok(AnyQuery::Metrics(_)) => "metrics",
        Err(problems) => panic!("{text}: {problems:?}"),
    };
    assert_eq!(kind("{ } | count() > 2"), "traces");
    assert_eq!(kind("count() > 2"), "traces");
    assert_eq!(kind("{ .rate = 1 } with(most_recent=true)"), "traces");
    assert_eq!(kind("({ } | by(name) | count() > 2) | rate()"), "metrics");
    assert_eq!(kind("(({ } | rate())) * 2"), "metrics");
    assert_eq!(kind("{ } | quantile_over_time(duration, .99, .9) by(name) | topk(3) with(exemplars=true)"), "metrics");
}

#[test]
fn mistakes_are_told_with_their_place() {
    let all = [
        "{ } | rat()",
        "{ } | rate() | count() > 2",
        "{ } | rate() | topk(0)",
        "{ } | quantile_over_time(duration)",
        "{ } | compare(status = error)",
        "{ } | rate() by",
        "({ } | rate()",
        "1 + 2",
        "{ } | rate() with(exemplars)",
    ];
    let told = all.map(|text| {
        let problems = parse_metrics(text).problems;
        assert!(!problems.is_empty(), "{text}");
        let rendered: Vec<String> = problems.iter().map(|problem| problem.render(text)).collect();
        format!("--- {text}\n{}", rendered.join("\n"))
    });
    insta::assert_snapshot!(told.join("\n"));
}
