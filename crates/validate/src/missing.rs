//! Missing spans and lost contexts: spans of healthy traces are taken away, or cut off into traces of their own, at random;
//! what is reported is held against what was done.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use analysis::{ExplainOptions, Explanation, MissingPlace};
use model::{Span, SpanId, SpanIndex, Trace, TraceId};
use stdx::{Random, SeededRandom};

use crate::paths::recorded;
use crate::{Row, row};

const DATA_SETS: [&str; 4] = ["online-boutique/normal", "train-ticket/normal", "hotel/load25", "media/load25"];
/// An operation seen fewer times makes no rule: what is missing beside it nobody can tell, and it is not asked for.
const SEEN_MIN: u64 = 30;
/// One span in so many is taken away, and one call in so many cut off.
const ONE_IN: u64 = 50;
const PRECISION_MIN: f64 = 0.95;
const RECALL_MIN: f64 = 0.9;

pub(crate) fn rows(folder: &Path) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    for name in DATA_SETS {
        let traces = recorded(folder, name)?;
        rows.push(taken_away(name, &traces));
        rows.push(cut_off(name, &traces));
    }
    Ok(rows)
}

/// What was reported, as trace, place and the span beside the gap.
type Reported = HashSet<(TraceId, MissingPlace, SpanId)>;

fn reported(traces: &[Trace]) -> Reported {
    let mut explanation = Explanation::new(ExplainOptions::default());
    traces.iter().for_each(|trace| explanation.add(trace));
    let of = |trace: &Trace| {
        let missing = explanation.missing_in(trace);
        missing.into_iter().map(|one| (trace.id(), one.place, trace.span(one.at).span_id)).collect::<Vec<_>>()
    };
    traces.iter().flat_map(of).collect()
}

/// Spans that leave a gap that can be seen: they had a child that stayed, or were the only answer of another service.
fn taken_away(name: &str, traces: &[Trace]) -> Row {
    let random = SeededRandom::new(1);
    let (mut damaged, mut truth): (Vec<Trace>, Reported) = (Vec::new(), HashSet::new());
    for trace in traces {
        let taken: HashSet<SpanIndex> = (0..trace.spans().len() as SpanIndex)
            .filter(|&span| trace.parent(span).is_some() && random.below(ONE_IN) == 0)
            .collect();
        for span in 0..trace.spans().len() as SpanIndex {
            if taken.contains(&span) {
                continue;
            }
            if trace.parent(span).is_some_and(|parent| taken.contains(&parent)) {
                truth.insert((trace.id(), MissingPlace::Parent, trace.span(span).span_id));
            }
            let remote = |child: &&SpanIndex| trace.span(**child).service_name() != trace.span(span).service_name();
            let answers: Vec<&SpanIndex> = trace.children(span).iter().filter(remote).collect();
            if !answers.is_empty() && answers.iter().all(|answer| taken.contains(answer)) {
                truth.insert((trace.id(), MissingPlace::Answer, trace.span(span).span_id));
            }
        }
        let (spans, logs) = trace.clone().into_parts();
        let kept = (0..).zip(spans).filter(|(index, _)| !taken.contains(index)).map(|(_, span)| span);
        damaged.push(Trace::assemble(trace.id(), kept.collect(), logs));
    }
    score("missing spans, one in fifty taken away", name, &damaged, &truth)
}

/// Calls whose callee begins a trace of its own, as where nobody hands the context on.
fn cut_off(name: &str, traces: &[Trace]) -> Row {
    let random = SeededRandom::new(2);
    let (mut damaged, mut truth): (Vec<Trace>, Reported) = (Vec::new(), HashSet::new());
    let mut number = 0_u128;
    for trace in traces {
        let mut ids: Vec<TraceId> = vec![trace.id(); trace.spans().len()];
        let mut cut: HashSet<SpanIndex> = HashSet::new();
        for (span, _) in trace.depth_first() {
            let Some(parent) = trace.parent(span) else { continue };
            ids[span as usize] = ids[parent as usize];
            let remote = trace.span(span).service_name() != trace.span(parent).service_name();
            if remote && random.below(ONE_IN) == 0 {
                number += 1;
                ids[span as usize] = TraceId((number << 64 | 0xc07).to_be_bytes());
                cut.insert(span);
                truth.insert((ids[span as usize], MissingPlace::Context, trace.span(span).span_id));
            }
        }
        // The caller is left without an answer unless another one stayed.
        for &span in &cut {
            let Some(parent) = trace.parent(span) else { continue };
            let remote = |child: &&SpanIndex| trace.span(**child).service_name() != trace.span(parent).service_name();
            if trace.children(parent).iter().filter(remote).all(|child| cut.contains(child)) {
                truth.insert((ids[parent as usize], MissingPlace::Answer, trace.span(parent).span_id));
            }
        }
        damaged.extend(parts(trace, &ids, &cut));
    }
    score("lost contexts, one call in fifty cut off", name, &damaged, &truth)
}

fn parts(trace: &Trace, ids: &[TraceId], cut: &HashSet<SpanIndex>) -> Vec<Trace> {
    let mut by_id: std::collections::BTreeMap<TraceId, Vec<Span>> = std::collections::BTreeMap::new();
    for (index, span) in (0..).zip(trace.spans()) {
        let mut span = span.clone();
        span.trace_id = ids[index as usize];
        if cut.contains(&index) {
            span.parent_span_id = None;
        }
        by_id.entry(span.trace_id).or_default().push(span);
    }
    by_id.into_iter().map(|(id, spans)| Trace::assemble(id, spans, Vec::new())).collect()
}

/// Spans whose operation was seen often enough to make a rule.
fn of_known_operations(traces: &[Trace]) -> HashSet<(TraceId, SpanId)> {
    let mut seen: HashMap<(&str, &str), u64> = HashMap::new();
    let spans = || traces.iter().flat_map(Trace::spans);
    spans().for_each(|span| *seen.entry((span.service_name(), &span.name)).or_default() += 1);
    let known = |span: &&Span| seen[&(span.service_name(), &*span.name)] >= SEEN_MIN;
    spans().filter(known).map(|span| (span.trace_id, span.span_id)).collect()
}

fn score(what: &str, name: &str, damaged: &[Trace], truth: &Reported) -> Row {
    let (reported, known) = (reported(damaged), of_known_operations(damaged));
    let asked: Vec<_> = truth
        .iter()
        .filter(|(trace, place, span)| *place == MissingPlace::Parent || known.contains(&(*trace, *span)))
        .collect();
    let right = reported.intersection(truth).count();
    let found = asked.iter().filter(|one| reported.contains(one)).count();
    let precision = right as f64 / reported.len().max(1) as f64;
    let recall = found as f64 / asked.len().max(1) as f64;
    let of_all = right as f64 / truth.len().max(1) as f64;
    let figure = format!(
        "precision {precision:.3}, recall {recall:.3} beside operations seen {SEEN_MIN} times ({} of {}), {of_all:.3} of all {}",
        found,
        asked.len(),
        truth.len()
    );
    let met = precision >= PRECISION_MIN && recall >= RECALL_MIN;
    row(what, name, &format!("precision >= {PRECISION_MIN}, recall >= {RECALL_MIN}"), met, figure)
}
