//! Changes as people name them, as edits of one trace: all at once, so that nothing is counted twice when it is re-timed.
//!
//! What is not modelled: contention (more at once makes each slower), batching, rate limits. A saving is an upper bound.

use std::collections::{BTreeSet, HashMap};

use model::{Duration, SpanId, SpanIndex, SpanKind, Text, Trace};

use crate::peer::Peers;
use crate::retries::attempts;
use crate::timeline::Timeline;
use crate::whatif::Edit;

/// Names spans by `SERVICE:NAME`, by the span's name or what stands behind its last slash (a method, the end of a path), or
/// by the service, which stands for its outermost spans.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationName(Text);

impl OperationName {
    /// As a person wrote it.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.trim().into())
    }

    /// Whether the span is meant.
    #[must_use]
    pub fn matches(&self, trace: &Trace, index: SpanIndex) -> bool {
        let (span, wanted) = (trace.span(index), &*self.0);
        let (service, name) = (span.service_name(), &*span.name);
        let outermost = || trace.parent(index).is_none_or(|parent| trace.span(parent).service_name() != service);
        name == wanted
            || name.rsplit_once('/').is_some_and(|(_, method)| method == wanted)
            || wanted.strip_prefix(service).and_then(|rest| rest.strip_prefix(':')) == Some(name)
            || (service == wanted && outermost())
    }

    /// The spans of `trace` that are meant.
    #[must_use]
    pub fn spans(&self, trace: &Trace) -> Vec<SpanIndex> {
        (0..trace.spans().len() as SpanIndex).filter(|&index| self.matches(trace, index)).collect()
    }
}

impl std::fmt::Display for OperationName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Something that could be changed.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Where these operations meet below one span, they all start when the first of them starts; one name alone puts its
    /// repeats side by side.
    Parallel(Vec<OperationName>),
    /// This share (0 to 1) of the calls is answered by a cache, in this time.
    Cache {
        /// The calls.
        operation: OperationName,
        /// How many of them hit.
        hit_share: f64,
        /// How long a hit takes.
        hit: Duration,
    },
    /// Takes its duration divided by `factor`, everything below included; a factor below 1 slows down.
    SpeedUp {
        /// The spans.
        operation: OperationName,
        /// How many times as fast; what is not above zero changes nothing.
        factor: f64,
    },
    /// Of each call of these operations, only the last attempt is made, when the first was; of all calls when none is named.
    DropRetries(Vec<OperationName>),
}

impl Change {
    /// The operations it names.
    #[must_use]
    pub fn operations(&self) -> &[OperationName] {
        match self {
            Self::Parallel(operations) | Self::DropRetries(operations) => operations,
            Self::Cache { operation, .. } | Self::SpeedUp { operation, .. } => std::slice::from_ref(operation),
        }
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Parallel(operations) => write!(f, "{} side by side", listed(operations)),
            Self::Cache { operation, hit_share, .. } if *hit_share >= 1.0 => write!(f, "{operation} from a cache"),
            Self::Cache { operation, hit_share, .. } => {
                write!(f, "{:.0} % of {operation} from a cache", hit_share * 100.0)
            }
            Self::SpeedUp { operation, factor } if *factor >= 1.0 => write!(f, "{operation} {factor} times as fast"),
            Self::SpeedUp { operation, factor } => write!(f, "{operation} at {factor} of its speed"),
            Self::DropRetries(operations) if operations.is_empty() => f.write_str("no retries"),
            Self::DropRetries(operations) => write!(f, "no retries of {}", listed(operations)),
        }
    }
}

fn listed(operations: &[OperationName]) -> String {
    operations.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// What `changes` are in one trace, and how many spans each applies to.
#[must_use]
pub fn edit_of(trace: &Trace, times: &Timeline, changes: &[Change]) -> (Edit, Vec<u64>) {
    let mut edit = Edit::default();
    let mut counts = Vec::with_capacity(changes.len());
    for change in changes {
        let count = match change {
            Change::Parallel(operations) => parallel(trace, operations, &mut edit),
            Change::Cache { operation, hit_share, hit } => {
                let hits = |span: &SpanIndex| share_of(trace.span(*span).span_id) < *hit_share;
                let calls = operation.spans(trace).into_iter().filter(hits).map(|span| call_of(trace, span));
                shorten(&mut edit, calls, |before, span| before.unwrap_or(times.duration(span)).min(*hit))
            }
            Change::SpeedUp { operation, factor } if *factor > 0.0 => {
                shorten(&mut edit, operation.spans(trace), |before, span| {
                    Duration((before.unwrap_or(times.duration(span)).0 as f64 / factor) as i64)
                })
            }
            Change::SpeedUp { .. } => 0,
            Change::DropRetries(operations) => drop_retries(trace, operations, &mut edit),
        };
        counts.push(count);
    }
    (edit, counts)
}

fn shorten(
    edit: &mut Edit,
    spans: impl IntoIterator<Item = SpanIndex>,
    after: impl Fn(Option<Duration>, SpanIndex) -> Duration,
) -> u64 {
    let mut count = 0;
    for span in spans {
        let duration = after(edit.durations.get(&span).copied(), span);
        edit.durations.insert(span, duration);
        count += 1;
    }
    count
}

/// The span of the caller that does nothing but call `span`, else the span itself: what a cache would spare.
fn call_of(trace: &Trace, span: SpanIndex) -> SpanIndex {
    let Some(parent) = trace.parent(span) else { return span };
    let caller = trace.span(parent);
    let calls = caller.kind == SpanKind::CLIENT
        && caller.service_name() != trace.span(span).service_name()
        && trace.children(parent).len() == 1;
    if calls { parent } else { span }
}

/// Groups of siblings, each of which is, or has below it, a span of one of the operations: client spans are often all
/// called alike, and only what they call tells them apart.
fn parallel(trace: &Trace, operations: &[OperationName], edit: &mut Edit) -> u64 {
    let least = operations.len().min(2);
    // Which operations wait below each span for a meeting further up.
    let mut waiting: HashMap<SpanIndex, BTreeSet<usize>> = HashMap::new();
    let mut groups: Vec<Vec<SpanIndex>> = Vec::new();
    for (index, _) in trace.depth_first().into_iter().rev() {
        let children = trace.children(index).iter().copied();
        let below: Vec<SpanIndex> = children.filter(|child| waiting.contains_key(child)).collect();
        let mut here: BTreeSet<usize> = below.iter().flat_map(|child| waiting[child].iter().copied()).collect();
        if below.len() >= 2 && here.len() >= least {
            groups.push(below);
            here.clear();
        }
        here.extend((0..operations.len()).filter(|&at| operations[at].matches(trace, index)));
        if !here.is_empty() {
            waiting.insert(index, here);
        }
    }
    groups.sort();
    let count = groups.iter().map(|group| group.len() as u64).sum();
    edit.side_by_side.extend(groups);
    count
}

fn drop_retries(trace: &Trace, operations: &[OperationName], edit: &mut Edit) -> u64 {
    let mut count = 0;
    let named = |span: SpanIndex| operations.iter().any(|operation| operation.matches(trace, span));
    // A call is named by the caller's span or by the callee's below it, which an attempt that failed may lack.
    let is_meant = |attempt: &SpanIndex| named(*attempt) || trace.children(*attempt).iter().any(|&child| named(child));
    // An attempt that was refused has only an address, which a later one that was answered tells the service of.
    let mut peers = Peers::default();
    peers.learn(trace);
    for call in attempts(trace, &peers).into_iter().filter(|call| call.spans.len() > 1) {
        if !operations.is_empty() && !call.spans.iter().any(is_meant) {
            continue;
        }
        let (last, dropped) = call.spans.split_last().unwrap_or((&0, &[]));
        edit.durations.extend(dropped.iter().map(|&span| (span, Duration::ZERO)));
        count += dropped.len() as u64;
        // The pauses go as well: the last attempt is made when the first was.
        edit.side_by_side.push(dropped.iter().chain([last]).copied().collect());
    }
    count
}

/// From 0 to 1 by the span's id, the same every time: which calls hit.
fn share_of(id: SpanId) -> f64 {
    let mut hash = u64::from_be_bytes(id.0);
    // The finaliser of MurmurHash3: ids that were counted up spread as well as random ones.
    for factor in [0xff51_afd7_ed55_8ccd_u64, 0xc4ce_b9fe_1a85_ec53] {
        hash = (hash ^ (hash >> 33)).wrapping_mul(factor);
    }
    ((hash ^ (hash >> 33)) >> 11) as f64 / (1_u64 << 53) as f64
}
