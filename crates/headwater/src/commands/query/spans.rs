//! Traces with the spans that were found in them, and the fields of `select(…)`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use model::Duration;
use wire::{FoundSpanset, SearchList, SeriesLabel};

use super::csv::quoted;
use super::{cost_text, traces};
use crate::terminal::{Style, Terminal, printable};

pub fn table(list: &SearchList, terminal: Terminal) -> String {
    let mut out = traces::head(terminal);
    for found in &list.traces {
        let _ = writeln!(out, "{}", traces::line(&found.row, terminal));
        for set in &found.spansets {
            spanset(&mut out, set, terminal);
        }
    }
    let more = if list.next_cursor.is_some() { ", more with --limit" } else { "" };
    let _ = writeln!(out, "{} traces{more} ({})", list.traces.len(), cost_text(&list.cost));
    out
}

fn spanset(out: &mut String, set: &FoundSpanset, terminal: Terminal) {
    if !set.group.is_empty() {
        let group = format!("{}: {} spans", pairs(&set.group), set.matched);
        let _ = writeln!(out, "  {}", terminal.paint(Style::Cyan, &group));
    }
    for span in &set.spans {
        let name = printable(&format!("{} {}", span.service, span.name));
        let duration = Duration(span.duration).to_string();
        let line = format!("    {}  {duration:>9}  {name}  {}", span.span_id, pairs(&span.fields));
        let _ = writeln!(out, "{}", line.trim_end());
    }
    let more = (set.matched as usize).saturating_sub(set.spans.len());
    if more > 0 {
        let _ = writeln!(out, "    … {more} more spans (--spans tells more of them)");
    }
}

fn pairs(labels: &[SeriesLabel]) -> String {
    let pairs: Vec<String> = labels.iter().map(|label| printable(&format!("{}={}", label.name, label.value))).collect();
    pairs.join(" ")
}

/// A line for each span told; every field that occurs is a column.
pub fn csv(list: &SearchList) -> String {
    let sets = || list.traces.iter().flat_map(|found| found.spansets.iter().map(move |set| (found, set)));
    let labels_of = |set: &FoundSpanset| -> Vec<SeriesLabel> {
        set.group.iter().chain(set.spans.iter().flat_map(|span| &span.fields)).cloned().collect()
    };
    let names: BTreeSet<String> = sets().flat_map(|(_, set)| labels_of(set)).map(|label| label.name).collect();
    let mut out = String::from("trace,span,start_unix_nano,duration_ns,service,name");
    names.iter().for_each(|name| out += &format!(",{}", quoted(name)));
    out.push('\n');
    for (found, set) in sets() {
        for span in &set.spans {
            let _ = write!(
                out,
                "{},{},{},{},{},{}",
                found.row.trace_id,
                span.span_id,
                span.start.0,
                span.duration,
                quoted(&span.service),
                quoted(&span.name)
            );
            for name in &names {
                let value = set.group.iter().chain(&span.fields).find(|label| label.name == *name);
                out += &format!(",{}", value.map_or(String::new(), |label| quoted(&label.value)));
            }
            out.push('\n');
        }
    }
    out
}
