//! Data flow between operations over many traces: which values of whose answers reach whom.

use std::collections::HashMap;

use model::Text;

use super::view::View;
use crate::data_flow::data_flows_on;
use crate::finding::{Evidence, EvidenceSet};
use crate::limits::{FLOW_TRACES_MAX, FLOWS_MAX};
use crate::names::{Names, OperationId, Renumbered};

/// Values that the answers of one operation hand to another, over many traces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueFlow {
    /// Service and operation whose answers hold the values.
    pub from: (Text, Text),
    /// The attribute that they stand in there.
    pub from_key: Text,
    /// Service and operation that are given them.
    pub to: (Text, Text),
    /// The attribute that they stand in there.
    pub to_key: Text,
    /// In how many traces, of how many that were followed.
    pub traces: (u64, u64),
    /// Different values, each counted once a trace.
    pub values: u64,
    /// One of them, cut.
    pub example: Text,
    /// Some of the traces, with the spans on both sides.
    pub evidence: Vec<Evidence>,
}

type FlowKey = (OperationId, Text, OperationId, Text);

#[derive(Clone, Debug, Default)]
pub(crate) struct Flowing {
    /// Traces that were followed.
    followed: u64,
    flows: HashMap<FlowKey, Flow>,
    pub(crate) left_out: u64,
}

#[derive(Clone, Debug, Default)]
struct Flow {
    traces: u64,
    values: u64,
    example: Text,
    evidence: EvidenceSet,
}

impl Flowing {
    pub(crate) fn add(&mut self, view: &View<'_>) {
        if self.followed >= FLOW_TRACES_MAX {
            return;
        }
        self.followed += 1;
        let found = data_flows_on(view.trace, &view.times);
        self.left_out += found.left_out;
        let mut here: HashMap<FlowKey, (u64, Text, Vec<model::SpanIndex>)> = HashMap::new();
        for flow in found.flows {
            let key = (view.operation(flow.from), flow.from_key, view.operation(flow.to), flow.to_key);
            let (values, example, spans) = here.entry(key).or_default();
            *values += u64::from(flow.values);
            if spans.is_empty() {
                *example = flow.example;
            }
            spans.extend([flow.from, flow.to]);
        }
        for (key, (values, example, spans)) in here {
            if self.flows.len() >= FLOWS_MAX && !self.flows.contains_key(&key) {
                self.left_out += 1;
                continue;
            }
            let flow = self.flows.entry(key).or_default();
            flow.traces += 1;
            flow.values += values;
            flow.take_example(example);
            flow.evidence.add(values as i64, view.trace.id(), || view.ids(&spans));
        }
    }

    pub(crate) fn merge(&mut self, other: Self, numbers: &Renumbered) {
        self.followed += other.followed;
        self.left_out += other.left_out;
        let operation = |one: OperationId| numbers.operations[one as usize];
        for ((from, from_key, to, to_key), theirs) in other.flows {
            let key = (operation(from), from_key, operation(to), to_key);
            if self.flows.len() >= FLOWS_MAX && !self.flows.contains_key(&key) {
                self.left_out += 1;
                continue;
            }
            let ours = self.flows.entry(key).or_default();
            ours.traces += theirs.traces;
            ours.values += theirs.values;
            ours.take_example(theirs.example);
            ours.evidence.merge(theirs.evidence);
        }
    }

    /// The most frequent first.
    pub(crate) fn flows(&self, names: &Names) -> Vec<ValueFlow> {
        let named = |operation| (names.service_of(operation).clone(), names.name_of(operation).clone());
        let mut flows: Vec<ValueFlow> = self
            .flows
            .iter()
            .map(|((from, from_key, to, to_key), flow)| ValueFlow {
                from: named(*from),
                from_key: from_key.clone(),
                to: named(*to),
                to_key: to_key.clone(),
                traces: (flow.traces, self.followed),
                values: flow.values,
                example: flow.example.clone(),
                evidence: flow.evidence.list(),
            })
            .collect();
        flows.sort_by(|a, b| {
            let rank = |flow: &ValueFlow| (std::cmp::Reverse(flow.traces.0), std::cmp::Reverse(flow.values));
            rank(a)
                .cmp(&rank(b))
                .then_with(|| (&a.from, &a.from_key, &a.to, &a.to_key).cmp(&(&b.from, &b.from_key, &b.to, &b.to_key)))
        });
        flows
    }
}

impl Flow {
    /// The first by text, so that the order of traces does not matter.
    fn take_example(&mut self, example: Text) {
        if self.example.is_empty() || example < self.example {
            self.example = example;
        }
    }
}
