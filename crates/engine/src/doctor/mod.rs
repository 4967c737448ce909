//! What is wrong with the instrumentation, told from the traces alone: which hop loses the context, whose spans are missing,
//! whose clock is off.
//!
//! ```text
//! caller  POST (client) ── nothing below                 the request reached `orders`, whose span began a trace of its own:
//!         orders  GET /orders (server, root)             "context lost between caller and orders"
//! ```
//!
//! | file | what |
//! | --- | --- |
//! | `mod.rs` | [`Doctor`]: collects signs, trace by trace |
//! | `diagnose.rs` | from signs to [`Ailment`]s |
//! | `remedy.rs` | how to mend each, by language |

mod diagnose;
mod remedy;

use std::collections::{BTreeMap, BTreeSet};

use analysis::{Call, CallKind, ClockOffsets, HostClocks, PeerKind, Peers, calls};
use model::{FLAG_SAMPLED, Instant, Span, SpanId, SpanIndex, SpanKind, Text, Trace, TraceId};

pub use diagnose::{Ailment, AilmentKind, Severity};

use crate::limits::{EVIDENCE_MAX, HOPS_MAX, ID_HALVES_MAX, SCOPES_MAX};

/// Collects signs of broken instrumentation.
#[derive(Clone, Debug, Default)]
pub struct Doctor {
    traces: u64,
    services: BTreeMap<Text, ServiceSigns>,
    /// Spans by service and name: how often each began a trace, and how often it was called by somebody.
    entries: BTreeMap<(Text, Text), EntrySigns>,
    /// Calls by caller and callee.
    hops: BTreeMap<(Text, Text), HopSigns>,
    oddities: BTreeMap<(Text, model::OddityKind), Seen>,
    clocks: ClockOffsets,
    /// By the last 64 bits of a trace's id: ids that are nothing but those, and ids that end in them.
    halves: BTreeMap<[u8; 8], Halves>,
    left_out: u64,
}

/// Traces whose ids have the last 64 bits in common: with zeros before them, and in full.
#[derive(Clone, Debug, Default)]
pub(crate) struct Halves {
    pub(crate) short: Option<(TraceId, SpanId, Text)>,
    pub(crate) full: Option<(TraceId, SpanId, Text)>,
}

/// Some of the spans that show something, and in how many traces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) spans: u64,
    pub(crate) traces: u64,
    pub(crate) evidence: Vec<(TraceId, SpanId)>,
}

impl Seen {
    fn add(&mut self, trace: TraceId, span: SpanId) {
        self.spans += 1;
        if self.evidence.last().is_some_and(|(last, _)| *last == trace) {
            return;
        }
        self.traces += 1;
        // The newest trace is kept in the last place, so that the next span of the same trace is known.
        if self.evidence.len() >= EVIDENCE_MAX {
            self.evidence.pop();
        }
        self.evidence.push((trace, span));
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct ServiceSigns {
    pub(crate) spans: u64,
    pub(crate) traces: u64,
    pub(crate) language: Option<Text>,
    pub(crate) sdk: Option<Text>,
    pub(crate) scopes: BTreeMap<Text, u64>,
    pub(crate) last_seen: Instant,
    /// Spans whose parent was named and not received.
    pub(crate) orphans: Seen,
    /// Who called its orphans' operations where the parent was received.
    pub(crate) called_by: BTreeMap<Text, u64>,
    /// Not sampled in traces where others were.
    pub(crate) unsampled: Seen,
    /// In traces whose id has 64 bits.
    pub(crate) short_ids: Seen,
    /// Without a name of its own.
    pub(crate) unnamed: Seen,
    /// Without `telemetry.sdk.name`.
    pub(crate) without_sdk: u64,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct EntrySigns {
    /// Server or consumer spans that began a trace.
    pub(crate) roots: Seen,
    /// Such spans with a parent, or whose parent was named.
    pub(crate) called: u64,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct HopSigns {
    /// Calls with both sides.
    pub(crate) both: u64,
    /// Calls without a span of the callee, that did not fail for want of one.
    pub(crate) unanswered: Seen,
    /// What the callee is, told by the caller.
    pub(crate) kind: Option<PeerKind>,
}

/// A service as the traces show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceHealth {
    /// Its name.
    pub service: Text,
    /// Its spans.
    pub spans: u64,
    /// Traces it is in.
    pub traces: u64,
    /// `telemetry.sdk.language`.
    pub language: Option<Text>,
    /// `telemetry.sdk.name` and version.
    pub sdk: Option<Text>,
    /// Instrumentation scopes, the most frequent first.
    pub scopes: Vec<Text>,
    /// The start of its newest span.
    pub last_seen: Instant,
}

/// What was told from the traces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// What is wrong, the worst first.
    pub ailments: Vec<Ailment>,
    /// Who sends spans.
    pub services: Vec<ServiceHealth>,
    /// Services that are called and send none.
    pub silent: Vec<Text>,
    /// The clocks of hosts.
    pub clocks: HostClocks,
    /// Signs there was no room for.
    pub left_out: u64,
}

impl Doctor {
    /// Nothing seen.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks at a trace; `peers` has learned from it already.
    pub fn add(&mut self, trace: &Trace, peers: &Peers) {
        self.traces += 1;
        self.clocks.add(trace);
        self.add_id(trace);
        let mut here: BTreeSet<&str> = BTreeSet::new();
        // The flags of OTLP are zero where a sender does not say; only where somebody says "sampled" is a zero telling.
        let says_sampled = trace.spans().iter().any(|span| span.flags & FLAG_SAMPLED != 0);
        for (index, span) in trace.spans().iter().enumerate() {
            if !self.add_span(trace, index as SpanIndex, span, says_sampled) {
                continue;
            }
            if here.insert(span.service_name())
                && let Some(signs) = self.services.get_mut(span.service_name())
            {
                signs.traces += 1;
            }
        }
        for call in calls(trace, peers) {
            self.add_call(trace, call);
        }
        for oddity in trace.oddities().iter().filter(|oddity| oddity.kind.is_broken()) {
            let service = trace.find(oddity.span_id).map(|index| Text::from(trace.span(index).service_name()));
            let key = (service.unwrap_or_default(), oddity.kind);
            if self.oddities.len() >= HOPS_MAX && !self.oddities.contains_key(&key) {
                self.left_out += 1;
                continue;
            }
            self.oddities.entry(key).or_default().add(trace.id(), oddity.span_id);
        }
    }

    fn add_id(&mut self, trace: &Trace) {
        let Some(span) = trace.roots().first().map(|&root| trace.span(root)) else { return };
        let id = trace.id();
        let (mut front, mut back) = ([0; 8], [0; 8]);
        front.copy_from_slice(&id.0[..8]);
        back.copy_from_slice(&id.0[8..]);
        if self.halves.len() >= ID_HALVES_MAX && !self.halves.contains_key(&back) {
            self.left_out += 1;
            return;
        }
        let halves = self.halves.entry(back).or_default();
        let side = if front == [0; 8] { &mut halves.short } else { &mut halves.full };
        side.get_or_insert_with(|| (id, span.span_id, span.service_name().into()));
    }

    fn add_span(&mut self, trace: &Trace, index: SpanIndex, span: &Span, says_sampled: bool) -> bool {
        let service = span.service_name();
        if self.services.len() >= HOPS_MAX && !self.services.contains_key(service) {
            self.left_out += 1;
            return false;
        }
        let signs = self.services.entry(service.into()).or_default();
        signs.spans += 1;
        signs.last_seen = signs.last_seen.max(span.start);
        let resource = &span.resource.attributes;
        if signs.language.is_none() {
            signs.language = resource.text("telemetry.sdk.language").map(Text::from);
            signs.sdk = resource.text("telemetry.sdk.name").map(|name| {
                format!("{name} {}", resource.text("telemetry.sdk.version").unwrap_or_default()).trim_end().into()
            });
        }
        signs.without_sdk += u64::from(resource.text("telemetry.sdk.name").is_none());
        if !span.scope.name.is_empty()
            && (signs.scopes.len() < SCOPES_MAX * 4 || signs.scopes.contains_key(&span.scope.name))
        {
            *signs.scopes.entry(span.scope.name.clone()).or_default() += 1;
        }
        let (id, span_id) = (trace.id(), span.span_id);
        if says_sampled && span.flags & FLAG_SAMPLED == 0 && span.flags != 0 {
            signs.unsampled.add(id, span_id);
        }
        if id.0[..8] == [0; 8] {
            signs.short_ids.add(id, span_id);
        }
        if service.is_empty() || service.starts_with("unknown_service") {
            signs.unnamed.add(id, span_id);
        }
        let parent = trace.parent(index);
        if parent.is_none() && span.parent_span_id.is_some() {
            signs.orphans.add(id, span_id);
        }
        if let Some(caller) = parent.map(|parent| trace.span(parent).service_name()).filter(|caller| *caller != service)
        {
            if signs.called_by.len() < HOPS_MAX || signs.called_by.contains_key(caller) {
                *signs.called_by.entry(caller.into()).or_default() += 1;
            } else {
                self.left_out += 1;
            }
        }
        if matches!(span.kind, SpanKind::SERVER | SpanKind::CONSUMER) {
            self.add_entry(id, span);
        }
        true
    }

    fn add_entry(&mut self, id: TraceId, span: &Span) {
        let key = (Text::from(span.service_name()), span.name.clone());
        if self.entries.len() >= HOPS_MAX && !self.entries.contains_key(&key) {
            self.left_out += 1;
            return;
        }
        let entry = self.entries.entry(key).or_default();
        if span.parent_span_id.is_none() && span.links.is_empty() {
            entry.roots.add(id, span.span_id);
        } else {
            entry.called += 1;
        }
    }

    fn add_call(&mut self, trace: &Trace, call: Call) {
        if call.callee.is_empty() || call.kind == CallKind::Message {
            return;
        }
        let key = (call.caller, call.callee);
        if self.hops.len() >= HOPS_MAX && !self.hops.contains_key(&key) {
            self.left_out += 1;
            return;
        }
        let hop = self.hops.entry(key).or_default();
        match (call.client, call.server, call.kind) {
            (_, Some(_), _) => hop.both += 1,
            // A call that failed may never have reached anybody.
            (Some(client), None, CallKind::Inferred(kind)) if !call.failed => {
                hop.kind.get_or_insert(kind);
                hop.unanswered.add(trace.id(), trace.span(client).span_id);
            }
            (_, None, _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::{Attributes, Resource};

    use super::*;

    fn span(id: u8, parent: u8, service: &str) -> Span {
        let mut span = Span::new(TraceId([1; 16]), SpanId([id; 8]), "work");
        span.parent_span_id = (parent > 0).then_some(SpanId([parent; 8]));
        let attributes = Attributes::from_iter([("service.name", service)]);
        span.resource = Arc::new(Resource { attributes, ..Resource::default() });
        span
    }

    #[test]
    fn a_known_caller_is_counted_where_there_is_no_room_for_a_new_one() {
        let mut doctor = Doctor::new();
        let signs = doctor.services.entry("callee".into()).or_default();
        signs.called_by = (0..HOPS_MAX).map(|caller| (caller.to_string().into(), 1)).collect();
        let spans = vec![span(1, 0, "7"), span(2, 1, "callee"), span(3, 1, "new"), span(4, 3, "callee")];
        doctor.add(&Trace::assemble(TraceId([1; 16]), spans, Vec::new()), &Peers::default());
        let called_by = &doctor.services["callee"].called_by;
        assert_eq!((called_by["7"], called_by.len()), (2, HOPS_MAX));
        assert_eq!(doctor.diagnose().left_out, 1);
    }
}
