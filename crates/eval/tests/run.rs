//! Whole runs against a system that sends spans of eight services.

mod system;

use std::sync::Arc;

use eval::exit_code::Flaky;
use eval::report::{self, AssertionReport, Progress, RunReport, Style, Terminal, Verdict};
use eval::suite::{Suite, SuiteInput};
use eval::{Host, Plan, RunOptions, Stop, run};
use system::{Behaviour, System};

fn suite(text: &str, system: &System) -> Suite {
    let url = format!("http://{}", system.address);
    let environment = |name: &str| match name {
        "GATEWAY_URL" => Some(url.clone()),
        "DEMO_TOKEN" => Some("token".to_owned()),
        _ => None,
    };
    Suite::read(SuiteInput {
        file: "headwater.yaml",
        text,
        environment: &environment,
        files: &|_| Err("no files here".to_owned()),
    })
    .unwrap_or_else(|error| panic!("{error}"))
}

async fn run_suite(text: &str, system: &System, options: RunOptions) -> RunReport {
    let plan = Plan::new(Arc::new(suite(text, system)), options).unwrap_or_else(|error| panic!("{error}"));
    run(plan, system.host(), Stop::never(), |_| {}).await
}

const FOUR: &str = include_str!("suites/four-scenarios.yaml");

fn told(report: &RunReport) -> String {
    report::table(report, Style::default())
}

/// One scenario with these assertions, one line each.
fn one(asserts: &str) -> String {
    let lines: String = asserts.lines().map(|line| format!("      {}\n", line.trim())).collect();
    format!(
        "suite: traps\ntarget: {{ http: {{ url: \"${{GATEWAY_URL}}/v1/ask\", json: {{ question: hm }} }} }}\n\
         services: [gateway, auth, orchestrator, search, vector-db, rag, llm, cache]\n\
         scenarios:\n  - name: one\n    assert:\n{lines}"
    )
}

async fn verdict(system: &System, asserts: &str) -> AssertionReport {
    let report = run_suite(&one(asserts), system, RunOptions::default()).await;
    report.scenarios[0].attempts[0].assertions.last().cloned().unwrap_or_else(|| panic!("{}", told(&report)))
}

#[tokio::test]
async fn the_four_scenarios_of_the_design_pass() {
    let system = System::start(Behaviour::default()).await;
    let report = run_suite(FOUR, &system, RunOptions::default()).await;
    assert_eq!(report.exit_code, Some(0), "{}", told(&report));
    let names: Vec<&str> = report.scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
    assert_eq!(names, ["happy path", "cache hit", "service failure", "time-out"]);
}

#[tokio::test]
async fn the_order_of_the_report_is_that_of_the_suite_whatever_the_concurrency() {
    let system = System::start(Behaviour::default()).await;
    let options = RunOptions { concurrency: Some(8), repeat: Some(3), seed: Some(3), ..RunOptions::default() };
    let report = run_suite(FOUR, &system, options).await;
    assert_eq!(report.exit_code, Some(0), "{}", told(&report));
    for scenario in &report.scenarios {
        let numbers: Vec<u32> = scenario.attempts.iter().map(|attempt| attempt.attempt).collect();
        assert_eq!(numbers, [0, 1, 2]);
        assert_eq!(scenario.statistics.as_ref().map(|statistics| statistics.passed), Some(3));
    }
}

#[tokio::test]
async fn a_slow_exporter_is_waited_for() {
    // The error is told only by the service that exports late: its callers swallowed it.
    let behaviour =
        Behaviour { delays: [("llm", 900), ("rag", 900)].into(), swallows_errors: true, ..Behaviour::default() };
    let system = System::start(behaviour).await;
    let suite =
        one("- fault_path: none").replace("    assert:", "    fault: { edge: rag -> llm, status: 503 }\n    assert:");
    let report = run_suite(&suite, &system, RunOptions::default()).await;
    assert_eq!(report.scenarios[0].verdict, Verdict::Fail, "{}", told(&report));
}

#[tokio::test]
async fn an_exporter_that_is_switched_off_is_not_evaluable() {
    let behaviour = Behaviour { silent: ["llm"].into(), ..Behaviour::default() };
    let system = System::start(behaviour).await;
    let quiet = |asserts: &str| one(asserts).replace("    assert:", "    complete: { quiet: 100ms }\n    assert:");
    let report = run_suite(&quiet("- fault_path: none"), &system, RunOptions::default()).await;
    assert_eq!(report.scenarios[0].verdict, Verdict::NotEvaluable, "{}", told(&report));
    let reason = &report.scenarios[0].attempts[0].assertions[0].reason;
    assert!(reason.contains("llm"), "{reason}");
    assert_eq!(report.exit_code, Some(3));
    // What must be there and is not, fails.
    let report = run_suite(&quiet("- edges: [rag -> llm]"), &system, RunOptions::default()).await;
    assert_eq!(report.scenarios[0].verdict, Verdict::Fail, "{}", told(&report));
}

#[tokio::test]
async fn trace_assertions_cost_next_to_nothing_when_services_export_at_once() {
    let system = System::start(Behaviour { answer_after: 50, ..Behaviour::default() }).await;
    let report =
        run_suite(FOUR, &system, RunOptions { filter: vec!["happy".to_owned()], ..RunOptions::default() }).await;
    let waited = report.scenarios[0].attempts[0].waited;
    assert!(waited < 50_000_000, "waited {waited} ns");
}

#[tokio::test]
async fn what_each_assertion_says() {
    let system = System::start(Behaviour::default()).await;
    let check = async |asserts: &str, expected: Verdict, words: &str| {
        let suite = one(asserts).replace("    assert:", "    complete: { quiet: 50ms }\n    assert:");
        let report = run_suite(&suite, &system, RunOptions::default()).await;
        let assertion = &report.scenarios[0].attempts[0].assertions[0];
        assert_eq!(assertion.verdict, expected, "{asserts}\n{}", told(&report));
        let said =
            format!("{} | {} | {} | {:?}", assertion.expected, assertion.found, assertion.reason, assertion.nearest);
        assert!(said.contains(words), "{asserts}: {said}");
    };
    use Verdict::{Fail, NotEvaluable, Pass};
    // Every attempt has a question of its own only by its namespace; these have none, so all but the first hit the cache.
    check("- { spans: '{ kind = server }', count: '>= 3' }", Pass, "").await;
    check("- status: [201, 2xx]", Pass, "200").await;
    check("- status: 404", Fail, "status 404").await;
    check("- json: { path: $.answer, contains: caller }", Pass, "").await;
    check("- json: { path: $.answer, equals: x }", Fail, "the parent of a span").await;
    check("- json: { path: $.nothing, exists: false }", Pass, "").await;
    check("- text: caller", Pass, "").await;
    check("- regex: 'cal+er'", Pass, "").await;
    check("- latency: 1ns", Fail, "at most 1 ns").await;
    check("- json_schema: { type: object, required: [nothing] }", Fail, "nothing").await;
    check("- services: [gateway, cache]", Pass, "").await;
    check("- services: { exclude: [gateway] }", Fail, "no span of gateway").await;
    check("- services: { include: [gateway], exclude: [auth] }", Fail, "no span of auth").await;
    check("- services: { exclude: [llm], include: [gateway, llm] }", Fail, "spans of llm").await;
    check("- services: { include: [gateway], exclude: [llm] }", Pass, "").await;
    check("- { edges: [gateway -> auth], exactly: true }", Fail, "no call but").await;
    check("- { spans: '{ resource.service.name = \"llm\" }', count: 0 }", Pass, "").await;
    check("- { spans: '{ span.typo = 1 }', count: 0 }", NotEvaluable, "span.typo").await;
    check("- { spans: '{ span.typo = 1 }', count: 0, optional: true }", Pass, "").await;
    check("- { spans: '{ resource.service.name = \"auth\" && kind = consumer }' }", Fail, "kind = consumer").await;
    check("- { spans: '{ resource.service.name = \"llm\" }', each: 'duration < 1s' }", NotEvaluable, "to judge").await;
    check("- { spans: '{ resource.service.name = \"gateway\" }', each: 'duration < 1s' }", Fail, "do not keep").await;
    check("- { spans: '{ kind = server }', where: 'max(duration) < 4s' }", Pass, "").await;
    check("- { spans: '{ kind = server }', where: 'max(duration) < 1s' }", Fail, "3.90 s").await;
    check("- fault_path: none", Pass, "").await;
    check("- fault_path: { origin: llm }", Fail, "no error span").await;
    check("- retries: { edge: rag -> llm, attempts: 3 }", Fail, "no call rag -> llm").await;
    check("- order: ['{ resource.service.name = \"auth\" }', '{ resource.service.name = \"cache\" }']", Pass, "").await;
    check("- order: ['{ resource.service.name = \"cache\" }', '{ resource.service.name = \"auth\" }']", Fail, "after")
        .await;
    check(
        "- parallel: ['{ resource.service.name = \"cache\" }', '{ resource.service.name = \"auth\" }']",
        Fail,
        "no moment",
    )
    .await;
    check("- relation: { spans: '{ resource.service.name = \"cache\" }', descendant_of: '{ resource.service.name = \"gateway\" && kind = server }' }", Pass, "").await;
    check("- critical_path: { service: auth, share: '90%..100%' }", Fail, "orchestrator").await;
    check("- cache: { service: cache, result: hit }", Pass, "").await;
    check("- cache: { service: cache, result: miss }", Fail, "hit").await;
    check("- tokens: 5", NotEvaluable, "gen_ai.usage").await;
    check("- { when: '{ resource.service.name = \"llm\" }', fault_path: { origin: llm } }", Pass, "not judged").await;
}

#[tokio::test]
async fn the_runners_own_spans_are_never_counted() {
    let system = System::start(Behaviour::default()).await;
    let own = "- { spans: '{ resource.service.name = \"headwater.eval\" }', count: 0 }";
    assert_eq!(verdict(&system, own).await.verdict, Verdict::Pass);
}

#[tokio::test]
async fn a_target_that_is_down_is_an_error_of_infrastructure() {
    let system = System::start(Behaviour::default()).await;
    let text = one("- status: 200").replace("${GATEWAY_URL}", "http://127.0.0.1:1");
    let report = run_suite(&text, &system, RunOptions::default()).await;
    assert_eq!(report.exit_code, Some(4));
    assert!(report.errors[0].contains("cannot reach 127.0.0.1:1"), "{:?}", report.errors);
}

#[tokio::test]
async fn an_unknown_filter_names_the_scenarios() {
    let system = System::start(Behaviour::default()).await;
    let options = RunOptions { filter: vec!["hapy path".to_owned()], ..RunOptions::default() };
    let error = Plan::new(Arc::new(suite(FOUR, &system)), options).expect_err("no such scenario");
    insta::assert_snapshot!(error, @"no scenario's name contains `hapy path` (did you mean `happy path`?); there are `happy path`, `cache hit`, `service failure`, `time-out`");
}

#[tokio::test]
async fn without_traces_a_scenario_that_asserts_nothing_else_is_not_evaluable() {
    let system = System::start(Behaviour::default()).await;
    let without = || RunOptions { without_traces: true, ..RunOptions::default() };
    let report = run_suite(&one("- services: all"), &system, without()).await;
    assert_eq!(report.exit_code, Some(3), "{}", told(&report));
    let reason = &report.scenarios[0].attempts[0].assertions[0].reason;
    assert!(reason.contains("left out"), "{reason}");
    let report = run_suite(&one("- status: 200\n- services: all"), &system, without()).await;
    assert_eq!(report.exit_code, Some(0), "{}", told(&report));
    assert_eq!(report.scenarios[0].attempts[0].assertions.len(), 1);
    assert!(report.remarks[0].starts_with("1 assertions"), "{:?}", report.remarks);
}

#[tokio::test]
async fn a_stop_ends_the_run_at_once() {
    let system = System::start(Behaviour { answer_after: 60_000, ..Behaviour::default() }).await;
    let plan = Plan::new(Arc::new(suite(&one("- status: 200"), &system)), RunOptions::default()).expect("a plan");
    let (sender, receiver) = tokio::sync::watch::channel(false);
    sender.send(true).expect("received");
    let report = run(plan, system.host(), Stop::new(receiver), |_| {}).await;
    assert!(report.interrupted);
    assert_eq!(report.exit_code, Some(130));
}

#[tokio::test]
async fn a_command_gets_its_traceparent() {
    let system = System::start(Behaviour::default()).await;
    let text = "suite: s\ntarget: { exec: { command: [sh, -c, 'echo $TRACEPARENT; exit 3'] } }\n\
                scenarios: [{ name: a, assert: [{ status: 3 }, { regex: '^00-[0-9a-f]{32}-[0-9a-f]{16}-01' }] }]\n";
    let report = run_suite(text, &system, RunOptions::default()).await;
    assert_eq!(report.exit_code, Some(0), "{}", told(&report));
}

#[tokio::test]
async fn events_fold_into_the_report_and_the_terminal() {
    let system = System::start(Behaviour::default()).await;
    let options = RunOptions { flaky: Flaky::Fails, filter: vec!["cache".to_owned()], ..RunOptions::default() };
    let plan = Plan::new(Arc::new(suite(FOUR, &system)), options).expect("a plan");
    let mut fold = report::Fold::default();
    let mut out = Vec::new();
    let mut terminal = Terminal::new(&mut out, Style::default(), Progress::Plain);
    let result = run(plan, system.host(), Stop::never(), |event| {
        fold.take(event);
        terminal.tell(event).expect("memory can be written");
    })
    .await;
    drop(terminal);
    assert_eq!(fold.report(), &result);
    let text = String::from_utf8(out).expect("text");
    assert!(text.contains("✓ pass          cache hit"), "{text}");
    assert!(text.contains("1 passed in"), "{text}");
}

/// Keeps a copy of what passes through.
#[derive(Debug)]
struct Recorder {
    traces: Arc<eval::WatchedTraces>,
    spans: std::sync::Mutex<Vec<model::Span>>,
}

impl eval::TraceSource for Recorder {
    fn watch(&self, trace_id: model::TraceId) {
        self.traces.watch(trace_id);
    }

    fn unread(&self, trace_id: model::TraceId) -> usize {
        self.traces.unread(trace_id)
    }

    fn arrivals(
        &self,
        trace_id: model::TraceId,
        after: eval::Cursor,
    ) -> futures_util::future::BoxFuture<'_, Result<eval::Arrivals, eval::SourceError>> {
        Box::pin(async move {
            let arrivals = self.traces.arrivals(trace_id, after).await?;
            self.spans.lock().expect("not poisoned").extend(arrivals.spans.iter().map(|arrived| arrived.span.clone()));
            Ok(arrivals)
        })
    }

    fn changed(&self, trace_id: model::TraceId, after: eval::Cursor) -> futures_util::future::BoxFuture<'_, ()> {
        self.traces.changed(trace_id, after)
    }
}

/// The trace of one good request.
async fn good_trace(system: &System) -> model::Trace {
    let recorder = Arc::new(Recorder { traces: Arc::clone(&system.traces), spans: std::sync::Mutex::default() });
    let plan = Plan::new(Arc::new(suite(&one("- services: all"), system)), RunOptions::default()).expect("a plan");
    let host = Host { source: Arc::clone(&recorder) as _, ..system.host() };
    assert_eq!(run(plan, host, Stop::never(), |_| {}).await.exit_code, Some(0));
    let mut spans = recorder.spans.lock().expect("not poisoned").clone();
    for span in spans.iter_mut().filter(|span| span.service_name() == "gateway" && span.kind == model::SpanKind::SERVER)
    {
        span.parent_span_id = None;
    }
    model::Trace::assemble(spans[0].trace_id, spans, Vec::new())
}

#[tokio::test]
async fn what_is_suggested_from_a_good_trace_holds_for_the_next_and_not_for_a_broken_one() {
    let system = System::start(Behaviour::default()).await;
    let suggested = eval::suggest(&[good_trace(&system).await]).yaml();
    let suite = |fault: &str| {
        format!(
            "suite: s\ntarget: {{ http: {{ url: \"${{GATEWAY_URL}}/v1/ask\", headers: {{ x-cache-namespace: \"{{{{attempt.id}}}}\" }} }} }}\n\
             scenarios:\n  - name: a\n    complete: {{ quiet: 100ms }}\n{fault}    {}",
            suggested.replace('\n', "\n    ").trim_end()
        )
    };
    let good = run_suite(&suite(""), &system, RunOptions::default()).await;
    assert_eq!(good.exit_code, Some(0), "{suggested}\n{}", told(&good));
    let broken =
        run_suite(&suite("    fault: { edge: rag -> llm, status: 503 }\n"), &system, RunOptions::default()).await;
    assert_eq!(broken.exit_code, Some(1), "{}", told(&broken));
}
