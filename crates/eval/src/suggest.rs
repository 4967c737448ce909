//! Assertions from good traces: what held in all of them, written as a scenario's `assert`.
//!
//! One trace gives exact counts and generous times; several give ranges, and only what all of them share. What is
//! suggested is structure (services, calls, counts, order, errors, cache) and bounds, never values that change from
//! request to request.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use analysis::{CacheResult, Peers};
use model::{Duration, Instant, Span, SpanIndex, SpanKind, Trace, Value};

use crate::OWN_SCOPE;
use crate::limits::SUGGESTED_MAX;

/// Spans of one service, name and kind.
type Group = (String, String, SpanKind);

/// Suggests assertions that all of `traces` meet, as YAML to stand under a scenario's `name`. The runner's own spans are
/// left out. Without a trace there is nothing to suggest.
#[must_use]
pub fn suggest(traces: &[Trace]) -> String {
    let traces: Vec<Trace> = traces.iter().map(without_own).filter(|trace| !trace.spans().is_empty()).collect();
    let mut lines = Vec::new();
    if let Some(first) = traces.first() {
        lines.extend(status(&traces));
        lines.push(services(&traces));
        lines.extend(edges(&traces));
        lines.extend(faults(&traces));
        lines.extend(cache(&traces));
        lines.extend(groups(&traces));
        lines.extend(order(first, &traces));
    }
    let rest = lines.len().saturating_sub(SUGGESTED_MAX);
    lines.truncate(SUGGESTED_MAX);
    let mut text = "assert:\n".to_owned();
    for line in lines {
        let _ = writeln!(text, "  - {line}");
    }
    if rest > 0 {
        let _ = writeln!(text, "  # and {rest} more were left out");
    }
    text
}

fn without_own(trace: &Trace) -> Trace {
    let (own, mut spans): (Vec<Span>, Vec<Span>) =
        trace.spans().iter().cloned().partition(|span| &*span.scope.name == OWN_SCOPE);
    let own: BTreeSet<model::SpanId> = own.iter().map(|span| span.span_id).collect();
    for span in &mut spans {
        if span.parent_span_id.is_some_and(|parent| own.contains(&parent)) {
            span.parent_span_id = None;
        }
    }
    Trace::assemble(trace.id(), spans, trace.logs().to_vec())
}

/// The value that every trace gives; none if they differ.
fn shared<T: PartialEq>(traces: &[Trace], value: impl Fn(&Trace) -> T) -> Option<T> {
    let mut values = traces.iter().map(value);
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}

fn status(traces: &[Trace]) -> Option<String> {
    let status = shared(traces, |trace| {
        let root = trace.span(*trace.roots().first()?);
        root.attributes.get("http.response.status_code").and_then(Value::as_int)
    })??;
    Some(format!("status: {status}"))
}

fn services_of(trace: &Trace) -> BTreeSet<&str> {
    trace.spans().iter().map(Span::service_name).collect()
}

fn services(traces: &[Trace]) -> String {
    let mut common: Option<BTreeSet<&str>> = None;
    for trace in traces {
        let of = services_of(trace);
        common = Some(common.map_or(of.clone(), |common| common.intersection(&of).copied().collect()));
    }
    let exactly =
        shared(traces, |trace| services_of(trace).into_iter().map(str::to_owned).collect::<Vec<_>>()).is_some();
    let names: Vec<String> = common.unwrap_or_default().into_iter().map(quoted).collect();
    let key = if exactly { "exactly" } else { "include" };
    format!("services: {{ {key}: [{}] }}", names.join(", "))
}

fn edges_of(trace: &Trace) -> BTreeSet<String> {
    let calls = analysis::calls(trace, &Peers::default());
    let known = calls.into_iter().filter(|call| call.server.is_some());
    known.map(|call| format!("{} -> {}", call.caller, call.callee)).collect()
}

fn edges(traces: &[Trace]) -> Option<String> {
    let exactly = shared(traces, edges_of);
    let common = exactly.clone().unwrap_or_else(|| {
        let mut sets = traces.iter().map(edges_of);
        let first = sets.next().unwrap_or_default();
        sets.fold(first, |common, set| common.intersection(&set).cloned().collect())
    });
    if common.is_empty() {
        return None;
    }
    let names: Vec<String> = common.iter().map(|edge| quoted(edge)).collect();
    // Calls to what sends no spans are no edges here, so that `exactly` would count them only where their names are known.
    Some(format!("edges: [{}]", names.join(", ")))
}

fn faults(traces: &[Trace]) -> Option<String> {
    let told = shared(traces, |trace| {
        let path = analysis::fault_path(trace, &Peers::default());
        let reached = path.origins.iter().find(|origin| !origin.absorbed);
        (path.is_none(), reached.map(|origin| (origin.place.to_string(), origin.kind, origin.reaches.clone())))
    })?;
    match told {
        (true, _) => Some("fault_path: none".to_owned()),
        (false, Some((origin, kind, reaches))) if !origin.contains("(unknown)") => {
            let reaches = reaches.map(|service| format!(", reaches: {}", quoted(&service))).unwrap_or_default();
            Some(format!("fault_path: {{ origin: {}, kind: {}{reaches} }}", quoted(&origin), kind.name()))
        }
        _ => None,
    }
}

fn cache(traces: &[Trace]) -> Option<String> {
    let (service, result) = shared(traces, |trace| {
        let accesses = analysis::cache_accesses(trace, &[]);
        let first = accesses.first()?;
        let same = accesses.iter().all(|access| access.service == first.service && access.result == first.result);
        same.then(|| (first.service.clone(), first.result))
    })??;
    let result = if result == CacheResult::Hit { "hit" } else { "miss" };
    Some(format!("cache: {{ service: {}, result: {result} }}", quoted(&service)))
}

/// How many spans of each group, which attributes they carry, how long they may take.
fn groups(traces: &[Trace]) -> Vec<String> {
    let mut counts: BTreeMap<Group, Vec<usize>> = BTreeMap::new();
    for (position, trace) in traces.iter().enumerate() {
        for span in trace.spans() {
            let counts = counts.entry(group(span)).or_insert_with(|| vec![0; traces.len()]);
            counts[position] += 1;
        }
    }
    let mut lines = Vec::new();
    for (group, counts) in &counts {
        let (least, most) = (counts.iter().min().unwrap_or(&0), counts.iter().max().unwrap_or(&0));
        // A name that only some traces have, and there once, is one that varies from request to request.
        if *least == 0 && traces.len() > 1 && counts.iter().filter(|count| **count > 0).count() == 1 {
            continue;
        }
        let count = if least == most { least.to_string() } else { format!("{least}..{most}") };
        let members = || traces.iter().flat_map(Trace::spans).filter(|span| self::group(span) == *group);
        let optional = if *least == 0 { ", optional: true" } else { "" };
        let each = each(members());
        lines.push(format!(
            "{{ spans: {}, count: '{count}', each: {}{optional} }}",
            single(&selector(group)),
            single(&each)
        ));
    }
    lines
}

fn group(span: &Span) -> Group {
    (span.service_name().to_owned(), span.name.to_string(), span.kind)
}

fn selector((service, name, kind): &Group) -> String {
    format!("{{ resource.service.name = {} && name = {} && kind = {} }}", text(service), text(name), kind.name())
}

/// A bound on the time, and every key that all of them carry.
fn each<'a>(spans: impl Iterator<Item = &'a Span> + Clone) -> String {
    let longest = spans.clone().map(Span::duration).max().unwrap_or_default();
    // Twice the longest seen and 20 ms: a service three times slower is told, a busy machine is not.
    let bound = longest.nanos().max(0) / 1_000_000 * 2 + 20;
    let mut keys: Option<BTreeSet<&str>> = None;
    for span in spans {
        let of: BTreeSet<&str> = span.attributes.iter().map(|(key, _)| &**key).filter(|key| plain_key(key)).collect();
        keys = Some(keys.map_or(of.clone(), |keys| keys.intersection(&of).copied().collect()));
    }
    let keys = keys.unwrap_or_default();
    let present: Vec<String> = keys.iter().take(12).map(|key| format!(" && span.{key} != nil")).collect();
    format!("duration < {bound}ms{}", present.concat())
}

/// Keys that need no quotes, and that do not tell of one run only.
fn plain_key(key: &str) -> bool {
    !key.is_empty()
        && key.starts_with(|c: char| c.is_ascii_lowercase())
        && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_'))
        && !key.ends_with('.')
}

/// Of calls that follow one another in every trace, their order.
fn order(first: &Trace, traces: &[Trace]) -> Vec<String> {
    let mut lines = Vec::new();
    for root in 0..first.spans().len() as SpanIndex {
        let calls: Vec<Group> = first
            .children(root)
            .iter()
            .map(|&child| first.span(child))
            .filter(|span| answers(first, span))
            .map(group)
            .collect();
        for pair in calls.windows(2) {
            if pair[0] != pair[1] && traces.iter().all(|trace| is_over_before(trace, &pair[0], &pair[1])) {
                let (one, other) = (single(&selector(&pair[0])), single(&selector(&pair[1])));
                lines.push(format!("order: [{one}, {other}]"));
            }
        }
    }
    lines.dedup();
    lines
}

fn answers(trace: &Trace, span: &Span) -> bool {
    // One of its kind, or its name cannot say which is meant.
    let alone = trace.spans().iter().filter(|other| group(other) == group(span)).count() == 1;
    alone && matches!(span.kind, SpanKind::CLIENT | SpanKind::SERVER | SpanKind::INTERNAL)
}

fn is_over_before(trace: &Trace, one: &Group, other: &Group) -> bool {
    let of = |wanted: &Group| -> Vec<&Span> { trace.spans().iter().filter(|span| group(span) == *wanted).collect() };
    let end = of(one).iter().map(|span| span.end).max().unwrap_or(Instant(u64::MAX));
    let start = of(other).iter().map(|span| span.start).min().unwrap_or_default();
    start - end >= Duration::ZERO
}

/// A TraceQL string.
fn text(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A YAML string in single quotes.
fn single(text: &str) -> String {
    format!("'{}'", text.replace(['\n', '\r'], " ").replace('\'', "''"))
}

/// A YAML string, quoted only where it must be.
fn quoted(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ' | '>'))
        && !matches!(text, "true" | "false" | "null");
    if plain { text.to_owned() } else { single(text) }
}
