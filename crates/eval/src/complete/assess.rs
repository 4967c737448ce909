//! What the spans received so far say about those that are not there.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use model::{Duration, FLAG_SAMPLED, FLAGS_CONTEXT_HAS_IS_REMOTE, Span, SpanId, SpanKind, Text};

use super::call;
use super::learned::{Learned, OtherSide, UNSEEN_INTERVAL};
use crate::limits::REASONS_MAX;
use crate::suite::Edge;

/// What must exist is waited for at least this long, however fast its exporter was seen to be: on a machine under load an
/// exporter of 200 ms was seen to be 400 ms late. Only an exporter that is off costs this.
const CERTAIN_FLOOR: Duration = Duration::from_secs(2);

/// What is known beforehand about the trace that is to come.
#[derive(Debug)]
pub(crate) struct Expected<'a> {
    /// The runner's own span: the system's first span is a child of it.
    pub own_span: SpanId,
    /// Who exists, as the suite says.
    pub services: &'a [Text],
    /// Calls that the scenario asserts.
    pub edges: &'a [Edge],
    pub learned: &'a Learned,
}

/// What is missing.
#[derive(Debug, Default)]
pub(super) struct Assessment {
    /// Things that must exist, since something received refers to them.
    pub certain: Vec<Missing>,
    /// Things that may exist.
    pub possible: Vec<Missing>,
}

/// Something that is not there (yet).
#[derive(Debug)]
pub(super) struct Missing {
    pub reason: String,
    /// Whose spans would settle it, where that can be said.
    pub services: BTreeSet<Text>,
}

impl Assessment {
    pub fn is_whole(&self) -> bool {
        self.certain.is_empty() && self.possible.is_empty()
    }

    /// Why, in words, what counts most first; similar ones folded.
    pub fn reasons(&self) -> Vec<String> {
        folded(self.certain.iter().chain(&self.possible).map(|missing| missing.reason.clone()))
    }

    /// How long silence must last until nothing more can be expected.
    pub fn quiet(&self, seen: &BTreeSet<Text>, expected: &Expected<'_>) -> Duration {
        let mut awaited: BTreeSet<&Text> =
            self.certain.iter().chain(&self.possible).flat_map(|missing| &missing.services).collect();
        if awaited.is_empty() {
            // Nobody in particular: whoever has been silent, else whoever spoke may speak again.
            awaited = expected.services.iter().filter(|service| !seen.contains(*service)).collect();
            awaited.extend(seen);
        }
        let interval = awaited.iter().map(|service| expected.learned.interval(service)).max();
        let floor = if self.certain.is_empty() { Duration::ZERO } else { CERTAIN_FLOOR };
        interval.unwrap_or(UNSEEN_INTERVAL).max(floor)
    }
}

fn folded(reasons: impl Iterator<Item = String>) -> Vec<String> {
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (position, reason) in reasons.enumerate() {
        counts.entry(reason).or_insert((position, 0)).1 += 1;
    }
    let mut folded: Vec<(String, (usize, usize))> = counts.into_iter().collect();
    folded.sort_by_key(|(_, (position, _))| *position);
    let rest = folded.len().saturating_sub(REASONS_MAX);
    let mut reasons: Vec<String> = folded
        .into_iter()
        .take(REASONS_MAX)
        .map(|(reason, (_, count))| if count > 1 { format!("{reason} ({count} times)") } else { reason })
        .collect();
    if rest > 0 {
        reasons.push(format!("and {rest} more"));
    }
    reasons
}

/// Looks at every span once.
pub(super) fn assess(spans: &[Span], expected: &Expected<'_>) -> Assessment {
    let ids: HashSet<SpanId> = spans.iter().map(|span| span.span_id).collect();
    let seen: BTreeSet<Text> = spans.iter().map(|span| Text::from(span.service_name())).collect();
    let silent: BTreeSet<Text> = expected.services.iter().filter(|service| !seen.contains(*service)).cloned().collect();
    let mut assessment = Assessment::default();
    entry(spans, expected, &silent, &mut assessment);
    for span in spans {
        parent(span, &ids, expected, &silent, &mut assessment);
        unsampled(span, &mut assessment);
    }
    other_sides(spans, expected, &silent, &mut assessment);
    assessment
}

/// The system's first span, a child of ours, and ended.
fn entry(spans: &[Span], expected: &Expected<'_>, silent: &BTreeSet<Text>, assessment: &mut Assessment) {
    let is_entry = |span: &&Span| span.parent_span_id == Some(expected.own_span);
    if !spans.iter().any(|span| is_entry(&span) && span.end.0 != 0) {
        let reason = if spans.is_empty() {
            "no span has arrived".to_owned()
        } else {
            "the span that continues the runner's request has not arrived".to_owned()
        };
        assessment.certain.push(Missing { reason, services: silent.clone() });
    }
}

fn parent(
    span: &Span,
    ids: &HashSet<SpanId>,
    expected: &Expected<'_>,
    silent: &BTreeSet<Text>,
    assessment: &mut Assessment,
) {
    let Some(parent) = span.parent_span_id else { return };
    if !ids.contains(&parent) && parent != expected.own_span {
        let reason = format!("the parent {parent} of `{}` ({}) has not arrived", span.name, span.service_name());
        assessment.certain.push(Missing { reason, services: silent.clone() });
    }
}

/// A context that says whether its parent is remote, but not that it is sampled: the hop lost the flag.
fn unsampled(span: &Span, assessment: &mut Assessment) {
    // The exporter for Python writes only whether the parent is remote, never the sampled bit.
    let never_says = span.resource.attributes.text("telemetry.sdk.language") == Some("python");
    if !never_says && span.flags & FLAGS_CONTEXT_HAS_IS_REMOTE != 0 && span.flags & FLAG_SAMPLED == 0 {
        let reason = format!(
            "`{}` ({}) came back unsampled: the hop before it dropped the flag",
            span.name,
            span.service_name()
        );
        assessment.certain.push(Missing { reason, services: BTreeSet::new() });
    }
}

/// Client spans that should have a server span.
fn other_sides(spans: &[Span], expected: &Expected<'_>, silent: &BTreeSet<Text>, assessment: &mut Assessment) {
    let mut answered: HashSet<SpanId> = HashSet::new();
    let mut callees: HashSet<(&str, &str)> = HashSet::new();
    let service_of: std::collections::HashMap<SpanId, &str> =
        spans.iter().map(|span| (span.span_id, span.service_name())).collect();
    for span in spans {
        let Some(parent) = span.parent_span_id else { continue };
        let Some(&caller) = service_of.get(&parent) else { continue };
        let crosses = span.service_name() != caller;
        if crosses {
            callees.insert((caller, span.service_name()));
        }
        // A client span below a client span of the same service is the one that leaves the process.
        if crosses || matches!(span.kind, SpanKind::SERVER | SpanKind::CONSUMER | SpanKind::CLIENT) {
            answered.insert(parent);
        }
    }
    let is_absent = |edge: &&Edge| !callees.contains(&(&*edge.caller, &*edge.callee));
    let absent: Vec<&Edge> = expected.edges.iter().filter(is_absent).collect();
    for span in spans.iter().filter(|span| span.kind == SpanKind::CLIENT && !answered.contains(&span.span_id)) {
        other_side(span, expected, silent, &absent, assessment);
    }
}

fn other_side(
    span: &Span,
    expected: &Expected<'_>,
    silent: &BTreeSet<Text>,
    absent: &[&Edge],
    assessment: &mut Assessment,
) {
    let caller = span.service_name();
    let peer = call::peer(span);
    let named = peer.filter(|peer| expected.services.iter().any(|service| &**service == *peer));
    let learned = expected.learned.other_side(span);
    let callee: Option<Text> = match learned {
        OtherSide::Service(service) => Some(service.into()),
        _ => named.map(Text::from),
    };
    if span.is_error() {
        // Refused and timed-out calls need no server span; one that was answered probably has one.
        if let Some(callee) = callee.filter(|_| call::was_answered(span)) {
            let reason =
                format!("{callee} answered {caller}'s `{}` with an error; its span has not arrived", span.name);
            assessment.possible.push(Missing { reason, services: [callee].into() });
        }
        return;
    }
    if let Some(callee) = callee {
        let reason = format!("{caller} called {callee} (`{}`), whose server span has not arrived", span.name);
        assessment.certain.push(Missing { reason, services: [callee].into() });
        return;
    }
    let of_caller: Vec<&&Edge> = absent.iter().filter(|edge| &*edge.caller == caller).collect();
    if !of_caller.is_empty() {
        let callees: BTreeSet<Text> = of_caller.iter().map(|edge| edge.callee.clone()).collect();
        let reason = format!(
            "{caller} made a call (`{}`) whose server span, perhaps of {}, has not arrived",
            span.name,
            either(&callees)
        );
        assessment.certain.push(Missing { reason, services: callees });
        return;
    }
    if learned == OtherSide::Untraced || silent.is_empty() || call::is_usually_untraced(span) {
        return;
    }
    let reason =
        format!("{caller} made a call (`{}`) without a server span, while {} sent nothing", span.name, either(silent));
    let missing = Missing { reason, services: silent.clone() };
    if peer.is_some_and(call::is_public) {
        assessment.possible.push(missing);
    } else {
        assessment.certain.push(missing);
    }
}

fn either(services: &BTreeSet<Text>) -> String {
    let names: Vec<&str> = services.iter().take(5).map(|service| &**service).collect();
    names.join(" or ")
}
