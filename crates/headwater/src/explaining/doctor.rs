//! `headwater doctor` as text.

use std::fmt::Write as _;

use wire::{Ailment, Diagnosis, Info, ServiceHealth, Severity, Status};

use super::{clock, clocks, counted, heading, looked_at, not_all, open_with, width, wrapped};
use crate::terminal::{Style, Terminal, pad, printable};

/// That nobody receives: the server was started to answer this command.
pub fn no_server(status: &Status, terminal: Terminal) -> String {
    let mut out = String::new();
    heading(&mut out, "Receiver", terminal);
    let mut line = |mark: &str, text: &str| wrapped(&mut out, &format!("  {mark} "), text, width(terminal));
    line("!!", "no server runs on this data folder, so nothing is received now: `headwater serve` starts one");
    line(
        "ok",
        &format!("{} stored in {}", counted(status.storing.spans, "span"), counted(status.storing.traces, "trace")),
    );
    out
}

/// The server that was asked.
pub fn server(address: &str, info: &Info, status: &Status, terminal: Terminal) -> String {
    let mut out = String::new();
    heading(&mut out, "Receiver", terminal);
    let mut line = |mark: &str, text: &str| wrapped(&mut out, &format!("  {mark} "), text, width(terminal));
    line("ok", &format!("{address} answers: headwater {}", info.version));
    let taken: Vec<String> = [("OTLP over gRPC", &info.otlp_grpc), ("OTLP over HTTP", &info.otlp_http)]
        .into_iter()
        .filter_map(|(name, address)| address.as_ref().map(|address| format!("{name} at {address}")))
        .collect();
    if taken.is_empty() {
        line("!!", "it takes no OTLP: this server was started only to read what is stored; `headwater serve` receives");
    } else {
        line("ok", &format!("it takes {} (either port takes both)", taken.join(" and ")));
    }
    let receiving = &status.receiving;
    let came = format!(
        "{} in {} since it started, {:.1} spans a second now",
        counted(receiving.spans, "span"),
        counted(receiving.requests, "request"),
        receiving.spans_per_second
    );
    match (taken.is_empty(), receiving.spans) {
        (true, _) => {}
        (false, 0) => line("!!", &format!("no span arrived since it started{}", how_to_send(info))),
        (false, _) => line("ok", &came),
    }
    if receiving.requests_rejected + receiving.spans_rejected > 0 {
        line(
            "!!",
            &format!(
                "{} and {} were rejected",
                counted(receiving.requests_rejected, "request"),
                counted(receiving.spans_rejected, "span")
            ),
        );
    }
    if let Some(last) = &receiving.last_rejection {
        let hint = last.hint.as_ref().map_or_else(String::new, |hint| format!(": {hint}"));
        line("!!", &format!("last refused, from {}: {}{hint}", last.peer, last.error));
    }
    if let Some(fault) = &status.storing.fault {
        line("!!", &format!("nothing can be stored: {fault}"));
    }
    line(
        "ok",
        &format!("{} stored in {}", counted(status.storing.spans, "span"), counted(status.storing.traces, "trace")),
    );
    out
}

fn how_to_send(info: &Info) -> String {
    info.otlp_http.as_ref().map_or_else(String::new, |address| {
        format!(": set OTEL_EXPORTER_OTLP_ENDPOINT=http://{address} and OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf where your services start")
    })
}

/// What the traces say.
pub fn text(diagnosis: &Diagnosis, terminal: Terminal) -> String {
    let mut out = String::from("\n");
    looked_at(&mut out, "", &diagnosis.looked_at, terminal);
    not_all(&mut out, &diagnosis.completeness, terminal);
    for remark in &diagnosis.remarks {
        wrapped(&mut out, "! ", remark, width(terminal));
    }
    if diagnosis.looked_at.trace_count == 0 {
        return out;
    }
    services(&mut out, &diagnosis.services, diagnosis.looked_at.last.map(|last| last.0), terminal);
    clocks::table(&mut out, &diagnosis.clocks, terminal);
    if diagnosis.ailments.is_empty() {
        let text = format!(
            "Nothing is wrong in {}: every parent arrived, every called service answers with spans of its own, no context \
             is lost, and no clock is proven to be off.",
            counted(diagnosis.looked_at.trace_count, "trace")
        );
        out.push('\n');
        wrapped(&mut out, "", &text, width(terminal));
    }
    for (number, ailment) in diagnosis.ailments.iter().enumerate() {
        one(&mut out, number + 1, ailment, terminal);
    }
    out
}

fn services(out: &mut String, services: &[ServiceHealth], newest: Option<u64>, terminal: Terminal) {
    heading(out, "Services", terminal);
    let _ = writeln!(out, "  {} {:>8} {:>8}  {:<26} newest span", pad("", 20), "spans", "traces", "SDK");
    for service in services {
        let name = pad(&printable(&service.service), 20);
        if service.silent {
            let _ = writeln!(out, "  {name} {:>8} {:>8}  called, but sends nothing", "-", "-");
            continue;
        }
        let sdk = service.sdk.as_deref().unwrap_or("not said");
        let sdk = match &service.language {
            Some(language) => format!("{language}: {sdk}"),
            None => sdk.to_owned(),
        };
        let age = newest.map_or(0, |newest| newest.saturating_sub(service.last_seen.0));
        let seen = match before(age) {
            None => clock(service.last_seen.0),
            Some(age) => format!("{}, {age} before the newest", clock(service.last_seen.0)),
        };
        let sdk = pad(&printable(&sdk), 26);
        let _ = writeln!(out, "  {name} {:>8} {:>8}  {sdk} {seen}", service.span_count, service.trace_count);
    }
}

/// `5 min`, `3 h`, `12 days`; none below a minute.
fn before(nanos: u64) -> Option<String> {
    let minutes = nanos / 60_000_000_000;
    match minutes {
        0 => None,
        1..120 => Some(format!("{minutes} min")),
        120..2_880 => Some(format!("{} h", minutes / 60)),
        _ => Some(format!("{} days", minutes / 1_440)),
    }
}

fn one(out: &mut String, number: usize, ailment: &Ailment, terminal: Terminal) {
    let severity = match ailment.severity {
        Severity::Broken => "broken",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let hop = match &ailment.caller {
        Some(caller) => format!("{caller} -> {}", ailment.service),
        None => ailment.service.clone(),
    };
    let title = format!("{number:>2}. {severity}: {} at {}", ailment.kind, printable(&hop));
    let style = if ailment.severity == Severity::Broken { Style::Red } else { Style::Bold };
    let _ = writeln!(out, "\n{}", terminal.paint(style, &title));
    let width = width(terminal);
    let mut line = |label: &str, text: &str| {
        if !text.is_empty() {
            wrapped(out, &format!("    {label:<7} "), text, width);
        }
    };
    line("what", &ailment.what);
    line(
        "shown",
        &format!(
            "by this pattern in {} of {}: {}",
            ailment.trace_count,
            counted(ailment.trace_total, "trace"),
            ailment.pattern
        ),
    );
    line("mend", &ailment.remedy);
    line("look", &open_with(&ailment.evidence).unwrap_or_default());
}
