//! Critical path: every case of CRISP and of Jaeger UI, conservation on every recorded trace, two resolutions.

use std::collections::BTreeMap;
use std::path::Path;

use analysis::{Timeline, critical_by_service, critical_path_below, self_time};
use model::{Instant, Trace};
use serde_json::Value as Json;

use crate::read::{CASE_ORIGIN, CaseSpan, case, json, traces};
use crate::{Row, row};

pub(crate) const RECORDED: &[&str] = &[
    "online-boutique/normal",
    "train-ticket/normal",
    "hotel/load25",
    "hotel/load75",
    "hotel/load100",
    "media/load25",
    "media/load50",
    "media/load75",
    "media/load100",
];

pub(crate) fn recorded(folder: &Path, name: &str) -> Result<Vec<Trace>, String> {
    traces(&folder.join(format!("{name}.otlp.jsonl.zst")))
}

pub(crate) fn rows(folder: &Path) -> Result<Vec<Row>, String> {
    let mut rows =
        vec![crisp(&folder.join("critical-path"))?, jaeger(&folder.join("critical-path/jaeger-ui-1-4.json"))?];
    rows.extend(conservation(folder)?);
    Ok(rows)
}

fn crisp(folder: &Path) -> Result<Row, String> {
    let mut files = Vec::new();
    for place in [folder.to_owned(), folder.join("crisp-err_pattern1"), folder.join("crisp-err_pattern2")] {
        let entries = std::fs::read_dir(&place).map_err(|error| format!("{}: {error}", place.display()))?;
        files.extend(entries.flatten().map(|entry| entry.path()).filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.ends_with(".json") && !name.starts_with("jaeger")
        }));
    }
    files.sort();
    let mut wrong = Vec::new();
    for file in &files {
        let document = json(file)?;
        if exclusive(&document) != expected(&document) {
            wrong.push(file.file_stem().unwrap_or_default().to_string_lossy().into_owned());
        }
    }
    let figure = format!("{} of {} exact{}", files.len() - wrong.len(), files.len(), list(&wrong));
    Ok(row("critical path, CRISP's cases", "critical-path", "all exact", wrong.is_empty() && !files.is_empty(), figure))
}

fn list(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!(" (not {})", names.join(", ")) }
}

fn expected(document: &Json) -> BTreeMap<String, u64> {
    let testing = &document["testing"];
    let times = testing.get("opTimeExclusive").or_else(|| testing.get(0)).and_then(Json::as_object);
    let entries = times.into_iter().flatten();
    entries.filter_map(|(name, time)| Some((name.clone(), time.as_u64()?))).filter(|(_, time)| *time > 0).collect()
}

fn exclusive(document: &Json) -> BTreeMap<String, u64> {
    let data = &document["data"][0];
    let text = |json: &'_ Json| json.as_str().unwrap_or_default().to_owned();
    let kept: Vec<[String; 4]> = data["spans"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|span| {
            let process = text(&span["processID"]);
            let service = text(&data["processes"][&process]["serviceName"]);
            [text(&span["spanID"]), text(&span["references"][0]["spanID"]), service, text(&span["operationName"])]
        })
        .collect();
    let spans: Vec<CaseSpan<'_>> = kept
        .iter()
        .zip(data["spans"].as_array().into_iter().flatten())
        .map(|([id, parent, service, name], span)| CaseSpan {
            id,
            parent: (!parent.is_empty()).then_some(parent),
            service,
            name,
            kind: None,
            start: span["startTime"].as_u64().unwrap_or(0),
            duration: span["duration"].as_u64().unwrap_or(0),
            error: false,
        })
        .collect();
    let trace = case(&spans);
    let mut times: BTreeMap<String, u64> = BTreeMap::new();
    for segment in analysis::critical_path(&trace).segments {
        let span = trace.span(segment.span);
        *times.entry(format!("[{}] {}", span.service_name(), span.name)).or_default() += segment.duration().0 as u64;
    }
    times
}

fn jaeger(file: &Path) -> Result<Row, String> {
    let document = json(file)?;
    let cases = document.as_array().cloned().unwrap_or_default();
    let wrong: Vec<String> =
        cases.iter().filter(|case| !jaeger_case_holds(case)).map(|case| case["case"].to_string()).collect();
    let figure = format!("{} of {} exact{}", cases.len() - wrong.len(), cases.len(), list(&wrong));
    Ok(row(
        "critical path, Jaeger UI's cases",
        "critical-path",
        "all exact",
        wrong.is_empty() && !cases.is_empty(),
        figure,
    ))
}

fn jaeger_case_holds(document: &Json) -> bool {
    let spans: Vec<CaseSpan<'_>> = document["spans"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|span| CaseSpan {
            id: span["id"].as_str().unwrap_or_default(),
            parent: span["parent"].as_str(),
            service: "s",
            name: span["id"].as_str().unwrap_or_default(),
            kind: span["kind"].as_str(),
            start: span["start"].as_u64().unwrap_or(0),
            duration: span["dur"].as_u64().unwrap_or(0),
            error: false,
        })
        .collect();
    let trace = case(&spans);
    let mut found = analysis::critical_path(&trace).segments;
    found.reverse();
    let expected = document["expected_sections_latest_first"].as_array().cloned().unwrap_or_default();
    let same = found.iter().zip(&expected).all(|(segment, section)| {
        let at = |key: &str| Instant(CASE_ORIGIN + section[key].as_u64().unwrap_or(0));
        Some(&*trace.span(segment.span).name) == section["spanID"].as_str()
            && (segment.start, segment.end) == (at("sectionStart"), at("sectionEnd"))
    });
    found.len() == expected.len() && same
}

/// Conservation on all recorded traces, and service shares of copies cut to milliseconds.
fn conservation(folder: &Path) -> Result<Vec<Row>, String> {
    let (mut roots, mut broken) = (0_u64, 0_u64);
    let mut worst: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for name in RECORDED {
        let (mut fine, mut coarse, mut phased) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for trace in recorded(folder, name)? {
            for &root in trace.roots() {
                roots += 1;
                broken += u64::from(!is_conserved(&trace, root));
            }
            add_shares(&trace, &mut fine);
            add_shares(&cut_to_millis(&trace, 0), &mut coarse);
            add_shares(&cut_to_millis(&trace, phase_of(&trace)), &mut phased);
        }
        let difference = worst.entry(name.split('/').next().unwrap_or(name)).or_default();
        difference.0 = difference.0.max(largest_difference(&fine, &coarse));
        difference.1 = difference.1.max(largest_difference(&fine, &phased));
    }
    let mut rows = vec![row(
        "critical path covers each root exactly; self time within the span",
        "all recorded",
        "0 broken",
        broken == 0,
        format!("{broken} of {roots} roots"),
    )];
    for (name, (difference, phased)) in worst {
        for (what, difference) in [(RESOLUTION, difference), (RESOLUTION_OF_ANY_PHASE, phased)] {
            let figure = format!("{difference:.2} points at most");
            rows.push(row(what, name, "within 2 points", difference <= 2.0, figure));
        }
    }
    Ok(rows)
}

/// Not met on media, and the cause is the recording: its nginx takes the start of each request from a clock of whole
/// milliseconds (all 2,400 roots begin at one exactly), so that cutting takes nothing from their start and half a millisecond
/// on average from the start of what comes next, which is most of what nginx itself spends there. [`RESOLUTION_OF_ANY_PHASE`]
/// cuts the same traces by a clock whose milliseconds begin elsewhere in each trace, and is met.
pub(crate) const RESOLUTION: &str = "service shares of copies cut to milliseconds";
/// As [`RESOLUTION`], by a clock whose milliseconds do not begin where those of the recorder do.
pub(crate) const RESOLUTION_OF_ANY_PHASE: &str = "service shares of copies cut by a millisecond clock of any phase";

/// Where in a millisecond the clock of this trace ticks, ns: by its id, the same every time.
fn phase_of(trace: &Trace) -> u64 {
    let bytes = trace.id().0;
    bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
        % 1_000_000
}

fn is_conserved(trace: &Trace, root: u32) -> bool {
    let times = Timeline::of(trace);
    let path = critical_path_below(trace, root).segments;
    let joined = path.windows(2).all(|pair| pair[0].end == pair[1].start);
    let ends = path.first().zip(path.last()).map(|(first, last)| (first.start, last.end));
    let covers = ends.map_or(times.duration(root).0 == 0, |ends| ends == (times.start(root), times.end(root)));
    let own = self_time(trace);
    let within =
        (0..own.len() as u32).all(|span| own[span as usize].0 >= 0 && own[span as usize] <= times.duration(span));
    joined && covers && within
}

fn add_shares(trace: &Trace, shares: &mut BTreeMap<String, i64>) {
    critical_by_service(trace)
        .into_iter()
        .for_each(|(name, time)| *shares.entry(name.to_string()).or_default() += time.0);
}

fn cut_to_millis(trace: &Trace, phase: u64) -> Trace {
    let (mut spans, logs) = trace.clone().into_parts();
    for span in &mut spans {
        span.start.0 -= (span.start.0 + phase) % 1_000_000;
        span.end.0 -= (span.end.0 + phase) % 1_000_000;
    }
    Trace::assemble(trace.id(), spans, logs)
}

fn largest_difference(a: &BTreeMap<String, i64>, b: &BTreeMap<String, i64>) -> f64 {
    let (total_a, total_b) = (a.values().sum::<i64>().max(1) as f64, b.values().sum::<i64>().max(1) as f64);
    let share = |of: &BTreeMap<String, i64>, name: &str, total: f64| *of.get(name).unwrap_or(&0) as f64 * 100.0 / total;
    a.keys().chain(b.keys()).map(|name| (share(a, name, total_a) - share(b, name, total_b)).abs()).fold(0.0, f64::max)
}
