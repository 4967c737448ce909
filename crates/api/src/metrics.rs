//! Our own counters as Prometheus text (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::fmt::Write as _;

use wire::Status;

/// The counters of `status`.
#[must_use]
pub fn prometheus(status: &Status) -> String {
    let mut text = String::new();
    let (receiving, storing) = (&status.receiving, &status.storing);
    for (name, kind, help, value) in [
        ("receive_requests_total", "counter", "Requests read.", receiving.requests),
        ("receive_requests_rejected_total", "counter", "Requests refused as a whole.", receiving.requests_rejected),
        ("receive_requests_throttled_total", "counter", "Requests told to come again.", receiving.requests_throttled),
        ("receive_bytes_total", "counter", "Bytes of request bodies.", receiving.bytes),
        ("receive_spans_total", "counter", "Spans accepted.", receiving.spans),
        ("receive_spans_rejected_total", "counter", "Spans rejected.", receiving.spans_rejected),
        ("receive_logs_total", "counter", "Log records accepted.", receiving.logs),
        ("receive_logs_without_trace_total", "counter", "Log records without a trace.", receiving.logs_without_trace),
        ("receive_logs_rejected_total", "counter", "Log records rejected.", receiving.logs_rejected),
        ("receive_metrics_not_kept_total", "counter", "Metric data points not kept.", receiving.metrics_not_kept),
        ("store_spans", "gauge", "Spans stored.", storing.spans),
        ("store_traces", "gauge", "Traces stored.", storing.traces),
        ("store_bytes", "gauge", "Bytes on disk.", storing.bytes),
        (
            "store_retention_traces_total",
            "counter",
            "Traces dropped by retention.",
            storing.traces_dropped_by_retention,
        ),
        ("store_fault", "gauge", "1 while nothing can be stored.", u64::from(storing.fault.is_some())),
    ] {
        header(&mut text, name, kind, help);
        let _ = writeln!(text, "headwater_{name} {value}");
    }
    forwarding(&mut text, status);
    text
}

fn forwarding(text: &mut String, status: &Status) {
    if status.forwarding.is_empty() {
        return;
    }
    type Read = fn(&wire::Forwarding) -> u64;
    let families: [(&str, &str, &str, Read); 9] = [
        ("forward_queued_requests", "gauge", "Requests waiting.", |d| d.queued_requests),
        ("forward_queued_bytes", "gauge", "Bytes waiting.", |d| d.queued_bytes),
        ("forward_delivered_requests_total", "counter", "Requests delivered.", |d| d.delivered_requests),
        ("forward_delivered_spans_total", "counter", "Spans delivered.", |d| d.delivered_spans),
        ("forward_filtered_spans_total", "counter", "Spans left out by the filter.", |d| d.filtered_spans),
        ("forward_retried_total", "counter", "Tries that were repeated.", |d| d.retried),
        ("forward_rejected_total", "counter", "Spans rejected by the destination.", |d| d.rejected_by_destination),
        ("forward_dropped_requests_total", "counter", "Requests given up.", |d| d.dropped_requests),
        ("forward_dropped_spans_total", "counter", "Spans given up.", |d| d.dropped_spans),
    ];
    for (name, kind, help, read) in families {
        header(text, name, kind, help);
        for destination in &status.forwarding {
            let label = escaped(&destination.name);
            let _ = writeln!(text, "headwater_{name}{{destination=\"{label}\"}} {}", read(destination));
        }
    }
}

fn header(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP headwater_{name} {help}\n# TYPE headwater_{name} {kind}");
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
