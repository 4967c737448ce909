//! Spans that are broken in themselves, by service: a remark on the exporter rather than on the system.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use model::{OddityKind, SpanId, SpanIndex, Text};

use super::view::View;
use super::{Draft, Total};
use crate::finding::{Confidence, EvidenceSet, Finding, FindingKind, Place, Unit};
use crate::limits::KEYS_MAX;

/// Oddities by kind and service.
#[derive(Clone, Debug, Default)]
pub(crate) struct Broken {
    kinds: BTreeMap<(OddityKind, Text), Remarks>,
    /// Of every service together, spans and traces.
    all: BTreeMap<OddityKind, (u64, u64)>,
    pub(crate) left_out: u64,
}

#[derive(Clone, Debug, Default)]
struct Remarks {
    spans: u64,
    traces: u64,
    evidence: EvidenceSet,
}

impl Broken {
    pub(crate) fn add(&mut self, view: &View<'_>) {
        let mut kinds: BTreeSet<OddityKind> = BTreeSet::new();
        for oddity in view.trace.oddities() {
            let (spans, traces) = self.all.entry(oddity.kind).or_default();
            *spans += u64::from(oddity.count);
            *traces += u64::from(kinds.insert(oddity.kind));
        }
        // Parents that are missing are told with what is usually above; late ends with asynchronous work.
        let own = |kind: OddityKind| kind.is_broken() && kind != OddityKind::MissingParent;
        if !view.trace.oddities().iter().any(|oddity| own(oddity.kind)) {
            return;
        }
        let by_id: HashMap<SpanId, SpanIndex> =
            (0..view.len()).rev().map(|index| (view.trace.span(index).span_id, index)).collect();
        let mut here: HashSet<(OddityKind, Text)> = HashSet::new();
        for oddity in view.trace.oddities().iter().filter(|oddity| own(oddity.kind)) {
            let service = by_id.get(&oddity.span_id).map_or("", |&index| view.trace.span(index).service_name());
            let key = (oddity.kind, Text::from(service));
            if self.kinds.len() >= KEYS_MAX && !self.kinds.contains_key(&key) {
                self.left_out += 1;
                continue;
            }
            let remarks = self.kinds.entry(key.clone()).or_default();
            remarks.spans += u64::from(oddity.count);
            remarks.traces += u64::from(here.insert(key));
            remarks.evidence.add(0, view.trace.id(), || vec![oddity.span_id]);
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (key, theirs) in other.kinds {
            let ours = self.kinds.entry(key).or_default();
            ours.spans += theirs.spans;
            ours.traces += theirs.traces;
            ours.evidence.merge(theirs.evidence);
        }
        for (kind, theirs) in other.all {
            let ours = self.all.entry(kind).or_default();
            *ours = (ours.0 + theirs.0, ours.1 + theirs.1);
        }
        self.left_out += other.left_out;
    }

    /// What is broken in all traces together, and how it was taken.
    pub(crate) fn remarks(&self) -> Vec<String> {
        let counted = |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let remark = |(kind, &(spans, traces)): (&OddityKind, &(u64, u64))| {
            let (one, several, taken) = taken(*kind)?;
            let has = if spans == 1 { one } else { several };
            Some(format!("{} of {} {has}: {taken}", counted(spans, "span"), counted(traces, "trace")))
        };
        self.all.iter().filter_map(remark).collect()
    }

    pub(crate) fn findings(&self, total: &Total) -> Vec<Finding> {
        let finding = |((kind, service), remarks): (&(OddityKind, Text), &Remarks)| {
            let (title, next_step) = words(*kind);
            Draft {
                kind: FindingKind::BrokenSpans,
                place: Place::Service(service.clone()),
                title: format!("spans of {service}: {title}"),
                what: format!("{} spans in {} traces: {kind}", remarks.spans, remarks.traces),
                seen: remarks.traces,
                confidence: Confidence::Evidence,
                reason: "true of each of the spans named".into(),
                next_step: next_step.into(),
                impact: remarks.traces as f64 / total.traces.max(1) as f64 * 0.05,
                figures: vec![("spans", remarks.spans as f64, Unit::Count)],
                evidence: remarks.evidence.list(),
                variant: kind.name().into(),
                ..Draft::new(total)
            }
            .finding()
        };
        self.kinds.iter().map(finding).collect()
    }
}

/// What one span, or several, have to them, and how the analyses take it; none where nothing is done to it.
fn taken(kind: OddityKind) -> Option<(&'static str, &'static str, &'static str)> {
    Some(match kind {
        OddityKind::Duplicate => ("was received again", "were received again", "one copy is looked at"),
        OddityKind::MissingParent => {
            ("has a parent that was not received", "have a parent that was not received", "taken for a root")
        }
        OddityKind::Cycle => ("begins a circle of parents", "begin circles of parents", "cut there"),
        OddityKind::SelfParent => ("is its own parent", "are their own parents", "taken for a root"),
        OddityKind::NegativeDuration => ("ends before it starts", "end before they start", "taken to last no time"),
        OddityKind::Unfinished => ("has no end", "have no end", "taken to last until the latest descendant ends"),
        OddityKind::SharedId
        | OddityKind::SeveralRoots
        | OddityKind::StartsBeforeParent
        | OddityKind::EndsAfterParent => return None,
    })
}

fn words(kind: OddityKind) -> (&'static str, &'static str) {
    match kind {
        OddityKind::Duplicate => (
            "sent more than once",
            "an exporter sends again what was received, or two pipelines send the same spans: one copy is analysed",
        ),
        OddityKind::SharedId => (
            "different spans with one id",
            "ids are made badly (a seeded or forked random source), or both sides of a call share one",
        ),
        OddityKind::Cycle => {
            ("parents in a circle", "the instrumentation sets parents wrongly; the circle is cut at its earliest span")
        }
        OddityKind::SelfParent => {
            ("their own parents", "the instrumentation sets parents wrongly; such spans are taken as roots")
        }
        OddityKind::SeveralRoots => (
            "further roots of a trace",
            "a caller that uses one trace id for several requests, or a context that lost its span but kept its trace",
        ),
        OddityKind::NegativeDuration => (
            "end before they start",
            "the clock was set back meanwhile, or start and end come from different clocks; taken as zero",
        ),
        OddityKind::Unfinished => (
            "without an end",
            "spans are exported before they end, or the end is not set: taken to last until their latest descendant",
        ),
        OddityKind::MissingParent | OddityKind::StartsBeforeParent | OddityKind::EndsAfterParent => {
            ("out of place", "look at such a trace")
        }
    }
}
