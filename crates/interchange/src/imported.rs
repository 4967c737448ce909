//! What came out of a file, and what could not be carried over.

use std::fmt;

use model::Batch;

use crate::limits::{QUOTED_CHARS_MAX, REMARKS_MAX};

/// What a file held.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Imported {
    /// The spans; these formats carry no log records apart from span events.
    pub batch: Batch,
    /// What could not be carried over, at most [`REMARKS_MAX`].
    pub remarks: Vec<Remark>,
    /// How many further remarks there were.
    pub remarks_left_out: u64,
    /// Spans that could not be read at all; each has a remark.
    pub spans_skipped: u64,
}

impl Imported {
    pub(crate) fn remark(&mut self, place: &str, what: impl Into<String>) {
        if self.remarks.len() < REMARKS_MAX {
            self.remarks.push(Remark { place: place.to_owned(), what: what.into() });
        } else {
            self.remarks_left_out += 1;
        }
    }

    /// Remarks that the id under `field` had to be made up.
    pub(crate) fn remark_made_up(&mut self, place: &str, field: &str, value: &serde_json::Value) {
        let what = format!("{} is no usable hex id; an id made from its text stands for it", quoted(value));
        self.remark(&format!("{place}.{field}"), what);
    }

    /// Where the remarks stand now, for [`Imported::forget_remarks_since`].
    pub(crate) fn remarks_mark(&self) -> (usize, u64) {
        (self.remarks.len(), self.remarks_left_out)
    }

    /// Takes back the remarks made since `mark`.
    pub(crate) fn forget_remarks_since(&mut self, mark: (usize, u64)) {
        self.remarks.truncate(mark.0);
        self.remarks_left_out = mark.1;
    }

    pub(crate) fn skip(&mut self, place: &str, what: impl Into<String>) {
        self.spans_skipped += 1;
        self.remark(place, what);
    }
}

/// One thing that could not be carried over as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// Where, such as `data[0].spans[3].tags[1]`.
    pub place: String,
    /// What, and what was done instead.
    pub what: String,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// A file of which nothing could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportError {
    /// Not JSON. Line and column count from 1.
    NotJson {
        /// Line of the mistake.
        line: usize,
        /// Column of the mistake, in bytes.
        column: usize,
        /// What the parser said.
        reason: String,
    },
    /// JSON of another shape.
    OtherShape {
        /// What was expected.
        expected: &'static str,
    },
}

impl From<serde_json::Error> for ImportError {
    fn from(error: serde_json::Error) -> Self {
        let reason = error.to_string();
        // serde_json ends its text with the place, which is told apart here.
        let reason = reason.rsplit_once(" at line ").map_or(reason.as_str(), |(reason, _)| reason).to_owned();
        Self::NotJson { line: error.line(), column: error.column(), reason }
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson { line, column, reason } => {
                write!(f, "cannot read the file as JSON: line {line}, column {column}: {reason}")
            }
            Self::OtherShape { expected } => write!(f, "the file is JSON, but not {expected}"),
        }
    }
}

impl std::error::Error for ImportError {}

/// `value` as JSON text, cut to a bounded length.
pub(crate) fn quoted(value: &serde_json::Value) -> String {
    let text = value.to_string();
    let mut cut: String = text.chars().take(QUOTED_CHARS_MAX).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}
