//! What went wrong, for people: what, where, what to do.

use crate::shape;

shape! {
    /// The body of every answer with a 4xx or 5xx status (`application/problem+json`).
    pub struct Problem {
        /// What was wrong, with what was read.
        pub error: String,
        /// What to do about it, when we know.
        pub hint: Option<String>,
        /// Where in what was sent, when it can be said.
        pub place: Option<Place>,
        /// Everything that was wrong, where one answer can hold several (a query, a suite); the first is also above.
        pub problems: Vec<QueryProblem>,
    }

    /// A place in something that a person wrote.
    pub struct Place {
        /// Which parameter or file: `q`, `cursor`, `headwater.yaml`.
        pub of: String,
        /// Line, from 1.
        pub line: u32,
        /// Column in characters, from 1.
        pub column: u32,
        /// Offset in UTF-16 units from the start, as JavaScript counts.
        pub offset: u32,
        /// How many UTF-16 units; 0 for a point.
        pub length: u32,
    }

    /// One problem in a query.
    pub struct QueryProblem {
        /// What was wrong.
        pub error: String,
        /// What to do about it.
        pub hint: Option<String>,
        /// Where.
        pub place: Option<Place>,
        /// Whether the query can still run (a remark, not a mistake).
        pub is_warning: bool,
    }

    /// What an answer cost.
    pub struct Cost {
        /// From the request's arrival to the answer, ns.
        pub elapsed: i64,
        /// Rows looked at (spans or trace summaries, whichever the store walked).
        pub rows_scanned: u64,
        /// Bytes read from disk or cache, as far as the store counts them.
        pub bytes_read: u64,
    }

    /// Whether an answer holds everything, and if not, why.
    pub struct Completeness {
        /// Nothing was left out.
        pub complete: bool,
        /// What was left out and why; empty when complete.
        pub reasons: Vec<String>,
    }
}

impl Problem {
    /// A problem without a place.
    #[must_use]
    pub fn new(error: impl Into<String>, hint: impl Into<String>) -> Self {
        let hint: String = hint.into();
        Self {
            error: error.into(),
            hint: Some(hint).filter(|hint| !hint.is_empty()),
            place: None,
            problems: Vec::new(),
        }
    }
}

impl Completeness {
    /// Nothing was left out.
    #[must_use]
    pub fn whole() -> Self {
        Self { complete: true, reasons: Vec::new() }
    }

    /// Something was left out; the same reason is told once.
    pub fn lacks(&mut self, reason: impl Into<String>) {
        let reason = reason.into();
        self.complete = false;
        if !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
    }

    /// What another part of the same answer lacks.
    pub fn add(&mut self, other: Self) {
        self.complete &= other.complete;
        for reason in other.reasons {
            self.lacks(reason);
        }
    }
}
