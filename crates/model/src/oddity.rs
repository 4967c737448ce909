//! A remark on broken data. Broken data is not an error: a trace with a missing parent is a trace plus a remark.

use std::fmt;

use crate::SpanId;

/// A remark on one trace, about the spans named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oddity {
    /// What is odd.
    pub kind: OddityKind,
    /// The span it was seen at.
    pub span_id: SpanId,
    /// How many spans it concerns (1 unless it was folded).
    pub count: u32,
}

/// What can be odd about a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OddityKind {
    /// The same span was received more than once; one copy is shown.
    Duplicate,
    /// Several different spans carry one id; all are shown.
    SharedId,
    /// The parent named was not received.
    MissingParent,
    /// Parents lead round in a circle; it was cut at the earliest span.
    Cycle,
    /// A span names itself as its parent.
    SelfParent,
    /// The trace has more than one span without a parent.
    SeveralRoots,
    /// The span ends before it starts.
    NegativeDuration,
    /// The span has no end.
    Unfinished,
    /// The span starts before its parent does.
    StartsBeforeParent,
    /// The span ends after its parent does.
    EndsAfterParent,
}

impl OddityKind {
    /// The name used in our API and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::SharedId => "shared-id",
            Self::MissingParent => "missing-parent",
            Self::Cycle => "cycle",
            Self::SelfParent => "self-parent",
            Self::SeveralRoots => "several-roots",
            Self::NegativeDuration => "negative-duration",
            Self::Unfinished => "unfinished",
            Self::StartsBeforeParent => "starts-before-parent",
            Self::EndsAfterParent => "ends-after-parent",
        }
    }

    /// Whether this is a broken trace rather than an everyday irregularity such as asynchronous work.
    #[must_use]
    pub fn is_broken(self) -> bool {
        !matches!(self, Self::StartsBeforeParent | Self::EndsAfterParent)
    }
}

impl fmt::Display for OddityKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Duplicate => "received more than once, shown once",
            Self::SharedId => "several different spans carry this id",
            Self::MissingParent => "its parent was not received",
            Self::Cycle => "its parents lead round in a circle",
            Self::SelfParent => "names itself as its parent",
            Self::SeveralRoots => "the trace has several roots",
            Self::NegativeDuration => "ends before it starts",
            Self::Unfinished => "has no end",
            Self::StartsBeforeParent => "starts before its parent",
            Self::EndsAfterParent => "ends after its parent",
        })
    }
}
