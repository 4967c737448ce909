//! What the analyses say, in the shapes of the API.

use analysis::{Confidence, Explained, PathVerdict, Place, SkewVerdict, Spot, Verdict};
use engine::{Compared, Predicted, Severity};
use model::{Duration, Text};
use wire::{
    Ailment, AttributeDifference, CannotTell, ChangeEffect, ChangedTrace, ClockVerdict, Clocks, CriticalDifference,
    DifferenceVerdict, Finding, FindingConfidence, FindingEvidence, FindingFigure, FindingPlace, HostClock, HostPair,
    OperationDifference, PlaceKind, RootCauseAnswer, RootCauseSuspect, SavingBounds, ServiceHealth, Spread,
    StructureChange, StructureDifference, UnixNanos, ValueFlow,
};

fn evidence_of(evidence: &[analysis::Evidence]) -> Vec<FindingEvidence> {
    let of = |evidence: &analysis::Evidence| {
        let trace_id = evidence.trace.to_string();
        let whole = evidence.spans.is_empty().then_some(None);
        let spans: Vec<_> = evidence.spans.iter().map(|span| Some(span.to_string())).chain(whole).collect();
        spans.into_iter().map(move |span_id| FindingEvidence { trace_id: trace_id.clone(), span_id })
    };
    evidence.iter().flat_map(of).collect()
}

/// Values that flow from one operation's answers to another.
pub fn flow_of(flow: &analysis::ValueFlow) -> ValueFlow {
    ValueFlow {
        from_service: flow.from.0.to_string(),
        from_operation: flow.from.1.to_string(),
        from_key: flow.from_key.to_string(),
        to_service: flow.to.0.to_string(),
        to_operation: flow.to.1.to_string(),
        to_key: flow.to_key.to_string(),
        trace_count: flow.traces.0,
        trace_total: flow.traces.1,
        values: flow.values,
        example: flow.example.to_string(),
        evidence: evidence_of(&flow.evidence),
    }
}

/// A finding.
pub fn finding_of(finding: &analysis::Finding) -> Finding {
    Finding {
        id: finding.id.to_string(),
        kind: finding.kind.name().to_owned(),
        title: finding.title.clone(),
        place: place_of(&finding.place),
        what: finding.what.clone(),
        details: Some(finding.reason.clone()).filter(|reason| !reason.is_empty()).into_iter().collect(),
        trace_count: finding.traces.0,
        trace_total: finding.traces.1,
        evidence: evidence_of(&finding.evidence),
        cost: Some(finding.cost.0).filter(|cost| *cost != 0),
        saving: finding.saving.map(|saving| SavingBounds {
            least: saving.least.0,
            median: saving.median.0,
            p95: saving.p95.0,
            most: saving.most.0,
        }),
        tokens_saved: finding.waste.map(|waste| waste.tokens),
        money_saved: finding.waste.and_then(|waste| waste.usd),
        confidence: match finding.confidence {
            Confidence::CannotTell => FindingConfidence::CannotTell,
            Confidence::Hint => FindingConfidence::Hint,
            Confidence::Evidence => FindingConfidence::Evidence,
        },
        next_step: finding.next_step.clone(),
        impact: finding.impact,
        figures: finding
            .figures
            .iter()
            .map(|figure| FindingFigure {
                name: figure.name.to_owned(),
                value: figure.value,
                unit: figure.unit.name().to_owned(),
            })
            .collect(),
    }
}

fn place_of(place: &Place) -> FindingPlace {
    let some = |text: &Text| Some(text.to_string()).filter(|text| !text.is_empty());
    let (kind, service, operation, callee, called) = match place {
        Place::Service(service) => (PlaceKind::Service, some(service), None, None, None),
        Place::Operation { service, operation } => (PlaceKind::Operation, some(service), some(operation), None, None),
        Place::Edge { caller, operation, callee, called } => {
            (PlaceKind::Edge, some(caller), some(operation), some(callee), some(called))
        }
        Place::Hosts(one, other) => (PlaceKind::Hosts, some(one), None, some(other), None),
        Place::Traces => (PlaceKind::Traces, None, None, None, None),
    };
    FindingPlace { kind, text: place.to_string(), service, operation, callee, called }
}

/// Analyses that could not say anything.
pub fn cannot_tell_of(explained: &Explained) -> Vec<CannotTell> {
    let of = |told: &analysis::CannotTell| CannotTell {
        analysis: told.kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", "),
        why: told.why.clone(),
    };
    explained.cannot_tell.iter().map(of).collect()
}

/// Quantiles of ascending durations.
pub fn spread_of(sorted: &[Duration]) -> Spread {
    let at = |share: f64| {
        let rank = ((share * sorted.len() as f64).ceil() as usize).clamp(1, sorted.len().max(1));
        sorted.get(rank - 1).map(|duration| duration.0)
    };
    Spread { count: sorted.len() as u64, p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}

/// Each change alone.
pub fn effects_of(predicted: &Predicted) -> Vec<ChangeEffect> {
    let of = |effect: &engine::PredictedEffect| ChangeEffect {
        text: effect.change.to_string(),
        span_count: effect.spans,
        changed_count: effect.savings.len() as u64,
        saving: spread_of(&effect.savings),
    };
    predicted.effects.iter().map(of).collect()
}

/// The traces that change most.
pub fn examples_of(predicted: &Predicted) -> Vec<ChangedTrace> {
    let examples = predicted.examples.iter();
    examples
        .map(|(id, before, after)| ChangedTrace { trace_id: id.to_string(), before: before.0, after: after.0 })
        .collect()
}

/// What was assumed, and operations that are not there.
pub fn what_if_remarks(predicted: &Predicted) -> Vec<String> {
    let mut remarks: Vec<String> = predicted
        .missing
        .iter()
        .map(|(wanted, near)| {
            let near = if near.is_empty() { String::new() } else { format!(": there are {}", near.join(", ")) };
            format!("no span is called \"{wanted}\"{near}")
        })
        .collect();
    let changes = || predicted.effects.iter().map(|effect| &effect.change);
    if changes().any(|change| matches!(change, analysis::Change::Cache { hit_share: 1.0.., .. })) {
        remarks.push(
            "every call is taken to be answered by the cache at once: a lower hit ratio saves as much less".into(),
        );
    }
    if changes().any(|change| matches!(change, analysis::Change::Cache { hit_share: ..1.0, .. })) {
        remarks.push(
            "of a cache that has a share of the calls, which of them hit is drawn by the ids of spans; a hit is answered at once"
                .into(),
        );
    }
    if changes().any(|change| matches!(change, analysis::Change::Parallel(_))) {
        remarks.push(
            "calls that need each other's answers cannot run side by side: the traces do not say, look at them".into(),
        );
    }
    remarks.push(
        "what calls wait for each other is kept; contention is not modelled, so a saving is an upper bound".into(),
    );
    remarks
}

/// Places in the tree of calls.
pub fn structure_of(compared: &Compared) -> Vec<StructureDifference> {
    let per = |count: u64, traces: u64| count as f64 / traces.max(1) as f64;
    let (before, after) = compared.traces;
    let of = |place: &analysis::PathDifference| {
        let path: Vec<&str> = place.path.iter().map(|step| &**step).collect();
        let (service, operation) = path.last().and_then(|step| step.split_once(':')).unwrap_or_default();
        StructureDifference {
            path: path.join(" > "),
            service: service.to_owned(),
            operation: operation.to_owned(),
            change: match place.verdict {
                PathVerdict::Added => StructureChange::Added,
                PathVerdict::Removed => StructureChange::Removed,
                PathVerdict::Fewer => StructureChange::Fewer,
                PathVerdict::More | PathVerdict::Same | PathVerdict::NotEnoughData => StructureChange::More,
            },
            share_before: per(place.traces.0, before),
            share_after: per(place.traces.1, after),
            mean_before: per(place.calls.0, before),
            mean_after: per(place.calls.1, after),
            example: place.example.map(|id| id.to_string()),
        }
    };
    compared.structure.iter().map(of).collect()
}

/// Attribute values that are more frequent on one side.
pub fn attributes_of(compared: &Compared) -> Vec<AttributeDifference> {
    let of = |one: &analysis::AttributeDifference| AttributeDifference {
        key: if one.key.starts_with("resource.") { one.key.to_string() } else { format!("span.{}", one.key) },
        value: Some(one.value.to_string()),
        share_before: one.shares.1,
        share_after: one.shares.0,
        together_with: one.together_with.iter().map(ToString::to_string).collect(),
    };
    compared.attributes.iter().map(of).collect()
}

/// Where time went, the largest differences.
pub fn critical_of(compared: &Compared, most: usize) -> Vec<CriticalDifference> {
    let of = |((service, operation), before, after): &((Text, Text), Duration, Duration)| CriticalDifference {
        service: service.to_string(),
        operation: operation.to_string(),
        mean_before: before.0,
        mean_after: after.0,
    };
    compared.critical.iter().take(most).map(of).collect()
}

/// Operations that differ, the largest difference first.
pub fn operations_of(compared: &Compared) -> Vec<OperationDifference> {
    let differs =
        |difference: &&analysis::Difference| !matches!(difference.verdict, Verdict::Same | Verdict::NotEnoughData);
    let mut found: Vec<OperationDifference> = compared.operations.iter().filter(differs).map(operation_of).collect();
    let size = |one: &OperationDifference| {
        let moved = |before: i64, after: i64| (after - before).saturating_abs();
        moved(one.median_before, one.median_after).max(moved(one.p95_before, one.p95_after))
    };
    found.sort_by_key(|one| std::cmp::Reverse(size(one)));
    found
}

fn operation_of(difference: &analysis::Difference) -> OperationDifference {
    OperationDifference {
        service: difference.service.to_string(),
        operation: difference.operation.to_string(),
        verdict: match difference.verdict {
            Verdict::Same => DifferenceVerdict::Same,
            Verdict::Slower => DifferenceVerdict::Slower,
            Verdict::Faster => DifferenceVerdict::Faster,
            Verdict::SlowerTail => DifferenceVerdict::SlowerTail,
            Verdict::FasterTail => DifferenceVerdict::FasterTail,
            Verdict::MoreErrors => DifferenceVerdict::MoreErrors,
            Verdict::FewerErrors => DifferenceVerdict::FewerErrors,
            Verdict::NotEnoughData => DifferenceVerdict::NotEnoughData,
            Verdict::Added => DifferenceVerdict::Added,
            Verdict::Removed => DifferenceVerdict::Removed,
        },
        median_before: difference.median.0.0,
        median_after: difference.median.1.0,
        p95_before: difference.p95.0.0,
        p95_after: difference.p95.1.0,
        count_before: difference.count.0,
        count_after: difference.count.1,
        errors_before: difference.errors.0,
        errors_after: difference.errors.1,
    }
}

/// Suspects told.
const SUSPECTS_MAX: usize = 5;

/// Who made it slower.
pub fn root_cause_of(compared: &Compared) -> RootCauseAnswer {
    let cause = match &compared.root_cause {
        Ok(cause) => cause,
        Err(why) => {
            return RootCauseAnswer { answer: None, why: why.clone(), threshold: None, suspects: Vec::new() };
        }
    };
    let suspects: Vec<RootCauseSuspect> = cause
        .suspects
        .iter()
        .filter(|suspect| suspect.score > 0.0)
        .take(SUSPECTS_MAX)
        .map(|suspect| RootCauseSuspect {
            service: suspect.service.to_string(),
            place: match &suspect.spot {
                Spot::Own { service, operation, .. } => format!("{service}:{operation}"),
                Spot::Edge { caller, callee, .. } => format!("{caller} -> {callee}"),
            },
            score: suspect.score,
            p90_before: suspect.p90_normal.0,
            p90_after: suspect.p90_abnormal.0,
        })
        .collect();
    let why = match (&cause.answer, suspects.first()) {
        (Some(service), Some(worst)) => format!(
            "the time spent in {} rose by {:.1} times its usual variation; by chance it is below {:.1}: {service} answers for it",
            worst.place, worst.score, cause.threshold
        ),
        (_, Some(worst)) => format!(
            "the most that any place rose is {:.1} times its usual variation ({}), and by chance that may be {:.1}",
            worst.score, worst.place, cause.threshold
        ),
        (_, None) => "no place of the traces became slower".to_owned(),
    };
    RootCauseAnswer {
        answer: cause.answer.as_ref().map(ToString::to_string),
        why,
        threshold: Some(cause.threshold),
        suspects,
    }
}

/// An ailment.
pub fn ailment_of(ailment: &engine::Ailment, trace_total: u64) -> Ailment {
    let place = format!("{}\0{}", ailment.caller.as_deref().unwrap_or_default(), ailment.service);
    // FNV-1a, as for the ids of findings.
    let hash = place
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    Ailment {
        id: format!("{}-{hash:016x}", ailment.kind.name()),
        kind: ailment.kind.name().to_owned(),
        severity: match ailment.severity {
            Severity::Broken => wire::Severity::Broken,
            Severity::Warning => wire::Severity::Warning,
            Severity::Note => wire::Severity::Note,
        },
        service: ailment.service.to_string(),
        caller: ailment.caller.as_ref().map(ToString::to_string),
        what: ailment.what.clone(),
        pattern: ailment.pattern.clone(),
        remedy: ailment.remedy.clone(),
        trace_count: ailment.traces.min(trace_total),
        trace_total,
        evidence: ailment
            .evidence
            .iter()
            .map(|(trace, span)| FindingEvidence { trace_id: trace.to_string(), span_id: Some(span.to_string()) })
            .collect(),
    }
}

/// A service that sends spans.
pub fn service_of(service: &engine::ServiceHealth) -> ServiceHealth {
    ServiceHealth {
        service: service.service.to_string(),
        span_count: service.spans,
        trace_count: service.traces,
        language: service.language.as_ref().map(ToString::to_string),
        sdk: service.sdk.as_ref().map(ToString::to_string),
        scopes: service.scopes.iter().map(ToString::to_string).collect(),
        last_seen: UnixNanos(service.last_seen.0),
        silent: false,
    }
}

/// A service that only its callers tell of.
pub fn silent_service(name: &Text) -> ServiceHealth {
    ServiceHealth {
        service: name.to_string(),
        span_count: 0,
        trace_count: 0,
        language: None,
        sdk: None,
        scopes: Vec::new(),
        last_seen: UnixNanos(0),
        silent: true,
    }
}

/// The clocks of hosts; of all of them, or of those that `of` names.
pub fn clocks_of(clocks: &analysis::HostClocks, of: impl Fn(&str) -> bool) -> Clocks {
    let hosts = clocks.hosts.iter().filter(|one| of(&one.host));
    let pairs = clocks.pairs.iter().filter(|pair| of(&pair.hosts.0) && of(&pair.hosts.1));
    Clocks {
        at: UnixNanos(clocks.at.0),
        hosts: hosts
            .map(|one| HostClock {
                host: one.host.to_string(),
                reference: one.reference.to_string(),
                offset: one.offset.0,
                least: one.bounds.0.0,
                most: one.bounds.1.0,
                drift: one.drift,
                is_moved: one.is_moved,
                calls: one.calls as u64,
                verdict: clock_verdict_of(one.verdict),
            })
            .collect(),
        pairs: pairs
            .map(|pair| HostPair {
                one: pair.hosts.0.to_string(),
                other: pair.hosts.1.to_string(),
                offset: pair.offset.0,
                least: pair.bounds.0.0,
                most: pair.bounds.1.0,
                drift: pair.drift,
                calls: pair.calls as u64,
                verdict: clock_verdict_of(pair.verdict),
            })
            .collect(),
    }
}

fn clock_verdict_of(verdict: SkewVerdict) -> ClockVerdict {
    match verdict {
        SkewVerdict::Skewed => ClockVerdict::Skewed,
        SkewVerdict::NotProven => ClockVerdict::NotProven,
        SkewVerdict::Contradictory => ClockVerdict::Contradictory,
        SkewVerdict::NotEnoughCalls => ClockVerdict::NotEnoughCalls,
    }
}
