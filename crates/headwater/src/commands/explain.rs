//! `headwater explain`: what is slow, what fails, what is done twice.

use client::FindingsQuery;

use crate::access::{Access, nothing, refused};
use crate::cli_explain::ExplainArgs;
use crate::exit::{ExitCode, Failure};
use crate::explaining::findings;
use crate::selecting::{Told, check, print, selection};
use crate::terminal::Terminal;

pub async fn run(args: &ExplainArgs) -> Result<ExitCode, Failure> {
    let timeout = check(args.selection.query.as_deref(), args.selection.since.as_deref(), &args.analysis.timeout)?;
    let access = Access::at(&args.analysis.at).await?;
    access
        .with(async |access| {
            let selection = selection(&args.selection, access).await?;
            let query = FindingsQuery { selection, top: args.top.max(1), suppress: args.suppress.clone() };
            let mut told = Told::new();
            let explanation = access.client.findings(&query, timeout, |progress| told.tell(progress)).await;
            drop(told);
            let explanation = explanation.map_err(refused)?;
            let json = args.analysis.json.then(|| serde_json::to_string_pretty(&explanation));
            print(json, || match args.markdown {
                true => findings::markdown(&explanation),
                false => findings::text(&explanation, Terminal::of_stdout()),
            })?;
            if explanation.looked_at.trace_count == 0 {
                return Err(nothing("no trace was looked at: `headwater query` shows what a query finds"));
            }
            Ok(ExitCode::OK)
        })
        .await
}
