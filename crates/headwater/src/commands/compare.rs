//! `headwater compare`: two traces, queries, runs or time windows against each other.

use wire::{CompareRequest, Selection};

use crate::access::{Access, nothing, refused};
use crate::amounts;
use crate::cli_explain::CompareArgs;
use crate::exit::{ExitCode, Failure};
use crate::explaining::compare;
use crate::selecting::{Told, all, check, check_query, print, run_id};
use crate::terminal::Terminal;

pub async fn run(args: &CompareArgs) -> Result<ExitCode, Failure> {
    let timeout = check(args.query.as_deref(), args.since.as_deref(), &args.analysis.timeout)?;
    let (before, after) = (Side::read(&args.before)?, Side::read(&args.after)?);
    if args.query.is_some() && !matches!((&before, &after), (Side::Window(..), Side::Window(..))) {
        return Err(Failure::usage("--query narrows time windows: write FROM..UNTIL on both sides"));
    }
    let access = Access::open(&args.analysis.data, args.analysis.server.as_deref()).await?;
    access
        .with(async |access| {
            let request = CompareRequest {
                before: before.selection(args, access).await?,
                after: after.selection(args, access).await?,
            };
            let mut told = Told::new();
            let answer = access.client.compare(&request, timeout, |progress| told.tell(progress)).await;
            drop(told);
            let answer = answer.map_err(refused)?;
            let json = args.analysis.json.then(|| serde_json::to_string_pretty(&answer));
            print(json, || compare::text(&answer, Terminal::of_stdout()))?;
            if answer.before.looked_at.trace_count == 0 || answer.after.looked_at.trace_count == 0 {
                return Err(nothing("a side has no trace: `headwater query` shows what a query finds"));
            }
            Ok(ExitCode::OK)
        })
        .await
}

/// What a side is, as far as its text tells.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Side {
    Query(String),
    Run(String),
    /// Ages.
    Window(String, Option<String>),
    Trace(String),
}

impl Side {
    fn read(text: &str) -> Result<Self, Failure> {
        let text = text.trim();
        if text.starts_with('{') || text.starts_with('(') {
            check_query(text)?;
            return Ok(Self::Query(text.to_owned()));
        }
        if let Some(run) = text.strip_prefix("run:") {
            return Ok(Self::Run(run.to_owned()));
        }
        if let Some((from, until)) = text.split_once("..") {
            let age = |age: &str| {
                amounts::age(age).map_err(|problem| Failure::usage(format!("{text:?} is no time window: {problem}")))
            };
            let begins = age(from)?;
            let until = Some(until).filter(|until| !until.is_empty());
            if until.map(age).transpose()?.is_some_and(|ends| ends >= begins) {
                return Err(Failure::usage(format!(
                    "{text:?} ends before it begins: the greater age comes first, such as 48h..24h"
                )));
            }
            return Ok(Self::Window(from.to_owned(), until.map(str::to_owned)));
        }
        let id = text.strip_prefix("trace:").unwrap_or(text);
        if !id.is_empty() && id.len() <= 32 && id.chars().all(|c| c.is_ascii_hexdigit()) {
            return Ok(Self::Trace(id.to_owned()));
        }
        Err(Failure::usage(format!(
            "{text:?} is no side: write a trace's id, run:ID, run:last, a query such as '{{ status = error }}', or a time \
             window such as 48h..24h"
        )))
    }

    async fn selection(&self, args: &CompareArgs, access: &Access) -> Result<Selection, Failure> {
        let mut selection = all(args.limit);
        match self {
            Self::Query(query) => {
                selection.query = Some(query.clone());
                selection.since.clone_from(&args.since);
            }
            Self::Run(run) => selection.run = Some(run_id(run, access).await?),
            Self::Trace(id) => selection.trace = Some(access.id(id).await?.to_string()),
            Self::Window(from, until) => {
                selection.query.clone_from(&args.query);
                selection.start = Some(format!("-{from}"));
                selection.end = until.as_ref().map(|until| format!("-{until}"));
            }
        }
        Ok(selection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_told_apart_by_how_they_are_written() {
        let read = |text: &str| Side::read(text).expect(text);
        assert_eq!(read("{ status = error }"), Side::Query("{ status = error }".into()));
        assert_eq!(read("run:last"), Side::Run("last".into()));
        assert_eq!(read("48h..24h"), Side::Window("48h".into(), Some("24h".into())));
        assert_eq!(read("24h.."), Side::Window("24h".into(), None));
        assert_eq!(read("5b8aa5a2"), Side::Trace("5b8aa5a2".into()));
        for wrong in ["", "yesterday", "24h..48h", "1h..1h", "{ status = }", "5b8aa5a2d2c872e8321cf37308d69df2ff"] {
            assert!(Side::read(wrong).is_err(), "{wrong}");
        }
    }
}
