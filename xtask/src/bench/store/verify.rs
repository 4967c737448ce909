//! Reads traces back through the API and compares every field with what was sent.

use std::collections::HashMap;
use std::net::SocketAddr;

use serde_json::Value as Json;

use super::generator::{Generator, Random, Span, Value};
use super::sender::Asker;

/// Spans the server says it keeps.
pub fn spans_kept(page: SocketAddr) -> Result<u64, String> {
    let status: Json = parse(&Asker::open(page)?.get("/api/v1/status")?)?;
    status["storing"]["spans"].as_u64().ok_or_else(|| format!("the status names no spans: {status}"))
}

/// Compares `count` traces drawn from the first `sent` with what the server has.
pub fn traces_are_whole(page: SocketAddr, generator: &Generator, sent: u64, count: u64) -> Result<(), String> {
    let mut random = Random::new(generator.seed);
    let mut asker = Asker::open(page)?;
    for _ in 0..count {
        let number = random.below(sent);
        trace_is_whole(&mut asker, generator, number).map_err(|problem| format!("trace number {number}: {problem}"))?;
    }
    Ok(())
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn parse(bytes: &[u8]) -> Result<Json, String> {
    serde_json::from_slice(bytes).map_err(|error| format!("cannot read the answer: {error}"))
}

fn trace_is_whole(asker: &mut Asker, generator: &Generator, number: u64) -> Result<(), String> {
    let trace = generator.trace(number);
    let held = parse(&asker.get(&format!("/api/v1/trace/{}/otlp", hex(&trace.trace_id)))?)?;
    let mut spans: HashMap<u64, Span> = HashMap::new();
    let mut count = 0;
    for block in list(&held["resourceSpans"]) {
        let attributes = attributes_of(&block["resource"]["attributes"])?;
        let service = attributes.iter().find(|(key, _)| key == "service.name");
        let Some((_, Value::Text(service))) = service else { return Err("a resource without a name".to_owned()) };
        for scope_block in list(&block["scopeSpans"]) {
            for span in list(&scope_block["spans"]) {
                let span = span_of(span, service)?;
                count += 1;
                spans.insert(span.span_id, span);
            }
        }
    }
    if count != trace.spans.len() {
        return Err(format!("{} spans were sent, {count} came back", trace.spans.len()));
    }
    for sent in &trace.spans {
        let held = spans.get(&sent.span_id).ok_or_else(|| format!("span {:016x} is not there", sent.span_id))?;
        if held != sent {
            return Err(format!("sent {sent:?}\nread {held:?}"));
        }
    }
    Ok(())
}

fn list(json: &Json) -> &[Json] {
    json.as_array().map_or(&[], Vec::as_slice)
}

fn number(json: &Json) -> u64 {
    json.as_u64().or_else(|| json.as_str().and_then(|text| text.parse().ok())).unwrap_or(0)
}

fn span_of(json: &Json, service: &str) -> Result<Span, String> {
    let id = |name: &str| u64::from_str_radix(json[name].as_str().unwrap_or("0"), 16).unwrap_or(0);
    let event = |event: &Json| {
        let text = match attributes_of(&event["attributes"])?.pop() {
            Some((_, Value::Text(text))) => text,
            other => return Err(format!("an event with {other:?}")),
        };
        Ok((number(&event["timeUnixNano"]), text))
    };
    Ok(Span {
        span_id: id("spanId"),
        parent_span_id: id("parentSpanId"),
        service: service.to_owned(),
        name: json["name"].as_str().unwrap_or_default().to_owned(),
        kind: number(&json["kind"]),
        start: number(&json["startTimeUnixNano"]),
        end: number(&json["endTimeUnixNano"]),
        is_error: number(&json["status"]["code"]) == 2,
        attributes: attributes_of(&json["attributes"])?,
        events: list(&json["events"]).iter().map(event).collect::<Result<_, String>>()?,
    })
}

fn attributes_of(json: &Json) -> Result<Vec<(String, Value)>, String> {
    let attribute = |entry: &Json| {
        let value = &entry["value"];
        let value = if let Some(text) = value["stringValue"].as_str() {
            Value::Text(text.to_owned())
        } else if let Some(bool) = value["boolValue"].as_bool() {
            Value::Bool(bool)
        } else if let Some(double) = value["doubleValue"].as_f64() {
            Value::Double(double)
        } else if let Some(int) = value["intValue"].as_str().and_then(|text| text.parse().ok()) {
            Value::Int(int)
        } else {
            return Err(format!("an attribute with the value {value}"));
        };
        Ok((entry["key"].as_str().unwrap_or_default().to_owned(), value))
    };
    list(json).iter().map(attribute).collect()
}
