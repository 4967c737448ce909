//! Zipkin's JSON, version 2: an array of spans, an array of traces, or a single span.

use model::{Attributes, Event, Span, SpanId, SpanKind, StatusCode};
use serde_json::{Map, Value as Json};

use crate::ids::ReadId;
use crate::imported::{ImportError, Imported, quoted};
use crate::{fields, ids};

/// Decodes Zipkin's JSON, version 2. A span that cannot be read is skipped with a remark, the rest is imported.
///
/// Client and server may share one span id there; both are kept under it, the server's with `zipkin.shared`.
///
/// # Errors
/// When the bytes are not JSON, or hold no spans.
pub fn decode_zipkin(bytes: &[u8]) -> Result<Imported, ImportError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let document: Json = serde_json::from_slice(bytes)?;
    let mut reader = Reader::default();
    match &document {
        Json::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                reader.element(&format!("[{index}]"), element);
            }
        }
        Json::Object(span) if span.contains_key("traceId") => reader.element("", &document),
        _ => return Err(ImportError::OtherShape { expected: "Zipkin's: expected an array of spans or of traces" }),
    }
    Ok(reader.imported)
}

#[derive(Default)]
struct Reader {
    imported: Imported,
    resources: fields::Resources,
}

impl Reader {
    /// A span, or a trace of spans.
    fn element(&mut self, place: &str, element: &Json) {
        match element {
            Json::Array(spans) => {
                spans.iter().enumerate().for_each(|(index, span)| self.span(&format!("{place}[{index}]"), span));
            }
            span => self.span(place, span),
        }
    }

    fn span(&mut self, place: &str, json: &Json) {
        let Some(json) = json.as_object() else {
            return self.imported.skip(place, format!("skipped, not a span: {}", quoted(json)));
        };
        let Some(trace_id) = ids::trace_id(json.get("traceId")) else {
            return self.imported.skip(place, "skipped, the span has no traceId");
        };
        let Some(span_id) = ids::span_id(json.get("id")) else {
            return self.imported.skip(place, "skipped, the span has no id");
        };
        let trace_id = self.noted(place, "traceId", json, trace_id);
        let span_id = self.noted(place, "id", json, span_id);
        let name = json.get("name").and_then(Json::as_str).unwrap_or_default();
        let mut span = Span::new(trace_id, span_id, name);
        span.parent_span_id = self.parent(place, json);
        span.kind = self.kind(place, json, &mut span.attributes);
        self.times(place, json, &mut span);
        self.tags(place, json, &mut span.attributes);
        status(&mut span);
        fields::tags_to_fields(&mut span);
        self.endpoints(place, json, &mut span);
        self.annotations(place, json, &mut span);
        for flag in ["shared", "debug"] {
            if json.get(flag).and_then(Json::as_bool) == Some(true) {
                span.attributes.push(format!("zipkin.{flag}"), true);
            }
        }
        self.leftovers(place, json);
        self.imported.batch.spans.push(span);
    }

    fn parent(&mut self, place: &str, json: &Map<String, Json>) -> Option<SpanId> {
        let parent = ids::span_id(json.get("parentId"))?;
        Some(self.noted(place, "parentId", json, parent))
    }

    fn kind(&mut self, place: &str, json: &Map<String, Json>, attributes: &mut Attributes) -> SpanKind {
        match json.get("kind").and_then(Json::as_str) {
            Some("CLIENT") => SpanKind::CLIENT,
            Some("SERVER") => SpanKind::SERVER,
            Some("PRODUCER") => SpanKind::PRODUCER,
            Some("CONSUMER") => SpanKind::CONSUMER,
            None => SpanKind::UNSPECIFIED,
            Some(other) => {
                let what = format!("kind {other:?} is not one of OTLP's; kept as attribute \"zipkin.kind\"");
                self.imported.remark(&format!("{place}.kind"), what);
                attributes.push("zipkin.kind", other);
                SpanKind::UNSPECIFIED
            }
        }
    }

    fn times(&mut self, place: &str, json: &Map<String, Json>, span: &mut Span) {
        match json.get("timestamp").and_then(fields::instant_of_micros) {
            Some(start) => span.start = start,
            None => self.imported.remark(place, "the span has no readable timestamp; left unset"),
        }
        match json.get("duration").and_then(fields::duration_of_micros) {
            // Without a start there is no end to say; the duration is kept where it can be read.
            Some(duration) if span.start.0 == 0 => span.attributes.push("zipkin.duration_ns", duration.nanos()),
            Some(duration) => span.end = fields::end(span.start, duration),
            None => self.imported.remark(place, "the span has no readable duration; kept as unfinished"),
        }
    }

    fn tags(&mut self, place: &str, json: &Map<String, Json>, attributes: &mut Attributes) {
        match json.get("tags") {
            None | Some(Json::Null) => {}
            Some(Json::Object(tags)) => {
                tags.iter().for_each(|(key, value)| attributes.push(key.as_str(), fields::value(value)));
            }
            Some(other) => {
                self.imported.remark(&format!("{place}.tags"), format!("left out, not an object: {}", quoted(other)));
            }
        }
    }

    /// The own endpoint names the service; addresses become attributes of OpenTelemetry's names.
    fn endpoints(&mut self, place: &str, json: &Map<String, Json>, span: &mut Span) {
        let local = json.get("localEndpoint").and_then(Json::as_object);
        let service = local.and_then(|local| local.get("serviceName")).and_then(Json::as_str);
        if service.is_none() {
            self.imported.remark(place, "the span has no localEndpoint.serviceName; service unknown");
        }
        span.resource = self.resources.of(service, Attributes::default());
        if let Some(local) = local {
            address(local, "network.local", &mut span.attributes);
        }
        if let Some(remote) = json.get("remoteEndpoint").and_then(Json::as_object) {
            if let Some(service) = remote.get("serviceName").and_then(Json::as_str) {
                span.attributes.push("peer.service", service);
            }
            address(remote, "network.peer", &mut span.attributes);
        }
    }

    fn annotations(&mut self, place: &str, json: &Map<String, Json>, span: &mut Span) {
        let annotations = json.get("annotations").and_then(Json::as_array);
        for (index, annotation) in annotations.into_iter().flatten().enumerate() {
            let time = annotation.get("timestamp").and_then(fields::instant_of_micros).unwrap_or_default();
            match annotation.get("value").and_then(Json::as_str) {
                Some(name) => span.events.push(Event { time, name: name.into(), ..Event::default() }),
                None => {
                    let what = format!("left out, an annotation without a value: {}", quoted(annotation));
                    self.imported.remark(&format!("{place}.annotations[{index}]"), what);
                }
            }
        }
    }

    fn leftovers(&mut self, place: &str, json: &Map<String, Json>) {
        const KNOWN: [&str; 13] = [
            "traceId",
            "id",
            "parentId",
            "name",
            "kind",
            "timestamp",
            "duration",
            "localEndpoint",
            "remoteEndpoint",
            "annotations",
            "tags",
            "shared",
            "debug",
        ];
        for (name, value) in json {
            if !KNOWN.contains(&name.as_str()) && !value.is_null() {
                let what = format!("a span has no such field; left out: {}", quoted(value));
                self.imported.remark(&format!("{place}.{name}"), what);
            }
        }
    }

    fn noted<T>(&mut self, place: &str, field: &str, json: &Map<String, Json>, read: ReadId<T>) -> T {
        if let Some(value) = json.get(field).filter(|_| read.made_up) {
            self.imported.remark_made_up(place, field, value);
        }
        read.id
    }
}

/// In Zipkin any tag `error` means failure, its text being the reason. The tag stays as it is.
fn status(span: &mut Span) {
    if let Some(text) = span.attributes.text("error").filter(|text| *text != "false") {
        span.status.message = if text == "true" { "".into() } else { text.into() };
        span.status.code = StatusCode::ERROR;
    }
}

fn address(endpoint: &Map<String, Json>, prefix: &str, attributes: &mut Attributes) {
    let ip = |name: &str| endpoint.get(name).and_then(Json::as_str);
    match (ip("ipv4"), ip("ipv6")) {
        (Some(four), Some(six)) => {
            attributes.push(format!("{prefix}.address"), four);
            attributes.push(format!("{prefix}.address.ipv6"), six);
        }
        (Some(one), None) | (None, Some(one)) => attributes.push(format!("{prefix}.address"), one),
        (None, None) => {}
    }
    if let Some(port) = endpoint.get("port").and_then(Json::as_i64) {
        attributes.push(format!("{prefix}.port"), port);
    }
}
