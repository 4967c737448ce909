//! Findings, what-if, comparison, doctor: analyses of many traces.

use std::collections::BTreeSet;
use std::sync::Arc;

use analysis::{Change, ExplainOptions, OperationName, Peers};
use axum::Json;
use axum::extract::{Query, State};
use engine::{Doctor, Half, Side, WhatIf, compare};
use http::{HeaderMap, StatusCode};
use model::Duration;
use serde::Deserialize;
use wire::{
    ChangeKind, CompareRequest, ComparedSide, Comparison, Diagnosis, Explanation, Selection, WhatIfAnswer,
    WhatIfRequest,
};

use crate::answer::{Answered, Refusal};
use crate::explained::{
    ailment_of, attributes_of, cannot_tell_of, clocks_of, critical_of, effects_of, examples_of, finding_of, flow_of,
    operations_of, root_cause_of, service_of, silent_service, spread_of, structure_of, what_if_remarks,
};
use crate::limits::{
    ANALYSIS_TIME_DEFAULT, ANALYSIS_TIME_MAX, CHANGES_MAX, CRITICAL_TOLD_MAX, FINDINGS_DEFAULT, FINDINGS_MAX,
    FLOWS_TOLD_MAX, SUPPRESSED_MAX,
};
use crate::parameters::{duration, limit};
use crate::selection::{self, Chosen, Looked, Selected, walk, walk_in_parts};
use crate::server::Api;
use crate::task::{self, Task};

/// A selection in parameters, and what else is asked.
#[derive(Debug, Default, Deserialize)]
pub struct SelectionParameters {
    trace: Option<String>,
    run: Option<String>,
    query: Option<String>,
    since: Option<String>,
    start: Option<String>,
    end: Option<String>,
    limit: Option<String>,
    timeout: Option<String>,
    top: Option<String>,
    suppress: Option<String>,
}

impl SelectionParameters {
    fn selection(&self) -> Result<Selection, Refusal> {
        let number = |text: &str| {
            text.parse()
                .map_err(|_| Refusal::parameter("limit", format!("{text:?} is no number"), "write a number of traces"))
        };
        Ok(Selection {
            trace: self.trace.clone(),
            run: self.run.clone(),
            query: self.query.clone(),
            since: self.since.clone(),
            start: self.start.clone(),
            end: self.end.clone(),
            limit: self.limit.as_deref().filter(|text| !text.is_empty()).map(number).transpose()?,
        })
    }
}

/// `timeout=…`
#[derive(Debug, Default, Deserialize)]
pub struct TimeoutParameter {
    timeout: Option<String>,
}

fn timeout_of(text: Option<&str>) -> Result<Duration, Refusal> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(ANALYSIS_TIME_DEFAULT) };
    let read = duration(text).filter(|time| time.0 > 0);
    let read = read.ok_or_else(|| Refusal::parameter("timeout", format!("{text:?} is no time"), "write 10s or 2m"))?;
    Ok(read.min(ANALYSIS_TIME_MAX))
}

/// `GET /api/v1/findings`
pub async fn findings(
    State(api): State<Arc<Api>>,
    Query(asked): Query<SelectionParameters>,
    headers: HeaderMap,
) -> Answered {
    let selected = selection::read(&api, &asked.selection()?)?;
    let timeout = timeout_of(asked.timeout.as_deref())?;
    let top = limit(asked.top.as_deref(), FINDINGS_DEFAULT, FINDINGS_MAX)?;
    let suppressed = suppressed_of(asked.suppress.as_deref())?;
    task::answer(&api, &headers, timeout, move |task| explain(task, &selected, top, &suppressed)).await
}

fn suppressed_of(text: Option<&str>) -> Result<BTreeSet<String>, Refusal> {
    let ids = text.unwrap_or_default().split(',').map(str::trim).filter(|id| !id.is_empty());
    let ids: BTreeSet<String> = ids.map(str::to_owned).collect();
    if ids.len() > SUPPRESSED_MAX {
        let error = format!("{} findings are suppressed, at most {SUPPRESSED_MAX} can be", ids.len());
        return Err(Refusal::parameter("suppress", error, "give fewer"));
    }
    Ok(ids)
}

fn explain(
    task: &Task,
    selected: &Selected,
    top: usize,
    suppressed: &BTreeSet<String>,
) -> Result<Explanation, Refusal> {
    let chosen = selected.choose(task)?;
    let make = || analysis::Explanation::new(ExplainOptions::default());
    let (looked, parts) = walk_in_parts(task, &chosen.ids, make, analysis::Explanation::add)?;
    let mut whole = make();
    parts.into_iter().for_each(|part| whole.merge(part));
    let explained = whole.finish();
    let all = explained.findings.len();
    let mut findings: Vec<_> =
        explained.findings.iter().filter(|finding| !suppressed.contains(&*finding.id)).map(finding_of).collect();
    let kept = findings.len();
    findings.truncate(top);
    let mut completeness = looked.completeness(&chosen);
    for left_out in &explained.left_out {
        completeness.lacks(format!("{} {} are left out: there are too many", left_out.count, left_out.what));
    }
    Ok(Explanation {
        looked_at: looked.looked_at(&chosen),
        findings,
        finding_count: kept as u64,
        suppressed_count: (all - kept) as u64,
        data_flow: explained.data_flow.iter().take(FLOWS_TOLD_MAX).map(flow_of).collect(),
        data_flow_count: explained.data_flow.len() as u64,
        cannot_tell: cannot_tell_of(&explained),
        remarks: explained.remarks,
        completeness,
        cost: looked.cost(&chosen, task),
    })
}

/// `POST /api/v1/what-if`
pub async fn what_if(
    State(api): State<Arc<Api>>,
    Query(asked): Query<TimeoutParameter>,
    headers: HeaderMap,
    Json(request): Json<WhatIfRequest>,
) -> Answered {
    let selected = selection::read(&api, &request.selection)?;
    let changes = request.changes.iter().map(change_of).collect::<Result<Vec<Change>, Refusal>>()?;
    if changes.is_empty() || changes.len() > CHANGES_MAX {
        let error = format!("there are {} changes", changes.len());
        return Err(Refusal::new(StatusCode::BAD_REQUEST, error, format!("name 1 to {CHANGES_MAX}")));
    }
    let timeout = timeout_of(asked.timeout.as_deref())?;
    task::answer(&api, &headers, timeout, move |task| predict(task, &selected, changes)).await
}

fn change_of(change: &wire::Change) -> Result<Change, Refusal> {
    let refuse = |error: String, hint: &str| Refusal::new(StatusCode::BAD_REQUEST, error, hint);
    let word = change.kind.word();
    let names: Vec<OperationName> = change
        .operations
        .iter()
        .map(|name| name.trim())
        .filter(|name| !name.is_empty())
        .map(OperationName::new)
        .collect();
    let one = || match names.as_slice() {
        [one] => Ok(one.clone()),
        _ => Err(refuse(format!("{word} names {} operations", names.len()), "name one, and give several changes")),
    };
    match change.kind {
        ChangeKind::DropRetries => Ok(Change::DropRetries(names)),
        ChangeKind::Cache => match change.factor.unwrap_or(1.0) {
            hit_share if (0.0..=1.0).contains(&hit_share) => {
                Ok(Change::Cache { operation: one()?, hit_share, hit: Duration::ZERO })
            }
            share => {
                Err(refuse(format!("{share} is no share of hits for {word}"), "1 is every call, 0.5 every second"))
            }
        },
        ChangeKind::SpeedUp => match change.factor {
            Some(factor) if factor.is_finite() && factor > 0.0 => Ok(Change::SpeedUp { operation: one()?, factor }),
            factor => {
                Err(refuse(format!("{factor:?} is no factor for {word}"), "2 is twice as fast, 0.5 half as fast"))
            }
        },
        ChangeKind::Parallel if names.is_empty() => {
            Err(refuse(format!("{word} names no operation"), "name those that would run side by side"))
        }
        ChangeKind::Parallel => Ok(Change::Parallel(names)),
    }
}

fn predict(task: &Task, selected: &Selected, changes: Vec<Change>) -> Result<WhatIfAnswer, Refusal> {
    let chosen = selected.choose(task)?;
    let mut what_if = WhatIf::new(changes);
    let looked = walk(task, &chosen.ids, |trace| what_if.add(trace))?;
    let predicted = what_if.finish();
    Ok(WhatIfAnswer {
        looked_at: looked.looked_at(&chosen),
        before: spread_of(&predicted.before),
        after: spread_of(&predicted.after),
        saving: spread_of(&predicted.savings),
        changed_count: predicted.savings.len() as u64,
        changes: effects_of(&predicted),
        examples: examples_of(&predicted),
        remarks: what_if_remarks(&predicted),
        completeness: looked.completeness(&chosen),
        cost: looked.cost(&chosen, task),
    })
}

/// `POST /api/v1/compare`
pub async fn compare_selections(
    State(api): State<Arc<Api>>,
    Query(asked): Query<TimeoutParameter>,
    headers: HeaderMap,
    Json(request): Json<CompareRequest>,
) -> Answered {
    let (before, after) = (selection::read(&api, &request.before)?, selection::read(&api, &request.after)?);
    let timeout = timeout_of(asked.timeout.as_deref())?;
    task::answer(&api, &headers, timeout, move |task| hold_against(task, &before, &after)).await
}

fn hold_against(task: &Task, before: &Selected, after: &Selected) -> Result<Comparison, Refusal> {
    let (old, new) = (before.choose(task)?, after.choose(task)?);
    let (one, other) = std::thread::scope(|scope| {
        let one = scope.spawn(|| side_of(task, &old));
        let other = side_of(task, &new);
        (one.join(), other)
    });
    let one = one.map_err(|_| Refusal::fault("a comparison ended early"))?;
    let ((old_looked, old_side), (new_looked, new_side)) = (one?, other?);
    let compared = compare(&old_side, &new_side);
    let count = |wanted: analysis::Verdict| {
        compared.operations.iter().filter(|difference| difference.verdict == wanted).count() as u64
    };
    let mut completeness = old_looked.completeness(&old);
    completeness.add(new_looked.completeness(&new));
    let left_out = old_side.left_out() + new_side.left_out();
    if left_out > 0 {
        completeness.lacks(format!("{left_out} measurements and places are left out: there are too many"));
    }
    let mut cost = old_looked.cost(&old, task);
    let more = new_looked.cost(&new, task);
    cost.rows_scanned += more.rows_scanned;
    cost.bytes_read += more.bytes_read;
    Ok(Comparison {
        before: compared_side(&old_looked, &old, &old_side),
        after: compared_side(&new_looked, &new, &new_side),
        structure: structure_of(&compared),
        operations: operations_of(&compared),
        critical: critical_of(&compared, CRITICAL_TOLD_MAX),
        same_count: count(analysis::Verdict::Same),
        not_enough_count: count(analysis::Verdict::NotEnoughData),
        root_cause: root_cause_of(&compared),
        attributes: attributes_of(&compared),
        remarks: remarks_on(&compared, &old_looked.looked_at(&old), &new_looked.looked_at(&new)),
        completeness,
        cost,
    })
}

fn side_of(task: &Task, chosen: &Chosen) -> Result<(Looked, Side), Refusal> {
    let mut side = Side::default();
    let middle = chosen.ids.len() / 2;
    let mut looked = walk(task, &chosen.ids[..middle], |trace| side.add(trace, Half::Newer))?;
    looked.add(walk(task, &chosen.ids[middle..], |trace| side.add(trace, Half::Older))?);
    Ok((looked, side))
}

fn compared_side(looked: &Looked, chosen: &Chosen, side: &Side) -> ComparedSide {
    let durations = side.durations();
    let sum: i128 = durations.iter().map(|duration| i128::from(duration.0)).sum();
    ComparedSide {
        looked_at: looked.looked_at(chosen),
        duration: spread_of(&durations),
        duration_mean: (!durations.is_empty()).then(|| (sum / durations.len() as i128) as i64),
        error_count: side.errors(),
    }
}

fn remarks_on(compared: &engine::Compared, before: &wire::LookedAt, after: &wire::LookedAt) -> Vec<String> {
    let mut remarks = Vec::new();
    for side in [before, after] {
        if side.trace_count == 0 {
            remarks.push(format!("{} has no trace: there is nothing to compare", side.text));
        }
    }
    let single = before.trace_count == 1 && after.trace_count == 1;
    if compared.few && !single && remarks.is_empty() {
        remarks.push(format!(
            "a side has fewer than {} traces: whether calls came, went or changed in number cannot be told",
            engine::TRACES_MIN
        ));
    }
    remarks
}

/// `GET /api/v1/doctor`
pub async fn doctor(
    State(api): State<Arc<Api>>,
    Query(asked): Query<SelectionParameters>,
    headers: HeaderMap,
) -> Answered {
    let selected = selection::read(&api, &asked.selection()?)?;
    let timeout = timeout_of(asked.timeout.as_deref())?;
    task::answer(&api, &headers, timeout, move |task| diagnose(task, &selected)).await
}

fn diagnose(task: &Task, selected: &Selected) -> Result<Diagnosis, Refusal> {
    let chosen = selected.choose(task)?;
    let (mut doctor, mut peers) = (Doctor::new(), Peers::default());
    let looked = walk(task, &chosen.ids, |trace| {
        peers.learn(trace);
        doctor.add(trace, &peers);
    })?;
    let mut found = doctor.diagnose();
    // Told of services that are in the selection, whatever batches their spans came in.
    let here = |one: &engine::Ailment| found.services.iter().any(|service| service.service == one.service);
    let late: Vec<_> = task.api.feed.lateness.ailments().into_iter().filter(here).collect();
    found.ailments.extend(late);
    found.ailments.sort_by_key(|ailment| ailment.severity);
    let looked_at = looked.looked_at(&chosen);
    let mut completeness = looked.completeness(&chosen);
    if found.left_out > 0 {
        completeness.lacks(format!("{} signs are left out: there are too many services or hops", found.left_out));
    }
    let services = found.services.iter().map(service_of).chain(found.silent.iter().map(silent_service));
    Ok(Diagnosis {
        ailments: found.ailments.iter().map(|ailment| ailment_of(ailment, looked_at.trace_count)).collect(),
        services: services.collect(),
        clocks: clocks_of(&found.clocks, |_| true),
        remarks: Vec::new(),
        looked_at,
        completeness,
        cost: looked.cost(&chosen, task),
    })
}
