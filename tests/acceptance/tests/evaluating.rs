//! `headwater eval` as people start it: watching, models, scores that are sent on, secrets that nobody gets to see.

use std::convert::Infallible;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use acceptance::{Server, command, run, stderr, stdout, terminate, wait};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use serde_json::{Value, json};

const RECEIVE: &str = "receive: { grpc: '127.0.0.1:0', http: '127.0.0.1:0' }";

fn eval(folder: &Path, suite: &str, arguments: &[&str]) -> Output {
    std::fs::write(folder.join("suite.yaml"), suite).expect("written");
    let mut command = command(["eval", "suite.yaml", "--data", "data"]);
    command.args(arguments).current_dir(folder).output().expect("headwater can be run")
}

#[test]
fn watching_runs_again_when_a_named_file_changes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let suite = format!(
        "suite: s\n{RECEIVE}\ntarget: {{ exec: {{ command: [echo, '{{{{word}}}}'] }} }}\nscenarios: [{{ name: says, data: words.jsonl, assert: [{{ text: hello }}] }}]\n"
    );
    std::fs::write(folder.join("suite.yaml"), &suite).expect("written");
    std::fs::write(folder.join("words.jsonl"), "{\"word\": \"goodbye\"}\n").expect("written");
    let mut command = command(["eval", "suite.yaml", "--data", "data", "--watch"]);
    let mut child =
        command.current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().expect("it can be run");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
    let mut until_watching = || lines.by_ref().take_while(|line| !line.starts_with("watching ")).collect::<Vec<_>>();
    let first = until_watching().join("\n");
    assert!(first.contains("1 failed"), "{first}");
    std::fs::write(folder.join("words.jsonl"), "{\"word\": \"hello\"}\n").expect("written");
    let second = until_watching().join("\n");
    assert!(second.contains("1 passed"), "{second}");
    terminate(&child);
    assert_eq!(wait(&mut child, Duration::from_secs(20)), Some(130));
}

/// An OpenAI-compatible endpoint whose judge does not agree with itself; and how often it was asked.
async fn models() -> (String, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let counted = Arc::clone(&counted);
            let service = service_fn(move |request| answer(Arc::clone(&counted), request));
            let connection = hyper::server::conn::http1::Builder::new();
            tokio::spawn(connection.serve_connection(hyper_util::rt::TokioIo::new(stream), service));
        }
    });
    (format!("http://{address}/v1"), asked)
}

async fn answer(asked: Arc<AtomicUsize>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let number = asked.fetch_add(1, Ordering::SeqCst);
    let path = request.uri().path().to_owned();
    let key = request.headers().get("authorization").is_some_and(|value| value == "Bearer sk-very-secret");
    let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let answer = match path.as_str() {
        _ if !key => json!({ "error": "no key" }),
        "/v1/embeddings" => {
            let vectors = body["input"].as_array().map_or(0, Vec::len);
            let vector = |at: usize| json!({ "embedding": [1.0, if at == 0 { 0.5 } else { 0.0 }] });
            json!({ "data": (0..vectors).map(vector).collect::<Vec<_>>() })
        }
        _ => {
            let score = if number.is_multiple_of(2) { 0.9 } else { 0.6 };
            let content = json!({ "score": score, "reason": "it greets" }).to_string();
            json!({ "choices": [{ "message": { "content": content } }] })
        }
    };
    Ok(Response::new(Full::new(Bytes::from(answer.to_string()))))
}

#[tokio::test(flavor = "multi_thread")]
async fn models_are_asked_once_and_their_scores_reach_a_destination() {
    let (url, asked) = models().await;
    let destination = Server::start();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let suite = format!(
        "suite: s\n{RECEIVE}\ntarget: {{ exec: {{ command: [echo, hello] }} }}
models:
  judge: {{ url: '{url}', model: j, key: '${{API_KEY}}' }}
  embeddings: {{ url: '{url}', model: e, key: '${{API_KEY}}' }}
scenarios:
  - name: greets
    assert:
      - {{ judged: {{ criterion: it greets, score: 70%, times: 3 }} }}
      - {{ similar: {{ to: good day, score: 80% }} }}
"
    );
    std::fs::write(folder.path().join("suite.yaml"), suite).expect("written");
    let evaluate = || {
        let mut command = command(["eval", "suite.yaml", "--data", "data", "--output", "json", "run.json"]);
        command.args(["--otlp-endpoint", &destination.http]).env("API_KEY", "sk-very-secret");
        let output = command.current_dir(folder.path()).output().expect("headwater can be run");
        assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
        std::fs::read_to_string(folder.path().join("run.json")).expect("written")
    };
    let report = tokio::task::block_in_place(evaluate);
    assert!(!report.contains("sk-very-secret"));
    let report: Value = serde_json::from_str(&report).expect("JSON");
    let attempt = &report["scenarios"][0]["attempts"][0];
    let found = attempt["assertions"][0]["found"].as_str().unwrap_or_default();
    assert!(found.contains("3 times (0.60 to 0.90"), "its disagreement is told: {found}");
    let likeness = attempt["assertions"][1]["found"].as_str().unwrap_or_default();
    assert!(likeness.contains("0.894"), "{likeness}");
    let first = asked.load(Ordering::SeqCst);
    assert_eq!(first, 4, "three times the judge, once for both embeddings");
    tokio::task::block_in_place(evaluate);
    assert_eq!(asked.load(Ordering::SeqCst), first, "what was asked once is remembered");
    // The run at the destination: the runner's spans, and the scores as events.
    let trace = attempt["traceId"].as_str().expect("a trace id").to_owned();
    let deadline = Instant::now() + Duration::from_secs(20);
    let exported = loop {
        let server = destination.page.clone();
        let arguments = ["export".to_owned(), trace.clone(), "--server".to_owned(), server];
        let output = tokio::task::block_in_place(|| run(&arguments));
        let text = stdout(&output);
        if text.contains("gen_ai.evaluation.result") && text.contains("scenario greets") {
            break text;
        }
        assert!(Instant::now() < deadline, "it did not arrive: {text}{}", stderr(&output));
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    for word in ["gen_ai.evaluation.score.value", "judge", "similarity"] {
        assert!(exported.contains(word), "{word}: {exported}");
    }
}

#[test]
fn a_secret_that_a_span_echoes_is_in_no_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("free").port();
    // The system: it sends a span with what it got, and answers with it.
    let system = r#"
t=${TRACEPARENT#00-}; id=${t%%-*}; p=${t#*-}; p=${p%%-*}
curl -s -o /dev/null -H 'content-type: application/json' "http://127.0.0.1:$PORT/v1/traces" -d '{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeSpans":[{"spans":[{"traceId":"'$id'","spanId":"051581bf3cb55c13","parentSpanId":"'$p'","name":"login '$TOKEN'","kind":2,"startTimeUnixNano":"'$(date +%s)'000000000","endTimeUnixNano":"'$(date +%s)'100000000","attributes":[{"key":"http.request.header.authorization","value":{"stringValue":"Bearer '$TOKEN'"}}],"status":{"code":2,"message":"'$TOKEN' was refused"}}]}]}]}'
echo "refused $TOKEN"
"#;
    let suite = format!(
        "suite: s\nreceive: {{ grpc: '127.0.0.1:0', http: '127.0.0.1:{port}' }}
target: {{ exec: {{ command: [sh, system.sh], env: {{ TOKEN: '${{SHOP_TOKEN}}', PORT: '{port}' }} }} }}
scenarios:
  - name: logs in
    assert:
      - text: welcome
      - fault_path: none
      - {{ spans: '{{ resource.service.name = \"shop\" }}', each: 'status = ok' }}
      - {{ spans: '{{ name = \"login\" }}', count: 1 }}
"
    );
    std::fs::write(folder.join("system.sh"), system).expect("written");
    std::fs::write(folder.join("suite.yaml"), suite).expect("written");
    let formats = ["json", "jsonl", "junit", "markdown", "github", "sarif", "html", "run"];
    let mut command = command(["eval", "suite.yaml", "--data", "data", "--explain"]);
    for format in formats {
        command.args(["--output", format, &format!("report.{format}")]);
    }
    let output = command.env("SHOP_TOKEN", "tok-51f0c7").current_dir(folder).output().expect("headwater can be run");
    let said = stdout(&output) + &stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("refused ***SHOP_TOKEN***") && said.contains("login ***SHOP_TOKEN***"), "{said}");
    assert!(!said.contains("tok-51f0c7"), "{said}");
    for format in formats {
        let text = std::fs::read_to_string(folder.join(format!("report.{format}"))).expect("written");
        assert!(!text.contains("tok-51f0c7"), "{format}: {text}");
        if format == "html" {
            for packed in packed_in(&text) {
                assert!(!packed.contains("tok-51f0c7"), "{packed}");
            }
            let spans = packed_in(&text).join(" ");
            assert!(spans.contains("Bearer ***SHOP_TOKEN***"), "the waterfall's spans are there: {spans}");
        }
    }
}

/// The gzipped texts in a report's data.
fn packed_in(html: &str) -> Vec<String> {
    use std::io::Read as _;
    let packed = html.split('"').filter(|text| text.starts_with("H4sI"));
    packed
        .map(|text| {
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(base64(text).as_slice()).read_to_end(&mut plain).expect("gzip");
            String::from_utf8_lossy(&plain).into_owned()
        })
        .collect()
}

fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for digit in text.bytes().filter_map(|byte| DIGITS.iter().position(|digit| *digit == byte)) {
        bits = bits << 6 | digit as u32;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    bytes
}

#[test]
fn hooks_are_told_and_torn_down_after_an_interrupt() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let suite = format!(
        "suite: s\n{RECEIVE}\ntarget: {{ exec: {{ command: [sh, -c, 'touch begun; sleep 60'] }} }}
teardown: [{{ exec: {{ command: [sh, -c, 'echo suite >> log'] }} }}]
scenarios: [{{ name: slow, teardown: [{{ exec: {{ command: [sh, -c, 'echo scenario >> log'] }} }}], assert: [{{ status: 0 }}] }}]
"
    );
    std::fs::write(folder.join("suite.yaml"), suite).expect("written");
    let mut command = command(["eval", "suite.yaml", "--data", "data"]);
    let mut child = command.current_dir(folder).stdout(Stdio::null()).spawn().expect("headwater can be run");
    let deadline = Instant::now() + Duration::from_secs(30);
    while !folder.join("begun").exists() {
        assert!(Instant::now() < deadline, "it does not begin");
        std::thread::sleep(Duration::from_millis(20));
    }
    terminate(&child);
    assert_eq!(wait(&mut child, Duration::from_secs(20)), Some(130));
    assert_eq!(std::fs::read_to_string(folder.join("log")).expect("written"), "scenario\nsuite\n");
    let failing = format!(
        "suite: s\n{RECEIVE}\ntarget: {{ exec: {{ command: [echo] }} }}\nsetup: [{{ name: migrate, exec: {{ command: ['false'] }} }}]\nscenarios: [{{ name: a, assert: [{{ status: 0 }}] }}]\n"
    );
    let output = eval(folder, &failing, &[]);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    assert!(stdout(&output).contains("`migrate` failed with code 1"), "{}", stdout(&output));
}
