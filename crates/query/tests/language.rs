//! The language: what it finds, how it prints, what is said of mistakes.

use std::sync::Arc;

use model::{
    Attributes, Duration, Event, Instant, Resource, Span, SpanId, SpanIndex, SpanKind, StatusCode, Trace, TraceId,
    Value,
};
use query::{Computed, View, parse, parse_aggregate, parse_field, select};

/// ```text
/// 1 gateway  POST /ask   server  0..100 ms
/// ├ 2 auth   verify      server  5..15
/// ├ 3 gateway POST       client  20..90
/// │ └ 4 rag  answer      server  25..85  error
/// │   └ 5 rag llm.call   client  30..80  error
/// └ 6 auth   audit       internal 92..99
/// ```
fn trace() -> Trace {
    let span = |id: u8, parent: u8, service: &str, name: &str, kind: SpanKind, from_ms: u64, to_ms: u64| {
        let mut span = Span::new(TraceId([7; 16]), SpanId([id; 8]), name);
        span.parent_span_id = (parent != 0).then_some(SpanId([parent; 8]));
        span.kind = kind;
        (span.start, span.end) =
            (Instant(1_000_000_000 + from_ms * 1_000_000), Instant(1_000_000_000 + to_ms * 1_000_000));
        let attributes = Attributes::from_iter([("service.name", service)]);
        span.resource = Arc::new(Resource { attributes, ..Resource::default() });
        span
    };
    let mut spans = vec![
        span(1, 0, "gateway", "POST /ask", SpanKind::SERVER, 0, 100),
        span(2, 1, "auth", "verify", SpanKind::SERVER, 5, 15),
        span(3, 1, "gateway", "POST", SpanKind::CLIENT, 20, 90),
        span(4, 3, "rag", "answer", SpanKind::SERVER, 25, 85),
        span(5, 4, "rag", "llm.call", SpanKind::CLIENT, 30, 80),
        span(6, 1, "auth", "audit", SpanKind::INTERNAL, 92, 99),
    ];
    for failed in [3, 4] {
        spans[failed].status.code = StatusCode::ERROR;
    }
    spans[0].attributes = Attributes::from_iter([("http.response.status_code", Value::Int(200))]);
    spans[0].attributes.push("tags", Value::Array(vec!["a".into(), "b".into()]));
    spans[2].attributes.push("http.response.status_code", 503_i64);
    spans[4].attributes.push("tokens", 120_i64);
    spans[4].attributes.push("cost", 0.5);
    let time = spans[4].start + Duration::from_millis(20);
    spans[4].events.push(Event {
        time,
        name: "exception".into(),
        attributes: Attributes::from_iter([("exception.type", "Timeout")]),
        dropped_attributes_count: 0,
    });
    Trace::assemble(TraceId([7; 16]), spans, Vec::new())
}

struct Fixed;

impl Computed for Fixed {
    fn self_time(&self, span: SpanIndex) -> Duration {
        Duration::from_millis(i64::from(span))
    }

    fn critical(&self, span: SpanIndex) -> Duration {
        Duration::from_millis(i64::from(span) * 10)
    }
}

/// Checks which spans (by the number of their id) a query finds.
fn check(text: &str, expected: &[u8]) {
    let trace = trace();
    let query = parse(text).into_result().unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
    let view = View::with_computed(&trace, &Fixed);
    let found: Vec<u8> = select(&query, &view).iter().map(|&index| trace.span(index).span_id.0[0]).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn selectors() {
    check("{ }", &[1, 2, 3, 4, 5, 6]);
    check(r#"{ resource.service.name = "auth" }"#, &[2, 6]);
    check(r#"{ .service.name != "auth" }"#, &[1, 3, 4, 5]);
    check("{ status = error }", &[4, 5]);
    check("{ kind = client && status != error }", &[3]);
    check("{ duration > 60ms }", &[1, 3]);
    check("{ duration >= 60ms && duration <= 0.06s }", &[4]);
    check(r#"{ name =~ "POST.*" }"#, &[1, 3]);
    check(r#"{ name =~ "POST" }"#, &[3]);
    check(r#"{ name !~ "POST.*" }"#, &[2, 4, 5, 6]);
    check("{ span.http.response.status_code >= 500 }", &[3]);
    check("{ span.http.response.status_code != 200 }", &[3]);
    check("{ span.http.response.status_code = nil }", &[2, 4, 5, 6]);
    check("{ span.http.response.status_code != nil }", &[1, 3]);
    check("{ !(status = error) && kind = server }", &[1, 2]);
    check("{ kind = server && status = error || kind = internal }", &[4, 6]);
    check(r#"{ span.tags = "b" }"#, &[1]);
    check(r#"{ span.tags != "b" }"#, &[]);
    check(r#"{ event.exception.type = "Timeout" }"#, &[5]);
    check(r#"{ event:name = "exception" && event:timeSinceStart = 20ms }"#, &[5]);
    check("{ span.tokens * 2 = 240 && span.cost + 1 = 1.5 }", &[5]);
    check("{ -span.tokens < -100 }", &[5]);
    check("{ duration / 2 = 50ms }", &[1]);
    check(r#"{ parent.service.name = "gateway" && kind = server }"#, &[2, 4]);
    check("{ parent = nil }", &[1]);
    check("{ childCount = 3 }", &[1]);
    check("{ nestedSetParent = -1 }", &[1]);
    check(r#"{ span:id = "0505050505050505" }"#, &[5]);
    check("{ span:critical > 40ms }", &[6]);
    check("{ span:self = 1ms }", &[2]);
    check(
        r#"{ rootServiceName = "gateway" && traceDuration = 100ms && trace:spans = 6 && trace:errors = 2 && name = "audit" }"#,
        &[6],
    );
    check(r#"{ .nothing = "x" }"#, &[]);
    check("{ span.tokens != minInt && span.tokens < maxInt }", &[5]);
    check("{ kind = client } // comment\n /* another */", &[3, 5]);
    check("{ kind = client } with(most_recent=true)", &[3, 5]);
    check(r#"{ .tokens = "120" }"#, &[]);
}

#[test]
fn structure() {
    check(r#"{ name = "POST /ask" } > { }"#, &[2, 3, 6]);
    check(r#"{ name = "POST /ask" } >> { kind = client }"#, &[3, 5]);
    check("{ status = error } < { }", &[3, 4]);
    check("{ status = error } << { kind = server }", &[1, 4]);
    check(r#"{ name = "verify" } ~ { }"#, &[3, 6]);
    check(r#"{ resource.service.name = "auth" } ~ { }"#, &[2, 3, 6]);
    check(r#"{ name = "POST /ask" } !> { }"#, &[1, 4, 5]);
    check(r#"{ name = "POST" } !>> { kind = server }"#, &[1, 2]);
    check("{ status = error } !< { }", &[1, 2, 5, 6]);
    check("{ status = error } !<< { }", &[2, 5, 6]);
    check(r#"{ name = "verify" } !~ { }"#, &[1, 2, 4, 5]);
    check(r#"{ name = "POST /ask" } &>> { kind = client }"#, &[1, 3, 5]);
    check(r#"{ name = "verify" } &~ { name = "audit" }"#, &[2, 6]);
    check(r#"{ name = "verify" } && { name = "audit" }"#, &[2, 6]);
    check(r#"{ name = "verify" } && { name = "missing" }"#, &[]);
    check(r#"{ name = "verify" } || { name = "missing" }"#, &[2]);
    check(r#"({ name = "POST /ask" } > { kind = client }) > { kind = server }"#, &[4]);
}

#[test]
fn stages() {
    check("{ status = error } | count() > 1", &[4, 5]);
    check("{ status = error } | count() > 2", &[]);
    check("count() > 5", &[1, 2, 3, 4, 5, 6]);
    check("by(kind) | count() = 1", &[6]);
    check("{ } | { kind = client }", &[3, 5]);
    check("{ kind = client } | max(duration) < 71ms", &[3, 5]);
    check("{ kind = client } | avg(duration) = 60ms", &[3, 5]);
    check("{ } | by(resource.service.name) | count() = 2 | { kind = server }", &[1, 2, 4]);
    check("{ } | by(resource.service.name) | avg(duration) < 10ms", &[2, 6]);
    check("{ } | by(kind) | coalesce() | count() = 6", &[1, 2, 3, 4, 5, 6]);
    check("{ } | p50(duration) <= 60ms", &[1, 2, 3, 4, 5, 6]);
    check("{ } | sum(span.tokens) / count() = 20", &[1, 2, 3, 4, 5, 6]);
    check("{ } | select(name, span.tokens) | max(span.missing) > 1", &[]);
    check(r#"({ status = error } | count() > 1) && { name = "audit" }"#, &[4, 5, 6]);
}

#[test]
fn every_example_of_the_manual_parses() {
    let mut inside = false;
    let mut examples = 0;
    for line in query::REFERENCE.lines() {
        match line {
            "```traceql" => inside = true,
            "```" => inside = false,
            text if inside => {
                examples += 1;
                let parsed = query::parse_any(text);
                assert!(parsed.tree.is_some(), "{text}: {:?}", parsed.problems);
            }
            _ => {}
        }
    }
    assert!(examples > 10);
}

#[test]
fn bare_words_search_span_names() {
    assert_eq!(
        &*query::expand_search("  check.out error "),
        r#"{ name =~ "(?i).*check\\.out.*" && name =~ "(?i).*error.*" }"#
    );
    check(&query::expand_search("post"), &[1, 3]);
    assert_eq!(&*query::expand_search("count() > 2"), "count() > 2");
    check(&query::expand_search("{ kind = client }"), &[3, 5]);
}

#[test]
fn field_expressions_and_aggregates_stand_alone() {
    let trace = trace();
    let view = View::new(&trace);
    let expression = parse_field("duration < 2s && .missing = nil").into_result().expect("valid");
    assert!(query::field_holds(&expression, &view, 0));
    let holds =
        |text: &str, spans: &[SpanIndex]| query::meets(&parse_aggregate(text).into_result().expect(text), &view, spans);
    assert_eq!(holds("max(duration) < 4s", &[0, 1]), Some(true));
    assert_eq!(holds("count() = 2", &[0, 1]), Some(true));
    assert_eq!(holds("max(duration) < 4s", &[]), None);
    assert_eq!(holds("count() = 0", &[]), Some(true));
    let number = query::parse_scalar("quantile(duration, 1)").into_result().expect("valid");
    assert_eq!(query::number(&number, &view, &[0, 1]).map(|number| number.to_string()), Some("100 ms".into()));
}

#[test]
fn keys_that_no_span_carries_are_known() {
    let trace = trace();
    let unknown = |text: &str| {
        let query = parse(text).into_result().expect(text);
        let keys = query::keys_of_query(&query);
        keys.iter().filter_map(|key| query::unknown_in(key, &trace, &|_| true)).collect::<Vec<_>>()
    };
    use query::Unknown;
    assert_eq!(unknown(r#"{ resource.service.nam = "x" }"#), [Unknown::Key]);
    assert_eq!(unknown(r#"{ span.tokens = "120" }"#), [Unknown::Type("int")]);
    assert_eq!(unknown("{ span.tokens > 100 && span.cost = 1 }"), []);
    assert_eq!(unknown("{ span.missing = nil }"), []);
    assert_eq!(unknown("{ } | avg(span.missing) > 1"), [Unknown::Key]);
}

#[test]
fn the_nearest_span_tells_what_excluded_it() {
    let trace = trace();
    let query =
        parse(r#"{ resource.service.name = "rag" && kind = server && status = ok }"#).into_result().expect("valid");
    let nearest = query::nearest(&query, &View::new(&trace), 2, &|_| true);
    assert_eq!(trace.span(nearest[0].span).span_id.0[0], 4);
    assert_eq!(nearest[0].excluded_by[0].clause, "status = ok");
    assert_eq!(nearest[0].excluded_by[0].found, "status is error");
}

/// Every problem of a text as people read it.
fn complaint(text: &str) -> String {
    let problems = parse(text).problems;
    problems.iter().map(|problem| problem.render(text)).collect::<Vec<_>>().join("\n")
}

#[test]
fn mistakes_are_told_with_their_place() {
    let all = [
        "{ resource.service.name = \"rag\"",
        "{ statuss = error }",
        "{ status = \"error\" }",
        "{ duration > \"2s\" && kind = \"server\" }",
        "{ name =~ \"(\" }",
        "{ .a = } ",
        "{ } | rate()",
        "{ } | cuont() > 2",
        "{ } | count()",
        "status = error",
        "{ duration > 5parsecs }",
        "{ .a # .b }",
        "{ } { }",
        "{ name = \"open }",
        "",
    ];
    let told: Vec<String> = all.iter().map(|text| format!("--- {text}\n{}", complaint(text))).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn nesting_is_bounded() {
    let deep = format!("{{ {}true{} }}", "(".repeat(5_000), ")".repeat(5_000));
    assert!(parse(&deep).problems[0].message.contains("nested deeper"));
    let negations = format!("{{ {}true }}", "!".repeat(5_000));
    assert!(parse(&negations).problems[0].message.contains("nested deeper"));
    // A thread of 2 MB, as servers have them, must walk the deepest tree that is let through.
    let long = |terms: usize| format!("{{ {} }}", vec![".a = 1"; terms].join(" || "));
    check(&long(512), &[]);
    check(&format!("{{ 1{} = 1021 }}", " + 1".repeat(1_020)), &[1, 2, 3, 4, 5, 6]);
    assert!(parse(&long(512)).tree.expect("parses").to_string().len() > 4_000);
    assert!(parse(&long(600)).problems[0].message.contains("operators"));
    assert!(parse(&vec!["{ }"; 5_000].join(" > ")).problems[0].message.contains("operators"));
    assert!(parse(&"x".repeat(100_000)).problems[0].message.contains("bytes"));
}
