//! The JSON shapes of the control API, and what proxies tell.

use fault::EdgeCounters;
use serde::{Deserialize, Serialize};

/// An edge and what happened on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EdgeReport {
    /// `caller -> callee`.
    pub edge: String,
    /// Where its proxy listens.
    pub listen: String,
    /// Whom it calls; none while nothing says so.
    #[serde(default)]
    pub callee: Option<String>,
    /// What happened.
    #[serde(flatten)]
    pub counters: EdgeCounters,
}

/// Every edge.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct EdgeList {
    pub edges: Vec<EdgeReport>,
}

/// Faults to put in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inject {
    /// Only requests of this trace: 32 hex digits; every request if none is said.
    #[serde(default)]
    pub trace_id: Option<String>,
    /// The rules, each on one line.
    pub rules: Vec<String>,
    /// They end by themselves after so many milliseconds.
    #[serde(default)]
    pub lasting_ms: Option<u64>,
}

/// Faults that were put in.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Injected {
    pub lease: u64,
}

/// What a fault did while it lasted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InjectedRule {
    /// The edge whose proxy did it.
    pub edge: String,
    /// The rule as text.
    pub rule: String,
    /// Requests in its reach: those of its trace, or all.
    pub seen: u64,
    /// Requests that it hit.
    pub hits: u64,
    /// Requests that crossed the edge meanwhile, of whatever trace.
    pub requests: u64,
    /// Of them, those without a trace context.
    pub without_context: u64,
}

/// Faults that were ended.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Ended {
    pub rules: Vec<InjectedRule>,
}

/// Why a request to the control API was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What is wrong.
    pub error: String,
    /// What to do.
    pub hint: String,
}
