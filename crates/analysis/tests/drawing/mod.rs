//! Traces drawn as text, so that a test is two lines.
//!
//! `gateway:POST:server[0..100]!(auth:GET:server[5..20] db::client[30..40]{error.type=timeout})` is a tree of spans:
//! service, name and kind (name and kind may be left out), times in milliseconds after one second, `!` for an error,
//! attributes in braces, children in parentheses; `-` takes away a span whose children stay.

use std::sync::Arc;

use model::{Attributes, Instant, Resource, Span, SpanId, SpanKind, StatusCode, Trace, TraceId, Value};

/// The trace drawn by `text`.
pub fn draw(text: &str) -> Trace {
    let mut pen = Pen { rest: text.trim(), spans: Vec::new(), parents: Vec::new(), dropped: Vec::new() };
    while !pen.rest.is_empty() {
        pen.step();
    }
    let Pen { mut spans, dropped, .. } = pen;
    spans.retain(|span| !dropped.contains(&span.span_id));
    Trace::assemble(ID, spans, Vec::new())
}

/// The same spans as a trace with another id.
#[allow(dead_code, reason = "not every test tells traces apart")]
pub fn with_id(trace: Trace, number: u64) -> Trace {
    let mut id = [7; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    let (mut spans, logs) = trace.into_parts();
    spans.iter_mut().for_each(|span| span.trace_id = TraceId(id));
    Trace::assemble(TraceId(id), spans, logs)
}

const ID: TraceId = TraceId([7; 16]);
const ORIGIN: u64 = 1_000_000_000;

struct Pen<'t> {
    rest: &'t str,
    spans: Vec<Span>,
    parents: Vec<SpanId>,
    dropped: Vec<SpanId>,
}

impl Pen<'_> {
    fn step(&mut self) {
        match self.rest.as_bytes()[0] {
            b'(' => self.parents.push(self.spans.last().expect("a span before its children").span_id),
            b')' => drop(self.parents.pop().expect("an open parenthesis")),
            b'!' => self.spans.last_mut().expect("a span").status.code = StatusCode::ERROR,
            b'-' => self.dropped.push(self.spans.last().expect("a span").span_id),
            b'{' => return self.attributes(),
            byte if byte.is_ascii_whitespace() => {}
            _ => return self.span(),
        }
        self.rest = &self.rest[1..];
    }

    fn until(&mut self, end: char) -> &str {
        let (taken, rest) = self.rest.split_once(end).unwrap_or_else(|| panic!("no {end} in {}", self.rest));
        self.rest = rest;
        taken
    }

    fn span(&mut self) {
        let head = self.until('[').to_owned();
        let times = self.until(']').to_owned();
        let mut words = head.split(':');
        let service = words.next().unwrap_or_default();
        let mut span =
            Span::new(ID, SpanId((self.spans.len() as u64 + 1).to_be_bytes()), words.next().unwrap_or_default());
        span.kind = match words.next().unwrap_or_default() {
            "server" => SpanKind::SERVER,
            "client" => SpanKind::CLIENT,
            "producer" => SpanKind::PRODUCER,
            "consumer" => SpanKind::CONSUMER,
            _ => SpanKind::INTERNAL,
        };
        let (start, end) = times.split_once("..").expect("start..end");
        let at = |text: &str| Instant(ORIGIN + (text.parse::<f64>().expect("a number") * 1e6) as u64);
        (span.start, span.end) = (at(start), at(end));
        span.parent_span_id = self.parents.last().copied();
        let attributes = Attributes::from_iter([("service.name", service)]);
        span.resource = Arc::new(Resource { attributes, ..Resource::default() });
        self.spans.push(span);
    }

    fn attributes(&mut self) {
        self.rest = &self.rest[1..];
        let list = self.until('}').to_owned();
        let span = self.spans.last_mut().expect("a span");
        for entry in list.split(',') {
            let (key, value) = entry.split_once('=').expect("key=value");
            let value = match (value.parse::<i64>(), value.parse::<bool>()) {
                (Ok(int), _) => Value::Int(int),
                (_, Ok(bool)) => Value::Bool(bool),
                _ => Value::from(value),
            };
            span.attributes.push(key.trim(), value);
        }
    }
}
