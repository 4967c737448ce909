//! Numbers, times and values as others write them.

use std::collections::HashSet;
use std::sync::Arc;

use base64::Engine as _;
use model::{Attributes, Duration, Instant, KeyValue, Resource, Scope, Span, StatusCode, Value};
use serde_json::Value as Json;

use crate::limits::VALUE_DEPTH_MAX;

/// Microseconds since the epoch as a point in time. Saturates; `None` where it is not a number of zero or more.
pub(crate) fn instant_of_micros(value: &Json) -> Option<Instant> {
    u64::try_from(nanos_of_micros(value)?).ok().map(Instant)
}

/// Microseconds as a span of time. Saturates; `None` where it is not a number.
pub(crate) fn duration_of_micros(value: &Json) -> Option<Duration> {
    let nanos = nanos_of_micros(value)?.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
    i64::try_from(nanos).ok().map(Duration)
}

/// Whole microseconds are kept exactly; fractions, which some exporters write, are rounded to nanoseconds.
fn nanos_of_micros(value: &Json) -> Option<i128> {
    const NANOS_PER_MICRO: i128 = 1_000;
    let nanos = match value {
        Json::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
            (Some(micros), ..) => i128::from(micros) * NANOS_PER_MICRO,
            (None, Some(micros), _) => i128::from(micros) * NANOS_PER_MICRO,
            (None, None, micros) => (micros? * 1e3).round() as i128,
        },
        Json::String(text) => text.parse::<i64>().ok().map(i128::from)? * NANOS_PER_MICRO,
        _ => return None,
    };
    Some(nanos.min(i128::from(u64::MAX)))
}

/// `start + duration`, below zero cut to 1 because 0 would mean that the span never ended.
pub(crate) fn end(start: Instant, duration: Duration) -> Instant {
    let end = i128::from(start.0) + i128::from(duration.0);
    Instant(u64::try_from(end.max(1)).unwrap_or(u64::MAX))
}

/// A JSON value as the model's; a number that is not an integer becomes a double.
pub(crate) fn value(json: &Json) -> Value {
    value_within(json, VALUE_DEPTH_MAX)
}

fn value_within(json: &Json, depth: usize) -> Value {
    if depth == 0 {
        return Value::from(json.to_string());
    }
    match json {
        Json::Null => Value::Empty,
        Json::Bool(bool) => Value::Bool(*bool),
        Json::Number(number) => match number.as_i64() {
            Some(int) => Value::Int(int),
            None => Value::Double(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(values) => Value::Array(values.iter().map(|json| value_within(json, depth - 1)).collect()),
        Json::Object(entries) => Value::Map(
            entries.iter().map(|(key, json)| KeyValue::new(key.as_str(), value_within(json, depth - 1))).collect(),
        ),
    }
}

/// A Jaeger tag's value by its declared type; `Err` with the value as JSON has it where the two do not fit.
pub(crate) fn typed_value(kind: Option<&str>, json: &Json) -> Result<Value, Value> {
    let text = json.as_str();
    let read = match kind.map(str::to_ascii_lowercase).as_deref() {
        None => Some(value(json)),
        Some("string") => text.map(Value::from),
        Some("bool") => json.as_bool().or_else(|| text?.parse().ok()).map(Value::Bool),
        Some("int64") => json.as_i64().or_else(|| text?.parse().ok()).map(Value::Int),
        Some("float64") => json.as_f64().or_else(|| text?.parse().ok()).map(Value::Double),
        Some("binary") => text
            .and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok())
            .map(|bytes| Value::Bytes(Arc::from(bytes))),
        Some(_) => None,
    };
    read.ok_or_else(|| value(json))
}

/// Moves what both formats write as tags to the fields that the model has for it: status, trace state, scope.
pub(crate) fn tags_to_fields(span: &mut Span) {
    if let Some(code) = span.attributes.text("otel.status_code").and_then(status_code) {
        span.status.code = code;
        remove(&mut span.attributes, "otel.status_code");
        if let Some(message) = take_text(&mut span.attributes, "otel.status_description") {
            span.status.message = message.into();
        }
    }
    if let Some(state) = take_text(&mut span.attributes, "w3c.tracestate") {
        span.trace_state = state.into();
    }
    let mut scope = Scope::default();
    if let Some(name) = take_either(&mut span.attributes, "otel.scope.name", "otel.library.name") {
        scope.name = name.into();
    }
    if let Some(version) = take_either(&mut span.attributes, "otel.scope.version", "otel.library.version") {
        scope.version = version.into();
    }
    if scope != Scope::default() {
        span.scope = Arc::new(scope);
    }
}

/// The resources of a file: equal ones share one allocation, as in a batch that was received.
#[derive(Default)]
pub(crate) struct Resources(HashSet<Arc<Resource>>);

impl Resources {
    /// The resource of this service and these attributes.
    pub(crate) fn of(&mut self, service: Option<&str>, others: Attributes) -> Arc<Resource> {
        let mut attributes = Attributes::default();
        if let Some(service) = service {
            attributes.push("service.name", service);
        }
        attributes.0.extend(others.0);
        let resource = Resource { attributes, ..Resource::default() };
        if let Some(known) = self.0.get(&resource) {
            return Arc::clone(known);
        }
        let resource = Arc::new(resource);
        self.0.insert(Arc::clone(&resource));
        resource
    }
}

fn status_code(text: &str) -> Option<StatusCode> {
    match text.to_ascii_uppercase().as_str() {
        "ERROR" => Some(StatusCode::ERROR),
        "OK" => Some(StatusCode::OK),
        _ => None,
    }
}

fn take_either(attributes: &mut Attributes, key: &str, older_key: &str) -> Option<String> {
    // Exporters write both names for a while; both go where the field is, the newer one wins.
    let older = take_text(attributes, older_key);
    take_text(attributes, key).or(older)
}

/// The text under `key`, which is removed; anything but text stays where it is.
pub(crate) fn take_text(attributes: &mut Attributes, key: &str) -> Option<String> {
    let text = attributes.text(key)?.to_owned();
    remove(attributes, key);
    Some(text)
}

/// Removes the first entry under `key`.
pub(crate) fn remove(attributes: &mut Attributes, key: &str) {
    if let Some(position) = attributes.0.iter().position(|entry| &*entry.key == key) {
        attributes.0.remove(position);
    }
}
