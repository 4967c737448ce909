//! Every bound on what people and machines write as queries.

/// A query may have this many bytes.
pub const QUERY_BYTES_MAX: usize = 64 << 10;

/// Parentheses, negations and pipelines may be nested this deep: parser, printer and evaluator recurse so far.
pub const NESTING_MAX: u32 = 64;

/// A compiled regular expression may take this many bytes.
pub const REGEX_BYTES_MAX: usize = 1 << 20;

/// No more than this many mistakes of one query are told.
pub const PROBLEMS_MAX: usize = 20;

/// Of the spans that did not match, this many are looked at when the nearest is wanted.
pub const NEAREST_CANDIDATES_MAX: usize = 100_000;
