//! Attribute values: every type that OTLP has, kept as sent.

use std::fmt;
use std::sync::Arc;

/// Text that is shared rather than copied: names and keys repeat in every span.
pub type Text = Arc<str>;

/// A typed value. Equality is that of the bits: two NaN of the same bits are equal, `1` and `1.0` differ.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// A value that was sent without content.
    #[default]
    Empty,
    /// UTF-8 text.
    String(Text),
    /// True or false.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// A double, of whatever bits.
    Double(f64),
    /// Raw bytes.
    Bytes(Arc<[u8]>),
    /// A list of values, possibly of several types.
    Array(Vec<Value>),
    /// Keys and values in the order sent; a key may repeat.
    Map(Vec<KeyValue>),
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyValue {
    /// The key; OTLP allows the empty one.
    pub key: Text,
    /// The value.
    pub value: Value,
}

impl KeyValue {
    /// Joins a key and a value.
    pub fn new(key: impl Into<Text>, value: impl Into<Value>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Empty, Self::Empty) => true,
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Double(a), Self::Double(b)) => a.to_bits() == b.to_bits(),
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Array(a), Self::Array(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Value {}

impl std::hash::Hash for Value {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Self::Empty => {}
            Self::String(text) => text.hash(state),
            Self::Bool(bool) => bool.hash(state),
            Self::Int(int) => int.hash(state),
            Self::Double(double) => double.to_bits().hash(state),
            Self::Bytes(bytes) => bytes.hash(state),
            Self::Array(values) => values.hash(state),
            Self::Map(entries) => entries.hash(state),
        }
    }
}

impl Value {
    /// The text, if this is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The integer, if this is one.
    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(int) => Some(*int),
            _ => None,
        }
    }

    /// The number as a double, if this is an integer or a double.
    #[must_use]
    pub fn as_double(&self) -> Option<f64> {
        match self {
            Self::Int(int) => Some(*int as f64),
            Self::Double(double) => Some(*double),
            _ => None,
        }
    }

    /// The truth value, if this is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(bool) => Some(*bool),
            _ => None,
        }
    }

    /// Roughly the bytes of memory behind it, its own place left out.
    #[must_use]
    pub fn memory(&self) -> usize {
        match self {
            Self::String(text) => 16 + text.len(),
            Self::Bytes(bytes) => 16 + bytes.len(),
            Self::Array(values) => values.iter().map(|value| size_of::<Self>() + value.memory()).sum(),
            Self::Map(entries) => entries.iter().map(|entry| size_of::<KeyValue>() + entry.value.memory()).sum(),
            Self::Empty | Self::Bool(_) | Self::Int(_) | Self::Double(_) => 0,
        }
    }

    /// The type's name as OpenTelemetry spells it.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::String(_) => "string",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Double(_) => "double",
            Self::Bytes(_) => "bytes",
            Self::Array(_) => "array",
            Self::Map(_) => "map",
        }
    }
}

impl fmt::Display for Value {
    /// For people: strings as they are, the rest in a JSON-like form, bytes as hex.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn nested(value: &Value, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match value {
                Value::String(text) => write!(f, "{text:?}"),
                other => write!(f, "{other}"),
            }
        }
        match self {
            Self::Empty => Ok(()),
            Self::String(text) => f.write_str(text),
            Self::Bool(bool) => write!(f, "{bool}"),
            Self::Int(int) => write!(f, "{int}"),
            Self::Double(double) => write!(f, "{double:?}"),
            Self::Bytes(bytes) => {
                f.write_str("0x")?;
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
            Self::Array(values) => {
                f.write_str("[")?;
                for (position, value) in values.iter().enumerate() {
                    if position > 0 {
                        f.write_str(", ")?;
                    }
                    nested(value, f)?;
                }
                f.write_str("]")
            }
            Self::Map(entries) => {
                f.write_str("{")?;
                for (position, entry) in entries.iter().enumerate() {
                    if position > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{:?}: ", entry.key)?;
                    nested(&entry.value, f)?;
                }
                f.write_str("}")
            }
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text.into())
    }
}

impl From<Text> for Value {
    fn from(text: Text) -> Self {
        Self::String(text)
    }
}

impl From<bool> for Value {
    fn from(bool: bool) -> Self {
        Self::Bool(bool)
    }
}

impl From<i64> for Value {
    fn from(int: i64) -> Self {
        Self::Int(int)
    }
}

impl From<f64> for Value {
    fn from(double: f64) -> Self {
        Self::Double(double)
    }
}

/// Keys and values in the order sent. A key may repeat; [`Attributes::get`] answers with the first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Attributes(pub Vec<KeyValue>);

impl Attributes {
    /// The first value under `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|entry| &*entry.key == key).map(|entry| &entry.value)
    }

    /// The first value under `key`, if it is a string.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Value::as_str)
    }

    /// Adds a key and a value at the end.
    pub fn push(&mut self, key: impl Into<Text>, value: impl Into<Value>) {
        self.0.push(KeyValue::new(key, value));
    }

    /// Keys and values in the order sent.
    pub fn iter(&self) -> impl Iterator<Item = (&Text, &Value)> {
        self.0.iter().map(|entry| (&entry.key, &entry.value))
    }

    /// Roughly the bytes of memory behind them; keys, which are shared, left out.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.0.iter().map(|entry| size_of::<KeyValue>() + entry.value.memory()).sum()
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K: Into<Text>, V: Into<Value>> FromIterator<(K, V)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Self(entries.into_iter().map(|(key, value)| KeyValue::new(key, value)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equality_is_that_of_the_bits() {
        assert_eq!(Value::Double(f64::NAN), Value::Double(f64::NAN));
        assert_ne!(Value::Double(0.0), Value::Double(-0.0));
        assert_ne!(Value::Int(1), Value::Double(1.0));
    }

    #[test]
    fn values_read_well() {
        let value = Value::Map(vec![
            KeyValue::new("a", Value::Array(vec![1_i64.into(), "x".into(), Value::Double(1.0)])),
            KeyValue::new("b", Value::Bytes([0xab, 1].as_slice().into())),
        ]);
        assert_eq!(value.to_string(), r#"{"a": [1, "x", 1.0], "b": 0xab01}"#);
    }
}
