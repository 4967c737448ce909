//! `headwater suggest`: assertions from good traces.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use eval::report::{RunReport, Verdict};
use eval::{Suggestion, suggest};
use model::Trace;

use crate::access::{Access, nothing};
use crate::cli::SuggestArgs;
use crate::exit::{ExitCode, Failure};

pub async fn run(args: &SuggestArgs) -> Result<ExitCode, Failure> {
    let access = Access::at(&args.at).await?;
    let text = access.with(async |access| text(args, access).await).await?;
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(ExitCode::OK)
}

async fn text(args: &SuggestArgs, access: &Access) -> Result<String, Failure> {
    if args.report.is_empty() {
        let traces = traces(access, &args.traces).await?;
        return Ok(suggest(&traces).yaml());
    }
    let mut suggestions = Vec::new();
    for (name, ids) in passed(args)? {
        suggestions.push((name, suggest(&traces(access, &ids).await?)));
    }
    let Some(path) = &args.into else { return Ok(by_scenario(&suggestions)) };
    let suite = read(path)?;
    eval::suggest_into(&suite, &suggestions)
        .map_err(|message| Failure::usage(format!("cannot add to {}: {message}", path.display())))
}

fn by_scenario(suggestions: &[(String, Suggestion)]) -> String {
    let told = suggestions.iter().map(|(name, suggestion)| format!("# {name}\n{}", suggestion.yaml()));
    told.collect::<Vec<_>>().join("\n")
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))
}

/// The traces of the attempts that passed, by scenario, in the order of the first report.
fn passed(args: &SuggestArgs) -> Result<Vec<(String, Vec<String>)>, Failure> {
    let mut order: Vec<String> = Vec::new();
    let mut ids: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for path in &args.report {
        let report: RunReport = serde_json::from_str(&read(path)?)
            .map_err(|error| Failure::usage(format!("{} is no report of a run: {error}", path.display())))?;
        for scenario in report.scenarios {
            if args.scenario.as_ref().is_some_and(|wanted| !scenario.name.contains(wanted.as_str())) {
                continue;
            }
            let attempts = scenario.attempts.iter().filter(|attempt| attempt.verdict == Verdict::Pass);
            let traces = attempts.filter_map(|attempt| attempt.trace_id.clone());
            if !order.contains(&scenario.name) {
                order.push(scenario.name.clone());
            }
            ids.entry(scenario.name).or_default().extend(traces);
        }
    }
    let all = order.into_iter().filter_map(|name| ids.remove(&name).map(|ids| (name, ids)));
    let some: Vec<_> = all.filter(|(_, ids)| !ids.is_empty()).collect();
    if some.is_empty() {
        return Err(nothing("no attempt in the report passed: there is no good trace to suggest from"));
    }
    Ok(some)
}

async fn traces(access: &Access, ids: &[String]) -> Result<Vec<Trace>, Failure> {
    let mut traces = Vec::new();
    for id in ids {
        traces.push(access.trace(access.id(id).await?).await?);
    }
    Ok(traces)
}
