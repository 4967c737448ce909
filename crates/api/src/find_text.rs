//! Find by text: names, services, ids, attribute keys and values, events, links, status, logs; whatever the case.

use std::collections::HashSet;

use model::{Attributes, KeyValue, LogRecord, Span, SpanId, SpanIndex, Trace, Value};

/// The spans in which `text` occurs, by index. An empty text occurs nowhere.
#[must_use]
pub fn find_text(trace: &Trace, text: &str) -> Vec<SpanIndex> {
    let needle = text.trim().to_lowercase();
    if needle.is_empty() {
        return Vec::new();
    }
    let needle = Needle { text: needle };
    let in_logs: HashSet<SpanId> =
        trace.logs().iter().filter(|log| needle.in_log(log)).filter_map(|log| log.span_id).collect();
    let found = |&index: &SpanIndex| {
        let span = trace.span(index);
        in_logs.contains(&span.span_id) || needle.in_span(span)
    };
    (0..trace.spans().len() as SpanIndex).filter(found).collect()
}

struct Needle {
    text: String,
}

impl Needle {
    fn in_span(&self, span: &Span) -> bool {
        self.in_text(&span.name)
            || self.in_text(&span.status.message)
            || self.in_text(&span.trace_state)
            || self.in_text(&span.scope.name)
            || span.span_id.to_string().starts_with(&self.text)
            || self.in_attributes(&span.attributes)
            || self.in_attributes(&span.resource.attributes)
            || self.in_attributes(&span.scope.attributes)
            || span.events.iter().any(|event| self.in_text(&event.name) || self.in_attributes(&event.attributes))
            || span.links.iter().any(|link| {
                self.in_attributes(&link.attributes)
                    || link.trace_id.to_string().starts_with(&self.text)
                    || link.span_id.to_string().starts_with(&self.text)
            })
    }

    fn in_log(&self, log: &LogRecord) -> bool {
        self.in_value(&log.body)
            || self.in_text(&log.event_name)
            || self.in_text(&log.severity_text)
            || self.in_attributes(&log.attributes)
    }

    fn in_attributes(&self, attributes: &Attributes) -> bool {
        self.in_entries(&attributes.0)
    }

    fn in_entries(&self, entries: &[KeyValue]) -> bool {
        entries.iter().any(|entry| self.in_text(&entry.key) || self.in_value(&entry.value))
    }

    /// Nested values are walked with a stack of their own: they may be as deep as people make them.
    fn in_value(&self, value: &Value) -> bool {
        let mut stack = vec![value];
        while let Some(value) = stack.pop() {
            match value {
                Value::Array(values) => stack.extend(values),
                Value::Map(entries) => {
                    if entries.iter().any(|entry| self.in_text(&entry.key)) {
                        return true;
                    }
                    stack.extend(entries.iter().map(|entry| &entry.value));
                }
                Value::Empty => {}
                Value::String(text) if self.in_text(text) => return true,
                Value::String(_) => {}
                other if self.in_text(&other.to_string()) => return true,
                _ => {}
            }
        }
        false
    }

    fn in_text(&self, text: &str) -> bool {
        if self.text.is_ascii() {
            // The usual case without allocating; a text without letters beyond ASCII is compared byte by byte.
            let (hay, needle) = (text.as_bytes(), self.text.as_bytes());
            return hay.windows(needle.len()).any(|window| window.eq_ignore_ascii_case(needle));
        }
        text.to_lowercase().contains(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use model::TraceId;

    use super::*;

    fn check(text: &str, expected: &[SpanIndex]) {
        let mut spans = Vec::new();
        for id in 1..=3_u8 {
            let mut span = Span::new(TraceId([1; 16]), SpanId([id; 8]), ["GET /ask", "Suche", "db"][id as usize - 1]);
            span.start = model::Instant(u64::from(id));
            spans.push(span);
        }
        spans[1].attributes.push("q", Value::Array(vec!["Grüße".into(), Value::Int(42)]));
        let mut log = LogRecord { span_id: Some(SpanId([3; 8])), ..LogRecord::default() };
        log.body = "connection refused".into();
        let trace = Trace::assemble(TraceId([1; 16]), spans, vec![log]);
        assert_eq!(find_text(&trace, text), expected, "{text}");
    }

    #[test]
    fn text_is_found_wherever_it_stands() {
        check("get", &[0]);
        check("GRÜSSE", &[]);
        check("grüße", &[1]);
        check("42", &[1]);
        check("Refused", &[2]);
        check("030303", &[2]);
        check("  ", &[]);
        check("nowhere", &[]);
    }
}
