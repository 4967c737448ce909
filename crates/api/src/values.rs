//! Attribute values from the model to the wire, large ones cut.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::{Attributes, KeyValue, Value};
use wire::{Attribute, AttributeValue, CutValue};

use crate::limits::{VALUE_DEPTH_MAX, VALUE_HEAD_BYTES, VALUE_WHOLE_BYTES};

/// Converts values, and remembers whether one was cut.
#[derive(Debug)]
pub struct Values {
    full: bool,
    cut: bool,
}

impl Values {
    /// Sends large values whole if `full`, their first part otherwise.
    #[must_use]
    pub fn new(full: bool) -> Self {
        Self { full, cut: false }
    }

    /// Whether some value was cut.
    #[must_use]
    pub fn was_cut(&self) -> bool {
        self.cut
    }

    /// Attributes in the order sent.
    pub fn attributes(&mut self, attributes: &Attributes) -> Vec<Attribute> {
        self.entries(&attributes.0, 0)
    }

    /// One value.
    pub fn value(&mut self, value: &Value) -> AttributeValue {
        self.nested(value, 0)
    }

    fn entries(&mut self, entries: &[KeyValue], depth: usize) -> Vec<Attribute> {
        entries
            .iter()
            .map(|entry| Attribute { key: entry.key.to_string(), value: self.nested(&entry.value, depth) })
            .collect()
    }

    fn nested(&mut self, value: &Value, depth: usize) -> AttributeValue {
        if depth >= VALUE_DEPTH_MAX || (depth == 0 && !self.full && weight(value) > VALUE_WHOLE_BYTES) {
            return self.cut(value, depth);
        }
        match value {
            Value::Empty => AttributeValue::Empty,
            Value::String(text) => AttributeValue::String(text.to_string()),
            Value::Bool(bool) => AttributeValue::Bool(*bool),
            Value::Int(int) => AttributeValue::Int(int.to_string()),
            Value::Double(double) => AttributeValue::Double(format!("{double:?}")),
            Value::Bytes(bytes) => AttributeValue::Bytes(STANDARD.encode(bytes)),
            Value::Array(values) => {
                AttributeValue::Array(values.iter().map(|value| self.nested(value, depth + 1)).collect())
            }
            Value::Map(entries) => AttributeValue::Map(self.entries(entries, depth + 1)),
        }
    }

    fn cut(&mut self, value: &Value, depth: usize) -> AttributeValue {
        self.cut = true;
        // Printing recurses as deep as the value; a decoder's own cap on nesting keeps that shallow, and past our cap
        // only the type is said.
        let text = match value {
            _ if depth >= VALUE_DEPTH_MAX => format!("({} nested too deep to show)", value.type_name()),
            Value::String(text) => text.to_string(),
            Value::Bytes(bytes) => STANDARD.encode(bytes),
            other => other.to_string(),
        };
        AttributeValue::Cut(CutValue {
            of: value.type_name().to_owned(),
            head: head(&text, VALUE_HEAD_BYTES).to_owned(),
            total_bytes: text.len() as u64,
        })
    }
}

/// The first `bytes_max` bytes of `text`, cut between characters.
#[must_use]
pub fn head(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max.min(text.len()))]
}

/// Roughly how many bytes a value takes on the wire.
fn weight(value: &Value) -> usize {
    let mut total = 0;
    let mut stack = vec![value];
    while let Some(value) = stack.pop() {
        total += match value {
            Value::String(text) => text.len(),
            Value::Bytes(bytes) => bytes.len() * 4 / 3,
            Value::Array(values) => {
                stack.extend(values);
                16
            }
            Value::Map(entries) => {
                stack.extend(entries.iter().map(|entry| &entry.value));
                entries.iter().map(|entry| entry.key.len() + 16).sum()
            }
            _ => 24,
        };
        if total > VALUE_WHOLE_BYTES {
            break;
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_type_and_all_their_digits() {
        let json = |value: Value| serde_json::to_string(&Values::new(false).value(&value)).expect("serialises");
        assert_eq!(json(Value::Int(i64::MAX)), r#"{"type":"int","value":"9223372036854775807"}"#);
        assert_eq!(json(Value::Double(-0.0)), r#"{"type":"double","value":"-0.0"}"#);
        assert_eq!(json(Value::Double(f64::NAN)), r#"{"type":"double","value":"NaN"}"#);
        assert_eq!(json(Value::Bytes([0, 255].as_slice().into())), r#"{"type":"bytes","value":"AP8="}"#);
        assert_eq!(json(Value::Empty), r#"{"type":"empty"}"#);
        assert_eq!(
            json(Value::Map(vec![KeyValue::new("a", Value::Array(vec![true.into()]))])),
            r#"{"type":"map","value":[{"key":"a","value":{"type":"array","value":[{"type":"bool","value":true}]}}]}"#
        );
    }

    #[test]
    fn large_values_are_cut_unless_asked_for() {
        let large = Value::from("é".repeat(VALUE_WHOLE_BYTES));
        let mut values = Values::new(false);
        let AttributeValue::Cut(cut) = values.value(&large) else { panic!("not cut") };
        assert_eq!((cut.head.len(), cut.total_bytes), (VALUE_HEAD_BYTES, 2 * VALUE_WHOLE_BYTES as u64));
        assert!(values.was_cut());
        let mut values = Values::new(true);
        assert!(matches!(values.value(&large), AttributeValue::String(_)));
        assert!(!values.was_cut());
    }

    #[test]
    fn nesting_without_end_is_cut() {
        let mut value = Value::Int(1);
        for _ in 0..200 {
            value = Value::Array(vec![value]);
        }
        let mut values = Values::new(true);
        values.value(&value);
        assert!(values.was_cut());
    }
}
