//! Queries: from text to what the store is asked, and to spans of one trace.

use model::{SpanIndex, Trace};
use store::{Predicate, Residual};
use wire::QueryProblem;

/// What the store is asked for a query.
pub struct Plan {
    /// Conditions the store answers by itself.
    pub predicates: Vec<Predicate>,
    /// The rest, asked of whole traces.
    pub residual: Option<Residual>,
    /// The query as it was understood.
    pub text: String,
    /// Remarks.
    pub remarks: Vec<QueryProblem>,
}

/// x
pub fn plan(_text: &str) -> Result<Plan, Vec<QueryProblem>> {
    Err(Vec::new())
}

/// x
pub fn select(_trace: &Trace, _query: &str) -> Result<(Vec<SpanIndex>, Vec<QueryProblem>), Vec<QueryProblem>> {
    Err(Vec::new())
}
