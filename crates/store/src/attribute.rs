//! Where attributes stand, of which type they are, and which keys and values are known.

use model::{Text, Value};

/// Where an attribute stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttributeScope {
    /// On the span.
    Span,
    /// On the span's resource.
    Resource,
    /// On the span's instrumentation scope.
    Instrumentation,
    /// On one of the span's events.
    Event,
    /// On one of the span's links.
    Link,
}

impl AttributeScope {
    /// All of them, in the order of their numbers on disk.
    pub const ALL: [Self; 5] = [Self::Span, Self::Resource, Self::Instrumentation, Self::Event, Self::Link];

    /// The name used in TraceQL and in the columns of segments.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Span => "span",
            Self::Resource => "resource",
            Self::Instrumentation => "instrumentation",
            Self::Event => "event",
            Self::Link => "link",
        }
    }

    /// The scope of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ValueType {
    /// Sent without content.
    Empty,
    /// Text.
    String,
    /// True or false.
    Bool,
    /// A signed integer.
    Int,
    /// A double.
    Double,
    /// Raw bytes.
    Bytes,
    /// A list.
    Array,
    /// Keys and values.
    Map,
}

impl ValueType {
    /// All of them, in the order of their numbers on disk.
    pub const ALL: [Self; 8] =
        [Self::Empty, Self::String, Self::Bool, Self::Int, Self::Double, Self::Bytes, Self::Array, Self::Map];

    /// The type of `value`.
    #[must_use]
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Empty => Self::Empty,
            Value::String(_) => Self::String,
            Value::Bool(_) => Self::Bool,
            Value::Int(_) => Self::Int,
            Value::Double(_) => Self::Double,
            Value::Bytes(_) => Self::Bytes,
            Value::Array(_) => Self::Array,
            Value::Map(_) => Self::Map,
        }
    }

    /// The name as OpenTelemetry spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::String => "string",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Double => "double",
            Self::Bytes => "bytes",
            Self::Array => "array",
            Self::Map => "map",
        }
    }

    /// The type of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A key that attributes had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownKey {
    /// Where it stands.
    pub scope: AttributeScope,
    /// The key.
    pub key: Text,
    /// The type of its values; a key with two types is two entries.
    pub value_type: ValueType,
    /// How many spans (for events and links: how many of those) carry it.
    pub count: u64,
}

/// A value that an attribute had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownValue {
    /// The value.
    pub value: Value,
    /// How many spans (for events and links: how many of those) carry it.
    pub count: u64,
}
