//! The spans of one series query, gathered by labels and step.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Duration, Instant, SpanIndex};

use super::compare::Comparison;
use super::histogram::Histogram;
use super::run::GroupOfSpans;
use super::series::{Exemplar, Series};
use super::tree::{MetricsFunction, SeriesQuery};
use super::window::Window;
use crate::evaluate::select;
use crate::field::{Operand, group_text, operands};
use crate::limits::{CELLS_MAX, SERIES_MAX};
use crate::view::View;

/// What is known of the spans of one series in one step.
#[derive(Clone, Debug, Default)]
struct Cell {
    count: u64,
    sum: f64,
    least: f64,
    most: f64,
    histogram: Option<Box<Histogram>>,
    exemplar: Option<Exemplar>,
}

/// Gathers spans. Memory grows with series and steps, not with spans.
#[derive(Clone, Debug)]
pub(super) struct Collector {
    pub query: Arc<SeriesQuery>,
    window: Window,
    cells: BTreeMap<Vec<(String, String)>, BTreeMap<usize, Cell>>,
    comparison: Comparison,
    /// Spans looked at that matched.
    pub matched: u64,
    /// Spans left out because there are too many series, or too many steps with something in them.
    pub left_out: u64,
    cell_count: usize,
}

impl Collector {
    pub fn new(query: &SeriesQuery, window: Window) -> Self {
        let query = Arc::new(query.clone());
        Self {
            query,
            window,
            cells: BTreeMap::new(),
            comparison: Comparison::default(),
            matched: 0,
            left_out: 0,
            cell_count: 0,
        }
    }

    /// Takes in those of the spans found in a trace that start within the window.
    pub fn observe(&mut self, view: &View<'_>, found: &[SpanIndex]) {
        for &span in found {
            if let Some(step) = self.window.step_of(view.trace.span(span).start) {
                self.matched += 1;
                self.span(view, span, step);
            }
        }
    }

    /// Takes in spans that are alike in all that the query asks of them, but for their duration; `view` holds one of them.
    pub fn observe_group(&mut self, view: &View<'_>, group: &GroupOfSpans) {
        if select(&self.query.spans, view).is_empty() {
            return;
        }
        self.matched += group.count;
        let query = Arc::clone(&self.query);
        let labels = query.by.iter().map(|by| (by.to_string(), group_text(by, view, 0))).collect();
        let Some(cell) = self.cell(labels, group.step, group.count) else { return };
        cell.count += group.count;
        cell.sum += seconds(group.duration);
        if matches!(query.function, MetricsFunction::Quantiles(..)) {
            cell.histogram.get_or_insert_default().record_all(&group.buckets);
        }
    }

    /// The cell of these labels in this step; none (and `spans` are counted as left out) if there are too many.
    fn cell(&mut self, labels: Vec<(String, String)>, step: usize, spans: u64) -> Option<&mut Cell> {
        let steps = self.cells.get(&labels);
        let is_new = steps.is_none_or(|steps| !steps.contains_key(&step));
        if is_new && (self.cell_count >= CELLS_MAX || (steps.is_none() && self.cells.len() >= SERIES_MAX)) {
            self.left_out += spans;
            return None;
        }
        self.cell_count += usize::from(is_new);
        Some(self.cells.entry(labels).or_default().entry(step).or_default())
    }

    fn span(&mut self, view: &View<'_>, span: SpanIndex, step: usize) {
        let query = Arc::clone(&self.query);
        if let MetricsFunction::Compare { selection, window, .. } = &query.function {
            return self.comparison.observe(selection.as_ref(), *window, view, span, step);
        }
        let labels: Vec<(String, String)> =
            query.by.iter().map(|by| (by.to_string(), group_text(by, view, span))).collect();
        let Some(of) = query.function.of() else {
            return self.value(labels, view, span, step, seconds(view.trace.span(span).duration()));
        };
        for operand in operands(of, view, span) {
            let Some(number) = number_of(&operand) else { continue };
            let mut labels = labels.clone();
            if let MetricsFunction::Histogram(_) = query.function {
                labels.push(("__bucket".to_owned(), format!("{:?}", bound_above(number))));
            }
            self.value(labels, view, span, step, number);
        }
    }

    fn value(&mut self, labels: Vec<(String, String)>, view: &View<'_>, span: SpanIndex, step: usize, value: f64) {
        let measures = matches!(self.query.function, MetricsFunction::Quantiles(..));
        let Some(cell) = self.cell(labels, step, 1) else { return };
        let first = cell.count == 0;
        cell.count += 1;
        cell.sum += value;
        cell.least = if first { value } else { cell.least.min(value) };
        cell.most = if first { value } else { cell.most.max(value) };
        if measures {
            cell.histogram.get_or_insert_default().record(value);
        }
        let span = view.trace.span(span);
        let exemplar = Exemplar { trace_id: span.trace_id, span_id: span.span_id, at: span.start, value };
        if cell.exemplar.is_none_or(|known| rank(&exemplar) < rank(&known)) {
            cell.exemplar = Some(exemplar);
        }
    }

    /// Occurrences of attributes that `compare` left out because there are too many different ones.
    pub fn attributes_left_out(&self) -> u64 {
        self.comparison.left_out
    }

    /// The series, by labels, with at most `exemplars` examples in all: those of the largest values.
    pub fn finish(self, exemplars: usize) -> Vec<Series> {
        if let MetricsFunction::Compare { top, .. } = self.query.function {
            return self.comparison.finish(top as usize, self.window.steps());
        }
        let mut kept: Vec<Exemplar> =
            self.cells.values().flat_map(BTreeMap::values).filter_map(|cell| cell.exemplar).collect();
        kept.sort_by_key(rank);
        let last = exemplars.checked_sub(1).and_then(|last| kept.get(last).or(kept.last())).map(rank);
        let query = self.query;
        let (window, mut series) = (self.window, Vec::new());
        for (labels, cells) in self.cells {
            let examples = cells.values().filter_map(|cell| cell.exemplar);
            let examples: Vec<Exemplar> = examples.filter(|exemplar| Some(rank(exemplar)) <= last).collect();
            match &query.function {
                MetricsFunction::Quantiles(_, quantiles) => {
                    for &quantile in quantiles {
                        let mut labels = labels.clone();
                        labels.push(("p".to_owned(), format!("{quantile:?}")));
                        let points = points(window, &cells, |cell| cell.histogram.as_ref()?.quantile(quantile));
                        series.push(Series { labels, points, exemplars: examples.clone() });
                    }
                }
                function => {
                    let mut points = points(window, &cells, |cell| Some(number(function, cell, window)));
                    if matches!(
                        function,
                        MetricsFunction::Rate | MetricsFunction::Count | MetricsFunction::Histogram(_)
                    ) {
                        // No span is a count too.
                        points.iter_mut().for_each(|point| *point = Some(point.unwrap_or(0.0)));
                    }
                    series.push(Series { labels, points, exemplars: examples });
                }
            }
        }
        series.sort_by(|a, b| a.labels.cmp(&b.labels));
        series
    }
}

fn number(function: &MetricsFunction, cell: &Cell, window: Window) -> f64 {
    match function {
        MetricsFunction::Rate => cell.count as f64 / seconds(window.step()),
        MetricsFunction::Min(_) => cell.least,
        MetricsFunction::Max(_) => cell.most,
        MetricsFunction::Avg(_) => cell.sum / cell.count as f64,
        MetricsFunction::Sum(_) => cell.sum,
        _ => cell.count as f64,
    }
}

fn points(window: Window, cells: &BTreeMap<usize, Cell>, number: impl Fn(&Cell) -> Option<f64>) -> Vec<Option<f64>> {
    (0..window.steps()).map(|step| cells.get(&step).and_then(&number)).collect()
}

/// Largest value first, then newest, then by id: the same spans whatever the order in which traces come.
fn rank(exemplar: &Exemplar) -> (std::cmp::Reverse<Total>, std::cmp::Reverse<Instant>, [u8; 16], [u8; 8]) {
    let value = Total(exemplar.value);
    (std::cmp::Reverse(value), std::cmp::Reverse(exemplar.at), exemplar.trace_id.0, exemplar.span_id.0)
}

/// A double in total order.
#[derive(Clone, Copy)]
struct Total(f64);

impl PartialEq for Total {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Total {}

impl PartialOrd for Total {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Total {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// Durations count seconds in series.
fn number_of(operand: &Operand<'_>) -> Option<f64> {
    match operand {
        Operand::Duration(duration) => Some(seconds(*duration)),
        other => other.number(),
    }
    .filter(|number| number.is_finite())
}

pub(super) fn seconds(duration: Duration) -> f64 {
    duration.0 as f64 / 1e9
}

/// The smallest power of two that is not below; 0 for what is not above 0.
fn bound_above(number: f64) -> f64 {
    if number <= 0.0 { 0.0 } else { number.log2().ceil().exp2() }
}
