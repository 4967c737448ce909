//! What [`SpanStore::scan`](crate::SpanStore::scan) is asked: which traces, in which order, how many.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use model::{Duration, Instant, SpanKind, StatusCode, Text, Trace, TraceId, TraceSummary, Value};

use crate::limits::QUOTED_CHARS_MAX;
use crate::{AttributeScope, SpanFilter};

/// Traces that match all of `predicates` and the residual, one page of them.
#[derive(Clone, Default)]
pub struct TraceScan {
    /// Only traces that start within.
    pub time: TimeRange,
    /// Each must hold for the trace.
    pub predicates: Vec<Predicate>,
    /// What the predicates cannot say, asked last and of whole traces.
    pub residual: Option<Residual>,
    /// For each of these every trace that matches has a span that meets it. Like `predicates` they only spare work, but one
    /// filter speaks of one span.
    pub spans: Vec<SpanFilter>,
    /// Whether the residual counts just the spans that meet the one filter of `spans` as it is meant: then a store that
    /// can tell these spans need not ask the residual.
    pub is_exact: bool,
    /// What the residual looks at; the traces it is shown may lack the rest.
    pub needs: Needs,
    /// The order; ties are broken by start (newest first) and trace id, so that it is total.
    pub order: TraceOrder,
    /// The residual wants to see every trace and lets none on the page, so that their order does not matter.
    pub in_any_order: bool,
    /// At most this many (and at most [`PAGE_MAX`](crate::limits::PAGE_MAX)); 0 means
    /// [`PAGE_DEFAULT`](crate::limits::PAGE_DEFAULT).
    pub limit: usize,
    /// Go on after the page that gave this cursor. Order and predicates must be the same.
    pub cursor: Option<Cursor>,
    /// When to give up.
    pub budget: ScanBudget,
}

impl std::fmt::Debug for TraceScan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TraceScan")
            .field("time", &self.time)
            .field("predicates", &self.predicates)
            .field("residual", &self.residual.is_some())
            .field("spans", &self.spans)
            .field("order", &self.order)
            .field("limit", &self.limit)
            .field("cursor", &self.cursor)
            .finish_non_exhaustive()
    }
}

/// What is looked at of a trace: ids, times, kinds and resources always (which span is whose parent hangs on them), the rest as
/// said here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    /// All there is, log records included; the other fields then mean nothing.
    pub everything: bool,
    /// Names of spans.
    pub name: bool,
    /// Status messages.
    pub status_message: bool,
    /// Events.
    pub events: bool,
    /// Links.
    pub links: bool,
    /// Status codes.
    pub status: bool,
    /// Instrumentation scopes.
    pub scope: bool,
    /// Attributes of spans with these keys.
    pub attributes: Vec<Text>,
}

impl Default for Needs {
    /// Everything.
    fn default() -> Self {
        Self { everything: true, ..Self::structure() }
    }
}

impl Needs {
    /// Nothing but what is always looked at.
    #[must_use]
    pub fn structure() -> Self {
        Self {
            everything: false,
            name: false,
            status_message: false,
            events: false,
            links: false,
            status: false,
            scope: false,
            attributes: Vec::new(),
        }
    }
}

/// Decides on a whole trace: how many of its spans match, or none if the trace does not.
pub type Residual = Arc<dyn Fn(&Trace) -> Option<u32> + Send + Sync>;

/// `from <= start < to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    /// The first moment within.
    pub from: Instant,
    /// The first moment after.
    pub to: Instant,
}

impl Default for TimeRange {
    /// All of time.
    fn default() -> Self {
        Self { from: Instant(0), to: Instant(u64::MAX) }
    }
}

impl TimeRange {
    /// Whether `instant` lies within. The last representable moment lies within a range without end.
    #[must_use]
    pub fn contains(&self, instant: Instant) -> bool {
        self.from <= instant && (instant < self.to || self.to == Instant(u64::MAX))
    }
}

/// A condition on a trace that the store can answer without building it. Each is met on its own: two conditions on
/// spans may be met by two different spans (a residual says more).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Predicate {
    /// Some span is of this service.
    Service(Text),
    /// The root is of this service.
    RootService(Text),
    /// The root has this name.
    RootName(Text),
    /// Some span has this name.
    SpanName(Text),
    /// Some span has this kind.
    SpanKind(SpanKind),
    /// Some span has this status.
    SpanStatus(StatusCode),
    /// Some span has this attribute with exactly this value (type included). `scope` none: in any scope.
    Attribute {
        /// Where the attribute stands; none for anywhere.
        scope: Option<AttributeScope>,
        /// Its key.
        key: Text,
        /// Its value.
        value: Value,
    },
    /// Some span has this attribute, whatever its value.
    HasAttribute {
        /// Where the attribute stands; none for anywhere.
        scope: Option<AttributeScope>,
        /// Its key.
        key: Text,
    },
    /// Some span lasts at least `min` and at most `max`.
    SpanDuration {
        /// Shortest, inclusive.
        min: Duration,
        /// Longest, inclusive.
        max: Duration,
    },
    /// The trace lasts at least `min` and at most `max`.
    TraceDuration {
        /// Shortest, inclusive.
        min: Duration,
        /// Longest, inclusive.
        max: Duration,
    },
    /// Whether some span has status error.
    HasError(bool),
}

/// In which order traces come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TraceOrder {
    /// Newest start first.
    #[default]
    Newest,
    /// Oldest start first.
    Oldest,
    /// Longest first.
    Longest,
    /// Shortest first.
    Shortest,
    /// Most spans with status error first.
    MostErrors,
    /// Most spans first.
    MostSpans,
}

/// Where a page ended. It names a place in the order, not a row, so it stays good while traces come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The last trace's place by what is ordered (start, duration or a count).
    pub key: i128,
    /// Its start.
    pub start: Instant,
    /// Its id.
    pub trace_id: TraceId,
}

impl std::fmt::Display for Cursor {
    /// Text that goes into an address; [`Cursor::from_str`](std::str::FromStr) reads it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.key, self.start.0, self.trace_id)
    }
}

impl std::str::FromStr for Cursor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let error = || format!("not a cursor: {:?}", text.chars().take(QUOTED_CHARS_MAX).collect::<String>());
        let mut parts = text.splitn(3, '.');
        let mut part = || parts.next().ok_or_else(error);
        Ok(Self {
            key: part()?.parse().map_err(|_| error())?,
            start: Instant(part()?.parse().map_err(|_| error())?),
            trace_id: part()?.parse().map_err(|_| error())?,
        })
    }
}

/// When a scan gives up with what it has and says so.
#[derive(Clone, Debug, Default)]
pub struct ScanBudget {
    /// Traces looked into (not only at their summary); none for no bound.
    pub traces: Option<u64>,
    /// Bytes read from segments; none for no bound.
    pub bytes: Option<u64>,
    /// Time by the store's clock; none for no bound.
    pub time: Option<Duration>,
    /// Memory for spans read at a time, roughly; none for no bound. A trace that takes more is passed over.
    pub memory: Option<u64>,
    /// Set it to call the scan off.
    pub cancelled: Option<Arc<AtomicBool>>,
}

/// One page of traces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TracePage {
    /// The traces, in the order asked for.
    pub traces: Vec<FoundTrace>,
    /// Where to go on; none at the end.
    pub next: Option<Cursor>,
}

/// A trace that matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundTrace {
    /// Its summary, of the whole trace.
    pub summary: TraceSummary,
    /// How many spans the residual counted; none without a residual.
    pub matched_spans: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back() {
        let cursor = Cursor { key: -5, start: Instant(u64::MAX), trace_id: TraceId([7; 16]) };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        assert!("1.2".parse::<Cursor>().is_err());
        assert!("é.2.3".parse::<Cursor>().is_err());
    }
}
