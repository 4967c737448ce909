//! `headwater judge`: a run judged again, or any stored traces, without driving anything.

use std::path::Path;
use std::sync::Arc;

use client::Client;
use eval::report::RunReport;
use eval::suite::Suite;
use eval::{Host, HttpClient, NoSettings, Plan, RunOptions, TraceSource};
use model::TraceId;

use super::eval::{read_suite, told};
use crate::access::{Access, NOTHING, nothing, refused};
use crate::cli::DataArg;
use crate::cli_testing::JudgeArgs;
use crate::data_folder::Temporary;
use crate::exit::{ExitCode, Failure};
use crate::outputs::Outputs;
use crate::selecting::run_id;
use crate::server::{clock, random};
use crate::stored_traces::{LookedUp, NoSink, answer_queries, find};
use crate::{amounts, run_file, runs};

pub async fn run(args: &JudgeArgs) -> Result<ExitCode, Failure> {
    let outputs = Outputs::parse(&args.output)?;
    if let Some(since) = &args.since {
        amounts::age(since).map_err(|problem| Failure::usage(format!("--since: {problem}")))?;
    }
    let suite = read_suite(&args.suite)?;
    if let Some(path) = args.run.as_ref().map(Path::new).filter(|path| path.is_file()) {
        return of_file(args, path, suite, &outputs).await;
    }
    let access = Access::at(&args.at).await?;
    access.with(async |access| of_store(args, suite, &outputs, access).await).await
}

/// Of a file: its traces go to a store that lives as long as the judging.
async fn of_file(args: &JudgeArgs, path: &Path, suite: Suite, outputs: &Outputs) -> Result<ExitCode, Failure> {
    let (run, traces) = run_file::read(path)?;
    let temporary = Temporary::new().map_err(Failure::infrastructure)?;
    let access = Access::open(&DataArg { data: Some(temporary.path().to_owned()) }, None).await?;
    access
        .with(async |access| {
            for batch in &traces {
                let imported = access.client.import(batch).await.map_err(refused)?;
                if imported.rejected > 0 {
                    eprintln!("headwater: {} were rejected: {}", imported.rejected, imported.message);
                }
            }
            let client = Arc::new(access.client.clone());
            let report = judged(args, suite, Some(run), Arc::new(LookedUp(Arc::clone(&client)))).await?;
            outputs.write(&report, &client).await?;
            Ok(code(&report))
        })
        .await
}

async fn of_store(args: &JudgeArgs, mut suite: Suite, outputs: &Outputs, access: &Access) -> Result<ExitCode, Failure> {
    let client = Arc::new(access.client.clone());
    let again = match &args.run {
        Some(run) => Some(stored_run(run, &client).await?),
        None => {
            answer_queries(&mut suite, &client).await?;
            suite.judge_only(&named(args, access).await?);
            None
        }
    };
    let report = judged(args, suite, again, Arc::new(LookedUp(Arc::clone(&client)))).await?;
    if let Err(error) = client.submit_run(&runs::as_wire(&report)).await {
        eprintln!("headwater: the server did not take the run: {error}");
    }
    outputs.write(&report, &client).await?;
    Ok(code(&report))
}

fn code(report: &RunReport) -> ExitCode {
    ExitCode(report.exit_code.unwrap_or(ExitCode::INFRASTRUCTURE.0))
}

/// The traces that the command line names.
async fn named(args: &JudgeArgs, access: &Access) -> Result<Vec<TraceId>, Failure> {
    let mut traces = Vec::new();
    for text in &args.trace {
        traces.push(access.id(text).await?);
    }
    if let Some(query) = &args.query {
        traces.extend(find(&access.client, query, args.since.clone(), args.limit as usize).await?);
    }
    if traces.is_empty() {
        return Err(nothing("the query finds no stored trace: there is nothing to judge"));
    }
    Ok(traces)
}

/// A run that the server keeps.
async fn stored_run(named: &str, client: &Client) -> Result<RunReport, Failure> {
    let id = run_id(named, client).await.map_err(|failure| match failure.code {
        NOTHING if named != "last" => nothing(&format!("{}, and there is no file of that name", failure.message)),
        _ => failure,
    })?;
    let run = client.run(&id).await.map_err(refused)?;
    run.as_ref().map(runs::from_wire).ok_or_else(|| nothing("the run went away while it was read"))
}

async fn judged(
    args: &JudgeArgs,
    suite: Suite,
    again: Option<RunReport>,
    source: Arc<dyn TraceSource>,
) -> Result<RunReport, Failure> {
    let flaky = if args.allow_flaky { eval::exit_code::Flaky::Allowed } else { eval::exit_code::Flaky::Fails };
    let page = args.at.server.clone();
    let options = RunOptions { page, filter: args.filter.clone(), flaky, ..of_this_version(again.map(Arc::new)) };
    let plan = Plan::new(Arc::new(suite), options).map_err(|error| Failure::usage(error.message))?;
    Ok(told(plan, host(source)?, |_| {}).await)
}

/// Options that know which Headwater this is, and what it runs on.
pub fn of_this_version(again: Option<Arc<RunReport>>) -> RunOptions {
    let (commit, branch) = match &again {
        Some(run) => (run.commit.clone(), run.branch.clone()),
        None => (None, None),
    };
    RunOptions { again, commit, branch, version: env!("CARGO_PKG_VERSION").to_owned(), ..RunOptions::default() }
}

/// What a runner needs that drives nothing.
pub fn host(source: Arc<dyn TraceSource>) -> Result<Host, Failure> {
    Ok(Host {
        clock: clock(),
        random: random(),
        source,
        sink: Arc::new(NoSink),
        settings: Arc::new(NoSettings),
        client: HttpClient::new().map_err(|error| Failure::infrastructure(error.to_string()))?,
        injector: None,
    })
}
