//! Logical calls with their attempts: which calls were tried again, how long was waited in between, what came of it.
//!
//! Attempts of one logical call have the same parent (looking through a span that wraps a single client span), the same
//! callee and the same name; each begins after the one before ended in an error, or says by `http.request.resend_count`
//! that it is another try. A call after a success is a repeat, not a retry; overlapping attempts that ask the
//! same, the second sent later and one of them not waited for, are a hedge.

use std::collections::BTreeMap;

use model::{Duration, SpanIndex, SpanKind, Text, Trace, Value};

use crate::arguments::arguments;
use crate::calls::{Call, CallKind, calls};
use crate::fault::is_error;
use crate::limits::{ATTEMPTS_KEPT_MAX, WRAPPERS_MAX};
use crate::peer::Peers;
use crate::timeline::Timeline;

/// One call as the caller meant it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogicalCall {
    /// The calling service.
    pub caller: Text,
    /// The called service; empty when unknown.
    pub callee: Text,
    /// The attempts' client spans, by start; at most [`ATTEMPTS_KEPT_MAX`].
    pub spans: Vec<SpanIndex>,
    /// How many attempts, the first included.
    pub attempts: u32,
    /// From the end of each attempt to the start of the next; one fewer than there are spans.
    pub gaps: Vec<Duration>,
    /// What came of the last attempt.
    pub outcome: Outcome,
    /// Whether attempts overlapped: then they were a hedge.
    pub hedged: bool,
}

/// What came of a logical call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The only attempt went well.
    Succeeded,
    /// A later attempt went well.
    Recovered,
    /// The last attempt failed too.
    Failed,
}

/// How the gaps between attempts develop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Backoff {
    /// Fewer than two gaps: nothing can be said.
    Unknown,
    /// No gap to speak of: the next attempt follows at once.
    None,
    /// About the same each time.
    Constant,
    /// Longer each time.
    Growing,
    /// Neither.
    Irregular,
}

/// A gap shorter than this is no back-off.
const NO_GAP: Duration = Duration::from_millis(1);

/// Two calls sent at once are a fan-out; a hedge waits a little for the first answer.
const HEDGE_DELAY_MIN: Duration = Duration::from_millis(1);

impl LogicalCall {
    /// How the gaps develop. Growing means that each is longer than the one before and the last is at least 1.3 times the
    /// first: jitter alone does not look like that.
    #[must_use]
    pub fn backoff(&self) -> Backoff {
        let gaps = &self.gaps;
        let (Some(first), Some(last)) = (gaps.first(), gaps.last()) else { return Backoff::Unknown };
        if gaps.iter().all(|gap| *gap < NO_GAP) {
            return Backoff::None;
        }
        if gaps.len() < 2 {
            return Backoff::Unknown;
        }
        let (least, most) = (gaps.iter().min().unwrap_or(first), gaps.iter().max().unwrap_or(first));
        if gaps.windows(2).all(|pair| pair[0] < pair[1]) && i128::from(last.0) * 10 >= i128::from(first.0) * 13 {
            Backoff::Growing
        } else if i128::from(most.0) * 10 <= i128::from(least.0) * 15 {
            Backoff::Constant
        } else {
            Backoff::Irregular
        }
    }
}

/// Every logical call of `trace` with its attempts (mostly one), by start of the first attempt.
#[must_use]
pub fn attempts(trace: &Trace, peers: &Peers) -> Vec<LogicalCall> {
    let times = Timeline::of(trace);
    let mut groups: BTreeMap<(SpanIndex, Text, Text), Vec<Call>> = BTreeMap::new();
    for call in calls(trace, peers) {
        let Some(client) = call.client.filter(|_| call.kind != CallKind::Message) else { continue };
        let key = (logical_parent(trace, client), call.callee.clone(), trace.span(client).name.clone());
        groups.entry(key).or_default().push(call);
    }
    let mut logical: Vec<LogicalCall> = groups.into_values().flat_map(|group| split(trace, &times, &group)).collect();
    logical.sort_by_key(|call| call.spans.first().copied());
    logical
}

/// The span that meant the call: the parent, looking through spans that wrap just one client span each.
fn logical_parent(trace: &Trace, client: SpanIndex) -> SpanIndex {
    let mut at = client;
    for _ in 0..WRAPPERS_MAX {
        let Some(parent) = trace.parent(at) else { break };
        let span = trace.span(parent);
        let wraps = span.kind != SpanKind::SERVER
            && span.service_name() == trace.span(client).service_name()
            && trace.children(parent).len() == 1
            && trace.parent(parent).is_some();
        at = parent;
        if !wraps {
            break;
        }
    }
    at
}

/// Cuts calls of one parent, callee and name, which come by start, into logical calls.
fn split(trace: &Trace, times: &Timeline, group: &[Call]) -> Vec<LogicalCall> {
    let mut logical: Vec<LogicalCall> = Vec::new();
    let mut before: Option<&Call> = None;
    for call in group {
        let Some(client) = call.client else { continue };
        let again = before.is_some_and(|before| is_another_try(trace, times, before, client));
        match logical.last_mut().filter(|_| again) {
            Some(open) => add_attempt(times, open, call, client),
            None => logical.push(LogicalCall {
                caller: call.caller.clone(),
                callee: call.callee.clone(),
                spans: vec![client],
                attempts: 1,
                gaps: Vec::new(),
                outcome: if call.failed { Outcome::Failed } else { Outcome::Succeeded },
                hedged: false,
            }),
        }
        before = Some(call);
    }
    logical
}

/// A second call that was sent while the first one was under way, asks the same, and whose answer, or the first one's,
/// nobody waited for: the later of the two ends after their parent went on, or was given up.
fn is_hedge(trace: &Trace, times: &Timeline, before: &Call, client: SpanIndex) -> bool {
    let Some(previous) = before.client else { return false };
    let asks_the_same = || match (arguments(trace.span(previous)), arguments(trace.span(client))) {
        (Some(one), Some(other)) => one.key == other.key,
        _ => false,
    };
    let was_delayed = times.start(client) - times.start(previous) >= HEDGE_DELAY_MIN;
    if !was_delayed || times.start(client) >= times.end(previous) || !asks_the_same() {
        return false;
    }
    let loser = if times.end(client) > times.end(previous) { client } else { previous };
    let winner_end = times.end(if loser == client { previous } else { client });
    let Some(parent) = trace.parent(client) else { return false };
    // Children come by start: the first that begins after the winner shows whether the parent went on before the loser ended.
    let siblings = trace.children(parent);
    let next = siblings.partition_point(|&sibling| times.start(sibling) < winner_end);
    let goes_on = siblings[next..].iter().find(|&&sibling| sibling != client && sibling != previous);
    is_error(trace.span(loser))
        || times.end(loser) > times.end(parent)
        || goes_on.is_some_and(|&sibling| times.start(sibling) < times.end(loser))
}

fn is_another_try(trace: &Trace, times: &Timeline, before: &Call, client: SpanIndex) -> bool {
    let says_so = trace.span(client).attributes.get("http.request.resend_count").and_then(Value::as_int) > Some(0);
    let Some(previous) = before.client else { return false };
    let overlaps = times.start(client) < times.end(previous);
    says_so || (before.failed && !overlaps) || (overlaps && is_hedge(trace, times, before, client))
}

fn add_attempt(times: &Timeline, open: &mut LogicalCall, call: &Call, client: SpanIndex) {
    open.attempts = open.attempts.saturating_add(1);
    open.outcome = if call.failed { Outcome::Failed } else { Outcome::Recovered };
    if open.spans.len() >= ATTEMPTS_KEPT_MAX {
        return;
    }
    if let Some(&previous) = open.spans.last() {
        let gap = times.start(client) - times.end(previous);
        open.hedged |= gap < Duration::ZERO;
        open.gaps.push(gap.max(Duration::ZERO));
    }
    open.spans.push(client);
}
