//! Spans that are broken in themselves, by service: a remark on the exporter rather than on the system.

use std::collections::{BTreeMap, HashMap, HashSet};

use model::{OddityKind, SpanId, SpanIndex, Text};

use super::view::View;
use super::{Draft, Total};
use crate::finding::{Confidence, EvidenceSet, Finding, FindingKind, Place, Unit};
use crate::limits::KEYS_MAX;

/// Oddities by kind and service.
#[derive(Clone, Debug, Default)]
pub(crate) struct Broken {
    kinds: BTreeMap<(OddityKind, Text), Remarks>,
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
        self.left_out += other.left_out;
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
