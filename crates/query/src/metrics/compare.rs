//! `compare`: how often each attribute value occurs within and outside a selection of the spans.

use std::collections::BTreeMap;

use model::{Attributes, Instant, SpanIndex, Value};

use super::series::Series;
use crate::field::{Operand, field_operands, holds};
use crate::limits::{COMPARE_KEYS_MAX, COMPARE_VALUES_MAX};
use crate::tree::{Field, FieldExpression, Intrinsic};
use crate::view::View;

/// Spans in the selection, and others, by step.
type Counts = BTreeMap<usize, [u64; 2]>;

const GROUPS: [&str; 2] = ["selection", "baseline"];

#[derive(Clone, Debug, Default)]
pub(super) struct Comparison {
    keys: BTreeMap<String, Key>,
    /// Occurrences of attributes beyond [`COMPARE_KEYS_MAX`]: they are in no series.
    pub left_out: u64,
}

#[derive(Clone, Debug, Default)]
struct Key {
    values: BTreeMap<String, Counts>,
    totals: Counts,
    overflowed: bool,
}

impl Comparison {
    pub fn observe(
        &mut self,
        selection: Option<&FieldExpression>,
        window: Option<(Instant, Instant)>,
        view: &View<'_>,
        index: SpanIndex,
        step: usize,
    ) {
        let span = view.trace.span(index);
        let in_time = window.is_none_or(|(from, to)| from <= span.start && span.start < to);
        let selected = in_time && selection.is_none_or(|selection| holds(selection, view, index));
        let group = usize::from(!selected);
        for intrinsic in [Intrinsic::Name, Intrinsic::Status, Intrinsic::Kind, Intrinsic::StatusMessage] {
            let operands = field_operands(&Field::Intrinsic(intrinsic), view, index);
            for text in operands.iter().map(Operand::text).filter(|text| !text.is_empty()) {
                self.count(intrinsic.name().to_owned(), text, group, step);
            }
        }
        self.attributes("span", &span.attributes, group, step);
        self.attributes("resource", &span.resource.attributes, group, step);
    }

    fn attributes(&mut self, scope: &str, attributes: &Attributes, group: usize, step: usize) {
        for (key, value) in attributes.iter() {
            // Long texts and nested values are no classes that spans fall into.
            if matches!(value, Value::String(_) | Value::Int(_) | Value::Bool(_) | Value::Double(_)) {
                self.count(format!("{scope}.{key}"), value.to_string(), group, step);
            }
        }
    }

    fn count(&mut self, key: String, value: String, group: usize, step: usize) {
        if self.keys.len() >= COMPARE_KEYS_MAX && !self.keys.contains_key(&key) {
            self.left_out += 1;
            return;
        }
        let key = self.keys.entry(key).or_default();
        key.totals.entry(step).or_default()[group] += 1;
        if key.values.len() >= COMPARE_VALUES_MAX && !key.values.contains_key(&value) {
            key.overflowed = true;
            return;
        }
        key.values.entry(value).or_default().entry(step).or_default()[group] += 1;
    }

    /// For each attribute and group the `top` most frequent values, how many spans carry the attribute, and an error
    /// series where there are more values.
    pub fn finish(self, top: usize, steps: usize) -> Vec<Series> {
        let mut series = Vec::new();
        for (name, key) in self.keys {
            let mut more = key.overflowed;
            for (group, group_name) in GROUPS.into_iter().enumerate() {
                let sum = |counts: &Counts| counts.values().map(|both| both[group]).sum::<u64>();
                let mut values: Vec<(&String, &Counts)> =
                    key.values.iter().filter(|(_, counts)| sum(counts) > 0).collect();
                // Stable: of equals the first by value.
                values.sort_by_key(|(_, counts)| std::cmp::Reverse(sum(counts)));
                more |= values.len() > top;
                for (value, counts) in values.into_iter().take(top) {
                    series.push(line("__meta_type", group_name, &name, value, points(counts, group, steps)));
                }
                let total = format!("{group_name}_total");
                series.push(line("__meta_type", &total, &name, "nil", points(&key.totals, group, steps)));
            }
            if more {
                series.push(line("__meta_error", "__too_many_values__", &name, "nil", vec![None; steps]));
            }
        }
        series.sort_by(|a, b| a.labels.cmp(&b.labels));
        series
    }
}

fn points(counts: &Counts, group: usize, steps: usize) -> Vec<Option<f64>> {
    (0..steps).map(|step| Some(counts.get(&step).map_or(0, |both| both[group]) as f64)).collect()
}

fn line(meta: &str, kind: &str, key: &str, value: &str, points: Vec<Option<f64>>) -> Series {
    let labels = vec![(meta.to_owned(), kind.to_owned()), (key.to_owned(), value.to_owned())];
    Series { labels, points, exemplars: Vec::new() }
}
