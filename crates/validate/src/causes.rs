//! Root causes of injected faults. The threshold comes from the time before the injections only.

use std::path::Path;

use analysis::{LatencyProfile, latency_root_cause, score_of_chance};
use model::{Instant, Trace};

use crate::read::{json, traces};
use crate::{Row, row};

/// Faults of these kinds change neither status nor (mostly) latency: naming nobody is right, a wrong name is worse.
const SILENT_FAULTS: [&str; 2] = ["return", "exception"];

struct Fault {
    file: String,
    service: String,
    kind: String,
    injected: Instant,
    traces: Vec<Trace>,
}

pub(crate) fn rows(folder: &Path) -> Result<Vec<Row>, String> {
    let mut rows = system(folder, "online-boutique", 9)?;
    rows.extend(system(folder, "train-ticket", 3)?);
    Ok(rows)
}

fn system(folder: &Path, name: &str, right_min: usize) -> Result<Vec<Row>, String> {
    let faults = faults(&folder.join(name))?;
    let threshold = threshold(&faults);
    let mut rows = Vec::new();
    let (mut right, mut loud) = (0, 0);
    for fault in &faults {
        let (before, after) = (profile(fault, Instant(0), fault.injected), profile(fault, fault.injected, LAST));
        let cause = latency_root_cause(&before, &after, threshold);
        let answer = cause.answer.as_deref();
        let silent = SILENT_FAULTS.contains(&&*fault.kind);
        let correct = answer == Some(&*fault.service);
        loud += usize::from(!silent);
        right += usize::from(!silent && correct);
        let scores: Vec<String> =
            cause.suspects.iter().take(3).map(|s| format!("{} {:.1}", s.spot.service(), s.score)).collect();
        let figure = format!("{} [{}; threshold {threshold:.1}]", answer.unwrap_or("cannot tell"), scores.join(", "));
        let met = correct || (silent && answer.is_none());
        let bar = if silent { format!("{} or cannot tell", fault.service) } else { fault.service.clone() };
        rows.push(row(&format!("root cause of {}", fault.kind), &format!("{name}/{}", fault.file), &bar, met, figure));
    }
    let bar = format!("at least {right_min} of {loud}");
    rows.push(row("root cause, network and CPU faults", name, &bar, right >= right_min, format!("{right} of {loud} right")));
    Ok(rows)
}

const LAST: Instant = Instant(u64::MAX);

fn faults(folder: &Path) -> Result<Vec<Fault>, String> {
    let labels = json(&folder.join("labels.json"))?;
    let read = |label: &serde_json::Value| {
        let text = |key: &str| label[key].as_str().unwrap_or_default().to_owned();
        let file = text("file");
        Ok(Fault {
            traces: traces(&folder.join(&file))?,
            file: file.trim_end_matches(".otlp.jsonl.zst").into(),
            service: text("service"),
            kind: text("fault"),
            injected: Instant(label["injected_at_unix_nano"].as_u64().unwrap_or(0)),
        })
    };
    labels.as_array().into_iter().flatten().map(read).collect()
}

fn profile(fault: &Fault, from: Instant, until: Instant) -> LatencyProfile {
    let mut profile = LatencyProfile::new();
    fault.traces.iter().for_each(|trace| profile.add(trace, from, until));
    profile
}

/// Twice what the two halves of the time before the injections differ by at the third quartile of all files: half of a
/// window is noisier than the whole, and a window that was already disturbed must not set the bar.
fn threshold(faults: &[Fault]) -> f64 {
    let mut scores: Vec<f64> = faults.iter().map(chance).collect();
    scores.sort_by(f64::total_cmp);
    2.0 * scores.get(scores.len() * 3 / 4).copied().unwrap_or(0.0)
}

fn chance(fault: &Fault) -> f64 {
    let starts = || fault.traces.iter().flat_map(|trace| trace.spans()).map(|span| span.start);
    let mut before: Vec<Instant> = starts().filter(|start| *start < fault.injected).collect();
    before.sort_unstable();
    let middle = before.get(before.len() / 2).copied().unwrap_or(fault.injected);
    score_of_chance(&profile(fault, Instant(0), middle), &profile(fault, middle, fault.injected))
}
