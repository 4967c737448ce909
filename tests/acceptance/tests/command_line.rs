//! The command line as people meet it: help, files, mistakes.

use acceptance::{Server, run, stderr, stdout};
use serde_json::Value;

fn text(path: &std::path::Path) -> &str {
    path.to_str().expect("a plain path")
}

#[test]
fn every_command_helps_with_examples() {
    let output = run(["--help"]);
    assert_eq!(output.status.code(), Some(0));
    let commands = [
        "init",
        "demo",
        "serve",
        "view",
        "eval",
        "capture",
        "import-suite",
        "judge",
        "suggest",
        "trace",
        "query",
        "explain",
        "whatif",
        "compare",
        "doctor",
        "import",
        "export",
        "completions",
        "man",
    ];
    for command in commands {
        assert!(stdout(&output).contains(command), "{command} is missing from --help");
        let help = stdout(&run([command, "--help"]));
        assert!(help.contains("Example"), "{command} --help shows no example:\n{help}");
    }
    assert!(stdout(&run(["help", "query"])).contains("resource.service.name"));
    assert!(stdout(&run(["completions", "bash"])).contains("headwater"));
    assert!(stdout(&run(["man"])).contains(".TH"));
}

#[test]
fn a_wrong_flag_is_a_usage_error() {
    let output = run(["eval", "--ouput", "json", "x"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--output"), "{}", stderr(&output));
}

#[test]
fn init_writes_a_project_and_never_overwrites() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let project = folder.path().join("project");
    assert_eq!(run(["init", text(&project)]).status.code(), Some(0));
    let suite = project.join("headwater.yaml");
    assert!(suite.exists());
    std::fs::write(&suite, "mine").expect("written");
    let again = run(["init", text(&project)]);
    assert_eq!(again.status.code(), Some(2));
    assert!(stderr(&again).contains("headwater.yaml") && stderr(&again).contains("--force"), "{}", stderr(&again));
    assert_eq!(std::fs::read_to_string(&suite).expect("readable"), "mine");
    assert_eq!(run(["init", "--force", text(&project)]).status.code(), Some(0));
    assert_ne!(std::fs::read_to_string(&suite).expect("readable"), "mine");
}

#[test]
fn a_suite_with_five_mistakes_is_told_all_five() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let suite = folder.path().join("headwater.yaml");
    std::fs::write(
        &suite,
        r#"suite: mistakes
target:
  http:
    url: "${NOT_SET_ANYWHERE}/ask"
    metod: POST
scenarios:
  - name: one
    vars: { question: "why" }
    assert:
      - status: ok
      - { spans: '{ resource.service.name = "llm" ', count: 1 }
      - { body: "{{answer}}" }
"#,
    )
    .expect("written");
    let output = run(["eval", text(&suite)]);
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    for (place, hint) in
        [(":4:", "NOT_SET_ANYWHERE"), (":5:", "method"), (":10:", "status"), (":11:", "}"), (":12:", "answer")]
    {
        assert!(said.lines().any(|line| line.contains(place)), "no mistake at {place}\n{said}");
        assert!(said.contains(hint), "nothing about {hint}\n{said}");
    }
}

#[test]
fn an_unknown_filter_lists_the_scenarios() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    assert_eq!(run(["init", text(folder.path())]).status.code(), Some(0));
    let suite = folder.path().join("headwater.yaml");
    let mut command = acceptance::command(["eval", text(&suite), "--temp", "--filter", "no such scenario"]);
    let output = command.env("GATEWAY_URL", "http://127.0.0.1:9").env("DEMO_TOKEN", "x").output().expect("runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("happy path"), "{}", stderr(&output));
}

#[test]
fn a_target_that_is_down_is_infrastructure() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let suite = folder.path().join("headwater.yaml");
    let text_of_suite = r#"suite: down
target: { http: { url: "http://127.0.0.1:9/ask", method: GET } }
receive: { grpc: "127.0.0.1:0", http: "127.0.0.1:0" }
scenarios:
  - name: one
    assert: [ { status: 200 } ]
"#;
    std::fs::write(&suite, text_of_suite).expect("written");
    let output = run(["eval", text(&suite), "--temp"]);
    let said = stdout(&output) + &stderr(&output);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("127.0.0.1:9"), "{said}");
}

#[tokio::test]
async fn a_port_in_use_says_how_to_find_its_holder() {
    let server = Server::start();
    let taken = server.http.trim_start_matches("http://").to_owned();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = run([
        "serve",
        "--data",
        text(folder.path()),
        "--grpc",
        "127.0.0.1:0",
        "--http",
        &taken,
        "--page",
        "127.0.0.1:0",
    ]);
    assert_eq!(output.status.code(), Some(4));
    let port = taken.rsplit(':').next().expect("a port");
    assert!(stderr(&output).contains(&taken) && stderr(&output).contains(&format!(":{port}")), "{}", stderr(&output));
    assert!(stderr(&output).contains("ss -ltnp"), "{}", stderr(&output));
}

const GOOD_LINE: &str = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"a"}}]},"scopeSpans":[{"spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00f067aa0ba902b7","name":"GET /","kind":2,"startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000000100000000"}]}]}]}"#;

#[test]
fn a_broken_import_says_where_and_imports_the_rest() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("traces.jsonl");
    std::fs::write(&file, format!("{GOOD_LINE}\n{{\"resourceSpans\": [{{]}}\n")).expect("written");
    let data = folder.path().join("data");
    let output = run(["import", text(&file), "--data", text(&data)]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("traces.jsonl:2"), "{}", stderr(&output));
    let exported = run(["export", "--data", text(&data)]);
    let document: Value = serde_json::from_str(stdout(&exported).trim()).expect("one line of JSON");
    assert_eq!(
        document["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["traceId"],
        "0af7651916cd43dd8448eb211c80319c"
    );
}

#[test]
fn what_is_imported_is_exported_again_in_every_format() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("in.jsonl");
    std::fs::write(&file, format!("{GOOD_LINE}\n")).expect("written");
    let first = folder.path().join("first");
    assert_eq!(run(["import", text(&file), "--data", text(&first)]).status.code(), Some(0));
    let plain = stdout(&run(["export", "--data", text(&first)]));
    for format in ["json", "jsonl", "protobuf"] {
        let exported = folder.path().join(format!("out.{format}"));
        let output = run(["export", "--data", text(&first), "--format", format, "--output", text(&exported)]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let again = folder.path().join(format!("again-{format}"));
        assert_eq!(run(["import", text(&exported), "--data", text(&again)]).status.code(), Some(0), "{format}");
        assert_eq!(stdout(&run(["export", "--data", text(&again)])), plain, "{format}");
    }
}

#[test]
fn a_query_prints_traces_spans_and_series() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("in.jsonl");
    std::fs::write(&file, format!("{GOOD_LINE}\n")).expect("written");
    let data = folder.path().join("data");
    assert_eq!(run(["import", text(&file), "--data", text(&data)]).status.code(), Some(0));
    let query = |arguments: &[&str]| {
        let output = run(["query", "--data", text(&data)].iter().chain(arguments).copied());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stdout(&output)
    };
    assert!(query(&["{ name = \"GET /\" }"]).contains("1 traces ("));
    let spans = query(&["{ } | by(name) | select(duration)", "--csv"]);
    assert!(spans.starts_with("trace,span,start_unix_nano,duration_ns,service,name,duration,name\n"), "{spans}");
    let table = query(&["{ } | count_over_time() by(name)"]);
    assert!(table.starts_with("name ") && table.contains("\nGET / "), "{table}");
    assert!(table.contains("made of 1 spans"), "{table}");
    let csv = query(&["{ } | count_over_time() by(name)", "--csv"]);
    assert_eq!(csv.lines().next(), Some("time_unix_nano,name,value"));
    let json: Value = serde_json::from_str(&query(&["{ } | rate()", "--json"])).expect("JSON");
    assert_eq!((json["spans"].as_u64(), json["completeness"]["complete"].as_bool()), (Some(1), Some(true)));
    let wrong = run(["query", "{ } | rote()", "--data", text(&data)]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).contains("rate"), "{}", stderr(&wrong));
}

#[test]
fn a_trace_prints_as_a_tree_and_as_json() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("in.jsonl");
    std::fs::write(&file, format!("{GOOD_LINE}\n")).expect("written");
    let data = folder.path().join("data");
    assert_eq!(run(["import", text(&file), "--data", text(&data)]).status.code(), Some(0));
    let tree = stdout(&run(["trace", "--last", "--data", text(&data)]));
    assert!(tree.contains("GET /") && tree.contains("100 ms") && tree.contains('█'), "{tree}");
    let by_prefix = run(["trace", "0af7", "--data", text(&data), "--json"]);
    let document: Value = serde_json::from_str(&stdout(&by_prefix)).expect("JSON");
    assert_eq!(document["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["name"], "GET /");
    let missing = run(["trace", "ffff", "--data", text(&data)]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(stderr(&missing).contains("ffff"), "{}", stderr(&missing));
}

/// A trace of one span, as OTLP JSON.
fn one_span(number: u64, name: &str) -> Value {
    let span = serde_json::json!({
        "traceId": format!("{number:032x}"),
        "spanId": format!("{number:016x}"),
        "name": name,
        "startTimeUnixNano": "1700000000000000000",
        "endTimeUnixNano": "1700000000250000000",
    });
    serde_json::json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [span] }] }] })
}

#[tokio::test]
async fn a_trace_is_told_as_it_arrives_until_a_signal_ends_it() {
    let server = Server::start();
    let mut command = acceptance::command(["query", "{ name = \"wanted\" }", "--follow", "--json", "--server"]);
    let mut following = command.arg(&server.page).stdout(std::process::Stdio::piped()).spawn().expect("it runs");
    let output = std::io::BufReader::new(following.stdout.take().expect("piped"));
    let (told, mut lines) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::BufRead::lines(output).map_while(Result::ok) {
            let _ = told.send(line);
        }
    });
    // What arrives before it listens is not told, so traces go on arriving until one is.
    let client = acceptance::http_client();
    let mut number = 0;
    let line = loop {
        for name in ["passed over", "wanted"] {
            number += 1;
            let url = format!("{}/v1/traces", server.http);
            let answer = client.post(url).json(&one_span(number, name)).send().await.expect("the receiver answers");
            assert!(answer.status().is_success());
        }
        tokio::select! {
            line = lines.recv() => break line.expect("it does not end by itself"),
            () = tokio::time::sleep(std::time::Duration::from_millis(200)) => {}
        }
        assert!(number < 1_000, "nothing is told");
    };
    let row: Value = serde_json::from_str(&line).expect("a line is JSON");
    let of = u64::from_str_radix(row["traceId"].as_str().expect("an id"), 16).expect("an id");
    assert!(of.is_multiple_of(2) && of <= number, "only what the query finds: {line}");
    acceptance::terminate(&following);
    let ended = acceptance::wait(&mut following, std::time::Duration::from_secs(20));
    assert_eq!(ended, Some(0), "a signal is how it ends");
}
