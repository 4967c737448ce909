//! The demo: eight real processes, four scenarios, and what trace checks elsewhere get wrong.

use acceptance::{demo, run, stderr, stdout};
use serde_json::Value;

fn verdicts(report: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let scenarios = report["scenarios"].as_array().map(Vec::as_slice).unwrap_or_default();
    scenarios.iter().map(|scenario| (text(&scenario["name"]), text(&scenario["verdict"]))).collect()
}

#[test]
fn four_scenarios_pass_and_the_trace_spans_eight_services() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (output, report) = demo(folder.path(), None, &[]);
    let said = stdout(&output) + &stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let names = ["happy path", "cache hit", "service failure", "time-out"];
    let expected: Vec<(String, String)> = names.iter().map(|name| ((*name).to_owned(), "pass".to_owned())).collect();
    assert_eq!(verdicts(&report), expected, "{said}");
    for service in ["gateway", "auth", "orchestrator", "search", "vector-db", "rag", "llm", "cache"] {
        assert!(said.contains(service), "{service} is missing in\n{said}");
    }
    // The traces stay: the happy path's is found again by another process.
    let trace_id = report["scenarios"][0]["attempts"][0]["traceId"].as_str().expect("a trace id");
    let data = folder.path().join("data");
    let tree = run(["trace".as_ref(), trace_id.as_ref(), "--data".as_ref(), data.as_os_str()]);
    assert_eq!(tree.status.code(), Some(0), "{}", stderr(&tree));
    assert!(stdout(&tree).contains("vector-db"), "{}", stdout(&tree));
}

const FAILING: &str = r#"suite: late spans
target:
  http:
    url: "${GATEWAY_URL}/v1/ask"
    method: POST
    headers: { authorization: "Bearer ${DEMO_TOKEN}", x-cache-namespace: "{{attempt.id}}" }
    json: { question: "{{question}}" }
services: [gateway, auth, orchestrator, search, vector-db, rag, llm, cache]
complete: { deadline: 12s }
run: { warmup: 0, concurrency: 1 }
scenarios:
  - name: failing
    vars: { question: "What is a resource?" }
    fault: { edge: rag -> llm, status: 503 }
    assert:
      - fault_path: none
"#;

/// The error begins in a service whose spans come 5 s late. Elsewhere this passes, because nothing had come yet.
#[test]
fn a_slow_exporter_does_not_hide_an_error() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // Only the slow service's own spans tell of the error's origin; the others are there at once.
    let (output, report) = demo(folder.path(), Some(FAILING), &["--export-delay", "llm=5s"]);
    let said = stdout(&output) + &stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(verdicts(&report), [("failing".to_owned(), "fail".to_owned())], "{said}");
}

const SILENT: &str = r#"suite: silent service
target:
  http:
    url: "${GATEWAY_URL}/v1/ask"
    method: POST
    headers: { authorization: "Bearer ${DEMO_TOKEN}", x-cache-namespace: "{{attempt.id}}" }
    json: { question: "{{question}}" }
services: [gateway, auth, orchestrator, search, vector-db, rag, llm, cache]
complete: { deadline: 8s }
run: { warmup: 0, concurrency: 1 }
scenarios:
  - name: silent
    vars: { question: "What is a resource?" }
    assert:
      - fault_path: none
"#;

/// A service that exports nothing may have failed: "no error" is then nothing that can be said.
#[test]
fn a_silent_exporter_is_not_a_pass() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (output, report) = demo(folder.path(), Some(SILENT), &["--export-off", "llm"]);
    let said = stdout(&output) + &stderr(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert_eq!(verdicts(&report), [("silent".to_owned(), "not-evaluable".to_owned())], "{said}");
    assert!(said.contains("llm"), "the silent service is named: {said}");
}
