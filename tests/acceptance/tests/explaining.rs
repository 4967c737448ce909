//! What `headwater explain` and `headwater doctor` say of the demo, held to a list of what is truly there that was written
//! before they were asked (`truth/demo.json`): all found, none invented.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use acceptance::{command, http_client, stderr, stdout, terminate, wait};
use serde_json::{Value, json};

const TRUTH: &str = include_str!("../truth/demo.json");

/// A running demo.
struct Demo {
    child: Child,
    page: String,
    gateway: String,
    token: String,
}

impl Demo {
    fn start(data: &Path, arguments: &[&str]) -> Self {
        let mut command = command(["demo", "--page", "127.0.0.1:0", "--data"]);
        let mut child = command.arg(data).args(arguments).stdout(Stdio::piped()).spawn().expect("headwater can be run");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
        let (mut page, mut gateway, mut token) = (String::new(), String::new(), String::new());
        for line in lines {
            if let Some(address) = line.strip_prefix("page ") {
                page = address.trim().trim_end_matches('/').to_owned();
            }
            if line.starts_with("ask ") {
                let words = |from: &str, to: char| {
                    line.split_once(from).and_then(|(_, rest)| rest.split(to).next()).unwrap_or_default().to_owned()
                };
                gateway = words("curl -s ", ' ');
                token = words("Bearer ", '\'');
            }
            if line.starts_with("Ctrl-C") {
                break;
            }
        }
        assert!(
            page.starts_with("http") && gateway.starts_with("http") && !token.is_empty(),
            "{page} {gateway} {token}"
        );
        Self { child, page, gateway, token }
    }

    fn stop(mut self) {
        terminate(&self.child);
        let _ = wait(&mut self.child, Duration::from_secs(30));
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends the traffic that the truth file lists; answers how many requests that were.
async fn drive(demo: &Demo, traffic: &[Value]) -> usize {
    let client = http_client();
    let mut sent = 0;
    for (kind, part) in traffic.iter().enumerate() {
        let is_same = part["what"].as_str().unwrap_or_default().starts_with("one and the same");
        let one_namespace = part["what"].as_str().unwrap_or_default().contains("in one namespace");
        for number in 0..part["count"].as_u64().unwrap_or(0) {
            let question = if is_same {
                "What is a span?".to_owned()
            } else {
                format!("What does sampling of kind {kind}-{number} do?")
            };
            let namespace = if one_namespace { "one".to_owned() } else { format!("n-{kind}-{number}") };
            let mut request = client
                .post(&demo.gateway)
                .header("authorization", format!("Bearer {}", demo.token))
                .header("x-cache-namespace", namespace)
                .json(&json!({ "question": question }));
            if let Some(fault) = part["fault"].as_str() {
                let encoded: String = fault.bytes().map(|byte| format!("%{byte:02X}")).collect();
                request = request.header("baggage", format!("headwater.fault={encoded}"));
            }
            let _ = request.send().await.expect("the gateway answers");
            sent += 1;
        }
    }
    sent
}

/// Waits until `count` traces that began after `start` are stored with all their spans.
async fn settled(demo: &Demo, start: &str, count: usize) {
    let client = http_client();
    let address = format!("{}/api/v1/traces?start={start}&limit=1000", demo.page);
    let began = Instant::now();
    let mut before = 0;
    loop {
        let list: Value = client.get(&address).send().await.expect("answers").json().await.expect("JSON");
        let traces = list["traces"].as_array().map_or(0, Vec::len);
        let spans: u64 =
            list["traces"].as_array().into_iter().flatten().filter_map(|row| row["spanCount"].as_u64()).sum();
        if traces >= count && spans == before {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{traces} of {count} traces arrived");
        before = spans;
        tokio::time::sleep(Duration::from_millis(600)).await;
    }
}

fn unix_nanos() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    now.as_nanos().to_string()
}

async fn get(address: &str) -> Value {
    http_client().get(address).send().await.expect("answers").json().await.expect("JSON")
}

/// How a kind of the truth file is called by the tool.
fn called(kind: &str) -> &'static [&'static str] {
    match kind {
        "bottleneck" => &["bottleneck"],
        "retries" => &["retries", "retry-storm"],
        "errors" => &["error"],
        "time-out" => &["timeout"],
        "cacheable" => &["cacheable-calls"],
        "parallel" => &["sequential-calls"],
        "n-plus-one" => &["repeated-calls", "chatty-calls"],
        "clock-skew" => &["clock-skew"],
        "context-lost" => &["lost-context"],
        "callee-missing" => &["missing-spans"],
        "hedge" => &["hedging"],
        other => panic!("the truth file has a kind {other:?} that nothing is called"),
    }
}

fn is_at(finding: &Value, place: &Value) -> bool {
    let text = finding["place"]["text"].as_str().unwrap_or_default();
    place.as_array().into_iter().flatten().filter_map(Value::as_str).all(|part| text.contains(part))
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_truly_in_the_demo_is_found_and_nothing_is_invented() {
    let truth: Value = serde_json::from_str(TRUTH).expect("the truth file is JSON");
    let list = |key: &str| truth[key].as_array().cloned().unwrap_or_default();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let demo = Demo::start(&folder.path().join("data"), &[]);
    let start = unix_nanos();
    let sent = drive(&demo, &list("traffic")).await;
    settled(&demo, &start, sent).await;

    let explanation = get(&format!("{}/api/v1/findings?start={start}&top=1000", demo.page)).await;
    let findings = explanation["findings"].as_array().cloned().unwrap_or_default();
    let told: Vec<String> = findings
        .iter()
        .map(|finding| format!("{} at {} ({})", finding["kind"], finding["place"]["text"], finding["what"]))
        .collect();
    let kind_is = |finding: &Value, kind: &str| called(kind).contains(&finding["kind"].as_str().unwrap_or_default());
    for truth in list("there") {
        let kind = truth["kind"].as_str().expect("a kind");
        let found = findings.iter().any(|finding| kind_is(finding, kind) && is_at(finding, &truth["place"]));
        assert!(found, "{truth} was not found among\n{}", told.join("\n"));
    }
    for claim in list("claims") {
        let kind = claim.as_str().expect("a kind");
        for finding in findings.iter().filter(|finding| kind_is(finding, kind)) {
            let true_here = list("there").iter().any(|truth| truth["kind"] == claim && is_at(finding, &truth["place"]));
            // "Cannot tell" claims nothing.
            let claims = finding["confidence"] != "cannot-tell";
            assert!(true_here || !claims, "{finding} was invented");
        }
    }

    let page = demo.page.clone();
    let text = tokio::task::spawn_blocking(move || command(["explain", "--server", &page]).output().expect("runs"));
    let text = text.await.expect("runs");
    assert_eq!(text.status.code(), Some(0), "{}", stderr(&text));
    let (text, wide) = (stdout(&text), |line: &&str| line.chars().count() > 100);
    assert!(text.contains("llm:generate"), "{text}");
    assert_eq!(text.lines().find(wide), None, "{text}");
    demo.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_names_the_hop_that_loses_the_context() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let demo = Demo::start(&folder.path().join("data"), &["--defect", "context-lost-rag"]);
    let start = unix_nanos();
    let traffic = json!([{ "count": 10, "what": "different questions" }]);
    let sent = drive(&demo, traffic.as_array().expect("an array")).await;
    // Each request makes a trace, and the part that lost its context another.
    settled(&demo, &start, sent * 2).await;

    let diagnosis = get(&format!("{}/api/v1/doctor?start={start}", demo.page)).await;
    let lost: Vec<&Value> = diagnosis["ailments"].as_array().into_iter().flatten().collect();
    let lost: Vec<&&Value> = lost.iter().filter(|ailment| ailment["kind"] == "context-lost").collect();
    assert_eq!(lost.len(), 1, "{diagnosis}");
    assert_eq!((&lost[0]["caller"], &lost[0]["service"]), (&json!("orchestrator"), &json!("rag")), "{diagnosis}");

    let page = demo.page.clone();
    let told = tokio::task::spawn_blocking(move || command(["doctor", "--server", &page]).output().expect("runs"));
    let told = told.await.expect("runs");
    assert_eq!(told.status.code(), Some(1), "{}{}", stdout(&told), stderr(&told));
    assert!(stdout(&told).contains("orchestrator -> rag"), "{}", stdout(&told));
    demo.stop();
}

#[test]
fn mistakes_are_told_before_anything_is_opened() {
    for (arguments, expected) in [
        (["explain", "{ status = }"].as_slice(), "expected"),
        (&["explain", "--since", "yesterday"], "--since"),
        (&["explain", "--timeout", "soon"], "--timeout"),
        (&["whatif"], "name a change"),
        (&["whatif", "--speed-up", "llm"], "OPERATION=FACTOR"),
        (&["compare", "yesterday", "today"], "is no side"),
        (&["compare", "24h..48h", "1h.."], "ends before it begins"),
    ] {
        let output = command(arguments).output().expect("headwater can be run");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{arguments:?}: {}", stderr(&output));
    }
}
