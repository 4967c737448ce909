//! Clocks of machines that differ: told, never corrected silently.

use std::collections::BTreeMap;

use model::{Duration, Text};

use super::{Draft, Total};
use crate::finding::{Confidence, Finding, FindingKind, Place, Unit};
use crate::skew::{ClockOffset, ClockOffsets, SkewVerdict};

/// Pairs of machines that are told at most, the farthest apart first.
const TOLD_MAX: usize = 10;
/// Clocks closer than this are as good as clocks get.
const OFFSET_MIN: Duration = Duration::from_micros(100);

pub(crate) fn findings(offsets: &ClockOffsets, total: &Total) -> Vec<Finding> {
    let mut pairs: BTreeMap<(Text, Text), Vec<ClockOffset>> = BTreeMap::new();
    for offset in offsets.offsets() {
        let proven = offset.verdict == SkewVerdict::Skewed && Duration(offset.offset.0.saturating_abs()) >= OFFSET_MIN;
        if proven {
            pairs.entry((offset.caller.1.clone(), offset.callee.1.clone())).or_default().push(offset);
        }
    }
    let mut pairs: Vec<((Text, Text), Vec<ClockOffset>)> = pairs.into_iter().collect();
    let most = |edges: &[ClockOffset]| edges.iter().map(|edge| edge.offset.0.saturating_abs()).max().unwrap_or(0);
    pairs.sort_by_key(|(_, edges)| std::cmp::Reverse(most(edges)));
    pairs.into_iter().take(TOLD_MAX).map(|((one, other), edges)| finding(total, one, other, &edges)).collect()
}

fn finding(total: &Total, one: Text, other: Text, edges: &[ClockOffset]) -> Finding {
    let Some(best) = edges.iter().max_by_key(|edge| edge.calls) else { return Draft::new(total).finding() };
    let calls: usize = edges.iter().map(|edge| edge.calls).sum();
    let direction = if best.offset > Duration::ZERO { "ahead of" } else { "behind" };
    Draft {
        kind: FindingKind::ClockSkew,
        title: format!("the clock of {other} is {direction} that of {one}"),
        what: format!(
            "by {} (between {} and {}), from {} calls of {} to {}; {} of them do not fit into their caller's span",
            Duration(best.offset.0.saturating_abs()),
            best.bounds.0,
            best.bounds.1,
            best.calls,
            best.caller.0,
            best.callee.0,
            best.violations
        ),
        seen: total.traces.min(calls as u64),
        confidence: Confidence::of(best.calls as u64),
        reason: format!("no offset of zero fits the calls; {} edges between the two machines say so", edges.len()),
        next_step:
            "look at time synchronisation (NTP, chrony) of both machines; times between the two are off by that much"
                .into(),
        impact: 0.01,
        figures: vec![
            ("offset", best.offset.0 as f64, Unit::Nanos),
            ("least", best.bounds.0.0 as f64, Unit::Nanos),
            ("most", best.bounds.1.0 as f64, Unit::Nanos),
            ("calls", best.calls as f64, Unit::Count),
        ],
        place: Place::Hosts(one, other),
        ..Draft::new(total)
    }
    .finding()
}
