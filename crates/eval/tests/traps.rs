//! The traps in which trace tests are known to fall, one by one: each is a false pass, or a false fail, of an existing tool.
//! Late spans (0.4, 1, 2.5, 6 s) stand in `src/complete/late.rs`, where time is handed in; the runner's own spans in `run.rs`.

mod system;

use std::sync::Arc;

use eval::report::{self, RunReport, Style, Verdict};
use eval::suite::{Suite, SuiteInput};
use eval::{Arrivals, Cursor, Plan, RunOptions, SourceError, Stop, TraceSource, run};
use futures_util::future::BoxFuture;
use model::{Attributes, Instant, Resource, Span, SpanId, SpanKind, Trace, TraceId, Value};
use system::{Behaviour, System};

const TRACE: TraceId = TraceId([7; 16]);

const MS: u64 = 1_000_000;

/// One stored trace.
#[derive(Debug)]
struct Stored(Trace);

impl TraceSource for Stored {
    fn unread(&self, _trace_id: TraceId) -> usize {
        0
    }

    fn arrivals(&self, _trace_id: TraceId, after: Cursor) -> BoxFuture<'_, Result<Arrivals, SourceError>> {
        Box::pin(std::future::ready(Ok(Arrivals { cursor: after, ..Arrivals::default() })))
    }

    fn changed(&self, _trace_id: TraceId, _after: Cursor) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }

    fn stored(&self, trace_id: TraceId) -> BoxFuture<'_, Result<Option<Trace>, SourceError>> {
        Box::pin(std::future::ready(Ok((trace_id == TRACE).then(|| self.0.clone()))))
    }
}

/// A span that runs from one millisecond to another; `parent` 0 is none.
fn span(id: u8, parent: u8, service: &str, name: &str, [from, to]: [u64; 2]) -> Span {
    let mut span = Span::new(TRACE, SpanId([id; 8]), name);
    span.parent_span_id = (parent > 0).then_some(SpanId([parent; 8]));
    span.kind = SpanKind::SERVER;
    let base = 1_790_000_000_000_000_000;
    (span.start, span.end) = (Instant(base + from * MS), Instant(base + to * MS));
    let attributes = Attributes::from_iter([("service.name", service)]);
    span.resource = Arc::new(Resource { attributes, ..Resource::default() });
    span
}

fn suite(text: &str, address: &str) -> Suite {
    let environment = |name: &str| (name == "GATEWAY_URL").then(|| address.to_owned());
    let files = |_: &str| Err("no files here".to_owned());
    Suite::read(SuiteInput { file: "headwater.yaml", text, environment: &environment, files: &files })
        .unwrap_or_else(|error| panic!("{error}"))
}

async fn ran(suite: Suite, source: Arc<dyn TraceSource>) -> RunReport {
    let host = system::host(source, 1);
    let plan = Plan::new(Arc::new(suite), RunOptions::default()).unwrap_or_else(|error| panic!("{error}"));
    run(plan, host, Stop::never(), |_| {}).await
}

/// What the assertions say of a trace, in their order.
async fn judged(spans: Vec<Span>, asserts: &[&str]) -> Vec<Verdict> {
    let lines: String = asserts.iter().map(|line| format!("      - {line}\n")).collect();
    let text = format!(
        "suite: traps\ntarget: {{ http: {{ url: \"http://127.0.0.1:1/\" }} }}\n\
         scenarios:\n  - name: one\n    vars: {{ order: o-17 }}\n    assert:\n{lines}"
    );
    let mut suite = suite(&text, "");
    suite.judge_only(&[TRACE]);
    let trace = Trace::assemble(TRACE, spans, Vec::new());
    let report = ran(suite, Arc::new(Stored(trace))).await;
    let assertions = &report.scenarios[0].attempts[0].assertions;
    assert_eq!(assertions.len(), asserts.len(), "{}", report::table(&report, Style::default()));
    assertions.iter().map(|assertion| assertion.verdict).collect()
}

use Verdict::{Fail, NotEvaluable, Pass};

#[tokio::test]
async fn a_selection_that_matches_nothing_does_not_pass() {
    let spans = vec![span(1, 0, "gateway", "GET /", [0, 100])];
    let verdicts = judged(
        spans,
        &[
            "{ spans: '{ name = \"SELECT\" }', each: 'duration < 100ms' }",
            "{ spans: '{ name = \"SELECT\" }', none: 'status = error' }",
            "{ spans: '{ name = \"SELECT\" }', where: 'max(duration) < 100ms' }",
            "{ spans: '{ name = \"SELECT\" }' }",
            "{ spans: '{ span.db.rows > 5 }', count: 0 }",
        ],
    )
    .await;
    assert_eq!(verdicts, [NotEvaluable, NotEvaluable, NotEvaluable, Fail, NotEvaluable]);
}

#[tokio::test]
async fn an_assertion_and_its_negation_never_both_pass() {
    let mut failed = span(2, 1, "gateway", "SELECT", [10, 20]);
    failed.status.code = model::StatusCode::ERROR;
    let spans = vec![span(1, 0, "gateway", "GET /", [0, 100]), failed];
    let pairs = [
        ("{ spans: '{ status = error }', count: 0 }", "{ spans: '{ status = error }', count: '>= 1' }"),
        ("{ spans: '{ }', each: 'status != error' }", "{ spans: '{ }', any: 'status = error' }"),
        ("{ spans: '{ }', none: 'status = error' }", "{ spans: '{ }', any: 'status = error' }"),
        ("fault_path: none", "{ spans: '{ status = error }', count: 1 }"),
        (
            "{ spans: '{ name = \"SELECT\" }', each: 'duration > 50ms' }",
            "{ spans: '{ name = \"SELECT\" }', each: '!(duration > 50ms)' }",
        ),
        (
            "{ spans: '{ name = \"SELECT\" && !(status = error) }', count: 1 }",
            "{ spans: '{ name = \"SELECT\" && status = error }', count: 1 }",
        ),
    ];
    for (one, other) in pairs {
        assert_eq!(judged(spans.clone(), &[one, other]).await, [Fail, Pass], "{one} | {other}");
    }
}

#[tokio::test]
async fn current_http_conventions_are_errors_as_the_old_ones_are() {
    for key in ["http.response.status_code", "http.status_code"] {
        let mut root = span(1, 0, "gateway", "GET /", [0, 100]);
        root.attributes = Attributes::from_iter([(key, Value::Int(500))]);
        assert_eq!(judged(vec![root.clone()], &["fault_path: none"]).await, [Fail], "{key}");
        // A server that refuses its caller's request has not failed.
        root.attributes = Attributes::from_iter([(key, Value::Int(404))]);
        assert_eq!(judged(vec![root], &["fault_path: none"]).await, [Pass], "{key}");
    }
}

#[tokio::test]
async fn a_span_of_negative_duration_is_not_fast() {
    let spans = vec![span(1, 0, "gateway", "GET /", [0, 100]), span(2, 1, "gateway", "SELECT", [60, 10])];
    let verdicts = judged(
        spans,
        &[
            "{ spans: '{ name = \"SELECT\" }', each: 'duration < 100ms' }",
            "{ spans: '{ name = \"SELECT\" }', where: 'max(duration) < 100ms' }",
        ],
    )
    .await;
    assert_eq!(verdicts, [NotEvaluable, NotEvaluable]);
}

#[tokio::test]
async fn calls_that_overlap_have_no_order() {
    let call = |id, name, at| span(id, 1, "gateway", name, at);
    let overlapping = vec![span(1, 0, "gateway", "GET /", [0, 100]), call(2, "a", [10, 60]), call(3, "b", [20, 50])];
    let (order, reverse) =
        ("order: ['{ name = \"a\" }', '{ name = \"b\" }']", "order: ['{ name = \"b\" }', '{ name = \"a\" }']");
    let parallel = "parallel: ['{ name = \"a\" }', '{ name = \"b\" }']";
    assert_eq!(judged(overlapping, &[order, reverse, parallel]).await, [Fail, Fail, Pass]);
    let in_turn = vec![span(1, 0, "gateway", "GET /", [0, 100]), call(2, "a", [10, 30]), call(3, "b", [30, 50])];
    assert_eq!(judged(in_turn, &[order, reverse, parallel]).await, [Pass, Fail, Fail]);
}

#[tokio::test]
async fn variables_are_rendered_in_selectors_and_in_nested_values() {
    let mut root = span(1, 0, "gateway", "GET /", [0, 100]);
    root.attributes.push("order.id", "o-17");
    let asserts = [
        "{ spans: '{ span.order.id = \"{{order}}\" }', count: 1 }",
        "{ spans: '{ span.order.id = \"{{order}}x\" }', count: 1 }",
    ];
    assert_eq!(judged(vec![root], &asserts).await, [Pass, Fail]);
    // The scenario asks what its set-up asked, if its variable is rendered where it stands: the cache has it.
    let text = |question: &str| {
        format!(
            "suite: traps\n\
             targets:\n  ask: {{ http: {{ url: \"${{GATEWAY_URL}}/v1/ask\", json: {{ question: {{ parts: [{{ text: \"{question}\" }}] }} }} }} }}\n\
             \x20 asked: {{ http: {{ url: \"${{GATEWAY_URL}}/v1/ask\", json: {{ question: {{ parts: [{{ text: deep 17 }}] }} }} }} }}\n\
             services: [gateway, auth, orchestrator, search, vector-db, rag, llm, cache]\nscenarios:\n\
             \x20 - {{ name: rendered, target: ask, vars: {{ number: 17 }}, setup: [{{ send: asked }}], assert: [cache: {{ service: cache, result: hit }}] }}\n"
        )
    };
    for (question, expected) in [("deep {{number}}", 0), ("deeper {{number}}", 1)] {
        let system = System::start(Behaviour::default()).await;
        let suite = suite(&text(question), &format!("http://{}", system.address));
        let report = ran(suite, Arc::clone(&system.traces) as _).await;
        assert_eq!(report.exit_code, Some(expected), "{question}: {}", report::table(&report, Style::default()));
    }
}
