//! Faults on calls of a system that knows nothing of them: by trace id beside a clean run, swept over every call, put in
//! from outside.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use acceptance::{command, demo, run, stderr, stdout, terminate, wait};
use serde_json::{Value, json};

const SUITE: &str = r#"suite: faults by trace
target:
  http:
    url: "${GATEWAY_URL}/v1/ask"
    method: POST
    headers: { authorization: "Bearer ${DEMO_TOKEN}", x-cache-namespace: "{{attempt.id}}" }
    json: { question: "What is a resource?" }
services: [gateway, auth, orchestrator, search, vector-db, rag, llm, cache]
run: { concurrency: 8, repeat: 2 }
scenarios:
  - name: clean
    assert:
      - status: 200
      - services: all
      - fault_path: none
  - name: the model is down
    faults: { edge: rag -> llm, status: 503 }
    assert:
      - status: 502
      - fault_path: { origin: "rag -> llm", reaches: gateway }
      - retries: { edge: rag -> llm, attempts: 3, backoff: growing }
  - name: the model is down once
    faults: { edge: rag -> llm, status: 503, times: 1 }
    assert:
      - status: 200
      - retries: { edge: rag -> llm, attempts: 2 }
  - name: the vector database is slow, over gRPC
    faults: { edge: search -> vector-db, delay: 5s }
    assert:
      - status: 504
      - fault_path: { origin: "search -> vector-db", kind: timeout, reaches: gateway }
  - name: never met
    faults: { edge: rag -> llm, status: 503, attempt: 40 }
    assert:
      - status: 200
  - name: may be missed
    faults: { edge: rag -> llm, status: 503, attempt: 40, may_miss: true }
    assert:
      - status: 200
"#;

#[test]
fn a_fault_hits_its_own_trace_while_others_run_and_one_that_hits_nothing_makes_nothing_pass() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (output, report) = demo(folder.path(), Some(SUITE), &[]);
    let said = stdout(&output) + &stderr(&output);
    let scenarios = report["scenarios"].as_array().unwrap_or_else(|| panic!("{said}"));
    let verdicts: Vec<(&str, &str)> = scenarios
        .iter()
        .map(|scenario| {
            (scenario["name"].as_str().unwrap_or_default(), scenario["verdict"].as_str().unwrap_or_default())
        })
        .collect();
    let expected = [
        ("clean", "pass"),
        ("the model is down", "pass"),
        ("the model is down once", "pass"),
        ("the vector database is slow, over gRPC", "pass"),
        ("never met", "not-evaluable"),
        ("may be missed", "pass"),
    ];
    assert_eq!(verdicts, expected, "{said}");
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("none was one that the fault is for"), "{said}");
    let edge = report["proxies"].as_array().into_iter().flatten().find(|edge| edge["edge"] == "rag -> llm");
    let edge = edge.unwrap_or_else(|| panic!("{said}"));
    // Two attempts each: three tries of the one, two of the other, one of three more.
    assert_eq!(
        (&edge["faults"], &edge["hit"], &edge["requests"]),
        (&json!({"status": 8}), &json!(8), &json!(16)),
        "{said}"
    );
    assert!(said.contains("16 requests, 8 hit, status 8"), "{said}");
}

#[test]
fn a_sweep_lets_every_fault_happen_on_every_call_and_tells_how_far_each_reaches() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (output, report) = demo(folder.path(), None, &["--sweep", "happy path"]);
    let said = stdout(&output) + &stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let scenario = &report["scenarios"][0];
    let rows = scenario["rows"].as_array().unwrap_or_else(|| panic!("{said}"));
    assert_eq!((rows.len(), &scenario["unswept"]), (7 * 5, &json!([])), "{said}");
    assert!(rows.iter().all(|row| row["hits"].as_u64() > Some(0)), "{said}");
    let row = |edge: &str, fault: &str| {
        let found = rows.iter().find(|row| row["edge"] == edge && row["fault"] == fault);
        found.unwrap_or_else(|| panic!("no {fault} on {edge}\n{said}"))
    };
    let model = row("rag -> llm", "status");
    assert_eq!(
        (&model["status"], &model["reaches"], &model["hits"]),
        (&json!(502), &json!("gateway"), &json!(3)),
        "{said}"
    );
    assert_eq!(model["erring"], json!(["gateway", "orchestrator", "rag"]), "{said}");
    assert!(model["origins"].to_string().contains("rag -> llm"), "{said}");
    let slow = row("search -> vector-db", "delay");
    assert_eq!((&slow["status"], &slow["handled"]), (&json!(504), &json!(false)), "{said}");
    // A lost context takes the services behind the call out of the trace, and the answer never tells.
    let lost = row("gateway -> orchestrator", "lost context");
    assert_eq!(
        (&lost["status"], &lost["handled"], &lost["whole"]),
        (&json!(200), &json!(true), &json!(false)),
        "{said}"
    );
    assert!(lost["missing"].as_array().is_some_and(|missing| missing.contains(&json!("llm"))), "{said}");
    assert!(row("rag -> llm", "truncate")["erring"].to_string().contains("rag"), "{said}");
    assert!(said.contains("faults: ") && !said.contains("not swept"), "{said}");
}

#[test]
fn a_fault_without_a_proxy_is_a_mistake_told_with_its_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let suite = folder.path().join("suite.yaml");
    let text = "suite: s\ntarget: { http: { url: 'http://127.0.0.1:1/x' } }\nscenarios:\n  - name: a\n    faults: { edge: a -> b, status: 503 }\n    assert: [{ status: 200 }]\n";
    std::fs::write(&suite, text).expect("written");
    let output = run(["eval".as_ref(), suite.as_os_str(), "--temp".as_ref()]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("suite.yaml:5: no proxy stands on `a -> b`"), "{}", stderr(&output));
}

/// A callee that answers every request with `200 hello`, one request a connection.
fn callee() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(stream.try_clone().expect("a second handle")).lines();
            while lines.next().and_then(Result::ok).is_some_and(|line| !line.is_empty()) {}
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello");
        }
    });
    format!("http://{address}")
}

/// One request as bytes; the whole answer as text.
fn ask(address: &str, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    let length = body.len();
    let request = format!("{head}\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    // A connection that is dropped on purpose may be reset.
    let _ = stream.read_to_string(&mut answer);
    answer
}

/// Starts a standing proxy: the process, what it goes on saying, the address of its first edge, that of its control API.
fn standing(mut command: std::process::Command) -> (Child, impl Iterator<Item = String>, String, String) {
    let mut child = command.stdout(Stdio::piped()).spawn().expect("headwater can be run");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
    let mut said = Vec::new();
    while !said.last().is_some_and(|line: &String| line.starts_with("ready")) {
        said.push(lines.next().expect("it says that it is ready"));
    }
    let word = |start: &str, position: usize| {
        let line = said.iter().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{said:?}"));
        line.split_whitespace().nth(position).unwrap_or_default().trim_start_matches("http://").to_owned()
    };
    let (proxy, control) = (word("proxy", 4), word("control", 1));
    (child, lines, proxy, control)
}

/// A callee with TLS that answers with the first line and the host it was asked with, and the file to trust it by.
fn callee_with_tls(folder: &Path) -> (String, std::path::PathBuf) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let trusted = folder.join("trusted.pem");
    std::fs::write(&trusted, made.cert.pem()).expect("written");
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config =
        config.expect("versions").with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key.into());
    let config = std::sync::Arc::new(config.expect("a certificate and its key"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let connection = rustls::ServerConnection::new(std::sync::Arc::clone(&config)).expect("a connection");
            let mut stream = rustls::StreamOwned::new(connection, stream);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                let mut byte = [0];
                if stream.read_exact(&mut byte).is_err() {
                    break;
                }
                head.push(char::from(byte[0]));
            }
            let host = head.lines().find(|line| line.starts_with("host:")).unwrap_or_default();
            let body = format!("{} {host}", head.lines().next().unwrap_or_default());
            let _ =
                write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
            let _ = stream.flush();
        }
    });
    (format!("localhost:{port}"), trusted)
}

#[test]
fn a_callee_may_speak_tls_as_hosted_models_do() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (callee, trusted) = callee_with_tls(folder.path());
    let edge = format!("rag -> llm=127.0.0.1:0=https://{callee}/base/");
    let mut command = command(["proxy", "--control", "127.0.0.1:0", "--edge", &edge]);
    command.args(["--fault", "rag -> llm: truncate=4 attempt=2"]).env("SSL_CERT_FILE", trusted);
    let (mut child, _lines, proxy, _) = standing(command);
    let answer = ask(&proxy, "GET /v1/models?x=1 HTTP/1.1", "");
    assert!(answer.ends_with(&format!("GET /base/v1/models?x=1 HTTP/1.1 host: {callee}")), "{answer}");
    let cut = ask(&proxy, "GET /v1/models HTTP/1.1", "");
    assert!(cut.starts_with("HTTP/1.1 200") && cut.contains("4\r\nGET \r\n0\r\n"), "{cut}");
    terminate(&child);
    assert_eq!(wait(&mut child, Duration::from_secs(20)), Some(0));
}

#[test]
fn a_standing_proxy_is_controlled_from_outside_and_tells_what_happened() {
    let edge = format!("shop -> stock=127.0.0.1:0={}", callee());
    let mut command = command(["proxy", "--control", "127.0.0.1:0", "--json", "--edge", &edge]);
    command.args(["--fault", "shop -> stock: status=429 attempt=1"]);
    let (mut child, mut lines, proxy, control) = standing(command);
    let get = |trace: &str| ask(&proxy, &format!("GET / HTTP/1.1\r\ntraceparent: 00-{trace}-b7ad6b7169203331-01"), "");
    let (one, other) = ("0af7651916cd43dd8448eb211c80319c", "1af7651916cd43dd8448eb211c80319c");
    assert!(get(one).starts_with("HTTP/1.1 429"), "the standing fault hits the first request of a trace");
    assert!(get(one).ends_with("hello"));
    let rules = json!({ "traceId": one, "rules": ["shop -> stock: drop=request"] }).to_string();
    let put = ask(&control, "POST /v1/faults HTTP/1.1\r\ncontent-type: application/json", &rules);
    let lease: Value = serde_json::from_str(put.split("\r\n\r\n").nth(1).unwrap_or_default()).expect("JSON");
    assert_eq!(get(one), "", "dropped without an answer");
    assert!(get(other).starts_with("HTTP/1.1 429") && get(other).ends_with("hello"));
    let ended = ask(&control, &format!("DELETE /v1/faults/{} HTTP/1.1", lease["lease"]), "");
    assert!(ended.contains("\"seen\":1,\"hits\":1,\"requests\":3"), "{ended}");
    assert!(get(one).ends_with("hello"));
    let foreign = ask(&control, "GET /v1/edges HTTP/1.1\r\norigin: http://evil.example", "");
    assert!(foreign.starts_with("HTTP/1.1 403"), "{foreign}");
    terminate(&child);
    let told: Value = serde_json::from_str(&lines.next().expect("what happened")).expect("JSON");
    let edge = &told["edges"][0];
    assert_eq!((&edge["requests"], &edge["hit"]), (&json!(6), &json!(3)), "{told}");
    assert_eq!((&edge["faults"]["status"], &edge["faults"]["drop"]), (&json!(2), &json!(1)), "{told}");
    assert_eq!(wait(&mut child, Duration::from_secs(20)), Some(0));
    let nothing = run(["proxy"]);
    assert!(nothing.status.code() == Some(2) && stderr(&nothing).contains("no call to stand on"));
}
