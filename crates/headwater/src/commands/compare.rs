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
    let access = Access::at(&args.analysis.at).await?;
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
    /// Points in time as the API reads them.
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
            return Self::window(text, from, until);
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

    fn window(text: &str, from: &str, until: &str) -> Result<Self, Failure> {
        let read = |end: &str| {
            point(end).ok_or_else(|| {
                let hint = "write ages such as 48h..24h, or times such as 2026-11-24T08:00:00Z..2026-11-24T09:00:00Z";
                Failure::usage(format!("{text:?} is no time window: {hint}"))
            })
        };
        let begins = read(from)?;
        let until = Some(until).filter(|until| !until.is_empty());
        let ends = until.map(read).transpose()?;
        if let (Ok(begins), Some(Ok(ends))) = (amounts::age(from), until.map(amounts::age))
            && ends >= begins
        {
            return Err(Failure::usage(format!(
                "{text:?} ends before it begins: the greater age comes first, such as 48h..24h"
            )));
        }
        Ok(Self::Window(begins, ends))
    }

    async fn selection(&self, args: &CompareArgs, access: &Access) -> Result<Selection, Failure> {
        let mut selection = all(args.limit);
        match self {
            Self::Query(query) => {
                selection.query = Some(query.clone());
                selection.since.clone_from(&args.since);
            }
            Self::Run(run) => selection.run = Some(run_id(run, &access.client).await?),
            Self::Trace(id) => selection.trace = Some(access.id(id).await?.to_string()),
            Self::Window(from, until) => {
                selection.query.clone_from(&args.query);
                selection.start = Some(from.clone());
                selection.end.clone_from(until);
            }
        }
        Ok(selection)
    }
}

/// A point in time as the API reads it: an age before now, RFC 3339, or a Unix time.
fn point(text: &str) -> Option<String> {
    if amounts::age(text).is_ok() {
        return Some(format!("-{text}"));
    }
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_date = text.starts_with(|c: char| c.is_ascii_digit()) && text.contains(['T', 't']);
    (is_number || is_date).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_told_apart_by_how_they_are_written() {
        let read = |text: &str| Side::read(text).expect(text);
        assert_eq!(read("{ status = error }"), Side::Query("{ status = error }".into()));
        assert_eq!(read("run:last"), Side::Run("last".into()));
        assert_eq!(read("48h..24h"), Side::Window("-48h".into(), Some("-24h".into())));
        assert_eq!(read("24h.."), Side::Window("-24h".into(), None));
        let day = "2026-11-24T08:00:00Z";
        assert_eq!(read(&format!("{day}..1h")), Side::Window(day.into(), Some("-1h".into())));
        assert_eq!(read("5b8aa5a2"), Side::Trace("5b8aa5a2".into()));
        for wrong in
            ["", "yesterday", "24h..48h", "1h..1h", "soon..", "{ status = }", "5b8aa5a2d2c872e8321cf37308d69df2ff"]
        {
            assert!(Side::read(wrong).is_err(), "{wrong}");
        }
    }
}
