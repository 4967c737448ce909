//! What several traces of one request have in common: the structure that assertions are suggested from.

use std::collections::{BTreeMap, BTreeSet};

use analysis::{Backoff, CacheResult, Peers};
use model::{Duration, Span, SpanIndex, SpanKind, Trace, Value};

use crate::{OWN_SCOPE, rag};

/// Spans that do the same: of one service, name and kind, and, for calls, to one peer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct GroupKey {
    pub service: String,
    pub name: String,
    pub kind: SpanKind,
    /// The attribute that names who is called, and its value.
    pub peer: Option<(&'static str, String)>,
}

/// How many there were of something in each trace: the least and the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count {
    pub least: usize,
    pub most: usize,
}

impl Count {
    fn of(counts: &[usize]) -> Self {
        Self {
            least: counts.iter().copied().min().unwrap_or_default(),
            most: counts.iter().copied().max().unwrap_or_default(),
        }
    }
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.least == self.most { write!(f, "{}", self.least) } else { write!(f, "{}..{}", self.least, self.most) }
    }
}

/// What all spans of a group share.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub count: Count,
    /// Keys that every span carries.
    pub keys: BTreeSet<String>,
    /// Of those, the values that are always the same.
    pub values: BTreeMap<String, Value>,
    /// Names of events that every span has.
    pub events: BTreeSet<String>,
    /// Statuses seen.
    pub statuses: BTreeSet<&'static str>,
    /// Groups of the spans' parents; none for a root.
    pub parents: BTreeSet<Option<GroupKey>>,
    /// Durations, sorted.
    pub durations: Vec<Duration>,
}

impl Group {
    pub fn median(&self) -> Duration {
        self.durations.get(self.durations.len() / 2).copied().unwrap_or_default()
    }

    pub fn longest(&self) -> Duration {
        self.durations.last().copied().unwrap_or_default()
    }
}

/// Attempts at one call.
#[derive(Clone, Debug)]
pub(crate) struct Retried {
    pub attempts: Count,
    /// In every trace.
    pub growing: bool,
}

/// What the traces have in common.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub traces: usize,
    /// Spans by service.
    pub services: BTreeMap<String, Count>,
    /// Calls whose both sides were seen, by `caller -> callee`.
    pub calls: BTreeMap<String, Count>,
    pub groups: BTreeMap<GroupKey, Group>,
    /// Siblings that follow one another in every trace.
    pub order: Vec<(GroupKey, GroupKey)>,
    /// Siblings that overlap in every trace.
    pub parallel: Vec<(GroupKey, GroupKey)>,
    /// Calls that were tried again in every trace.
    pub retries: BTreeMap<String, Retried>,
    /// Log records by service and severity.
    pub logs: BTreeMap<(String, &'static str), Count>,
    /// The cache's service and whether it hit, where it is always the same.
    pub cache: Option<(String, bool)>,
    pub fault: Fault,
    /// Every retrieved passage reached a prompt, in every trace.
    pub all_handed_over: bool,
}

/// How errors spread, where it is the same in every trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It differs.
    #[default]
    Varies,
    None,
    Some {
        origin: String,
        kind: &'static str,
        reaches: Option<String>,
        handled: bool,
    },
}

/// The traces without the runner's own spans, those that are empty then left out.
pub(crate) fn of_the_system(traces: &[Trace]) -> Vec<Trace> {
    let of_system = traces.iter().map(|trace| trace.clone().without_scope(OWN_SCOPE));
    of_system.filter(|trace| !trace.spans().is_empty()).collect()
}

impl Facts {
    /// Of traces without the runner's own spans.
    pub fn of(traces: &[Trace]) -> Self {
        let grouped: Vec<Vec<GroupKey>> =
            traces.iter().map(|trace| trace.spans().iter().map(group_key).collect()).collect();
        let groups = groups(traces, &grouped);
        let (order, parallel) = siblings(traces, &grouped, &groups);
        Self {
            traces: traces.len(),
            services: counted(traces, |trace| {
                trace.spans().iter().map(|span| span.service_name().to_owned()).collect()
            }),
            calls: counted(traces, calls),
            order,
            parallel,
            retries: retries(traces),
            logs: counted(traces, logs),
            cache: shared(traces, cache).flatten(),
            fault: shared(traces, fault).unwrap_or_default(),
            all_handed_over: shared(traces, all_handed_over) == Some(true),
            groups,
        }
    }
}

fn all_handed_over(trace: &Trace) -> bool {
    let told = rag::told(trace);
    let prompts: Vec<&str> = told.prompts.iter().map(|(_, text)| text.as_str()).collect();
    rag::handed_over(&told.passages, &prompts).value() == Some(1.0)
}

/// How often each thing occurs in each trace.
fn counted<T: Ord + Clone>(traces: &[Trace], things: impl Fn(&Trace) -> Vec<T>) -> BTreeMap<T, Count> {
    let mut counts: BTreeMap<T, Vec<usize>> = BTreeMap::new();
    for (position, trace) in traces.iter().enumerate() {
        for thing in things(trace) {
            counts.entry(thing).or_insert_with(|| vec![0; traces.len()])[position] += 1;
        }
    }
    counts.into_iter().map(|(thing, counts)| (thing, Count::of(&counts))).collect()
}

/// The value that every trace gives; none if they differ.
pub(crate) fn shared<T: PartialEq>(traces: &[Trace], value: impl Fn(&Trace) -> T) -> Option<T> {
    let mut values = traces.iter().map(value);
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}

fn group_key(span: &Span) -> GroupKey {
    // Without it, calls of one client library to different services would be one thing.
    let peer = (span.kind == SpanKind::CLIENT)
        .then(|| {
            let keys = ["service.peer.name", "peer.service"].into_iter();
            keys.filter_map(|key| Some((key, span.attributes.text(key)?.to_owned()))).next()
        })
        .flatten();
    GroupKey { service: span.service_name().to_owned(), name: span.name.to_string(), kind: span.kind, peer }
}

fn groups(traces: &[Trace], grouped: &[Vec<GroupKey>]) -> BTreeMap<GroupKey, Group> {
    let mut members: BTreeMap<&GroupKey, Vec<(usize, SpanIndex)>> = BTreeMap::new();
    for (position, keys) in grouped.iter().enumerate() {
        for (index, key) in keys.iter().enumerate() {
            members.entry(key).or_default().push((position, index as SpanIndex));
        }
    }
    members.into_iter().map(|(key, members)| (key.clone(), group(traces, grouped, &members))).collect()
}

fn group(traces: &[Trace], grouped: &[Vec<GroupKey>], members: &[(usize, SpanIndex)]) -> Group {
    let mut counts = vec![0; traces.len()];
    let mut durations = Vec::new();
    let mut group = Group {
        count: Count { least: 0, most: 0 },
        keys: BTreeSet::new(),
        values: BTreeMap::new(),
        events: BTreeSet::new(),
        statuses: BTreeSet::new(),
        parents: BTreeSet::new(),
        durations: Vec::new(),
    };
    for (nth, &(position, index)) in members.iter().enumerate() {
        let trace = &traces[position];
        let span = trace.span(index);
        counts[position] += 1;
        durations.push(span.duration());
        let keys: BTreeSet<&str> = span.attributes.iter().map(|(key, _)| &**key).collect();
        let events: BTreeSet<&str> = span.events.iter().map(|event| &*event.name).collect();
        if nth == 0 {
            group.keys = keys.iter().map(|key| (*key).to_owned()).collect();
            group.events = events.iter().map(|name| (*name).to_owned()).collect();
            group.values = span.attributes.iter().map(|(key, value)| (key.to_string(), value.clone())).collect();
        } else {
            group.keys.retain(|key| keys.contains(key.as_str()));
            group.events.retain(|name| events.contains(name.as_str()));
            group.values.retain(|key, value| span.attributes.get(key) == Some(value));
        }
        group.statuses.insert(match span.status.code {
            model::StatusCode::ERROR => "error",
            model::StatusCode::OK => "ok",
            _ => "unset",
        });
        group.parents.insert(trace.parent(index).map(|parent| grouped[position][parent as usize].clone()));
    }
    durations.sort_unstable();
    group.count = Count::of(&counts);
    group.durations = durations;
    group
}

/// A group by which a sibling can be named: its own, or, of a call, that of what answered; it must be the only span of
/// that group in each trace.
fn named(trace: &Trace, keys: &[GroupKey], groups: &BTreeMap<GroupKey, Group>, span: SpanIndex) -> Option<GroupKey> {
    let alone = |key: &GroupKey| groups.get(key).is_some_and(|group| group.count == Count { least: 1, most: 1 });
    let own = &keys[span as usize];
    if alone(own) {
        return Some(own.clone());
    }
    let answering = trace.children(span).iter().map(|&child| &keys[child as usize]);
    answering.filter(|key| key.service != own.service).find(|key| alone(key)).cloned()
}

type Pairs = Vec<(GroupKey, GroupKey)>;

/// Siblings one after the other, and siblings at the same time.
fn siblings(traces: &[Trace], grouped: &[Vec<GroupKey>], groups: &BTreeMap<GroupKey, Group>) -> (Pairs, Pairs) {
    let (mut order, mut parallel): (Pairs, Pairs) = (Vec::new(), Vec::new());
    let (Some(first), Some(keys)) = (traces.first(), grouped.first()) else { return (order, parallel) };
    for parent in 0..first.spans().len() as SpanIndex {
        let mut children = first.children(parent).to_vec();
        children.sort_by_key(|&child| first.span(child).start);
        for pair in children.windows(2) {
            let (a, b) = (&keys[pair[0] as usize], &keys[pair[1] as usize]);
            if a == b {
                if traces.iter().zip(grouped).all(|(trace, keys)| overlap(trace, keys, a, a)) {
                    parallel.push((a.clone(), b.clone()));
                }
                continue;
            }
            let one = named(first, keys, groups, pair[0]);
            let other = named(first, keys, groups, pair[1]);
            let (Some(one), Some(other)) = (one, other) else { continue };
            let all = |holds: fn(&Trace, &[GroupKey], &GroupKey, &GroupKey) -> bool| {
                traces.iter().zip(grouped).all(|(trace, keys)| holds(trace, keys, &one, &other))
            };
            if all(is_over_before) {
                order.push((one, other));
            } else if all(overlap) {
                parallel.push((one, other));
            }
        }
    }
    for pairs in [&mut order, &mut parallel] {
        pairs.sort();
        pairs.dedup();
    }
    (order, parallel)
}

fn members<'a>(trace: &'a Trace, keys: &'a [GroupKey], wanted: &'a GroupKey) -> impl Iterator<Item = &'a Span> {
    trace.spans().iter().zip(keys).filter(move |(_, key)| *key == wanted).map(|(span, _)| span)
}

fn is_over_before(trace: &Trace, keys: &[GroupKey], one: &GroupKey, other: &GroupKey) -> bool {
    let end = members(trace, keys, one).map(|span| span.end).max();
    let start = members(trace, keys, other).map(|span| span.start).min();
    end.zip(start).is_some_and(|(end, start)| end <= start)
}

fn overlap(trace: &Trace, keys: &[GroupKey], one: &GroupKey, other: &GroupKey) -> bool {
    members(trace, keys, one)
        .any(|a| members(trace, keys, other).any(|b| a.span_id != b.span_id && a.start < b.end && b.start < a.end))
}

fn calls(trace: &Trace) -> Vec<String> {
    let calls = analysis::calls(trace, &Peers::default());
    let known = calls.into_iter().filter(|call| call.server.is_some());
    known.map(|call| format!("{} -> {}", call.caller, call.callee)).collect()
}

fn retries(traces: &[Trace]) -> BTreeMap<String, Retried> {
    let mut seen: BTreeMap<String, (Vec<usize>, bool)> = BTreeMap::new();
    for trace in traces {
        for call in analysis::attempts(trace, &Peers::default()) {
            if call.attempts > 1 && !call.callee.is_empty() && !call.hedged {
                let growing = call.backoff() == Backoff::Growing;
                let (attempts, always) =
                    seen.entry(format!("{} -> {}", call.caller, call.callee)).or_insert((Vec::new(), true));
                attempts.push(call.attempts as usize);
                *always &= growing;
            }
        }
    }
    // One logical call in each trace, or it could not be said which is meant.
    let in_every = seen.into_iter().filter(|(_, (attempts, _))| attempts.len() == traces.len());
    in_every.map(|(edge, (attempts, growing))| (edge, Retried { attempts: Count::of(&attempts), growing })).collect()
}

fn logs(trace: &Trace) -> Vec<(String, &'static str)> {
    let service = |log: &model::LogRecord| log.resource.service_name().to_owned();
    trace.logs().iter().map(|log| (service(log), severity(log.severity_number))).collect()
}

/// The name of a severity, by OTLP's ranges of four numbers.
pub(crate) fn severity(number: i32) -> &'static str {
    match number {
        21.. => "fatal",
        17..=20 => "error",
        13..=16 => "warn",
        9..=12 => "info",
        5..=8 => "debug",
        _ => "trace",
    }
}

fn cache(trace: &Trace) -> Option<(String, bool)> {
    let accesses = analysis::cache_accesses(trace, &[]);
    let first = accesses.first()?;
    let same = accesses.iter().all(|access| access.service == first.service && access.result == first.result);
    same.then(|| (first.service.to_string(), first.result == CacheResult::Hit))
}

fn fault(trace: &Trace) -> Fault {
    let path = analysis::fault_path(trace, &Peers::default());
    if path.is_none() {
        return Fault::None;
    }
    let first = path.origins.iter().find(|origin| !origin.absorbed).or_else(|| path.origins.first());
    let Some(origin) = first else { return Fault::Varies };
    let place = origin.place.to_string();
    if place.contains("(unknown)") {
        return Fault::Varies;
    }
    Fault::Some {
        origin: place,
        kind: origin.kind.name(),
        reaches: origin.reaches.as_ref().map(ToString::to_string),
        handled: origin.absorbed,
    }
}
