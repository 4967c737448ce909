//! Series of numbers over time.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use model::Duration;
use wire::{Series, SeriesList};

use super::cost_text;
use super::csv::quoted;
use crate::terminal::{Style, Terminal, pad, printable};

/// Eight heights of a bar, lowest first.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Characters of a curve at most.
const CURVE_WIDTH: usize = 40;

pub fn table(list: &SeriesList, terminal: Terminal) -> String {
    let mut out = String::new();
    let (title, labels) = labels_of(&list.series);
    let longest = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
    let room = terminal.width.saturating_sub(CURVE_WIDTH + 36).max(20);
    let width = longest.clamp(6, room);
    let head = format!("{}  {:>10}  {:>10}  {:>10}  over time", pad(&title, width), "least", "most", "last");
    let _ = writeln!(out, "{}", terminal.paint(Style::Bold, &head));
    for (series, label) in list.series.iter().zip(&labels) {
        let known: Vec<f64> = series.points.iter().copied().flatten().collect();
        let (least, most) = (known.iter().copied().reduce(f64::min), known.iter().copied().reduce(f64::max));
        let [least, most, last] = [least, most, series.points.iter().rev().copied().flatten().next()].map(number);
        let _ = writeln!(out, "{}  {least:>10}  {most:>10}  {last:>10}  {}", pad(label, width), curve(series));
    }
    let (steps, step) = (list.series.first().map_or(0, |series| series.points.len()), Duration(list.step));
    let _ = writeln!(
        out,
        "{} series of {steps} steps of {step}, made of {} spans ({})",
        list.series.len(),
        list.spans,
        cost_text(&list.cost)
    );
    out
}

/// What stands above the labels, and the label of each series: only the values where all have the same names, which stand
/// above then.
fn labels_of(all: &[Series]) -> (String, Vec<String>) {
    let names = |series: &Series| series.labels.iter().map(|label| label.name.clone()).collect::<Vec<_>>();
    let shared = all.first().map(names).filter(|first| !first.is_empty() && all.iter().all(|one| names(one) == *first));
    let text = |series: &Series| {
        let parts = series.labels.iter().map(|label| match &shared {
            Some(_) => label.value.clone(),
            None => format!("{}={}", label.name, label.value),
        });
        let parts: Vec<String> = parts.collect();
        if parts.is_empty() { "(all)".to_owned() } else { printable(&parts.join(", ")).to_string() }
    };
    let labels = all.iter().map(text).collect();
    (shared.map_or_else(|| "series".to_owned(), |names| printable(&names.join(", ")).to_string()), labels)
}

/// Four significant digits; whole numbers below 10^15 in full, since counts and nanoseconds are read digit by digit.
fn number(number: Option<f64>) -> String {
    let Some(number) = number else { return "-".to_owned() };
    if number == 0.0 {
        return "0".to_owned();
    }
    let digits = 3 - number.abs().log10().floor() as i32;
    if !(-11..=9).contains(&digits) {
        return format!("{number:.3e}");
    }
    let text = format!("{number:.*}", digits.max(0) as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// The points as bars from 0 to the largest; of several points in one bar the largest, a blank where there is none.
fn curve(series: &Series) -> String {
    let width = series.points.len().min(CURVE_WIDTH);
    let top = series.points.iter().copied().flatten().fold(0.0, f64::max);
    let bar = |points: &[Option<f64>]| {
        let Some(most) = points.iter().copied().flatten().reduce(f64::max) else { return ' ' };
        let height = if top > 0.0 { (most.max(0.0) / top * (BARS.len() - 1) as f64).round() as usize } else { 0 };
        BARS[height.min(BARS.len() - 1)]
    };
    let place = |at: usize| at * series.points.len() / width.max(1);
    (0..width).map(|at| bar(&series.points[place(at)..place(at + 1)])).collect()
}

/// A line for each point that is there; every label that occurs is a column.
pub fn csv(list: &SeriesList) -> String {
    let names: BTreeSet<&str> =
        list.series.iter().flat_map(|series| &series.labels).map(|label| label.name.as_str()).collect();
    let mut out = String::from("time_unix_nano");
    names.iter().for_each(|name| out += &format!(",{}", quoted(name)));
    out += ",value\n";
    for series in &list.series {
        let cell = |name: &&str| {
            let label = series.labels.iter().find(|label| label.name == **name);
            format!(",{}", label.map_or(String::new(), |label| quoted(&label.value)))
        };
        let labels: String = names.iter().map(cell).collect();
        for (step, point) in series.points.iter().enumerate() {
            if let Some(value) = point {
                let time = list.start.0.saturating_add((step as u64).saturating_mul(list.step.unsigned_abs()));
                let _ = writeln!(out, "{time}{labels},{value}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits() {
        let check = |value: f64, text: &str| assert_eq!(number(Some(value)), text);
        check(0.0, "0");
        check(1.0, "1");
        check(0.012_345_6, "0.01235");
        check(12_345.6, "12346");
        check(1.5e12, "1500000000000");
        check(-2.5, "-2.5");
        assert_eq!(number(None), "-");
    }

    #[test]
    fn names_that_all_series_share_stand_above_their_values() {
        let series = |labels: &[(&str, &str)]| Series {
            labels: labels
                .iter()
                .map(|(name, value)| wire::SeriesLabel { name: (*name).to_owned(), value: (*value).to_owned() })
                .collect(),
            points: Vec::new(),
            exemplars: Vec::new(),
        };
        let (title, labels) =
            labels_of(&[series(&[("service", "a"), ("name", "x")]), series(&[("service", "b"), ("name", "y")])]);
        assert_eq!((title.as_str(), labels), ("service, name", vec!["a, x".to_owned(), "b, y".to_owned()]));
        let (title, labels) = labels_of(&[series(&[("service", "a")]), series(&[])]);
        assert_eq!((title.as_str(), labels), ("series", vec!["service=a".to_owned(), "(all)".to_owned()]));
    }

    #[test]
    fn curves_go_from_nothing_to_the_largest() {
        let points = vec![Some(0.0), None, Some(5.0), Some(10.0)];
        assert_eq!(curve(&Series { labels: Vec::new(), points, exemplars: Vec::new() }), "▁ ▅█");
        let many = (0..400).map(|point| Some(f64::from(point))).collect();
        assert_eq!(curve(&Series { labels: Vec::new(), points: many, exemplars: Vec::new() }).chars().count(), 40);
        assert_eq!(curve(&Series { labels: Vec::new(), points: Vec::new(), exemplars: Vec::new() }), "");
    }
}
