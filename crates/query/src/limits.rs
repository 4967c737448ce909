//! Every bound on what people and machines write as queries.

/// A query may have this many bytes.
pub const QUERY_BYTES_MAX: usize = 64 << 10;

/// Parentheses, negations and pipelines may be nested this deep: parser, printer and evaluator recurse so far.
pub const NESTING_MAX: u32 = 64;

/// Operators of one query: a chain `a + b + c` is a tree as deep as it is long, and a thread's stack must hold it.
pub const CHAINED_MAX: u32 = 1_024;

/// Points of one series: a year in steps of less than an hour, a day in steps of ten seconds.
pub const STEPS_MAX: usize = 11_000;

/// Series of one metrics query; spans beyond it are counted and said to be left out.
pub const SERIES_MAX: usize = 2_000;

/// Points of one metrics query that something is known of, over all series: some hundred megabytes at worst. Spans beyond
/// it are counted and said to be left out.
pub const CELLS_MAX: usize = 500_000;

/// Values of one attribute that `compare` counts apart.
pub const COMPARE_VALUES_MAX: usize = 1_000;

/// Attributes that `compare` looks at.
pub const COMPARE_KEYS_MAX: usize = 1_000;

/// Example spans of a metrics query, unless a hint says otherwise.
pub const EXEMPLARS_DEFAULT: usize = 100;

/// Example spans of a metrics query, whatever a hint says.
pub const EXEMPLARS_MAX: usize = 10_000;

/// A compiled regular expression may take this many bytes.
pub const REGEX_BYTES_MAX: usize = 1 << 20;

/// No more than this many mistakes of one query are told.
pub const PROBLEMS_MAX: usize = 20;

/// Of the spans that did not match, this many are looked at when the nearest is wanted.
pub const NEAREST_CANDIDATES_MAX: usize = 100_000;
