//! What retention is told to keep longer stays, the rest goes.

use std::time::{Duration, Instant};

use acceptance::{Server, http_client};
use serde_json::{Value, json};

/// Upkeep looks every second; on a busy machine it may come late.
const PATIENCE: Duration = Duration::from_secs(60);

const TRACES: [(&str, u64, u64); 4] = [
    // Name and id, status, milliseconds.
    ("plain", 1, 20),
    ("failed", 2, 20),
    ("slow", 1, 3_000),
    ("plain too", 0, 1_900),
];

fn id(number: usize) -> String {
    format!("{:032x}", number + 1)
}

fn body() -> Value {
    let start = 1_700_000_000_000_000_000_u64;
    let spans: Vec<Value> = TRACES
        .iter()
        .enumerate()
        .map(|(number, (name, status, milliseconds))| {
            json!({
                "traceId": id(number), "spanId": format!("{:016x}", number + 1), "name": name, "kind": 2,
                "startTimeUnixNano": start.to_string(),
                "endTimeUnixNano": (start + milliseconds * 1_000_000).to_string(),
                "status": { "code": status },
            })
        })
        .collect();
    json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": spans }] }] })
}

/// The names of the traces that are there.
async fn held(server: &Server) -> Vec<&'static str> {
    let mut held = Vec::new();
    for (number, (name, ..)) in TRACES.iter().enumerate() {
        let url = format!("{}/api/v1/trace/{}/otlp", server.page, id(number));
        let status = http_client().get(url).send().await.expect("answers").status();
        assert!(status.is_success() || status.as_u16() == 404, "{status}");
        if status.is_success() {
            held.push(*name);
        }
    }
    held
}

/// Waits until exactly these are there.
async fn becomes(server: &Server, expected: &[&str]) {
    let began = Instant::now();
    loop {
        let held = held(server).await;
        if held == expected {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{held:?} are held, not {expected:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn errors_and_slow_traces_stay_longer_than_the_rest() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start_on(folder.path(), &[], &[]);
    let sent = http_client().post(format!("{}/v1/traces", server.http)).json(&body()).send().await.expect("answers");
    assert!(sent.status().is_success(), "{}", sent.status());
    assert_eq!(held(&server).await, ["plain", "failed", "slow", "plain too"]);
    // Stopping seals: age counts for what is sealed.
    assert_eq!(server.stop(), Some(0));

    let keep = ["--keep-query", "{ status = error || duration > 2s }"];
    let server = Server::start_on(folder.path(), &["--retain-age", "1ms", keep[0], keep[1], "--keep-age", "1h"], &[]);
    becomes(&server, &["failed", "slow"]).await;
    assert_eq!(server.stop(), Some(0));

    // They are written anew, not only hidden: without the policy's query they are all there is.
    let server = Server::start_on(folder.path(), &["--retain-age", "1h"], &[]);
    assert_eq!(held(&server).await, ["failed", "slow"]);
    assert_eq!(server.stop(), Some(0));

    let server = Server::start_on(folder.path(), &["--retain-age", "1ms", keep[0], keep[1], "--keep-age", "2ms"], &[]);
    becomes(&server, &[]).await;
    assert_eq!(server.stop(), Some(0));
    let segments = std::fs::read_dir(folder.path().join("segments")).expect("listed").count();
    assert_eq!(segments, 0, "their files are gone too");
}

#[tokio::test]
async fn more_bytes_than_are_kept_go_whatever_the_policy_says() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start_on(folder.path(), &[], &[]);
    let sent = http_client().post(format!("{}/v1/traces", server.http)).json(&body()).send().await.expect("answers");
    assert!(sent.status().is_success(), "{}", sent.status());
    assert_eq!(server.stop(), Some(0));
    let server = Server::start_on(folder.path(), &["--retain-bytes", "1GB"], &[]);
    assert_eq!(held(&server).await.len(), TRACES.len());
    assert_eq!(server.stop(), Some(0));
    let arguments = ["--retain-bytes", "1kB", "--keep-query", "{ status = error }", "--keep-age", "1h"];
    let server = Server::start_on(folder.path(), &arguments, &[]);
    becomes(&server, &[]).await;
    assert_eq!(server.stop(), Some(0));
}
