//! A span with its events, links and status: every field of OTLP.

use std::sync::Arc;

use crate::{Attributes, Duration, Instant, Resource, Scope, SpanId, Text, TraceId};

/// Bit of [`Span::flags`]: W3C `sampled`.
pub const FLAG_SAMPLED: u32 = 0x01;
/// Bit of [`Span::flags`]: the sender says whether the parent context is remote.
pub const FLAGS_CONTEXT_HAS_IS_REMOTE: u32 = 0x100;
/// Bit of [`Span::flags`]: the parent context is remote.
pub const FLAGS_CONTEXT_IS_REMOTE: u32 = 0x200;

/// One operation within a trace.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// The trace this span belongs to.
    pub trace_id: TraceId,
    /// This span's id, unique in its trace (or meant to be).
    pub span_id: SpanId,
    /// The parent's id; none for a root.
    pub parent_span_id: Option<SpanId>,
    /// W3C `tracestate` as sent; empty when none.
    pub trace_state: Text,
    /// W3C trace flags in the low byte, OTLP's context bits above; see [`FLAG_SAMPLED`].
    pub flags: u32,
    /// The operation's name.
    pub name: Text,
    /// The side of the call that this span describes.
    pub kind: SpanKind,
    /// When it began.
    pub start: Instant,
    /// When it ended; before `start` if a clock ran backwards, 0 if never.
    pub end: Instant,
    /// Attributes in the order sent.
    pub attributes: Attributes,
    /// How many attributes the sender left out.
    pub dropped_attributes_count: u32,
    /// What happened during the span, in the order sent.
    pub events: Vec<Event>,
    /// How many events the sender left out.
    pub dropped_events_count: u32,
    /// Other spans this one refers to, in the order sent.
    pub links: Vec<Link>,
    /// How many links the sender left out.
    pub dropped_links_count: u32,
    /// Whether the operation failed.
    pub status: Status,
    /// Who produced the span.
    pub resource: Arc<Resource>,
    /// Which instrumentation made it.
    pub scope: Arc<Scope>,
}

impl Span {
    /// A span with these ids and name and nothing else set.
    pub fn new(trace_id: TraceId, span_id: SpanId, name: impl Into<Text>) -> Self {
        Self {
            trace_id,
            span_id,
            parent_span_id: None,
            trace_state: Text::default(),
            flags: 0,
            name: name.into(),
            kind: SpanKind::UNSPECIFIED,
            start: Instant(0),
            end: Instant(0),
            attributes: Attributes::default(),
            dropped_attributes_count: 0,
            events: Vec::new(),
            dropped_events_count: 0,
            links: Vec::new(),
            dropped_links_count: 0,
            status: Status::default(),
            resource: Arc::default(),
            scope: Arc::default(),
        }
    }

    /// `end - start`; negative where a clock ran backwards.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.end - self.start
    }

    /// The resource's `service.name`, or `unknown_service`.
    #[must_use]
    pub fn service_name(&self) -> &str {
        self.resource.service_name()
    }

    /// Whether the status code says error.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.status.code == StatusCode::ERROR
    }
}

/// OTLP's span kind; an unknown number is kept as it came.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct SpanKind(pub i32);

impl SpanKind {
    /// Not said.
    pub const UNSPECIFIED: Self = Self(0);
    /// Within one process.
    pub const INTERNAL: Self = Self(1);
    /// The answering side of a call.
    pub const SERVER: Self = Self(2);
    /// The asking side of a call.
    pub const CLIENT: Self = Self(3);
    /// The sending side of a message.
    pub const PRODUCER: Self = Self(4);
    /// The receiving side of a message.
    pub const CONSUMER: Self = Self(5);

    /// Whether a span of this kind asks somebody else: client and producer.
    #[must_use]
    pub fn asks(self) -> bool {
        matches!(self, Self::CLIENT | Self::PRODUCER)
    }

    /// Whether a span of this kind answers somebody else: server and consumer.
    #[must_use]
    pub fn answers(self) -> bool {
        matches!(self, Self::SERVER | Self::CONSUMER)
    }

    /// The lower-case name used in TraceQL and on screen; `unspecified` also for an unknown number.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            1 => "internal",
            2 => "server",
            3 => "client",
            4 => "producer",
            5 => "consumer",
            _ => "unspecified",
        }
    }
}

/// Whether the operation failed, and what the sender said of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Status {
    /// Unset, ok or error.
    pub code: StatusCode,
    /// The sender's words; empty when none.
    pub message: Text,
}

/// OTLP's status code; an unknown number is kept as it came.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct StatusCode(pub i32);

impl StatusCode {
    /// Nothing said.
    pub const UNSET: Self = Self(0);
    /// Said to be fine.
    pub const OK: Self = Self(1);
    /// Failed.
    pub const ERROR: Self = Self(2);

    /// The lower-case name used in TraceQL and on screen; `unset` also for an unknown number.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            1 => "ok",
            2 => "error",
            _ => "unset",
        }
    }
}

/// Something that happened at one moment of a span.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Event {
    /// When.
    pub time: Instant,
    /// What, such as `exception`.
    pub name: Text,
    /// Attributes in the order sent.
    pub attributes: Attributes,
    /// How many attributes the sender left out.
    pub dropped_attributes_count: u32,
}

/// A reference to another span, of this trace or another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Link {
    /// The trace referred to.
    pub trace_id: TraceId,
    /// The span referred to.
    pub span_id: SpanId,
    /// W3C `tracestate` of the other context; empty when none.
    pub trace_state: Text,
    /// Attributes in the order sent.
    pub attributes: Attributes,
    /// How many attributes the sender left out.
    pub dropped_attributes_count: u32,
    /// W3C trace flags of the other context.
    pub flags: u32,
}
