//! Clock offsets of hotel: two independent edges reach the same node and must agree.

use std::path::Path;

use analysis::{ClockOffset, ClockOffsets, SkewVerdict};

use crate::paths::recorded;
use crate::{Row, row};

/// Run, and the offset in microseconds that the data's README gives.
const RUNS: [(&str, i64); 3] = [("hotel/load25", 1_300), ("hotel/load75", 1_000), ("hotel/load100", -1_500)];

pub(crate) fn rows(folder: &Path) -> Result<Vec<Row>, String> {
    RUNS.iter().map(|&(name, expected)| run(folder, name, expected)).collect()
}

fn run(folder: &Path, name: &str, expected: i64) -> Result<Row, String> {
    let mut offsets = ClockOffsets::new();
    recorded(folder, name)?.iter().for_each(|trace| offsets.add(trace));
    let offsets = offsets.offsets();
    let between = |callee: &str| offsets.iter().find(|edge| &*edge.caller.0 == "frontend" && &*edge.callee.0 == callee);
    let (Some(one), Some(other)) = (between("reservation"), between("search")) else {
        return Ok(row("clock offset by two edges", name, "both edges seen", false, "an edge is missing".into()));
    };
    let micros = |edge: &ClockOffset| edge.offset.0 / 1_000;
    let agree = (micros(one) - micros(other)).abs() <= 100 && (micros(one) - expected).abs() <= 100;
    let proven = one.verdict == SkewVerdict::Skewed && other.verdict == SkewVerdict::Skewed;
    let same_node = offsets.iter().filter(|edge| ["geo", "rate", "profile"].contains(&&*edge.callee.0));
    let quiet = same_node.clone().all(|edge| edge.verdict != SkewVerdict::Skewed);
    let loud: Vec<String> = same_node
        .filter(|edge| edge.verdict == SkewVerdict::Skewed)
        .map(|e| format!("{} {}", e.callee.0, micros(e)))
        .collect();
    let figure = format!(
        "{} and {} µs{}",
        micros(one),
        micros(other),
        if quiet { String::new() } else { format!("; also {}", loud.join(", ")) }
    );
    let bar = format!("both within 100 µs of {expected}, of each other; same-node edges not skewed");
    Ok(row("clock offset by two independent edges", name, &bar, agree && proven && quiet, figure))
}
