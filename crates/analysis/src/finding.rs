//! A result for people: what, where, how often, what it costs, what would be saved, how sure, what to do next.

use model::{Duration, SpanId, Text, TraceId};

/// One result over many traces.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Stays the same from run to run for the same thing at the same place, so that it can be suppressed.
    pub id: Text,
    /// What it is.
    pub kind: FindingKind,
    /// The operation or edge.
    pub place: Text,
    /// One sentence with the figures.
    pub what: String,
    /// In how many traces, of how many.
    pub traces: (u64, u64),
    /// Some of the spans that show it, at most [`EVIDENCE_MAX`].
    pub evidence: Vec<(TraceId, SpanId)>,
    /// What it costs in the traces that have it: time on the critical path, median.
    pub cost: Duration,
    /// What could be saved in the traces that have it: least, median, most.
    pub saving: Option<(Duration, Duration, Duration)>,
    /// How sure it is.
    pub confidence: Confidence,
    /// What to do next.
    pub next_step: String,
}

/// Kinds of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// Where requests spend their time.
    Bottleneck,
    /// The same call again and again, one after another.
    RepeatedCalls,
}

impl FindingKind {
    /// The name used in our API and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bottleneck => "bottleneck",
            Self::RepeatedCalls => "repeated-calls",
        }
    }
}

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// Seen in few traces.
    Hint,
    /// Seen in at least fifty.
    Evidence,
}

/// Evidence spans that a finding names.
pub const EVIDENCE_MAX: usize = 10;

impl Confidence {
    pub(crate) fn of(traces: u64) -> Self {
        if traces >= crate::happens_before::TRACES_MIN { Self::Evidence } else { Self::Hint }
    }
}

/// The id of a finding: its kind, and an FNV-1a hash of its kind and place.
pub(crate) fn id_of(kind: FindingKind, place: &str) -> Text {
    let bytes = kind.name().bytes().chain([0]).chain(place.bytes());
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{}-{hash:016x}", kind.name()).into()
}
