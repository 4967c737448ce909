//! Traces that Headwater did not ask for: captured around a command, judged where they lie.

use std::path::Path;
use std::process::Output;

use acceptance::{Server, binary, command, run, stderr, stdout};

const TRACE: &str = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeSpans":[{"scope":{"name":"t"},"spans":[{"traceId":"5b8aa5a2d2c872e8321cf37308d69df2","spanId":"051581bf3cb55c13","name":"GET /cart","kind":2,"startTimeUnixNano":"1790000000000000000","endTimeUnixNano":"1790000000050000000"},{"traceId":"5b8aa5a2d2c872e8321cf37308d69df2","spanId":"051581bf3cb55c14","parentSpanId":"051581bf3cb55c13","name":"SELECT","kind":3,"startTimeUnixNano":"1790000000010000000","endTimeUnixNano":"1790000000020000000"}]}]}]}"#;

fn suite(count: u32) -> String {
    format!(
        "suite: cart\ntarget: {{ traces: {{ query: '{{ name = \"GET /cart\" }}' }} }}\nscenarios:\n  - name: one query\n    assert:\n      - {{ spans: '{{ name = \"SELECT\" }}', count: {count} }}\n      - fault_path: none\n"
    )
}

/// `headwater capture` around a shell that sends the trace and exits with `code`.
fn capture(folder: &Path, code: i32, arguments: &[&str]) -> Output {
    std::fs::write(folder.join("trace.json"), TRACE).expect("written");
    let mut command = command(["capture", "--settle", "300ms"]);
    command.arg("--data").arg(folder.join("data")).args(arguments).current_dir(folder);
    let send = format!("\"$HEADWATER\" import trace.json --server \"$HEADWATER_SERVER\" && exit {code}");
    command.args(["--", "sh", "-c", &send]).env("HEADWATER", binary()).output().expect("headwater can be run")
}

#[test]
fn a_commands_traces_are_captured_and_its_exit_code_is_passed_on() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = capture(folder.path(), 7, &[]);
    assert_eq!(output.status.code(), Some(7), "{}", stderr(&output));
    assert!(stderr(&output).contains("captured 1 trace, 2 spans (shop 2)"), "{}", stderr(&output));
    let failing = run(["capture", "--temp", "--settle", "1ms", "--", "false"]);
    assert_eq!(failing.status.code(), Some(1));
    assert!(stderr(&failing).contains("no span arrived"), "{}", stderr(&failing));
    let absent = run(["capture", "--temp", "--", "no-such-program-anywhere"]);
    assert_eq!(absent.status.code(), Some(2), "{}", stderr(&absent));
}

#[test]
fn captured_traces_are_judged_and_judged_again_from_store_and_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("good.yaml"), suite(1)).expect("written");
    std::fs::write(path("strict.yaml"), suite(2)).expect("written");
    let (good, strict, file, data) = (path("good.yaml"), path("strict.yaml"), path("run.jsonl"), path("data"));
    let held = capture(folder.path(), 0, &["--suite", &good, "--output", "run", &file]);
    assert_eq!(held.status.code(), Some(0), "{}{}", stdout(&held), stderr(&held));
    let failed = capture(folder.path(), 0, &["--suite", &strict]);
    assert_eq!(failed.status.code(), Some(1), "{}{}", stdout(&failed), stderr(&failed));
    let judge = |arguments: &[&str]| run(["judge"].iter().chain(arguments)).status.code();
    assert_eq!(judge(&[&file, "--suite", &good]), Some(0));
    assert_eq!(judge(&[&file, "--suite", &strict]), Some(1));
    assert_eq!(judge(&["last", "--data", &data, "--suite", &good]), Some(0));
    assert_eq!(judge(&["--query", "{ name = \"SELECT\" }", "--data", &data, "--suite", &strict]), Some(1));
    assert_eq!(judge(&["--trace", "5b8aa5", "--data", &data, "--suite", &good]), Some(0));
    // The suite itself asks for stored traces.
    let evaluated = run(["eval", &good, "--data", &data]);
    assert_eq!(evaluated.status.code(), Some(0), "{}{}", stdout(&evaluated), stderr(&evaluated));
    // Each report, as its reader opens it.
    let html = path("report.html");
    let arguments = ["--output", "html", &html, "--output", "sarif", "-", "--output", "jsonl", &path("lines.jsonl")];
    let reported = run(["judge", "last", "--data", &data, "--suite", &strict].iter().chain(&arguments));
    assert_eq!(reported.status.code(), Some(1), "{}", stderr(&reported));
    let html = std::fs::read_to_string(&html).expect("written");
    assert!(
        html.contains("\"traceId\":\"5b8aa5a2d2c872e8321cf37308d69df2\"") && html.contains("Content-Security-Policy")
    );
    let said = stdout(&reported);
    let sarif = said.find("{\n").map(|at| &said[at..]).unwrap_or_default();
    let sarif: serde_json::Value = serde_json::from_str(sarif).expect("SARIF is JSON");
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "assertion/spans");
    // What any reader of OTLP makes of the file: the traces, and no remark.
    let imported = run(["import", &file, "--data", &path("other")]);
    assert_eq!(imported.status.code(), Some(0), "{}", stderr(&imported));
    assert!(stdout(&imported).contains("2 spans"), "{}", stdout(&imported));
}

#[tokio::test]
async fn a_standing_server_runs_the_suites_it_was_started_with() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (suite_file, trace) = (path("cart.yaml"), path("trace.json"));
    std::fs::write(&suite_file, suite(1)).expect("written");
    std::fs::write(&trace, TRACE).expect("written");
    let server = Server::start_on(&folder.path().join("data"), &["--suite", &suite_file], &[]);
    assert_eq!(server.json("/api/v1/info").await["suites"], serde_json::json!(["cart"]));
    assert_eq!(run(["import", &trace, "--server", &server.page]).status.code(), Some(0));

    let start = async |body: &str| {
        let asked = acceptance::http_client().post(format!("{}/api/v1/evals/start", server.page));
        let answer = asked.header("content-type", "application/json").body(body.to_owned()).send().await;
        let answer = answer.expect("an answer");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("a body");
        (status, serde_json::from_str::<serde_json::Value>(&text).expect("JSON"))
    };
    // As the page asks for it, once with a suite that holds, once with what was edited since.
    for (count, verdict) in [(1, "pass"), (2, "fail")] {
        std::fs::write(&suite_file, suite(count)).expect("written");
        let (status, accepted) = start(r#"{"suite":"cart","scenarios":[]}"#).await;
        assert_eq!(status, 202, "{accepted}");
        let run = format!("/api/v1/evals/{}", accepted["run"].as_str().expect("an id"));
        let mut ended = server.json(&run).await;
        while ended["summary"]["running"] == true {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            ended = server.json(&run).await;
        }
        assert_eq!(ended["summary"]["verdict"], verdict, "{ended}");
    }
    let (status, unknown) = start(r#"{"suite":"cart","scenarios":["two queries"]}"#).await;
    assert_eq!((status, unknown["error"].as_str()), (409, Some("the suite has no scenario two queries")));
    std::fs::write(&suite_file, "suite: [").expect("written");
    let (status, broken) = start(r#"{"suite":"cart","scenarios":[]}"#).await;
    assert!(status == 409 && broken["error"].as_str().is_some_and(|error| error.contains("cart.yaml:1")), "{broken}");
}
