//! The filter of a destination: a TraceQL selector over the spans of one batch.

use model::Batch;

/// A checked selector.
#[derive(Clone, Debug)]
pub struct Filter;

impl Filter {
    /// Reads a selector.
    pub fn parse(_text: &str) -> Result<Self, String> {
        Err("x".into())
    }

    /// Leaves only the spans that match.
    pub fn keep_matching(&self, _batch: &mut Batch) {}
}
