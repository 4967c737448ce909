//! Jaeger's JSON: `{"data": [{"traceID", "spans", "processes"}]}` as its page exports it, one or many traces without
//! that frame, bare spans with their process inside, and spans that carry their parents inline in the references.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use model::{
    Attributes, Event, FLAG_SAMPLED, Instant, Link, Resource, Span, SpanId, SpanKind, StatusCode, TraceId, Value,
};
use serde_json::{Map, Value as Json};

use crate::imported::{ImportError, Imported, quoted};
use crate::{fields, ids};

/// How OpenTelemetry names the kind of a reference on a link.
const REFERENCE_TYPE: &str = "opentracing.ref_type";

/// Decodes Jaeger's JSON. A span that cannot be read is skipped with a remark, the rest is imported.
///
/// # Errors
/// When the bytes are not JSON, or hold neither traces nor spans.
pub fn decode_jaeger(bytes: &[u8]) -> Result<Imported, ImportError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let document: Json = serde_json::from_slice(bytes)?;
    let mut reader = Reader::default();
    reader.document(&document)?;
    Ok(reader.imported)
}

#[derive(Default)]
struct Reader {
    imported: Imported,
    resources: fields::Resources,
}

/// A span that waits to be read: where it stands, and whether it came inside another one's reference.
struct Found<'a> {
    place: String,
    json: &'a Json,
    is_nested: bool,
}

type Processes = HashMap<String, Arc<Resource>>;

impl Reader {
    fn document(&mut self, document: &Json) -> Result<(), ImportError> {
        match document {
            Json::Object(object) => match object.get("data") {
                Some(Json::Array(traces)) => self.traces("data", traces),
                Some(trace @ Json::Object(_)) => self.trace("data", trace),
                Some(Json::Null) => {}
                _ if object.contains_key("spans") => self.trace("", document),
                _ if object.contains_key("spanID") => self.spans(vec![found("", document)], &Processes::new(), None),
                _ => return Err(shape()),
            },
            Json::Array(elements) => self.traces("", elements),
            _ => return Err(shape()),
        }
        Ok(())
    }

    /// An array of traces, of arrays of spans, or of spans.
    fn traces(&mut self, path: &str, elements: &[Json]) {
        let mut bare_spans = Vec::new();
        for (index, element) in elements.iter().enumerate() {
            let place = format!("{path}[{index}]");
            match element {
                Json::Object(object) if object.contains_key("spans") => self.trace(&place, element),
                Json::Array(spans) => self.spans(all_found(&place, spans), &Processes::new(), None),
                _ => bare_spans.push(Found { place, json: element, is_nested: false }),
            }
        }
        self.spans(bare_spans, &Processes::new(), None);
    }

    fn trace(&mut self, path: &str, trace: &Json) {
        let prefix = if path.is_empty() { String::new() } else { format!("{path}.") };
        let mut processes = Processes::new();
        if let Some(named) = trace.get("processes").and_then(Json::as_object) {
            for (name, process) in named {
                let resource = self.process(&format!("{prefix}processes.{name}"), process);
                processes.insert(name.clone(), resource);
            }
        }
        match trace.get("spans") {
            Some(Json::Array(spans)) => {
                let spans = all_found(&format!("{prefix}spans"), spans);
                self.spans(spans, &processes, trace.get("traceID"));
            }
            Some(Json::Null) | None => {}
            Some(other) => self.imported.remark(&format!("{prefix}spans"), format!("not an array: {}", quoted(other))),
        }
        if let Some(warnings) = trace.get("warnings").filter(|warnings| has_content(warnings)) {
            let what = format!("warnings on a whole trace have no place in OTLP: {}", quoted(warnings));
            self.imported.remark(&format!("{prefix}warnings"), what);
        }
    }

    /// Reads spans and whatever is nested in their references; a nested span that is in the file anyway is kept once.
    fn spans(&mut self, mut waiting: Vec<Found<'_>>, processes: &Processes, trace_id: Option<&Json>) {
        waiting.reverse();
        let mut nested = Vec::new();
        let mut met = HashSet::new();
        while let Some(found) = waiting.pop().or_else(|| nested.pop()) {
            for (index, reference) in array(found.json.get("references")).iter().enumerate() {
                if let Some(json) = reference.get("span").filter(|span| span.is_object()) {
                    let place = format!("{}.references[{index}].span", found.place);
                    nested.push(Found { place, json, is_nested: true });
                }
            }
            let remarks_before = self.imported.remarks_mark();
            let Some(span) = self.span(&found, processes, trace_id) else { continue };
            if found.is_nested && met.contains(&span) {
                // The same remarks were made on the copy that is kept.
                self.imported.forget_remarks_since(remarks_before);
                continue;
            }
            met.insert(span.clone());
            self.imported.batch.spans.push(span);
        }
    }

    fn span(&mut self, found: &Found<'_>, processes: &Processes, trace_id: Option<&Json>) -> Option<Span> {
        let place = found.place.as_str();
        let Some(json) = found.json.as_object() else {
            self.imported.skip(place, format!("skipped, not a span: {}", quoted(found.json)));
            return None;
        };
        let Some(trace_id) = self.trace_id(place, json.get("traceID").or(trace_id)) else {
            self.imported.skip(place, "skipped, the span has no traceID");
            return None;
        };
        let Some(span_id) = self.span_id(place, json.get("spanID")) else {
            self.imported.skip(place, "skipped, the span has no spanID");
            return None;
        };
        let name = json.get("operationName").and_then(Json::as_str).unwrap_or_default();
        let mut span = Span::new(trace_id, span_id, name);
        self.times(place, json, &mut span);
        span.flags = json.get("flags").and_then(Json::as_u64).map_or(0, |flags| flags as u32 & FLAG_SAMPLED);
        span.attributes = self.tags(&format!("{place}.tags"), json.get("tags"));
        span.resource = self.resource(place, json, processes);
        self.kind_and_status(place, &mut span);
        self.references(place, json, &mut span);
        self.events(place, json, &mut span);
        self.leftovers(place, json, &mut span);
        Some(span)
    }

    fn times(&mut self, place: &str, json: &Map<String, Json>, span: &mut Span) {
        match json.get("startTime").map(|start| (start, fields::instant_of_micros(start))) {
            Some((_, Some(start))) => span.start = start,
            Some((start, None)) => {
                self.imported
                    .remark(&format!("{place}.startTime"), format!("not a time: {}; left unset", quoted(start)));
            }
            None => self.imported.remark(place, "the span has no startTime; left unset"),
        }
        match json.get("duration").filter(|duration| !duration.is_null()) {
            None => self.imported.remark(place, "the span has no duration; kept as unfinished"),
            Some(duration) => match fields::duration_of_micros(duration) {
                Some(duration) => span.end = fields::end(span.start, duration),
                None => {
                    let what = format!("not a duration: {}; kept as unfinished", quoted(duration));
                    self.imported.remark(&format!("{place}.duration"), what);
                }
            },
        }
    }

    fn kind_and_status(&mut self, place: &str, span: &mut Span) {
        let kind = span.attributes.text("span.kind").map(str::to_ascii_lowercase);
        span.kind = match kind.as_deref() {
            Some("server") => SpanKind::SERVER,
            Some("client") => SpanKind::CLIENT,
            Some("producer") => SpanKind::PRODUCER,
            Some("consumer") => SpanKind::CONSUMER,
            Some("internal") => SpanKind::INTERNAL,
            Some(other) if !other.is_empty() => {
                let what = format!("span.kind {other:?} is not one of OTLP's; kept as an attribute");
                self.imported.remark(place, what);
                SpanKind::UNSPECIFIED
            }
            _ => SpanKind::UNSPECIFIED,
        };
        if span.kind != SpanKind::UNSPECIFIED {
            fields::remove(&mut span.attributes, "span.kind");
        }
        fields::tags_to_fields(span);
        // The tag stays: others read it, and a span may be marked `ok` and carry it all the same.
        let has_error = match span.attributes.get("error") {
            Some(Value::Bool(error)) => *error,
            Some(Value::String(text)) => &**text == "true",
            _ => false,
        };
        if has_error && span.status.code == StatusCode::UNSET {
            span.status.code = StatusCode::ERROR;
        }
    }

    /// The first `CHILD_OF` of this trace is the parent. Where there is none, the first `FOLLOWS_FROM` of this trace is,
    /// as Jaeger draws it; that one also stays a link, which says that the parent did not wait.
    fn references(&mut self, place: &str, json: &Map<String, Json>, span: &mut Span) {
        let mut first_follows_from = None;
        for (index, reference) in array(json.get("references")).iter().enumerate() {
            let place = format!("{place}.references[{index}]");
            let of_trace = reference.get("traceID").filter(|id| !id.is_null());
            let trace_id = of_trace.map_or(Some(span.trace_id), |id| self.trace_id(&place, Some(id)));
            let span_id = self.span_id(&place, reference.get("spanID"));
            let (Some(trace_id), Some(span_id)) = (trace_id, span_id) else {
                self.imported.remark(&place, "left out, the reference has no traceID or spanID");
                continue;
            };
            let kind = reference.get("refType").and_then(Json::as_str).unwrap_or("CHILD_OF");
            let is_here = trace_id == span.trace_id;
            if kind == "CHILD_OF" && is_here && span.parent_span_id.is_none() {
                span.parent_span_id = Some(span_id);
                continue;
            }
            if kind == "FOLLOWS_FROM" && is_here {
                first_follows_from.get_or_insert(span_id);
            }
            let mut attributes = Attributes::default();
            attributes.push(REFERENCE_TYPE, kind.to_ascii_lowercase());
            span.links.push(Link { trace_id, span_id, attributes, ..Link::default() });
        }
        if span.parent_span_id.is_none() {
            let older = json.get("parentSpanID").filter(|id| id.as_str().is_some_and(|id| !id.is_empty() && id != "0"));
            span.parent_span_id = match older {
                Some(id) => self.span_id(place, Some(id)),
                None => first_follows_from,
            };
        }
    }

    fn events(&mut self, place: &str, json: &Map<String, Json>, span: &mut Span) {
        for (index, log) in array(json.get("logs")).iter().enumerate() {
            let place = format!("{place}.logs[{index}]");
            let mut attributes = self.tags(&format!("{place}.fields"), log.get("fields"));
            let time = log.get("timestamp").and_then(fields::instant_of_micros).unwrap_or_else(|| {
                self.imported.remark(&place, "the log has no readable timestamp; left unset");
                Instant(0)
            });
            let name = fields::take_text(&mut attributes, "event").unwrap_or_else(|| "log".to_owned());
            span.events.push(Event { time, name: name.into(), attributes, dropped_attributes_count: 0 });
        }
    }

    /// Jaeger's own warnings become an attribute; a field that nobody here knows is named.
    fn leftovers(&mut self, place: &str, json: &Map<String, Json>, span: &mut Span) {
        // The last five are what the page works out and exports with the rest; they follow from the spans.
        const KNOWN: [&str; 19] = [
            "traceID",
            "spanID",
            "parentSpanID",
            "operationName",
            "references",
            "flags",
            "startTime",
            "duration",
            "startTimeMillis",
            "tags",
            "logs",
            "processID",
            "process",
            "warnings",
            "relativeStartTime",
            "depth",
            "hasChildren",
            "childSpanIds",
            "subsidiarilyReferencedBy",
        ];
        if let Some(warnings) = json.get("warnings").filter(|warnings| has_content(warnings)) {
            span.attributes.push("jaeger.warnings", fields::value(warnings));
        }
        for (name, value) in json {
            if !KNOWN.contains(&name.as_str()) && has_content(value) {
                let what = format!("a span has no such field; left out: {}", quoted(value));
                self.imported.remark(&format!("{place}.{name}"), what);
            }
        }
    }

    fn resource(&mut self, place: &str, json: &Map<String, Json>, processes: &Processes) -> Arc<Resource> {
        if let Some(process) = json.get("process").filter(|process| process.is_object()) {
            return self.process(&format!("{place}.process"), process);
        }
        let name = json.get("processID").and_then(Json::as_str);
        if let Some(resource) = name.and_then(|name| processes.get(name)) {
            return Arc::clone(resource);
        }
        match name {
            Some(name) => self.imported.remark(place, format!("process {name:?} is not in the file; service unknown")),
            None => self.imported.remark(place, "the span names no process; service unknown"),
        }
        Arc::default()
    }

    fn process(&mut self, place: &str, process: &Json) -> Arc<Resource> {
        let tags = self.tags(&format!("{place}.tags"), process.get("tags"));
        self.resources.of(process.get("serviceName").and_then(Json::as_str), tags)
    }

    /// Tags as a list of key, type and value, or as a plain object, as Elasticsearch keeps them.
    fn tags(&mut self, place: &str, tags: Option<&Json>) -> Attributes {
        let mut attributes = Attributes::default();
        match tags {
            None | Some(Json::Null) => {}
            Some(Json::Array(tags)) => {
                for (index, tag) in tags.iter().enumerate() {
                    let place = format!("{place}[{index}]");
                    let Some(key) = tag.get("key").and_then(Json::as_str) else {
                        self.imported.remark(&place, format!("left out, a tag without a key: {}", quoted(tag)));
                        continue;
                    };
                    let value = tag.get("value").unwrap_or(&Json::Null);
                    let kind = tag.get("type").and_then(Json::as_str);
                    match fields::typed_value(kind, value) {
                        Ok(value) => attributes.push(key, value),
                        Err(as_written) => {
                            let kind = kind.unwrap_or_default();
                            let what = format!("tag {key:?} is no {kind}: {}; kept as written", quoted(value));
                            self.imported.remark(&place, what);
                            attributes.push(key, as_written);
                        }
                    }
                }
            }
            Some(Json::Object(tags)) => {
                tags.iter().for_each(|(key, value)| attributes.push(key.as_str(), fields::value(value)));
            }
            Some(other) => self.imported.remark(place, format!("left out, not a list of tags: {}", quoted(other))),
        }
        attributes
    }

    fn trace_id(&mut self, place: &str, value: Option<&Json>) -> Option<TraceId> {
        let read = ids::trace_id(value)?;
        self.note_made_up(place, "traceID", value, read.made_up);
        Some(read.id)
    }

    fn span_id(&mut self, place: &str, value: Option<&Json>) -> Option<SpanId> {
        let read = ids::span_id(value)?;
        self.note_made_up(place, "spanID", value, read.made_up);
        Some(read.id)
    }

    fn note_made_up(&mut self, place: &str, field: &str, value: Option<&Json>, made_up: bool) {
        if let (true, Some(value)) = (made_up, value) {
            self.imported.remark_made_up(place, field, value);
        }
    }
}

fn shape() -> ImportError {
    ImportError::OtherShape { expected: "Jaeger's: expected {\"data\": [...]}, a trace with \"spans\", or spans" }
}

fn found<'a>(place: &str, json: &'a Json) -> Found<'a> {
    Found { place: place.to_owned(), json, is_nested: false }
}

fn all_found<'a>(path: &str, spans: &'a [Json]) -> Vec<Found<'a>> {
    let found = spans.iter().enumerate();
    found.map(|(index, json)| Found { place: format!("{path}[{index}]"), json, is_nested: false }).collect()
}

fn array(value: Option<&Json>) -> &[Json] {
    value.and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

fn has_content(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Array(values) => !values.is_empty(),
        _ => true,
    }
}
