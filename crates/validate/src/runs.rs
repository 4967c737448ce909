//! Two halves of a healthy run do not differ; a doubled tail does.

use std::path::Path;

use analysis::{Difference, RunProfile, Verdict, compare_runs};
use model::{Duration, Trace};

use crate::paths::{RECORDED, recorded};
use crate::{Row, row};

pub(crate) fn rows(folder: &Path) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    for name in RECORDED {
        let mut traces = recorded(folder, name)?;
        traces.sort_by_key(|trace| trace.spans().first().map(|span| span.start));
        let (first, second) = traces.split_at(traces.len() / 2);
        let found = compare_runs(&profile(first), &profile(second));
        let compared = found.iter().filter(|one| is_compared(one)).count();
        let reported: Vec<String> = found
            .iter()
            .filter(|one| is_compared(one) && one.verdict != Verdict::Same)
            .map(|one| format!("{} {:?}", one.operation, one.verdict))
            .collect();
        let share = reported.len() as f64 / compared.max(1) as f64;
        let shown = if reported.is_empty() { String::new() } else { format!(" ({})", reported.join(", ")) };
        let figure = format!("{} of {compared} operations{shown}", reported.len());
        rows.push(row("time-ordered halves of a healthy run", name, "at most 5 % reported", share <= 0.05, figure));
    }
    rows.push(doubled_tail(folder)?);
    Ok(rows)
}

fn is_compared(one: &Difference) -> bool {
    !matches!(one.verdict, Verdict::NotEnoughData | Verdict::Added | Verdict::Removed)
}

fn profile(traces: &[Trace]) -> RunProfile {
    let mut profile = RunProfile::new();
    traces.iter().for_each(|trace| profile.add(trace));
    profile
}

/// The slowest tenth of one operation takes twice as long, everything else is untouched.
fn doubled_tail(folder: &Path) -> Result<Row, String> {
    const OPERATION: &str = "UploadUserReview";
    let name = "media/load25";
    let mut traces = recorded(folder, name)?;
    traces.sort_by_key(|trace| trace.spans().first().map(|span| span.start));
    let (even, odd): (Vec<_>, Vec<_>) = traces.into_iter().enumerate().partition(|(position, _)| position % 2 == 0);
    let [before, after] = [even, odd].map(|half| half.into_iter().map(|(_, trace)| trace).collect::<Vec<_>>());
    let mut durations: Vec<Duration> = after
        .iter()
        .flat_map(Trace::spans)
        .filter(|span| &*span.name == OPERATION)
        .map(|span| span.duration())
        .collect();
    durations.sort_unstable();
    let Some(&slow) = durations.get(durations.len() * 9 / 10) else {
        return Ok(row("a doubled tail", name, "reported", false, format!("{OPERATION} is missing")));
    };
    let after: Vec<Trace> = after.into_iter().map(|trace| slowed(trace, OPERATION, slow)).collect();
    let found = compare_runs(&profile(&before), &profile(&after));
    let verdicts: Vec<Verdict> =
        found.iter().filter(|one| &*one.operation == OPERATION).map(|one| one.verdict).collect();
    let met = verdicts.contains(&Verdict::SlowerTail);
    Ok(row("a doubled tail with an unchanged median", name, "SlowerTail", met, format!("{verdicts:?}")))
}

fn slowed(trace: Trace, operation: &str, slow: Duration) -> Trace {
    let id = trace.id();
    let (mut spans, logs) = trace.into_parts();
    for span in spans.iter_mut().filter(|span| &*span.name == operation && span.duration() >= slow) {
        span.end = span.end + span.duration();
    }
    Trace::assemble(id, spans, logs)
}
