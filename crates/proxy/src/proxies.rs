//! The proxies of a run or of a standing process; faults put in and ended.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fault::{EdgeCounters, Rule, RuleId, stands_on};
use model::TraceId;
use stdx::Clock;
use tokio::task::JoinSet;

use crate::callee::Callees;
use crate::edge::{Edge, serve};
use crate::edge_spec::EdgeSpec;
use crate::limits::{EDGES_MAX, LEASES_MAX};
use crate::listening;
use crate::told::{EdgeReport, InjectedRule};

/// Proxies on edges. Dropping it ends them and every connection through them.
#[derive(Debug)]
pub struct Proxies {
    clock: Arc<dyn Clock>,
    seed: u64,
    callees: Callees,
    standing: Mutex<Standing>,
    leases: Mutex<Leases>,
}

#[derive(Debug, Default)]
struct Standing {
    edges: Vec<Arc<Edge>>,
    serving: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Leases {
    next: u64,
    open: HashMap<Lease, Leased>,
}

#[derive(Debug)]
struct Leased {
    rules: Vec<(Arc<Edge>, RuleId, EdgeCounters)>,
    /// Monotonic nanoseconds.
    expires: Option<u64>,
}

/// Faults that were put in together, to be ended together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lease(pub u64);

/// A proxy cannot stand.
#[derive(Debug)]
pub enum StandError {
    /// Its address cannot be listened on.
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        error: std::io::Error,
    },
    /// One stands there already.
    Taken {
        /// On which edge.
        edge: String,
    },
    /// There are too many.
    TooMany,
    /// The certificates of the machine cannot be read.
    Certificates(std::io::Error),
}

impl fmt::Display for StandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen { address, error } => write!(f, "cannot listen on {address}: {error}"),
            Self::Taken { edge } => write!(f, "a second proxy for `{edge}`: one stands there"),
            Self::TooMany => write!(f, "more than {EDGES_MAX} proxies"),
            Self::Certificates(error) => write!(f, "cannot read this machine's certificates: {error}"),
        }
    }
}

impl std::error::Error for StandError {}

/// Faults cannot be put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InjectError {
    /// No proxy stands on the edge.
    NoProxy {
        /// The edge asked for.
        edge: String,
        /// Where proxies stand.
        there: Vec<String>,
    },
    /// There are too many.
    TooMany,
}

impl fmt::Display for InjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProxy { edge, there } if there.is_empty() => {
                write!(f, "no proxy stands on `{edge}`, nor on any other edge")
            }
            Self::NoProxy { edge, there } => write!(f, "no proxy stands on `{edge}`; there are {}", there.join(", ")),
            Self::TooMany => write!(f, "too many faults at once"),
        }
    }
}

impl std::error::Error for InjectError {}

impl Proxies {
    /// No proxy yet. The seed decides shares and jitter.
    ///
    /// # Errors
    /// When the certificates of the machine cannot be read.
    pub fn new(clock: Arc<dyn Clock>, seed: u64) -> Result<Self, StandError> {
        let callees = Callees::new().map_err(StandError::Certificates)?;
        Ok(Self { clock, seed, callees, standing: Mutex::default(), leases: Mutex::default() })
    }

    /// Listens and serves from now on. Must be called within a runtime.
    ///
    /// # Errors
    /// When the address is taken, or the edge.
    pub fn stand(&self, spec: EdgeSpec) -> Result<Arc<Edge>, StandError> {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        if standing.edges.iter().any(|edge| edge.name() == spec.edge) {
            return Err(StandError::Taken { edge: spec.edge });
        }
        if standing.edges.len() >= EDGES_MAX {
            return Err(StandError::TooMany);
        }
        let failed = |error| StandError::Listen { address: spec.listen, error };
        let (listener, address) = listening::bind(spec.listen).map_err(failed)?;
        // Each edge its own sequence, so that one's traffic does not move another's.
        let seed = self.seed.wrapping_add(standing.edges.len() as u64);
        let parts = (seed, Arc::clone(&self.clock), self.callees.clone());
        let edge = Arc::new(Edge::new(spec.edge, address, spec.callee, parts));
        standing.edges.push(Arc::clone(&edge));
        standing.serving.spawn(serve(Arc::clone(&edge), listener));
        Ok(edge)
    }

    /// The edges, in the order in which their proxies came to stand.
    #[must_use]
    pub fn edges(&self) -> Vec<Arc<Edge>> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner).edges.clone()
    }

    /// What happened on each edge so far.
    #[must_use]
    pub fn told(&self) -> Vec<EdgeReport> {
        self.edges().iter().map(|edge| edge.told()).collect()
    }

    /// Puts faults in: for one trace, or for every request; until they are ended, or for so long.
    ///
    /// # Errors
    /// When no proxy stands on an edge; then none is put in.
    pub fn inject(
        &self,
        rules: &[Rule],
        trace: Option<TraceId>,
        lasting: Option<Duration>,
    ) -> Result<Lease, InjectError> {
        let edges = self.edges();
        let found: Vec<(Arc<Edge>, &Rule)> =
            rules.iter().map(|rule| Ok((self.edge_of(&edges, rule)?, rule))).collect::<Result<_, InjectError>>()?;
        let now = self.clock.monotonic_nanos();
        let expires = lasting.map(|lasting| now.saturating_add(u64::try_from(lasting.as_nanos()).unwrap_or(u64::MAX)));
        let mut leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        leases.open.retain(|_, leased| leased.expires.is_none_or(|expires| expires > now));
        if leases.open.len() >= LEASES_MAX {
            return Err(InjectError::TooMany);
        }
        let mut put = Vec::new();
        for (edge, rule) in found {
            match edge.with_book(|book| Ok((book.add(rule.clone(), trace, expires, now)?, book.counters()))) {
                Ok((id, before)) => put.push((edge, id, before)),
                Err(fault::TooManyRules) => {
                    put.iter().for_each(|(edge, id, _): &(Arc<Edge>, _, _)| drop(edge.with_book(|book| book.end(*id))));
                    return Err(InjectError::TooMany);
                }
            }
        }
        let lease = Lease(leases.next);
        leases.next += 1;
        leases.open.insert(lease, Leased { rules: put, expires });
        Ok(lease)
    }

    /// Ends faults, and says what each did; none if they are over already.
    pub fn end(&self, lease: Lease) -> Option<Vec<InjectedRule>> {
        let leased = self.leases.lock().unwrap_or_else(PoisonError::into_inner).open.remove(&lease)?;
        let ended = leased.rules.into_iter().filter_map(|(edge, id, before)| {
            let (hits, now) = edge.with_book(|book| (book.end(id), book.counters()));
            let hits = hits?;
            Some(InjectedRule {
                edge: edge.name().to_owned(),
                rule: hits.rule,
                seen: hits.seen,
                hits: hits.hits,
                requests: now.requests - before.requests,
                without_context: now.without_context - before.without_context,
            })
        });
        Some(ended.collect())
    }

    /// The edge that a rule names; one whose proxy cannot tell who calls will do.
    fn edge_of(&self, edges: &[Arc<Edge>], rule: &Rule) -> Result<Arc<Edge>, InjectError> {
        let exact = edges.iter().find(|edge| edge.name() == rule.edge);
        let found = exact.or_else(|| edges.iter().find(|edge| stands_on(edge.name(), &rule.edge)));
        found.cloned().ok_or_else(|| InjectError::NoProxy {
            edge: rule.edge.clone(),
            there: edges.iter().map(|edge| edge.name().to_owned()).collect(),
        })
    }
}
