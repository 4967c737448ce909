//! Conditions on one span, which segments answer from columns, row by row.

use std::sync::Arc;

use model::{Duration, SpanKind, StatusCode, Text, Value};

use crate::AttributeScope;

/// Asked of one value.
pub type Test<T> = Arc<dyn Fn(&T) -> bool + Send + Sync>;

/// A condition on one span. It may let pass more spans than are meant (see [`TraceScan::spans`](crate::TraceScan::spans)),
/// never fewer.
#[derive(Clone)]
pub enum SpanFilter {
    /// Each holds; an empty list holds for every span.
    All(Vec<Self>),
    /// One holds.
    Any(Vec<Self>),
    /// Of its name.
    Name(TextTest),
    /// Of its kind.
    Kind(Test<SpanKind>),
    /// Of its status.
    Status(Test<StatusCode>),
    /// Of end minus start, which wraps where times are absurd: a negative one may stand for [`Duration::MAX`].
    Duration(Test<Duration>),
    /// Of a value of an attribute that it has.
    Attribute {
        /// Where the attribute stands. None: on the span, else on the resource, else on the instrumentation scope, else on
        /// an event, else on a link.
        scope: Option<AttributeScope>,
        /// Its key.
        key: Text,
        /// Of its first value; of events and links, of the first value of any.
        test: ValueTest,
    },
}

/// Asked of a text.
#[derive(Clone)]
pub struct TextTest {
    /// Only this text meets the test.
    pub equals: Option<Text>,
    /// The test.
    pub meets: Test<str>,
}

/// Asked of an attribute's value.
#[derive(Clone)]
pub struct ValueTest {
    /// Of all texts, only this one meets the test; lists may too.
    pub equals: Option<Text>,
    /// The test.
    pub meets: Test<Value>,
}

impl SpanFilter {
    /// Holds for every span.
    #[must_use]
    pub fn every() -> Self {
        Self::All(Vec::new())
    }

    /// Whether it is known to hold for every span.
    #[must_use]
    pub fn is_every(&self) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(Self::is_every),
            Self::Any(parts) => parts.iter().any(Self::is_every),
            _ => false,
        }
    }

    /// Cheaper ones are asked first.
    pub(crate) fn effort(&self) -> u32 {
        match self {
            Self::Attribute { test: ValueTest { equals: Some(_), .. }, scope: Some(AttributeScope::Span), .. } => 0,
            Self::Name(TextTest { equals: Some(_), .. }) => 1,
            Self::Attribute { scope: Some(AttributeScope::Resource | AttributeScope::Instrumentation), .. } => 2,
            Self::Kind(_) | Self::Status(_) => 3,
            Self::Name(_) => 4,
            Self::Attribute { scope: Some(AttributeScope::Span), .. } => 5,
            Self::Duration(_) => 6,
            Self::Attribute { scope: None, .. } => 7,
            Self::Attribute { scope: Some(AttributeScope::Event | AttributeScope::Link), .. } => 9,
            Self::All(parts) => parts.iter().map(Self::effort).min().unwrap_or(0),
            Self::Any(parts) => parts.iter().map(Self::effort).sum::<u32>() + 1,
        }
    }
}

impl std::fmt::Debug for SpanFilter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::All(parts) => f.debug_tuple("All").field(parts).finish(),
            Self::Any(parts) => f.debug_tuple("Any").field(parts).finish(),
            Self::Name(test) => write!(f, "Name({:?})", test.equals),
            Self::Kind(_) => f.write_str("Kind"),
            Self::Status(_) => f.write_str("Status"),
            Self::Duration(_) => f.write_str("Duration"),
            Self::Attribute { scope, key, test } => write!(f, "Attribute({scope:?}, {key:?}, {:?})", test.equals),
        }
    }
}
