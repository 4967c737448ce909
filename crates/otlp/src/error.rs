//! What can be wrong with a body as a whole.

use std::fmt;

/// A body that cannot be decoded: nothing of it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    /// Where: `byte 812 of 4096`, `line 3, column 7`, or a path such as `resourceSpans[0].scopeSpans[0].spans[3].traceId`.
    pub place: String,
    /// What was wrong there.
    pub problem: String,
}

impl DecodeError {
    pub(crate) fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { place: place.into(), problem: problem.into() }
    }

    pub(crate) fn no_json(error: &serde_json::Error) -> Self {
        let text = error.to_string();
        // The place is told by itself.
        let problem = text.rsplit_once(" at line ").map_or(text.as_str(), |(problem, _)| problem);
        Self::new(format!("line {}, column {}", error.line(), error.column()), format!("this is no JSON: {problem}"))
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.problem, self.place)
    }
}

impl std::error::Error for DecodeError {}

/// While decoding it travels in a box: results are handed up several times per byte, and should be small.
impl From<Box<Self>> for DecodeError {
    fn from(error: Box<Self>) -> Self {
        *error
    }
}
