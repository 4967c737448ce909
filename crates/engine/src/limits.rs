//! Every bound on what a query may take.

use model::Duration;

/// A query stops after this long unless the asker says otherwise: a person waits no longer.
pub const TIME_DEFAULT: Duration = Duration::from_secs(30);

/// A query may ask for no more than this: nobody waits for it any longer, and it would keep others waiting.
pub const TIME_MAX: Duration = Duration::from_secs(300);

/// A query reads no more bytes of segments than this unless the asker says less: some minutes of reading.
pub const BYTES_MAX: u64 = 64 << 30;

/// Memory for spans that a query reads at a time: traces that take more (some million spans) are passed over.
pub const MEMORY_MAX: u64 = 1 << 30;

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

/// Traces chosen at once before a walk.
pub const CHOOSE_PAGE: usize = 1_000;

/// Different reasons told of why a walk is not complete.
pub const SHORTFALLS_MAX: usize = 100;

/// Threads that a walk may use: half a small machine stays free for receiving.
pub const WALK_THREADS_MAX: usize = 4;

/// Traces of which a what-if names the effect.
pub const EXAMPLES_MAX: usize = 10;

/// Instrumentation scopes named of a service.
pub const SCOPES_MAX: usize = 20;

/// Traces named as evidence of an ailment.
pub const EVIDENCE_MAX: usize = 5;

/// Services and hops that the doctor keeps apart; further ones are counted and left out.
pub const HOPS_MAX: usize = 10_000;

/// Ids of traces that the doctor compares by their last 64 bits; some 150 bytes each.
pub const ID_HALVES_MAX: usize = 100_000;
