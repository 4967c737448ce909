//! Every bound on what a query may take.

use model::Duration;

/// A query stops after this long unless the asker says otherwise: a person waits no longer.
pub const TIME_DEFAULT: Duration = Duration::from_secs(30);

/// A query may ask for no more than this: nobody waits for it any longer, and it would keep others waiting.
pub const TIME_MAX: Duration = Duration::from_secs(300);

/// Points of a series when no step is given, at most.
pub const POINTS_WANTED: u64 = 120;

/// Spans told of one trace; the rest are only counted.
pub const SPANS_TOLD_MAX: usize = 100;

/// A span counts in a metrics query although its trace began this much before the window.
pub const TRACE_LENGTH_MAX: Duration = Duration::from_secs(3_600);

/// Traces of which a metrics query remembers that they were counted.
pub const COUNTED_TRACES_MAX: usize = 4_000_000;

/// Suggestions for completing a query.
pub const SUGGESTIONS_MAX: usize = 200;
