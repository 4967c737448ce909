//! Snapshots of what people read.

use serde_json::json;
use wire::{Comparison, Diagnosis, Explanation, Info, Status, TraceClocks, WhatIfAnswer};

use super::{clocks, compare, doctor, findings, what_if};
use crate::terminal::Terminal;

const PLAIN: Terminal = Terminal { color: false, live: false, width: 100 };

macro_rules! read {
    ($value:expr) => {
        serde_json::from_value($value).expect("the shape of the API")
    };
}

fn looked_at(traces: u64) -> serde_json::Value {
    let times = if traces > 0 { json!("1732435200000000000") } else { json!(null) };
    json!({ "text": "{ name = \"POST /v1/ask\" } of the last 1h", "traceCount": traces, "spanCount": traces * 17, "first": times, "last": times })
}

fn cost() -> serde_json::Value {
    json!({ "elapsed": 12_000_000, "rowsScanned": 2_346, "bytesRead": 0 })
}

fn whole() -> serde_json::Value {
    json!({ "complete": true, "reasons": [] })
}

fn explanation() -> Explanation {
    let evidence = |id: &str| json!({ "traceId": id, "spanId": "00f067aa0ba902b7" });
    read!(json!({
        "lookedAt": looked_at(138),
        "findings": [
            {
                "id": "cacheable-calls-0123456789abcdef", "kind": "cacheable-calls", "title": "rag:chat gets the same answers again",
                "place": { "kind": "operation", "text": "rag:chat", "service": "rag", "operation": "chat" },
                "what": "20 of 138 calls ask what was asked before; a cache of 100 answers would have had 19 of them",
                "details": ["the prompt is the same to the letter, and the temperature is 0"],
                "traceCount": 20, "traceTotal": 138,
                "evidence": [evidence("5b8aa5a2d2c872e8321cf37308d69df2"), evidence("0af7651916cd43dd8448eb211c80319c"), evidence("ed94e11990e90dba5e96b45655046f78")],
                "cost": 31_000_000, "saving": { "least": 0, "median": 31_000_000, "p95": 40_100_000, "most": 41_000_000 },
                "tokensSaved": 8_100, "moneySaved": 0.0121, "confidence": "hint",
                "nextStep": "keep the answer for as long as it stays true", "impact": 0.2, "figures": []
            },
            {
                "id": "error-fedcba9876543210", "kind": "error", "title": "llm fails, and gateway's callers see it",
                "place": { "kind": "service", "text": "llm", "service": "llm" },
                "what": "llm answers 503 to rag, and the error reaches gateway: \u{1b}[31m\"no\ncapacity\"", "details": [],
                "traceCount": 8, "traceTotal": 138, "evidence": [], "confidence": "evidence",
                "nextStep": "look at llm", "impact": 0.06, "figures": []
            }
        ],
        "findingCount": 5, "suppressedCount": 1,
        "dataFlow": [{
            "fromService": "search", "fromOperation": "POST /v1/search", "fromKey": "db.response.documents", "toService": "rag",
            "toOperation": "POST /v1/answer", "toKey": "gen_ai.input.messages", "traceCount": 20, "traceTotal": 138, "values": 61,
            "example": "span-parent-0042", "evidence": []
        }],
        "dataFlowCount": 13,
        "cannotTell": [{ "analysis": "sequential-calls", "why": "which calls wait for each other takes 50 traces of one kind, and there are 12" }],
        "remarks": [], "completeness": { "complete": false, "reasons": ["the time was over: 40 of 178 traces were not read"] }, "cost": cost(),
    }))
}

#[test]
fn findings_in_a_terminal() {
    insta::assert_snapshot!(findings::text(&explanation(), PLAIN));
}

#[test]
fn findings_as_markdown() {
    insta::assert_snapshot!(findings::markdown(&explanation()));
}

#[test]
fn nothing_found() {
    let mut explanation = explanation();
    explanation.findings.clear();
    explanation.data_flow.clear();
    (explanation.finding_count, explanation.suppressed_count) = (0, 0);
    insta::assert_snapshot!(findings::text(&explanation, PLAIN));
}

#[test]
fn a_what_if() {
    let spread = |p50: i64| json!({ "count": 138, "p50": p50, "p95": p50 * 2, "p99": p50 * 3 });
    let answer: WhatIfAnswer = read!(json!({
        "lookedAt": looked_at(138), "before": spread(42_000_000), "after": spread(30_000_000), "saving": spread(12_000_000),
        "changedCount": 120,
        "changes": [
            { "text": "llm 2 times as fast", "spanCount": 120, "changedCount": 120, "saving": spread(11_000_000) },
            { "text": "no retries", "spanCount": 0, "changedCount": 0, "saving": { "count": 0 } }
        ],
        "examples": [{ "traceId": "5b8aa5a2d2c872e8321cf37308d69df2", "before": 90_000_000, "after": 50_000_000 }],
        "remarks": ["no span is called \"Chat\": there are rag:chat, llm:generate"], "completeness": whole(), "cost": cost(),
    }));
    insta::assert_snapshot!(what_if::text(&answer, PLAIN));
}

#[test]
fn a_comparison() {
    let spread = |p50: i64| json!({ "count": 100, "p50": p50, "p95": p50 * 2, "p99": p50 * 3 });
    let side =
        |p50: i64| json!({ "lookedAt": looked_at(100), "duration": spread(p50), "durationMean": p50, "errorCount": 2 });
    let operation = |verdict: &str| {
        json!({
            "service": "llm", "operation": "generate", "verdict": verdict, "medianBefore": 30_000_000, "medianAfter": 90_000_000,
            "p95Before": 31_000_000, "p95After": 95_000_000, "countBefore": 100, "countAfter": 100, "errorsBefore": 1, "errorsAfter": 40
        })
    };
    let place = |change: &str, before: f64, after: f64| {
        json!({
            "path": "gateway:POST /v1/ask > orchestrator:POST /v1/answer > search:POST /v1/search > search:retrieval passages > search:VectorDb/Search",
            "service": "search", "operation": "VectorDb/Search", "change": change, "shareBefore": before.min(1.0), "shareAfter": after.min(1.0),
            "meanBefore": before, "meanAfter": after
        })
    };
    let comparison: Comparison = read!(json!({
        "before": side(40_000_000), "after": side(100_000_000),
        "structure": [place("added", 0.0, 0.4), place("removed", 1.0, 0.0), place("more", 1.0, 6.0)],
        "operations": [operation("slower"), operation("slower-tail"), operation("more-errors"), operation("added")],
        "critical": [{ "service": "llm", "operation": "generate", "meanBefore": 30_000_000, "meanAfter": 90_000_000 }],
        "sameCount": 14, "notEnoughCount": 2,
        "rootCause": {
            "answer": "llm", "why": "the time spent in llm:generate rose by 21.0 times its usual variation", "threshold": 4.5,
            "suspects": [
                { "service": "llm", "place": "llm:generate", "score": 21.0, "p90Before": 31_000_000, "p90After": 95_000_000 },
                { "service": "rag", "place": "rag -> llm", "score": 0.4, "p90Before": 800_000, "p90After": 900_000 }
            ]
        },
        "attributes": [{ "key": "resource.service.version", "value": "1.5", "shareBefore": 0.0, "shareAfter": 1.0, "togetherWith": ["resource.host.name = b", "c = d"] }],
        "remarks": [], "completeness": whole(), "cost": cost(),
    }));
    insta::assert_snapshot!(compare::text(&comparison, PLAIN));
}

fn host_clocks() -> serde_json::Value {
    json!({
        "at": "1732435200000000000",
        "hosts": [
            { "host": "node-1", "reference": "node-1", "offset": 0, "least": 0, "most": 0, "isMoved": false, "calls": 3000, "verdict": "not-proven" },
            { "host": "node-2", "reference": "node-1", "offset": 1_301_000, "least": 652_000, "most": 1_935_000, "isMoved": true, "calls": 2000, "verdict": "skewed" },
            { "host": "node-3", "reference": "node-1", "offset": -8_000_000, "least": -9_000_000, "most": -7_000_000, "drift": -50_000, "isMoved": true, "calls": 900, "verdict": "skewed" },
            { "host": "node-4", "reference": "node-1", "offset": -80_000, "least": -300_000, "most": 200_000, "isMoved": false, "calls": 100, "verdict": "not-proven" }
        ],
        "pairs": [{ "one": "node-1", "other": "node-5", "offset": 0, "least": 9, "most": -9, "calls": 60, "verdict": "contradictory" }]
    })
}

#[test]
fn the_clocks_of_an_adjusted_trace() {
    let told: TraceClocks = read!(json!({
        "lookedAt": looked_at(2_000), "clocks": host_clocks(), "completeness": whole(), "cost": cost(),
    }));
    insta::assert_snapshot!(clocks::of_trace(&told, PLAIN));
}

#[test]
fn a_diagnosis() {
    let diagnosis: Diagnosis = read!(json!({
        "lookedAt": looked_at(20),
        "ailments": [{
            "id": "context-lost-1", "kind": "context-lost", "severity": "broken", "service": "rag", "caller": "orchestrator",
            "what": "the context is lost between orchestrator and rag: 10 server spans of rag (POST /v1/generate) begin traces of their own",
            "pattern": "orchestrator has client spans that call rag and have nothing below them, and rag has server spans that begin traces",
            "remedy": "see that orchestrator injects and rag extracts the context", "traceCount": 10, "traceTotal": 20,
            "evidence": [{ "traceId": "5b8aa5a2d2c872e8321cf37308d69df2", "spanId": "00f067aa0ba902b7" }]
        }],
        "services": [
            { "service": "gateway", "spanCount": 30, "traceCount": 10, "language": "rust", "sdk": "opentelemetry 0.31.0", "scopes": [], "lastSeen": "1732435200000000000", "silent": false },
            { "service": "mailer", "spanCount": 0, "traceCount": 0, "scopes": [], "lastSeen": "0", "silent": true }
        ],
        "clocks": host_clocks(),
        "remarks": [], "completeness": whole(), "cost": cost(),
    }));
    insta::assert_snapshot!(doctor::text(&diagnosis, PLAIN));
}

#[test]
fn a_receiver_to_which_nothing_came() {
    let info: Info = read!(json!({
        "product": "headwater", "version": "0.1.0", "apiVersion": 1, "uiBuild": "", "started": "0", "now": "0",
        "otlpGrpc": "127.0.0.1:4317", "otlpHttp": "127.0.0.1:4318", "api": "127.0.0.1:4319", "suites": []
    }));
    let status: Status = read!(json!({
        "now": "0",
        "receiving": {
            "requests": 1, "requestsRejected": 1, "requestsThrottled": 0, "bytes": 10, "spans": 0, "spansRejected": 0, "logs": 0,
            "logsWithoutTrace": 0, "logsRejected": 0, "metricsNotKept": 0, "spansPerSecond": 0.0,
            "lastRejection": { "time": "0", "peer": "127.0.0.1:5000", "error": "there is nothing at /v1/span", "hint": "send to /v1/traces" }
        },
        "storing": { "spans": 0, "traces": 0, "bytes": 0, "tracesDroppedByRetention": 0 },
        "forwarding": []
    }));
    insta::assert_snapshot!(doctor::server("http://127.0.0.1:4319", &info, &status, PLAIN));
}
