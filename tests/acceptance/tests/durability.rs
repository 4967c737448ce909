//! What was acknowledged survives `kill -9` at any moment: nothing is lost, nothing appears twice.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use acceptance::{Server, http_client};
use serde_json::{Value, json};

/// How often the server is killed. Each round takes well under a second.
const ROUNDS: u64 = 12;
const SENDERS: u64 = 4;
const SPANS_PER_TRACE: u64 = 7;

/// One trace as an OTLP JSON body; everything in it follows from `number`.
fn body(number: u64) -> (String, Value) {
    let trace_id = format!("{:016x}{number:016x}", 0xacce_u64);
    let spans: Vec<Value> = (1..=SPANS_PER_TRACE)
        .map(|span| {
            json!({
                "traceId": trace_id,
                "spanId": format!("{span:016x}"),
                "parentSpanId": if span == 1 { String::new() } else { format!("{:016x}", 1) },
                "name": format!("operation {span}"),
                "kind": 2,
                "startTimeUnixNano": format!("{}", 1_700_000_000_000_000_000_u64 + number * 1_000 + span),
                "endTimeUnixNano": format!("{}", 1_700_000_000_000_500_000_u64 + number * 1_000),
                "attributes": [{ "key": "number", "value": { "intValue": number.to_string() } }],
            })
        })
        .collect();
    let resource = json!({ "attributes": [{ "key": "service.name", "value": { "stringValue": "sender" } }] });
    (trace_id, json!({ "resourceSpans": [{ "resource": resource, "scopeSpans": [{ "spans": spans }] }] }))
}

/// Sends until the server is gone; what was acknowledged goes to `acknowledged`.
async fn send(url: String, next: Arc<AtomicU64>, acknowledged: Arc<Mutex<Vec<u64>>>, ended: Arc<AtomicBool>) {
    let client = http_client();
    while !ended.load(Ordering::SeqCst) {
        let number = next.fetch_add(1, Ordering::SeqCst);
        let Ok(response) = client.post(format!("{url}/v1/traces")).json(&body(number).1).send().await else { return };
        // Only a whole answer counts: the sender must have read it.
        let status = response.status();
        let Ok(answer) = response.json::<Value>().await else { return };
        assert!(status.is_success(), "{status}: {answer}");
        assert!(answer.get("partialSuccess").is_none_or(|partial| partial == &json!({})), "{answer}");
        acknowledged.lock().expect("not poisoned").push(number);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_by_kill_9() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let next = Arc::new(AtomicU64::new(0));
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    for round in 0..ROUNDS {
        let server = Server::start_on(folder.path(), &[], &[]);
        let ended = Arc::new(AtomicBool::new(false));
        let senders: Vec<_> = (0..SENDERS)
            .map(|_| {
                tokio::spawn(send(
                    server.http.clone(),
                    Arc::clone(&next),
                    Arc::clone(&acknowledged),
                    Arc::clone(&ended),
                ))
            })
            .collect();
        // A different moment each round: early ones hit an empty journal, late ones a full one.
        tokio::time::sleep(Duration::from_millis(20 + round * round * 5)).await;
        server.kill();
        ended.store(true, Ordering::SeqCst);
        for sender in senders {
            sender.await.expect("a sender does not panic");
        }
    }
    let acknowledged = acknowledged.lock().expect("not poisoned").clone();
    assert!(acknowledged.len() as u64 > ROUNDS, "too few acknowledgements to say anything: {}", acknowledged.len());

    let server = Server::start_on(folder.path(), &[], &[]);
    for &number in &acknowledged {
        let (trace_id, sent) = body(number);
        let stored = server.json(&format!("/api/v1/trace/{trace_id}/otlp")).await;
        let spans = |document: &Value| -> Vec<String> {
            let mut found: Vec<String> = document["resourceSpans"]
                .as_array()
                .into_iter()
                .flatten()
                .flat_map(|block| block["scopeSpans"].as_array().into_iter().flatten())
                .flat_map(|scope| scope["spans"].as_array().into_iter().flatten())
                .map(|span| format!("{} {} {}", span["spanId"], span["name"], span["startTimeUnixNano"]))
                .collect();
            found.sort();
            found
        };
        assert_eq!(spans(&stored), spans(&sent), "trace {number} of {}", acknowledged.len());
    }
    assert_eq!(server.stop(), Some(0));
}

#[tokio::test]
async fn an_unwritable_folder_is_refused_with_its_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("a-file");
    std::fs::write(&file, "not a folder").expect("written");
    let output = acceptance::run([
        "serve".as_ref(),
        "--page=127.0.0.1:0".as_ref(),
        "--grpc=127.0.0.1:0".as_ref(),
        "--http=127.0.0.1:0".as_ref(),
        "--data".as_ref(),
        file.as_os_str(),
    ]);
    assert_eq!(output.status.code(), Some(4));
    let said = acceptance::stderr(&output);
    assert!(said.contains("a-file"), "{said}");
    assert_eq!(std::fs::read_to_string(&file).expect("still there"), "not a folder");
}

#[tokio::test]
async fn the_second_server_on_a_folder_says_who_holds_it() {
    let server = Server::start();
    let data = server.data.to_str().expect("a plain path").to_owned();
    let output = acceptance::run([
        "serve",
        "--page",
        "127.0.0.1:0",
        "--grpc",
        "127.0.0.1:0",
        "--http",
        "127.0.0.1:0",
        "--data",
        &data,
    ]);
    assert_eq!(output.status.code(), Some(4));
    let said = acceptance::stderr(&output);
    assert!(said.contains(&server.pid().to_string()), "{said}");
    assert!(said.contains(server.page.trim_start_matches("http://")), "{said}");
}
