//! Which operation calls which, as a rule: and from the rule, spans that are missing, contexts that were lost, and work
//! that goes on after the answer.

use std::collections::HashMap;

use model::{Duration, FLAG_SAMPLED, FLAGS_CONTEXT_HAS_IS_REMOTE, SpanIndex, Text};

use super::view::View;
use super::{Draft, Total, operation_place};
use crate::fault::is_error;
use crate::finding::{Confidence, EvidenceSet, Finding, FindingKind, Place, Unit};
use crate::limits::KEYS_MAX;
use crate::names::{NameId, Names, OperationId, Renumbered};
use crate::peer::Peers;
use crate::sketch::Sketch;

/// An operation that answers as a rule does so in this share of its calls.
const RULE_SHARE: f64 = 0.95;
/// Fewer calls than this make no rule.
const RULE_CALLS_MIN: u64 = 30;
/// A service whose operation was never seen called must be called in this share of cases to make a rule for it.
const SERVICE_RULE_SHARE: f64 = 0.97;
/// Late by less than this, a span ended late but did no work of its own.
const LATE_MIN: Duration = Duration::from_millis(1);
/// Late in more than this share, it is asynchronous as a rule; in less than the other, it is chance.
const ASYNC_SHARE: (f64, f64) = (0.5, 0.01);

/// Parents and children by operation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Families {
    operations: HashMap<OperationId, Known>,
    /// By service: spans below a span of another one, and those that begin traces as `roots` of [`Known`] are counted.
    services: Vec<(u64, u64)>,
    pairs: HashMap<(OperationId, OperationId), Pair>,
    /// Client spans without an answer, by the service and the far side they name.
    unanswered: HashMap<(NameId, NameId), EvidenceSet>,
    unsampled: HashMap<(NameId, NameId), (u64, EvidenceSet)>,
    pub(crate) left_out: u64,
}

/// What is known of one operation.
#[derive(Clone, Debug, Default)]
struct Known {
    /// Spans below a span of another service.
    called: u64,
    /// Spans without a parent that answer somebody (server, consumer), or whose kind is not told.
    roots: u64,
    root_evidence: EvidenceSet,
    /// Spans whose parent did not come.
    orphans: u64,
    orphan_traces: u64,
    orphan_evidence: EvidenceSet,
    /// Spans with a span of another service below, and spans without one that did not fail.
    answered: u64,
    unanswered: u64,
    unanswered_evidence: EvidenceSet,
}

impl Known {
    fn is_called_as_a_rule(&self) -> bool {
        let seen = self.called + self.roots;
        self.called as f64 >= seen as f64 * RULE_SHARE && seen >= RULE_CALLS_MIN
    }

    fn is_answered_as_a_rule(&self) -> bool {
        let calls = self.answered + self.unanswered;
        self.answered as f64 >= calls as f64 * RULE_SHARE && calls >= RULE_CALLS_MIN
    }
}

fn of_service(services: &mut Vec<(u64, u64)>, service: NameId) -> &mut (u64, u64) {
    if services.len() <= service as usize {
        services.resize(service as usize + 1, (0, 0));
    }
    &mut services[service as usize]
}

/// What makes it a rule that an operation is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    None,
    Operation,
    Service,
}

/// A span that one trace should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingSpan {
    /// Where it should stand.
    pub place: MissingPlace,
    /// The span next to the gap.
    pub at: SpanIndex,
    /// `SERVICE:NAME` that stands there as a rule; none where no rule is known.
    pub expected: Option<Text>,
}

/// Where a span is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MissingPlace {
    /// Above: the span names a parent that did not come.
    Parent,
    /// Above: the span begins a trace although it is called by another as a rule.
    Context,
    /// Below: the call went well and has no span of the callee, which answers with one as a rule.
    Answer,
}

/// What is known of the spans of one operation below those of another.
#[derive(Clone, Debug, Default)]
struct Pair {
    calls: u64,
    late: u64,
    tails: Sketch,
    late_critical: i128,
    evidence: EvidenceSet,
}

impl Families {
    pub(crate) fn add(&mut self, view: &View<'_>, names: &mut Names, peers: &Peers) {
        for index in 0..view.len() {
            self.add_span(view, names, peers, index);
        }
        let mut orphans: Vec<OperationId> = Vec::new();
        for &root in view.trace.roots() {
            let span = view.trace.span(root);
            let telling = i64::from(span.start.0 == 0);
            let place = self.operations.entry(view.operation(root)).or_default();
            if span.parent_span_id.is_some_and(|parent| parent != span.span_id) {
                place.orphans += 1;
                if !orphans.contains(&view.operation(root)) {
                    orphans.push(view.operation(root));
                    place.orphan_traces += 1;
                }
                place.orphan_evidence.add(telling, view.trace.id(), || vec![span.span_id]);
            } else if span.kind.answers() || span.kind.0 <= 1 {
                place.roots += 1;
                of_service(&mut self.services, view.service(root)).1 += 1;
                place.root_evidence.add(telling, view.trace.id(), || vec![span.span_id]);
            }
        }
    }

    fn add_span(&mut self, view: &View<'_>, names: &mut Names, peers: &Peers, index: SpanIndex) {
        let (operation, service) = (view.operation(index), view.service(index));
        let span = view.trace.span(index);
        let remote = view.trace.children(index).iter().any(|&child| view.service(child) != service);
        let place = self.operations.entry(operation).or_default();
        if remote {
            place.answered += 1;
        } else if !is_error(span) && !span.kind.answers() {
            place.unanswered += 1;
            // Only an operation that calls others can miss an answer; most never do and need no evidence.
            if place.answered > 0 || span.kind.asks() {
                place.unanswered_evidence.add(0, view.trace.id(), || vec![span.span_id]);
            }
            if span.kind.asks() && view.trace.children(index).is_empty() {
                self.add_unanswered(view, names, peers, index);
            }
        }
        let Some(parent) = view.trace.parent(index) else { return };
        if view.service(parent) != service {
            self.operations.entry(operation).or_default().called += 1;
            of_service(&mut self.services, service).0 += 1;
            self.add_flags(view, parent, index);
        }
        self.add_pair(view, parent, index);
    }

    fn add_unanswered(&mut self, view: &View<'_>, names: &mut Names, peers: &Peers, client: SpanIndex) {
        let Some(peer) = peers.peer_of(view.trace.span(client)) else { return };
        let key = (view.service(client), names.name(host_of(&peer.name)));
        if self.unanswered.len() >= KEYS_MAX && !self.unanswered.contains_key(&key) {
            self.left_out += 1;
            return;
        }
        self.unanswered.entry(key).or_default().add(0, view.trace.id(), || view.ids(&[client]));
    }

    /// A parent that was sampled hands that on; a callee that decides by itself loses spans of others' traces.
    fn add_flags(&mut self, view: &View<'_>, parent: SpanIndex, child: SpanIndex) {
        let (above, below) = (view.trace.span(parent), view.trace.span(child));
        let told = above.flags & FLAG_SAMPLED != 0 && below.flags & FLAGS_CONTEXT_HAS_IS_REMOTE != 0;
        if told && below.flags & FLAG_SAMPLED == 0 {
            let entry = self.unsampled.entry((view.service(parent), view.service(child))).or_default();
            entry.0 += 1;
            entry.1.add(0, view.trace.id(), || vec![below.span_id]);
        }
    }

    fn add_pair(&mut self, view: &View<'_>, parent: SpanIndex, child: SpanIndex) {
        let key = (view.operation(parent), view.operation(child));
        if self.pairs.len() >= KEYS_MAX && !self.pairs.contains_key(&key) {
            self.left_out += 1;
            return;
        }
        let pair = self.pairs.entry(key).or_default();
        pair.calls += 1;
        let tail = view.times.end(child) - view.times.end(parent);
        // A tail of some length in itself, and against the child: clocks and late span ends are neither.
        if tail >= LATE_MIN && tail.0 >= view.times.duration(child).0 / 20 {
            pair.late += 1;
            pair.tails.insert(tail);
            pair.late_critical += i128::from(view.critical[child as usize]);
            pair.evidence.add(tail.0, view.trace.id(), || view.ids(&[parent, child]));
        }
    }

    pub(crate) fn merge(&mut self, other: Self, numbers: &Renumbered) {
        let operation = |one: OperationId| numbers.operations[one as usize];
        let name = |one: NameId| numbers.names[one as usize];
        for (key, theirs) in other.operations {
            let ours = self.operations.entry(operation(key)).or_default();
            ours.called += theirs.called;
            ours.roots += theirs.roots;
            ours.root_evidence.merge(theirs.root_evidence);
            ours.orphans += theirs.orphans;
            ours.orphan_traces += theirs.orphan_traces;
            ours.orphan_evidence.merge(theirs.orphan_evidence);
            ours.answered += theirs.answered;
            ours.unanswered += theirs.unanswered;
            ours.unanswered_evidence.merge(theirs.unanswered_evidence);
        }
        for (service, (called, roots)) in (0..).zip(other.services) {
            let ours = of_service(&mut self.services, name(service));
            ours.0 += called;
            ours.1 += roots;
        }
        for ((parent, child), theirs) in other.pairs {
            let ours = self.pairs.entry((operation(parent), operation(child))).or_default();
            ours.calls += theirs.calls;
            ours.late += theirs.late;
            ours.late_critical += theirs.late_critical;
            ours.tails.merge(&theirs.tails);
            ours.evidence.merge(theirs.evidence);
        }
        for ((caller, callee), theirs) in other.unanswered {
            self.unanswered.entry((name(caller), name(callee))).or_default().merge(theirs);
        }
        for ((caller, callee), theirs) in other.unsampled {
            let ours = self.unsampled.entry((name(caller), name(callee))).or_default();
            ours.0 += theirs.0;
            ours.1.merge(theirs.1);
        }
        self.left_out += other.left_out;
    }

    pub(crate) fn findings(&self, names: &Names, total: &Total) -> Vec<Finding> {
        let mut found = Vec::new();
        for (&operation, place) in &self.operations {
            found.extend(self.orphans(names, total, operation, place));
            found.extend(self.lost(names, total, operation, place));
            found.extend(self.unanswered(names, total, operation, place));
        }
        found.extend(self.never_joined(names, total));
        found.extend(
            self.unsampled.iter().map(|(&key, (count, evidence))| unsampled(names, total, key, *count, evidence)),
        );
        found.extend(self.pairs.iter().filter_map(|(&key, pair)| async_tail(names, total, key, pair)));
        found
    }

    /// What is missing in one trace, by the rules that all traces made.
    pub(crate) fn missing_in(&self, names: &Names, view: &View<'_>) -> Vec<MissingSpan> {
        let mut missing = Vec::new();
        let name = |operation: Option<OperationId>| operation.map(|one| names.full_name(one).into());
        for &root in view.trace.roots() {
            let (span, operation) = (view.trace.span(root), view.operation(root));
            let is_orphan = span.parent_span_id.is_some_and(|parent| parent != span.span_id);
            let is_lost = self
                .operations
                .get(&operation)
                .is_some_and(|place| place.roots > 0 && self.called_as_a_rule(view.service(root), place) != Rule::None);
            if is_orphan || is_lost {
                let place = if is_orphan { MissingPlace::Parent } else { MissingPlace::Context };
                missing.push(MissingSpan { place, at: root, expected: name(self.usual_caller(operation)) });
            }
        }
        for index in 0..view.len() {
            let operation = view.operation(index);
            let remote = view.trace.children(index).iter().any(|&child| view.service(child) != view.service(index));
            let answers = self.operations.get(&operation).is_some_and(Known::is_answered_as_a_rule);
            if answers && !remote && !is_error(view.trace.span(index)) {
                let expected = name(self.usual_callee(names, operation));
                missing.push(MissingSpan { place: MissingPlace::Answer, at: index, expected });
            }
        }
        missing
    }

    /// Whether spans of an operation are called by others as a rule: by its own spans or, where it is too rare for that, by
    /// those of its service, which then must be called without exception to speak of.
    fn called_as_a_rule(&self, service: NameId, place: &Known) -> Rule {
        if place.called + place.roots >= RULE_CALLS_MIN {
            return if place.is_called_as_a_rule() { Rule::Operation } else { Rule::None };
        }
        let (called, roots) = self.services.get(service as usize).copied().unwrap_or_default();
        let seen = called + roots;
        let share = if place.called > 0 { RULE_SHARE } else { SERVICE_RULE_SHARE };
        let holds = called as f64 >= seen as f64 * share && seen >= RULE_CALLS_MIN;
        if holds { Rule::Service } else { Rule::None }
    }

    /// Whom the spans of `operation` call as a rule.
    fn usual_callee(&self, names: &Names, operation: OperationId) -> Option<OperationId> {
        let callees = self.pairs.iter().filter(|((parent, child), _)| {
            *parent == operation && names.service_of(*child) != names.service_of(operation)
        });
        callees.max_by_key(|((_, child), pair)| (pair.calls, std::cmp::Reverse(*child))).map(|((_, child), _)| *child)
    }

    /// Who calls `operation` as a rule.
    fn usual_caller(&self, operation: OperationId) -> Option<OperationId> {
        let callers = self.pairs.iter().filter(|((_, child), _)| *child == operation);
        callers
            .max_by_key(|((parent, _), pair)| (pair.calls, std::cmp::Reverse(*parent)))
            .map(|((parent, _), _)| *parent)
    }

    fn orphans(&self, names: &Names, total: &Total, operation: OperationId, place: &Known) -> Option<Finding> {
        if place.orphans == 0 {
            return None;
        }
        let usual = self.usual_caller(operation);
        let from = usual.map(|caller| format!(", as a rule {}", names.full_name(caller)));
        let draft = Draft {
            kind: FindingKind::MissingSpans,
            place: Place::Edge {
                caller: usual.map(|caller| names.service_of(caller).clone()).unwrap_or_default(),
                operation: usual.map(|caller| names.name_of(caller).clone()).unwrap_or_default(),
                callee: names.service_of(operation).clone(),
                called: names.name_of(operation).clone(),
            },
            title: format!("the span above {} never came", names.full_name(operation)),
            what: format!(
                "{} spans in {} traces name a parent that was not received{}",
                place.orphans,
                place.orphan_traces,
                from.unwrap_or_default()
            ),
            seen: place.orphan_traces,
            confidence: Confidence::Evidence,
            reason: "the parent's id stands in the span, and no span of this trace has it".into(),
            next_step:
                "look whether the service above exports to this receiver, whether it ends its spans, whether its queue \
                        drops them, and whether both sample alike; a trace that still arrives may fill it"
                    .into(),
            impact: place.orphan_traces as f64 / total.traces.max(1) as f64 * 0.5,
            figures: vec![("orphans", place.orphans as f64, Unit::Count)],
            evidence: place.orphan_evidence.list(),
            variant: "orphans".into(),
            ..Draft::new(total)
        };
        Some(draft.finding())
    }

    fn lost(&self, names: &Names, total: &Total, operation: OperationId, place: &Known) -> Option<Finding> {
        let seen = place.called + place.roots;
        let service = names.service_number_of(operation);
        let rule = self.called_as_a_rule(service, place);
        if place.roots == 0 || rule == Rule::None {
            return None;
        }
        let usual = self.usual_caller(operation).map(|caller| names.service_of(caller).clone()).unwrap_or_default();
        let draft = Draft {
            kind: FindingKind::LostContext,
            place: Place::Edge {
                caller: usual.clone(),
                operation: Text::default(),
                callee: names.service_of(operation).clone(),
                called: names.name_of(operation).clone(),
            },
            title: format!("the context is lost before {}", names.full_name(operation)),
            what: format!(
                "it begins a trace in {} of {seen} cases, and is called by {} in the others",
                place.roots,
                if usual.is_empty() { "another service" } else { &usual }
            ),
            seen: place.roots,
            confidence: if rule == Rule::Service { Confidence::Hint } else { Confidence::of(place.called) },
            reason: match (rule, self.services.get(service as usize)) {
                (Rule::Service, Some((called, roots))) => format!(
                    "seen {seen} times, which is no rule; but spans of {} are called by another service in {called} of {} cases",
                    names.service_of(operation),
                    called + roots
                ),
                _ => format!("called by another service in {} of {seen} cases, which is the rule", place.called),
            },
            next_step:
                "look for a caller that does not send `traceparent`: another client library, a queue, a thread without \
                        the current context, a proxy that removes headers"
                    .into(),
            impact: place.roots as f64 / total.traces.max(1) as f64 * 0.5,
            figures: vec![("roots", place.roots as f64, Unit::Count), ("called", place.called as f64, Unit::Count)],
            evidence: place.root_evidence.list(),
            ..Draft::new(total)
        };
        Some(draft.finding())
    }

    fn unanswered(&self, names: &Names, total: &Total, operation: OperationId, place: &Known) -> Option<Finding> {
        let calls = place.answered + place.unanswered;
        if place.unanswered == 0 || !place.is_answered_as_a_rule() {
            return None;
        }
        let usual = self.usual_callee(names, operation)?;
        let draft = Draft {
            kind: FindingKind::MissingSpans,
            place: Place::Edge {
                caller: names.service_of(operation).clone(),
                operation: names.name_of(operation).clone(),
                callee: names.service_of(usual).clone(),
                called: names.name_of(usual).clone(),
            },
            title: format!("{} did not answer with a span", names.service_of(usual)),
            what: format!(
                "{} of {calls} calls went well and have no span of {} below",
                place.unanswered,
                names.full_name(usual)
            ),
            seen: place.unanswered,
            confidence: Confidence::of(place.answered),
            reason: format!("answered with a span in {} of {calls} calls, which is the rule", place.answered),
            next_step: "look for dropped exports and restarts of the callee, for an instance of it without instrumentation, and \
                        for a cache in the client"
                .into(),
            impact: place.unanswered as f64 / total.traces.max(1) as f64 * 0.5,
            figures: vec![
                ("unanswered", place.unanswered as f64, Unit::Count),
                ("answered", place.answered as f64, Unit::Count),
            ],
            evidence: place.unanswered_evidence.list(),
            variant: "unanswered".into(),
            ..Draft::new(total)
        };
        Some(draft.finding())
    }

    /// A service that always begins its traces although others call it by its name: the context is never handed on.
    fn never_joined(&self, names: &Names, total: &Total) -> Vec<Finding> {
        let mut services: HashMap<&str, (u64, u64, EvidenceSet)> = HashMap::new();
        for (&operation, place) in &self.operations {
            let entry = services.entry(names.service_of(operation)).or_default();
            entry.0 += place.roots;
            entry.1 += place.called;
            entry.2.merge(place.root_evidence.clone());
        }
        let mut found = Vec::new();
        for (&(caller, peer), evidence) in &self.unanswered {
            let callee: &str = names.text(peer);
            let Some((roots, 0, root_evidence)) = services.get(callee) else { continue };
            if *roots == 0 || callee == &**names.text(caller) {
                continue;
            }
            let mut both = evidence.clone();
            both.merge(root_evidence.clone());
            found.push(
                Draft {
                    kind: FindingKind::LostContext,
                    place: Place::Edge {
                        caller: names.text(caller).clone(),
                        operation: Text::default(),
                        callee: callee.into(),
                        called: Text::default(),
                    },
                    title: format!("{} never joins the traces of {}", callee, names.text(caller)),
                    what: format!("{callee} begins {roots} traces of its own, and calls of {} to it have no span below", names.text(caller)),
                    seen: *roots,
                    confidence: Confidence::of(*roots),
                    reason: "the client spans name it, and none of its spans has a parent in another service".into(),
                    next_step: "look whether the client sends `traceparent` (no propagator is set, or its library is not instrumented) \
                                and whether the service reads it"
                        .into(),
                    impact: *roots as f64 / total.traces.max(1) as f64 * 0.5,
                    figures: vec![("roots", *roots as f64, Unit::Count)],
                    evidence: both.list(),
                    variant: "never".into(),
                    ..Draft::new(total)
                }
                .finding(),
            );
        }
        found
    }
}

/// The host of `host:port`, and its first label where it is a name such as `search.prod.svc`.
fn host_of(peer: &str) -> &str {
    let host = peer
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
        .map_or(peer, |(host, _)| host);
    if host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        host
    } else {
        host.split('.').next().unwrap_or(host)
    }
}

fn unsampled(
    names: &Names,
    total: &Total,
    (caller, callee): (NameId, NameId),
    count: u64,
    evidence: &EvidenceSet,
) -> Finding {
    Draft {
        kind: FindingKind::LostContext,
        place: Place::Edge {
            caller: names.text(caller).clone(),
            operation: Text::default(),
            callee: names.text(callee).clone(),
            called: Text::default(),
        },
        title: format!("{} samples by itself what {} had sampled", names.text(callee), names.text(caller)),
        what: format!("{count} spans are marked as not sampled although the span above them is"),
        seen: count,
        confidence: Confidence::Evidence,
        reason: "the flag `sampled` of the span differs from its parent's".into(),
        next_step: "set the callee's sampler to follow its parent (`parentbased_…`)".into(),
        impact: count as f64 / total.traces.max(1) as f64 * 0.2,
        figures: vec![("spans", count as f64, Unit::Count)],
        evidence: evidence.list(),
        variant: "sampled".into(),
        ..Draft::new(total)
    }
    .finding()
}

fn async_tail(
    names: &Names,
    total: &Total,
    (parent, child): (OperationId, OperationId),
    pair: &Pair,
) -> Option<Finding> {
    let share = pair.late as f64 / pair.calls.max(1) as f64;
    if share <= ASYNC_SHARE.1 || pair.late < 3 {
        return None;
    }
    let rule = share > ASYNC_SHARE.0;
    let draft = Draft {
        kind: FindingKind::AsyncTail,
        place: operation_place(names, child),
        title: format!(
            "{} {} after {} has answered",
            names.full_name(child),
            if rule { "goes on" } else { "sometimes goes on" },
            names.full_name(parent)
        ),
        what: format!(
            "{:.0} % of {} spans end later than their parent, by {} at the median, {} at P95",
            share * 100.0,
            pair.calls,
            pair.tails.quantile(0.5),
            pair.tails.quantile(0.95)
        ),
        seen: pair.late,
        confidence: Confidence::of(pair.calls),
        reason: "later by at least a millisecond and by a twentieth of the span: neither a late end nor a clock".into(),
        next_step: if rule {
            "if it is meant to: nothing waits for it, and its errors reach nobody. If not, something is not awaited"
                .into()
        } else {
            "look at such a trace: a caller that gave up, or a task that is not awaited".into()
        },
        impact: 0.005 * share,
        figures: vec![
            ("late_share", share, Unit::Share),
            ("tail_median", pair.tails.quantile(0.5).0 as f64, Unit::Nanos),
        ],
        evidence: pair.evidence.list(),
        variant: names.full_name(parent),
        ..Draft::new(total)
    };
    Some(draft.finding())
}
