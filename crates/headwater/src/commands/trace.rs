//! `headwater trace`: a trace as a tree, or as OTLP JSON.

use std::io::Write as _;

use client::TraceQuery;

use crate::access::{Access, nothing};
use crate::cli::TraceArgs;
use crate::exit::{ExitCode, Failure};
use crate::explaining::clocks;
use crate::terminal::Terminal;
use crate::tree;

pub async fn run(args: &TraceArgs) -> Result<ExitCode, Failure> {
    let access = Access::at(&args.at).await?;
    access.with(async |access| print(args, access).await).await
}

async fn print(args: &TraceArgs, access: &Access) -> Result<ExitCode, Failure> {
    let id = match &args.id {
        Some(text) => access.id(text).await?,
        None => newest(access).await?,
    };
    let (trace, clocks) = match args.adjust_clocks {
        true => access.trace_adjusted(id).await.map(|(trace, clocks)| (trace, Some(clocks)))?,
        false => (access.trace(id).await?, None),
    };
    let text = if args.json {
        otlp::encode_json(trace.spans(), trace.logs()) + "\n"
    } else {
        let terminal = Terminal::of_stdout();
        clocks.map_or_else(String::new, |clocks| clocks::of_trace(&clocks, terminal)) + &tree::print(trace, terminal)
    };
    // A reader that has seen enough closes the pipe; that is no failure.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(ExitCode::OK)
}

async fn newest(access: &Access) -> Result<model::TraceId, Failure> {
    let list = access.list(&TraceQuery { limit: Some(1), ..TraceQuery::default() }).await?;
    let row = list
        .traces
        .first()
        .ok_or_else(|| nothing("nothing is stored yet: send OTLP to `headwater serve`, or run `headwater demo`"))?;
    row.trace_id.parse().map_err(|_| Failure::infrastructure("the server answered with no trace id"))
}
