//! A run of an evaluation with its traces, or one trace, as one HTML file: data put into the template that the page's build
//! made (`ui/README.md` tells the form).

use std::collections::HashSet;
use std::io::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use model::{SpanId, TraceId};
use serde::Serialize;
use wire::{EvalRun, UnixNanos, Verdict};

use crate::answer::Refusal;
use crate::limits::{REPORT_DETAIL_ROWS_MAX, REPORT_PACKED_BYTES_MAX, REPORT_TRACES_MAX};
use crate::outline::{OutlineInput, Sections, encode, outline};
use crate::page::report_template;
use crate::prepared::Prepared;
use crate::routes::traces::row_of;
use crate::server::Api;
use crate::span_detail::{Computed, rows_of_span, span_detail};

/// What the template holds where the data go; it stands there once, quotes included.
const PLACEHOLDER: &str = "\"HEADWATER-REPORT-DATA\"";

/// The data of a report.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReportData<'a> {
    v: u32,
    version: &'a str,
    written: UnixNanos,
    run: Option<&'a EvalRun>,
    traces: Vec<PackedTrace>,
    left_out: Vec<String>,
}

/// A trace in a report; both values gzipped, then base64.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PackedTrace {
    trace_id: String,
    outline: String,
    spans: String,
}

impl Api {
    /// A run as one HTML file that opens without a server. Traces that are not held, or beyond the bounds of a report,
    /// are left out, and the report says so.
    ///
    /// # Errors
    ///
    /// When this binary was built without its page, or the store cannot be read; in words.
    pub async fn report(self: &Arc<Self>, run: &EvalRun) -> Result<String, String> {
        let (mut traces, mut left_out) = (Vec::new(), Vec::new());
        let (mut missing, mut beyond, mut bytes) = (0_usize, 0_usize, 0_usize);
        for id in traces_of(run) {
            if traces.len() >= REPORT_TRACES_MAX || bytes >= REPORT_PACKED_BYTES_MAX {
                beyond += 1;
                continue;
            }
            match self.packed(id, evidence_of(run, id)).await.map_err(|refusal| refusal.to_string())? {
                Some((packed, remark)) => {
                    bytes += packed.outline.len() + packed.spans.len();
                    traces.push(packed);
                    left_out.extend(remark);
                }
                None => missing += 1,
            }
        }
        if missing > 0 {
            left_out.push(format!("{missing} of the run's traces are not held (any more) and are not in this report"));
        }
        if beyond > 0 {
            left_out.push(format!(
                "{beyond} traces were left out: a report holds {REPORT_TRACES_MAX} traces or {} MB",
                REPORT_PACKED_BYTES_MAX / 1_000_000
            ));
        }
        self.filled(Some(run), traces, left_out)
    }

    /// A trace as one HTML file that opens without a server; none when it is not held.
    ///
    /// # Errors
    ///
    /// As [`Api::report`].
    pub async fn trace_report(self: &Arc<Self>, id: TraceId) -> Result<Option<String>, String> {
        let packed = self.packed(id, HashSet::new()).await.map_err(|refusal| refusal.to_string())?;
        packed.map(|(trace, remark)| self.filled(None, vec![trace], remark.into_iter().collect())).transpose()
    }

    fn filled(&self, run: Option<&EvalRun>, traces: Vec<PackedTrace>, left_out: Vec<String>) -> Result<String, String> {
        let template =
            report_template().ok_or("this binary was built without its page: run `cargo xtask ui` and build again")?;
        let written = UnixNanos(self.clock.unix_nanos());
        fill(template, &ReportData { v: 1, version: &self.identity.version, written, run, traces, left_out })
    }

    /// A trace for a report, with a remark on what it lacks; none when it is not held.
    async fn packed(
        self: &Arc<Self>,
        id: TraceId,
        evidence: HashSet<SpanId>,
    ) -> Result<Option<(PackedTrace, Option<String>)>, Refusal> {
        let (trace, completeness) = self.reader.trace(id).await?;
        let Some(trace) = trace else { return Ok(None) };
        let api = Arc::clone(self);
        self.busy(move || pack(&api, &Prepared::new(trace, completeness), &evidence)).await?.map(Some)
    }
}

fn pack(api: &Api, prepared: &Prepared, evidence: &HashSet<SpanId>) -> Result<(PackedTrace, Option<String>), Refusal> {
    let outline = outline(OutlineInput {
        trace: &prepared.trace,
        completeness: &prepared.completeness,
        rows: &prepared.rows,
        critical: &prepared.critical_path,
        self_times: &prepared.self_times,
        shifts: &[],
        is_adjusted: false,
        summary: row_of(api, &prepared.summary, None),
        styles: &|services| api.styles.of_each(services.iter().map(String::as_str)),
    });
    let bytes = encode(outline, Sections { span_ids: true, skew: false }).map_err(Refusal::fault)?;
    let (rows, cut) = detailed_rows(prepared, evidence);
    let computed = Computed { self_times: &prepared.self_times, critical: &prepared.critical };
    let details: Vec<_> = rows
        .into_iter()
        .filter_map(|row| span_detail(&prepared.trace, &prepared.rows, row, &computed, false))
        .collect();
    let details = serde_json::to_vec(&details).map_err(Refusal::fault)?;
    let trace_id = prepared.trace.id().to_string();
    let remark = cut.then(|| {
        format!("trace {trace_id}: attributes of its first {REPORT_DETAIL_ROWS_MAX} spans and of the evidence only")
    });
    Ok((PackedTrace { trace_id, outline: zipped(&bytes)?, spans: zipped(&details)? }, remark))
}

/// The rows whose details are told: the first, and those of the evidence; and whether others were left out.
fn detailed_rows(prepared: &Prepared, evidence: &HashSet<SpanId>) -> (Vec<u32>, bool) {
    let n = prepared.rows.rows.len();
    let first = u32::try_from(n.min(REPORT_DETAIL_ROWS_MAX)).unwrap_or(u32::MAX);
    let mut rows: Vec<u32> = (0..first).collect();
    for &span in evidence {
        let of_span = rows_of_span(&prepared.trace, &prepared.rows, span);
        rows.extend(of_span.into_iter().filter(|&row| row >= first));
    }
    (rows, n > REPORT_DETAIL_ROWS_MAX)
}

fn zipped(bytes: &[u8]) -> Result<String, Refusal> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).map_err(Refusal::fault)?;
    Ok(STANDARD.encode(encoder.finish().map_err(Refusal::fault)?))
}

/// The traces of a run, once each: of attempts that did not pass first, so that a bound does not take those.
fn traces_of(run: &EvalRun) -> Vec<TraceId> {
    let attempts = || run.scenarios.iter().flat_map(|scenario| &scenario.attempts);
    let passed = |verdict| matches!(verdict, Verdict::Pass | Verdict::Improved);
    let ordered = attempts()
        .filter(|attempt| !passed(attempt.verdict))
        .chain(attempts().filter(|attempt| passed(attempt.verdict)));
    let mut seen = HashSet::new();
    ordered
        .flat_map(|attempt| {
            let judged = attempt.trace_id.iter();
            judged.chain(attempt.steps.iter().map(|step| &step.trace_id))
        })
        .filter_map(|id| id.parse().ok())
        .filter(|&id| seen.insert(id))
        .collect()
}

/// Spans of a trace that prove something.
fn evidence_of(run: &EvalRun, id: TraceId) -> HashSet<SpanId> {
    let trace_id = id.to_string();
    let assertions =
        run.scenarios.iter().flat_map(|scenario| &scenario.attempts).flat_map(|attempt| &attempt.assertions);
    assertions
        .flat_map(|assertion| assertion.evidence.iter().chain(&assertion.nearest))
        .filter(|span| span.trace_id == trace_id)
        .filter_map(|span| span.span_id.parse().ok())
        .collect()
}

/// The template with data in it. `<` is written so that nothing in them can end the element they stand in.
fn fill(template: &str, data: &ReportData<'_>) -> Result<String, String> {
    let json = serde_json::to_string(data).map_err(|error| error.to_string())?;
    let (before, after) = template.split_once(PLACEHOLDER).ok_or("the template of reports has no place for data")?;
    Ok([before, &json.replace('<', "\\u003c"), after].concat())
}
