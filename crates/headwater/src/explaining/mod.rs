//! What the analyses say, as text for people: one file for each command, pure functions from answers to text.
//!
//! | file | what |
//! | --- | --- |
//! | `findings.rs` | `headwater explain`: text and Markdown |
//! | `what_if.rs` | `headwater whatif` |
//! | `compare.rs` | `headwater compare` |
//! | `clocks.rs` | the clocks of hosts |
//! | `doctor.rs` | `headwater doctor` |
//! | `printed.rs` | snapshots of all of them |

pub mod clocks;
pub mod compare;
pub mod doctor;
pub mod findings;
#[cfg(test)]
mod printed;
pub mod what_if;

use std::fmt::Write as _;

use model::Duration;
use wire::{Completeness, Cost, FindingEvidence, LookedAt};

use crate::terminal::{Style, Terminal, printable};

/// Text is no wider than this: longer lines are hard to read.
const READABLE: usize = 100;

/// Traces named in text; JSON has them all.
const TRACES_SHOWN: usize = 2;

fn width(terminal: Terminal) -> usize {
    terminal.width.min(READABLE)
}

/// `text` in lines that begin with `first` or as many spaces, broken between words.
fn wrapped(out: &mut String, first: &str, text: &str, width: usize) {
    let indent = " ".repeat(first.chars().count());
    let mut line = String::from(first);
    let mut is_empty = true;
    for word in printable(text).split_whitespace() {
        let longer = line.chars().count() + usize::from(!is_empty) + word.chars().count();
        if !is_empty && longer > width {
            let _ = writeln!(out, "{}", line.trim_end());
            line = indent.clone();
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    let _ = writeln!(out, "{}", line.trim_end());
}

/// `Looked at 138 traces with 2310 spans: all traces of the last 1h, 2026-11-24 12:01:03 to 12:05:44 UTC`
fn looked_at(out: &mut String, first: &str, looked: &LookedAt, terminal: Terminal) {
    let time = match (looked.first, looked.last) {
        (Some(first), Some(last)) if first != last => format!(", from {} to {}", clock(first.0), clock(last.0)),
        (Some(first), _) => format!(", at {}", clock(first.0)),
        _ => String::new(),
    };
    let text = format!(
        "Looked at {} with {}: {}{time}.",
        counted(looked.trace_count, "trace"),
        counted(looked.span_count, "span"),
        looked.text
    );
    wrapped(out, first, &text, width(terminal));
}

/// `2026-11-24 12:01:03Z`: to the second, since nobody looks for traces by fractions of one.
fn clock(unix_nanos: u64) -> String {
    let seconds = unix_nanos / 1_000_000_000;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(i64::try_from(days).unwrap_or(0));
    format!("{year}-{month:02}-{day:02} {:02}:{:02}:{:02}Z", rest / 3_600, rest / 60 % 60, rest % 60)
}

/// Year, month and day of a day since 1970 (Hinnant, "chrono-compatible low-level date algorithms"); years begin in March.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// `1 trace`, `2 traces`.
fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn time(nanos: i64) -> String {
    Duration(nanos).to_string()
}

/// `+12 ms`, `-3 ms`.
fn change(nanos: i64) -> String {
    if nanos < 0 { format!("-{}", time(nanos.saturating_neg())) } else { format!("+{}", time(nanos)) }
}

fn percent(share: f64) -> String {
    if share > 0.0 && share < 0.01 { format!("{:.1} %", share * 100.0) } else { format!("{:.0} %", share * 100.0) }
}

fn heading(out: &mut String, text: &str, terminal: Terminal) {
    let _ = writeln!(out, "\n{}", terminal.paint(Style::Bold, text));
}

/// `headwater trace ID`, and the id of one more.
fn open_with(evidence: &[FindingEvidence]) -> Option<String> {
    let mut ids: Vec<&str> = evidence.iter().map(|evidence| evidence.trace_id.as_str()).collect();
    ids.dedup();
    let more = ids.len().saturating_sub(TRACES_SHOWN);
    let shown = ids.get(..TRACES_SHOWN.min(ids.len())).filter(|shown| !shown.is_empty())?.join(" ; also ");
    let more = if more > 0 { format!(" ({more} more in --json)") } else { String::new() };
    Some(format!("headwater trace {shown}{more}"))
}

fn not_all(out: &mut String, completeness: &Completeness, terminal: Terminal) {
    for reason in &completeness.reasons {
        wrapped(out, "! ", &format!("this is not all: {reason}"), width(terminal));
    }
}

fn cost(out: &mut String, cost: &Cost) {
    let _ = writeln!(out, "\n{} rows looked at in {}", cost.rows_scanned, time(cost.elapsed));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_keep_their_indent() {
        let mut out = String::new();
        wrapped(&mut out, "  next   ", "ask for all of them in one call, or side by side", 30);
        assert_eq!(out, "  next   ask for all of them\n         in one call, or side\n         by side\n");
        let mut out = String::new();
        wrapped(&mut out, "", "averyveryverylongword that fits nowhere", 10);
        assert_eq!(out, "averyveryverylongword\nthat fits\nnowhere\n");
    }

    #[test]
    fn times_are_told_to_the_second() {
        assert_eq!(clock(1_732_435_200_987_654_321), "2024-11-24 08:00:00Z");
        assert_eq!(clock(0), "1970-01-01 00:00:00Z");
        assert_eq!(date(11_016), (2000, 2, 29));
        assert_eq!(date(stdx::days_from_civil(2100, 3, 1)), (2100, 3, 1));
    }

    #[test]
    fn changes_have_a_sign() {
        assert_eq!((change(1_500_000), change(-1_500_000)), ("+1.50 ms".to_owned(), "-1.50 ms".to_owned()));
    }
}
