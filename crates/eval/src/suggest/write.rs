//! Facts as assertions, the most telling first.

use std::collections::BTreeMap;

use model::{Duration, SpanKind, Value};

use crate::facts::{Count, Facts, Fault, Group, GroupKey};
use crate::select::traceql_text;

/// So many traces must agree on a value before it counts as one that never changes.
const TRACES_FOR_VALUES: usize = 3;
/// So many traces say how long something usually takes.
const TRACES_FOR_TIMES: usize = 3;
/// Longer texts are not compared word for word.
const VALUE_CHARS_MAX: usize = 400;
/// No single span may take longer than three times the longest seen and this: a hang is told, a busy machine is not. What
/// became slower is told over all attempts.
const SLACK: Duration = Duration::from_millis(500);
/// Over all attempts, the middle one may take half as long again and this: a machine that is busy does not look like a
/// service that became three times slower.
const MEDIAN_SLACK: Duration = Duration::from_millis(20);
/// Shorter work inside a service is not measured by itself.
const WORTH_MEASURING: Duration = Duration::from_millis(10);

pub(super) fn lines(facts: &Facts) -> Vec<String> {
    let mut lines = vec![services(facts)];
    lines.extend(edges(facts));
    lines.extend(fault(&facts.fault));
    lines.extend(cache(facts));
    lines.extend(retries(facts));
    lines.extend(facts.all_handed_over.then(|| "handover: 100%".to_owned()));
    let known: BTreeMap<&GroupKey, &Group> = facts.groups.iter().filter(|(_, group)| !varies(group, facts)).collect();
    lines.extend(known.iter().map(|(key, group)| spans(key, group, facts)));
    lines.extend(known.iter().filter_map(|(key, group)| parent(key, group, &known)));
    lines.extend(totals(facts));
    lines.extend(facts.order.iter().map(|(one, other)| pair("order", one, other)));
    lines.extend(facts.parallel.iter().map(|(one, other)| pair("parallel", one, other)));
    lines.extend(logs(facts));
    lines.extend(known.iter().filter_map(|(key, group)| usual_time(key, group, facts)));
    lines
}

/// A name that only one of several traces has, and there once, is one that changes from request to request.
fn varies(group: &Group, facts: &Facts) -> bool {
    facts.traces > 1 && group.count.least == 0 && group.durations.len() == 1
}

fn services(facts: &Facts) -> String {
    let always = facts.services.values().all(|count| count.least > 0);
    let names = facts.services.iter().filter(|(_, count)| count.least > 0).map(|(name, _)| quoted(name));
    let key = if always { "exactly" } else { "include" };
    format!("services: {{ {key}: [{}] }}", names.collect::<Vec<_>>().join(", "))
}

/// Calls to what sends no spans are no edges here, so that `exactly` would count them only where their names are known.
fn edges(facts: &Facts) -> Option<String> {
    let always = facts.calls.iter().filter(|(_, count)| count.least > 0);
    let names: Vec<String> = always.map(|(edge, _)| quoted(edge)).collect();
    (!names.is_empty()).then(|| format!("edges: [{}]", names.join(", ")))
}

fn fault(fault: &Fault) -> Option<String> {
    match fault {
        Fault::Varies => None,
        Fault::None => Some("fault_path: none".to_owned()),
        Fault::Some { origin, kind, reaches, handled } => {
            let reaches = reaches.as_ref().map(|service| format!(", reaches: {}", quoted(service))).unwrap_or_default();
            let handled = if *handled { ", handled: true" } else { "" };
            Some(format!("fault_path: {{ origin: {}, kind: {kind}{reaches}{handled} }}", quoted(origin)))
        }
    }
}

fn cache(facts: &Facts) -> Option<String> {
    let (service, hit) = facts.cache.as_ref()?;
    Some(format!("cache: {{ service: {}, result: {} }}", quoted(service), if *hit { "hit" } else { "miss" }))
}

fn retries(facts: &Facts) -> impl Iterator<Item = String> + '_ {
    facts.retries.iter().map(|(edge, retried)| {
        let backoff = if retried.growing { ", backoff: growing" } else { "" };
        format!("retries: {{ edge: {}, attempts: {}{backoff} }}", quoted(edge), ranged(retried.attempts))
    })
}

/// How many spans of a group, and what every one of them carries.
fn spans(key: &GroupKey, group: &Group, facts: &Facts) -> String {
    let bound = Duration(group.longest().nanos().max(0).saturating_mul(3)) + SLACK;
    let mut terms = vec![format!("duration < {}ms", bound.nanos() / 1_000_000)];
    if let (Some(status), 1) = (group.statuses.iter().next(), group.statuses.len()) {
        terms.push(format!("status = {status}"));
    }
    terms.extend(group.events.iter().map(|name| format!("event:name = {}", traceql_text(name))));
    for name in &group.keys {
        let value = group.values.get(name).filter(|_| facts.traces >= TRACES_FOR_VALUES && !is_of_one_place(name));
        terms.push(match value.and_then(literal) {
            Some(literal) => format!("{} = {literal}", field(name)),
            None => format!("{} != nil", field(name)),
        });
    }
    let optional = if group.count.least == 0 { ", optional: true" } else { "" };
    let count = ranged(group.count);
    format!("{{ spans: {}, count: {count}, each: {}{optional} }}", single(&selector(key)), single(&terms.join(" && ")))
}

/// What a span hangs below, where that is always the same.
fn parent(key: &GroupKey, group: &Group, known: &BTreeMap<&GroupKey, &Group>) -> Option<String> {
    let mut parents = group.parents.iter();
    let (Some(Some(parent)), None) = (parents.next(), parents.next()) else { return None };
    // A name that changes is no selector, and what is not always there cannot be judged.
    if group.count.least == 0 || !known.contains_key(parent) {
        return None;
    }
    let (child, parent) = (single(&selector(key)), single(&selector(parent)));
    Some(format!("relation: {{ spans: {child}, child_of: {parent} }}"))
}

/// All spans of each service: what is new is told too.
fn totals(facts: &Facts) -> impl Iterator<Item = String> + '_ {
    facts.services.iter().map(|(service, count)| {
        let selector = single(&format!("{{ resource.service.name = {} }}", traceql_text(service)));
        format!("{{ spans: {selector}, count: {} }}", ranged(*count))
    })
}

fn pair(what: &str, one: &GroupKey, other: &GroupKey) -> String {
    format!("{what}: [{}, {}]", single(&selector(one)), single(&selector(other)))
}

fn logs(facts: &Facts) -> impl Iterator<Item = String> + '_ {
    let telling = facts.logs.iter().filter(|((_, severity), _)| matches!(*severity, "warn" | "error" | "fatal"));
    telling.map(|((service, severity), count)| {
        format!("logs: {{ service: {}, severity: {severity}, count: {} }}", quoted(service), ranged(*count))
    })
}

/// How long it usually takes, over all attempts of a run.
fn usual_time(key: &GroupKey, group: &Group, facts: &Facts) -> Option<String> {
    let median = group.median();
    let answers = matches!(key.kind, SpanKind::SERVER | SpanKind::CONSUMER);
    if facts.traces < TRACES_FOR_TIMES || group.count.least == 0 || !(answers || median >= WORTH_MEASURING) {
        return None;
    }
    let bound = Duration(median.nanos() / 2 * 3) + MEDIAN_SLACK;
    let bound = bound.nanos() / 1_000_000;
    Some(format!("{{ runs: 'p50(duration) < {bound}ms', of: {} }}", single(&selector(key))))
}

fn ranged(count: Count) -> String {
    if count.least == count.most { count.to_string() } else { single(&count.to_string()) }
}

fn selector(key: &GroupKey) -> String {
    let GroupKey { service, name, kind, peer } = key;
    let peer =
        peer.as_ref().map(|(key, value)| format!(" && {} = {}", field(key), traceql_text(value))).unwrap_or_default();
    let (service, name) = (traceql_text(service), traceql_text(name));
    format!("{{ resource.service.name = {service} && name = {name} && kind = {}{peer} }}", kind.name())
}

/// What differs from machine to machine and from start to start.
fn is_of_one_place(key: &str) -> bool {
    const PARTS: &[&str] = &["port", "address", "pid", "thread", "host", "hostname", "instance", "container", "pod"];
    const KEYS: &[&str] =
        &["url.full", "http.url", "http.host", "user_agent.original", "http.user_agent", "demo.fault"];
    KEYS.contains(&key)
        || key.starts_with("code.")
        || key.starts_with("process.")
        || key.split(['.', '_']).any(|part| PARTS.contains(&part))
}

/// A value that can be compared, in TraceQL.
fn literal(value: &Value) -> Option<String> {
    match value {
        Value::Bool(bool) => Some(bool.to_string()),
        Value::Int(number) => Some(number.to_string()),
        // What is set (a temperature) and not measured stays to the last digit; TraceQL has no exponents.
        Value::Double(number) if number.is_finite() => Some(format!("{number:?}")).filter(|text| !text.contains('e')),
        Value::String(string) => {
            let plain = string.chars().count() <= VALUE_CHARS_MAX && !string.contains(['\n', '\r', '\t']);
            // A suite would put variables in.
            (plain && !string.contains("{{") && !string.contains("${")).then(|| traceql_text(string))
        }
        _ => None,
    }
}

fn field(key: &str) -> String {
    let plain = key.starts_with(|c: char| c.is_ascii_alphabetic())
        && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
        && !key.ends_with('.');
    if plain { format!("span.{key}") } else { format!("span.{}", traceql_text(key)) }
}

/// A YAML string in single quotes.
fn single(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A YAML string, quoted only where it must be.
fn quoted(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ' | '>'))
        && !matches!(text, "true" | "false" | "null" | "yes" | "no" | "on" | "off");
    if plain { text.to_owned() } else { single(&text.replace(['\n', '\r'], " ")) }
}
