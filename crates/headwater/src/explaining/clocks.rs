//! The clocks of hosts as text: for `headwater doctor` and `headwater trace --adjust-clocks`.

use std::fmt::Write as _;

use wire::{ClockVerdict, Clocks, HostClock, HostPair, TraceClocks};

use super::{clock, counted, heading, looked_at, not_all, time, width, wrapped};
use crate::terminal::{Terminal, pad, printable};

/// The clocks of a trace's hosts, and what was done to its times.
pub fn of_trace(told: &TraceClocks, terminal: Terminal) -> String {
    let mut out = String::new();
    let moved = told.clocks.hosts.iter().filter(|one| one.is_moved).count();
    let text = match (told.clocks.hosts.len(), moved) {
        (0, _) => {
            "No clock is adjusted: too few calls between hosts that are named (host.id, k8s.node.name, host.name, …) \
                   were seen to compare any."
                .to_owned()
        }
        (_, 0) => "No clock is adjusted: none is proven to be off.".to_owned(),
        (_, moved) => {
            format!("Adjusted: the spans of {} are moved by what their clocks are off.", counted(moved as u64, "host"))
        }
    };
    wrapped(&mut out, "", &text, width(terminal));
    looked_at(&mut out, "", &told.looked_at, terminal);
    not_all(&mut out, &told.completeness, terminal);
    table(&mut out, &told.clocks, terminal);
    out.push('\n');
    out
}

/// Every host with its offset, bounds and verdict; nothing where there is none.
pub fn table(out: &mut String, clocks: &Clocks, terminal: Terminal) {
    let odd = || clocks.pairs.iter().filter(|pair| pair.verdict == ClockVerdict::Contradictory);
    if clocks.hosts.is_empty() && odd().next().is_none() {
        return;
    }
    heading(out, &format!("Clocks at {}", clock(clocks.at.0)), terminal);
    for one in &clocks.hosts {
        row(out, one);
    }
    for pair in odd() {
        wrapped(out, "  ! ", &contradiction(pair), width(terminal));
    }
}

fn row(out: &mut String, one: &HostClock) {
    let name = pad(&printable(&one.host), 24);
    if one.host == one.reference {
        let _ = writeln!(out, "  {name} the others are compared with it, {}", counted(one.calls, "call"));
        return;
    }
    let side = if one.offset < 0 { "behind" } else { "ahead of" };
    let verdict = match one.verdict {
        ClockVerdict::Skewed => "proven",
        ClockVerdict::NotProven if one.is_moved => "not proven itself, but moved with what it calls",
        ClockVerdict::NotProven => "zero fits too: not proven",
        ClockVerdict::Contradictory => "its calls contradict each other",
        ClockVerdict::NotEnoughCalls => "too few calls",
    };
    let drift = one.drift.map_or_else(String::new, |drift| {
        format!(", {} {} each second", if drift < 0 { "losing" } else { "gaining" }, time(drift.saturating_abs()))
    });
    let against = printable(&one.reference);
    let _ = writeln!(
        out,
        "  {name} {:>9} {side:<8} {against}, between {} and {}, {}{drift}: {verdict}",
        time(one.offset.saturating_abs()),
        time(one.least),
        time(one.most),
        counted(one.calls, "call"),
    );
}

fn contradiction(pair: &HostPair) -> String {
    format!(
        "no offset fits the {} between {} and {}: a clock jumped, or spans end late",
        counted(pair.calls, "call"),
        pair.one,
        pair.other
    )
}
