//! Which value of one call's answer reaches which later call: the data flow of a trace, from attributes alone.
//!
//! ```text
//! search  db.response… = [doc-0042, doc-0077]      answered at 30 ms
//! rag     prompt = "… doc-0042 …"                  begins at 35 ms: doc-0042 flows from search to rag
//! └ llm   gen_ai.input.messages = "… doc-0042 …"   handed on by rag, and not told again
//! ```
//!
//! A value is a telling word (`provenance.rs`). It comes from the span that had it in an answer and ended first; it reaches
//! those that were given it and began after that, the outermost of each branch.

use std::collections::{BTreeMap, HashMap};

use model::{SpanIndex, Text, Trace};

use crate::limits::{FLOW_VALUES_MAX, FLOW_WORD_LENGTH_MAX, FLOWS_MAX, VALUES_MAX};
use crate::provenance::{KeyKinds, hash_of};
use crate::timeline::Timeline;

/// Values that one span's answer hands to another span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFlow {
    /// The span whose answer had them first.
    pub from: SpanIndex,
    /// The attribute that they stood in there.
    pub from_key: Text,
    /// The span that was given them.
    pub to: SpanIndex,
    /// The attribute that they stand in there.
    pub to_key: Text,
    /// How many different values.
    pub values: u32,
    /// One of them, cut.
    pub example: Text,
}

/// The data flows of a trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataFlows {
    /// By source, key, receiver, key.
    pub flows: Vec<DataFlow>,
    /// Values and flows that there was no room for.
    pub left_out: u64,
}

/// What flows where in `trace`.
#[must_use]
pub fn data_flows(trace: &Trace) -> DataFlows {
    data_flows_on(trace, &Timeline::of(trace))
}

/// As [`data_flows`] for a caller that has the sanitised times already.
pub(crate) fn data_flows_on(trace: &Trace, times: &Timeline) -> DataFlows {
    let mut left_out = 0;
    let mut kinds = KeyKinds::default();
    let sources = sources(trace, times, &mut kinds, &mut left_out);
    let mut flows: BTreeMap<(SpanIndex, Text, SpanIndex, Text), (u32, Text)> = BTreeMap::new();
    if sources.is_empty() {
        return DataFlows { flows: Vec::new(), left_out };
    }
    let order = trace.depth_first();
    let ends = ends_below(&order);
    // By value: where the subtree of its last receiver ends. Whoever stands before that was handed it by the receiver.
    let mut handed_on: HashMap<u64, usize> = HashMap::new();
    for (position, &(span, _)) in order.iter().enumerate() {
        let mut words = 0;
        kinds.each_word(trace.span(span), |key, is_answer, word| {
            words += 1;
            if is_answer || words > VALUES_MAX {
                return;
            }
            let hash = hash_of(word);
            let Some((source, source_key)) = sources.get(&hash) else { return };
            if times.end(*source) > times.start(span) || handed_on.get(&hash).is_some_and(|end| position < *end) {
                return;
            }
            handed_on.insert(hash, ends[position]);
            let key = (*source, source_key.clone(), span, key.clone());
            if flows.len() >= FLOWS_MAX && !flows.contains_key(&key) {
                left_out += 1;
                return;
            }
            let flow = flows
                .entry(key)
                .or_insert_with(|| (0, word.chars().take(FLOW_WORD_LENGTH_MAX).collect::<String>().into()));
            flow.0 += 1;
        });
    }
    let flows = flows.into_iter().map(|((from, from_key, to, to_key), (values, example))| DataFlow {
        from,
        from_key,
        to,
        to_key,
        values,
        example,
    });
    DataFlows { flows: flows.collect(), left_out }
}

/// By position in depth-first order: the first position that does not lie below it any more.
fn ends_below(order: &[(SpanIndex, u32)]) -> Vec<usize> {
    let mut ends = vec![order.len(); order.len()];
    let mut open: Vec<usize> = Vec::new();
    for (position, (_, depth)) in order.iter().enumerate() {
        while let Some(&above) = open.last()
            && order[above].1 >= *depth
        {
            ends[above] = position;
            open.pop();
        }
        open.push(position);
    }
    ends
}

/// By value: the span that had it in an answer and ended first, and under which key.
fn sources<'t>(
    trace: &'t Trace,
    times: &Timeline,
    kinds: &mut KeyKinds<'t>,
    left_out: &mut u64,
) -> HashMap<u64, (SpanIndex, Text)> {
    let mut sources: HashMap<u64, (SpanIndex, Text)> = HashMap::new();
    for span in 0..trace.spans().len() as SpanIndex {
        let mut words = 0;
        kinds.each_word(trace.span(span), |key, is_answer, word| {
            if !is_answer {
                return;
            }
            words += 1;
            let hash = hash_of(word);
            let room = words <= VALUES_MAX && (sources.len() < FLOW_VALUES_MAX || sources.contains_key(&hash));
            if !room {
                *left_out += 1;
                return;
            }
            let known = sources.entry(hash).or_insert_with(|| (span, key.clone()));
            if times.end(span) < times.end(known.0) {
                *known = (span, key.clone());
            }
        });
    }
    sources
}
