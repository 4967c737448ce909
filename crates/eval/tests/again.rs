//! Judging without driving: a run again, and stored traces.

mod system;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use eval::report::{self, RunReport, Style, Verdict};
use eval::suite::{Suite, SuiteInput};
use eval::{Arrivals, Cursor, Host, Plan, RunOptions, SourceError, Stop, TraceSource, WatchedTraces, run};
use futures_util::future::BoxFuture;
use model::{Span, Trace, TraceId};
use system::{Behaviour, System};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// A source that also keeps what it handed out, as a store does.
#[derive(Debug)]
struct Keeping {
    watched: Arc<WatchedTraces>,
    kept: Mutex<BTreeMap<TraceId, Vec<Span>>>,
}

impl TraceSource for Keeping {
    fn watch(&self, trace_id: TraceId) {
        self.watched.watch(trace_id);
    }

    fn unread(&self, trace_id: TraceId) -> usize {
        self.watched.unread(trace_id)
    }

    fn arrivals(&self, trace_id: TraceId, after: Cursor) -> BoxFuture<'_, Result<Arrivals, SourceError>> {
        Box::pin(async move {
            let arrivals = self.watched.arrivals(trace_id, after).await?;
            let spans = arrivals.spans.iter().map(|arrived| arrived.span.clone());
            self.kept.lock().expect("not poisoned").entry(trace_id).or_default().extend(spans);
            Ok(arrivals)
        })
    }

    fn changed(&self, trace_id: TraceId, after: Cursor) -> BoxFuture<'_, ()> {
        self.watched.changed(trace_id, after)
    }

    fn stored(&self, trace_id: TraceId) -> BoxFuture<'_, Result<Option<Trace>, SourceError>> {
        let spans = self.kept.lock().expect("not poisoned").get(&trace_id).cloned();
        // The runner's own span, which the system's first span is a child of, is not kept here.
        let ids: Vec<_> = spans.iter().flatten().map(|span| span.span_id).collect();
        let spans = spans.map(|mut spans| {
            for span in &mut spans {
                span.parent_span_id = span.parent_span_id.filter(|parent| ids.contains(parent));
            }
            spans
        });
        let trace = spans.map(|spans| Trace::assemble(trace_id, spans, Vec::new()));
        Box::pin(std::future::ready(Ok(trace)))
    }
}

fn suite(text: &str, url: &str) -> Suite {
    let environment = |name: &str| (name == "GATEWAY_URL").then(|| url.to_owned());
    let input = SuiteInput {
        file: "headwater.yaml",
        text,
        environment: &environment,
        files: &|_| Err("no files here".to_owned()),
    };
    Suite::read(input).unwrap_or_else(|error| panic!("{error}"))
}

fn text(asserts: &[&str]) -> String {
    let lines: String = asserts.iter().map(|line| format!("      - {line}\n")).collect();
    format!(
        "suite: again\ntarget: {{ http: {{ url: \"${{GATEWAY_URL}}/v1/ask\", json: {{ question: hm }} }} }}\n\
         services: [gateway, auth, orchestrator, search, vector-db, rag, llm, cache]\n\
         scenarios:\n  - name: one\n    assert:\n{lines}"
    )
}

struct World {
    system: System,
    source: Arc<Keeping>,
}

impl World {
    async fn start() -> Self {
        let system = System::start(Behaviour::default()).await;
        let source = Arc::new(Keeping { watched: Arc::clone(&system.traces), kept: Mutex::default() });
        Self { system, source }
    }

    async fn run(&self, suite: Suite, again: Option<RunReport>) -> RunReport {
        let host = Host { source: Arc::clone(&self.source) as _, ..self.system.host() };
        let options = RunOptions { again: again.map(Arc::new), ..RunOptions::default() };
        let plan = Plan::new(Arc::new(suite), options).unwrap_or_else(|error| panic!("{error}"));
        run(plan, host, Stop::never(), |_| {}).await
    }

    fn suite(&self, asserts: &[&str]) -> Suite {
        suite(&text(asserts), &format!("http://{}", self.system.address))
    }
}

fn verdicts(report: &RunReport) -> Vec<(String, Verdict)> {
    let attempts = report.scenarios.iter().flat_map(|scenario| &scenario.attempts);
    attempts
        .flat_map(|attempt| &attempt.assertions)
        .map(|assertion| (assertion.text.clone(), assertion.verdict))
        .collect()
}

fn told(report: &RunReport) -> String {
    report::table(report, Style::default())
}

const LLM: &str = "{ spans: '{ resource.service.name = \"llm\" && kind = server }', count: 1 }";
const NONE: &str = "{ spans: '{ resource.service.name = \"llm\" && kind = server }', count: 0 }";

#[tokio::test]
async fn a_run_is_judged_again_by_a_stricter_suite_without_driving() {
    let world = World::start().await;
    let first = world.run(world.suite(&["status: 200", "text: parent", LLM]), None).await;
    assert_eq!(first.exit_code, Some(0), "{}", told(&first));
    // Nothing listens there: whatever would be sent fails.
    let stricter = suite(&text(&["status: 500", "text: parent", "text: elsewhere", LLM, NONE]), "http://127.0.0.1:1");
    let second = world.run(stricter, Some(first.clone())).await;
    let verdicts: Vec<Verdict> = verdicts(&second).into_iter().map(|(_, verdict)| verdict).collect();
    use Verdict::{Fail, NotEvaluable, Pass};
    assert_eq!(verdicts, [Fail, Pass, NotEvaluable, Pass, Fail], "{}", told(&second));
    let of = |run: &RunReport| run.scenarios[0].attempts[0].trace_id.clone();
    assert_eq!(of(&first), of(&second));
    assert!(told(&second).contains("not its body and headers"), "{}", told(&second));
}

#[tokio::test]
async fn stored_traces_are_judged_one_attempt_each() {
    let world = World::start().await;
    let first = world.run(world.suite(&["status: 200", LLM]), None).await;
    let trace_id: TraceId = first.scenarios[0].attempts[0].trace_id.as_deref().expect("sent").parse().expect("an id");
    let mut stored = world.suite(&["status: 200", LLM, "fault_path: none"]);
    stored.judge_only(&[trace_id, TraceId([7; 16])]);
    let report = world.run(stored, None).await;
    let verdicts: Vec<Verdict> = verdicts(&report).into_iter().map(|(_, verdict)| verdict).collect();
    use Verdict::{NotEvaluable, Pass};
    // The second is not stored: nothing can be said of it, least of all that it has no error.
    let expected = [NotEvaluable, Pass, Pass, NotEvaluable, NotEvaluable, NotEvaluable];
    assert_eq!(verdicts, expected, "{}", told(&report));
    assert!(told(&report).contains("it is not stored"), "{}", told(&report));
}

#[tokio::test]
async fn a_query_that_finds_nothing_is_not_a_pass() {
    let world = World::start().await;
    let text = "suite: s\ntarget: { traces: { query: '{ name = \"x\" }' } }\nscenarios: [{ name: a, assert: [fault_path: none] }]\n";
    let report = world.run(suite(text, ""), None).await;
    assert_eq!(report.exit_code, Some(3), "{}", told(&report));
    assert!(told(&report).contains("no stored trace that `{ name = \"x\" }` finds"), "{}", told(&report));
}

/// An endpoint that gives every answer full marks; answers its address and how often it was asked.
async fn judge_of_everything() -> (String, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("bound"));
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let body = r#"{"choices":[{"message":{"content":"{\"score\": 1, \"reason\": \"so\"}"}}]}"#;
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let mut request = [0; 16 * 1024];
            let mut read = 0;
            // The whole of a question ends with its JSON.
            while !request[..read].ends_with(b"}") {
                match stream.read(&mut request[read..]).await {
                    Ok(more) if more > 0 => read += more,
                    _ => break,
                }
            }
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (address, asked)
}

#[tokio::test]
async fn a_model_is_asked_where_its_condition_is_met_and_never_about_an_answer_that_was_not_kept() {
    let world = World::start().await;
    let (judge, asked) = judge_of_everything().await;
    let asserts = [
        "status: 200",
        "{ judged: { criterion: good, times: 1 } }",
        "{ judged: { criterion: good, times: 1 }, when: '{ resource.service.name = \"llm\" }' }",
        "{ judged: { criterion: good, times: 1 }, when: '{ resource.service.name = \"nobody\" }' }",
    ];
    let text = format!("models: {{ judge: {{ url: '{judge}', model: m }} }}\n{}", text(&asserts));
    let suite = || suite(&text, &format!("http://{}", world.system.address));
    use Verdict::{NotEvaluable, Pass};
    let of = |report: &RunReport| verdicts(report).into_iter().map(|(_, verdict)| verdict).collect::<Vec<_>>();
    let first = world.run(suite(), None).await;
    assert_eq!(of(&first), [Pass, Pass, Pass, Pass], "{}", told(&first));
    assert_eq!(asked.load(Ordering::SeqCst), 2, "the third has nothing to be judged");

    let again = world.run(suite(), Some(first.clone())).await;
    // What was said of the answer then still holds; what depends on the trace is judged anew, and the answer is gone.
    assert_eq!(of(&again), [Pass, Pass, NotEvaluable, Pass], "{}", told(&again));
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}
