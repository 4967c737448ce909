//! Root causes of injected faults. The threshold comes from the time before the injections only.

use std::path::Path;

use analysis::{LatencyProfile, Spot, latency_root_cause, score_of_chance};
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
    let healthy = traces(&folder.join(name).join("normal.otlp.jsonl.zst"))?;
    let faults = faults(&folder.join(name))?;
    let mut chances: Vec<f64> = faults.iter().filter_map(|fault| chance(&healthy, fault)).collect();
    chances.sort_by(f64::total_cmp);
    let threshold = MARGIN * chances.get(chances.len() / 2).copied().unwrap_or(0.0).max(CHANCE_MIN);
    let loud_total = faults.iter().filter(|fault| !SILENT_FAULTS.contains(&&*fault.kind)).count();
    let mut rows = Vec::new();
    let (mut right, mut loud) = (0, 0);
    for fault in &faults {
        let mut before = profile(&healthy, Instant(0), LAST);
        fault.traces.iter().for_each(|trace| before.add(trace, Instant(0), fault.injected));
        let after = profile(&fault.traces, fault.injected, LAST);
        let cause = latency_root_cause(&before, &after, threshold);
        let answer = cause.answer.as_deref();
        let silent = SILENT_FAULTS.contains(&&*fault.kind);
        let correct = answer == Some(&*fault.service);
        loud += usize::from(!silent);
        right += usize::from(!silent && correct);
        let scores: Vec<String> =
            cause.suspects.iter().take(3).map(|s| format!("{} {:.1} {}", s.service, s.score, spot(&s.spot))).collect();
        let place = cause.suspects.iter().position(|suspect| *suspect.service == *fault.service);
        let truth = place.map_or_else(
            || "not measured".into(),
            |place| format!("place {} with {:.1}", place + 1, cause.suspects[place].score),
        );
        let figure = format!(
            "{} [{}; truth {truth}; threshold {threshold:.1}]",
            answer.unwrap_or("cannot tell"),
            scores.join(", ")
        );
        // Where not all are asked for, an honest "cannot tell" is allowed; a wrong name never is.
        let met = correct || (answer.is_none() && (silent || right_min < loud_total));
        let bar = if silent || right_min < loud_total {
            format!("{} or cannot tell", fault.service)
        } else {
            fault.service.clone()
        };
        rows.push(row(&format!("root cause of {}", fault.kind), &format!("{name}/{}", fault.file), &bar, met, figure));
    }
    let bar = format!("at least {right_min} of {loud}");
    let shown: Vec<String> = chances.iter().map(|chance| format!("{chance:.1}")).collect();
    let figure = format!("{right} of {loud} right; scores of the time before {}", shown.join(" "));
    rows.push(row("root cause, network and CPU faults", name, &bar, right >= right_min, figure));
    Ok(rows)
}

fn spot(spot: &Spot) -> String {
    match spot {
        Spot::Own { operation, .. } => operation.to_string(),
        Spot::Edge { caller, callee, .. } => format!("{caller} -> {callee}"),
    }
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

fn profile(traces: &[Trace], from: Instant, until: Instant) -> LatencyProfile {
    let mut profile = LatencyProfile::new();
    traces.iter().for_each(|trace| profile.add(trace, from, until));
    profile
}

/// A score must exceed the score of chance by this much: half of a window is noisier than the whole.
const MARGIN: f64 = 1.5;
/// Two windows that happen to be alike must not make the threshold nothing.
const CHANCE_MIN: f64 = 3.0;

/// What the second half of the time before the injection scores against the healthy minute and the first half; none
/// where there is too little of it.
fn chance(healthy: &[Trace], fault: &Fault) -> Option<f64> {
    let mut before: Vec<Instant> =
        fault.traces.iter().flat_map(Trace::spans).map(|span| span.start).filter(|at| *at < fault.injected).collect();
    if before.len() < 1_000 {
        return None;
    }
    before.sort_unstable();
    let middle = before[before.len() / 2];
    let mut normal = profile(healthy, Instant(0), LAST);
    fault.traces.iter().for_each(|trace| normal.add(trace, Instant(0), middle));
    Some(score_of_chance(&normal, &profile(&fault.traces, middle, fault.injected)))
}
