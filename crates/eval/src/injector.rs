//! Proxies through which a scenario's faults happen. Whoever starts the run owns them; they stand in this process or in
//! another.

use std::fmt;

use futures_util::future::BoxFuture;
use model::TraceId;

use crate::report::ProxiedEdge;

/// Lets faults happen to the requests of one trace, so that many scenarios run at once through the same proxies.
pub trait FaultInjector: Send + Sync + fmt::Debug {
    /// The edges on which proxies stand, `caller -> callee`; a caller `*` is any.
    fn edges(&self) -> Vec<String>;

    /// Lets `rules` happen to requests of `trace` from now on, until [`FaultInjector::end`]; they end by themselves too, some
    /// time after whoever asked is gone.
    ///
    /// # Errors
    /// When the proxies cannot be asked, or none stands on an edge.
    fn begin(&self, trace: TraceId, rules: Vec<fault::Rule>) -> BoxFuture<'_, Result<u64, InjectionError>>;

    /// Ends what [`FaultInjector::begin`] began: what each rule did, in their order.
    ///
    /// # Errors
    /// When the proxies cannot be asked, or it has ended already.
    fn end(&self, lease: u64) -> BoxFuture<'_, Result<Vec<InjectedFault>, InjectionError>>;

    /// What happened so far on every edge; nothing of one that cannot be asked.
    fn told(&self) -> BoxFuture<'_, Vec<ProxiedEdge>>;
}

/// What a fault did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InjectedFault {
    /// The edge whose proxy did it.
    pub edge: String,
    /// The rule as text.
    pub rule: String,
    /// Requests of the trace that crossed the edge.
    pub seen: u64,
    /// Of them, those that it hit.
    pub hits: u64,
    /// Requests that crossed the edge meanwhile, of whatever trace.
    pub requests: u64,
    /// Of them, those without a trace context.
    pub without_context: u64,
}

/// Faults could not be put in, or not be ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InjectionError {
    /// What happened and what to do, for people.
    pub message: String,
}

impl fmt::Display for InjectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for InjectionError {}
