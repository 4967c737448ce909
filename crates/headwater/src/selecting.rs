//! From the command line of an analysis to the selection of traces that the server is asked, and its progress on standard
//! error.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use client::{Client, Progress};
use wire::Selection;

use crate::access::{Access, nothing, refused};
use crate::amounts;
use crate::cli_explain::SelectionArgs;
use crate::exit::Failure;

/// Every trace.
pub fn all(limit: u32) -> Selection {
    Selection { trace: None, run: None, query: None, since: None, start: None, end: None, limit: Some(limit) }
}

/// Finds mistakes in what was typed before anything is opened.
pub fn check(query: Option<&str>, since: Option<&str>, timeout: &str) -> Result<Duration, Failure> {
    if let Some(since) = since {
        amounts::age(since).map_err(|problem| Failure::usage(format!("--since: {problem}")))?;
    }
    if let Some(query) = query {
        check_query(query)?;
    }
    let timeout = amounts::age(timeout).map_err(|problem| Failure::usage(format!("--timeout: {problem}")))?;
    Ok(timeout.to_std())
}

/// All mistakes of a query, each with its place.
pub fn check_query(text: &str) -> Result<(), Failure> {
    let text = query::expand_search(text);
    let parsed = query::parse(&text);
    if parsed.tree.is_some() {
        return Ok(());
    }
    let told: Vec<String> = parsed.problems.iter().map(|problem| problem.render(&text)).collect();
    Err(Failure::usage(format!("{}\n(`headwater help query` shows the language)", told.join("\n"))))
}

/// The traces that the arguments mean.
pub async fn selection(args: &SelectionArgs, access: &Access) -> Result<Selection, Failure> {
    let mut selection = all(args.limit);
    selection.since.clone_from(&args.since);
    selection.query.clone_from(&args.query);
    if let Some(trace) = &args.trace {
        selection.trace = Some(access.id(trace).await?.to_string());
    }
    if let Some(run) = &args.run {
        selection.run = Some(run_id(run, &access.client).await?);
    }
    Ok(selection)
}

/// The id of a run from `last` or its first digits, however many runs are kept.
pub async fn run_id(text: &str, client: &Client) -> Result<String, Failure> {
    let begins = |run: &String| run.get(..text.len()).is_some_and(|head| head.eq_ignore_ascii_case(text));
    let (mut found, mut cursor): (Vec<String>, Option<String>) = (Vec::new(), None);
    loop {
        let page = client.runs(None, cursor.as_deref()).await.map_err(refused)?;
        let mut runs = page.runs.into_iter().map(|run| run.run);
        if text == "last" {
            return runs.next().ok_or_else(|| nothing("no run is stored yet: `headwater eval` makes one"));
        }
        found.extend(runs.filter(begins));
        if let Some(whole) = found.iter().find(|run| run.len() == text.len()) {
            return Ok(whole.clone());
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    match found.as_slice() {
        [one] if !text.is_empty() => Ok(one.clone()),
        [] => Err(nothing(&format!("no stored run begins with {text:?}"))),
        _ => Err(Failure::usage(format!("several runs begin with {text:?}: give more digits"))),
    }
}

/// Tells how far the server is, where somebody watches; the line goes away at the end.
pub struct Told {
    watched: bool,
    last: Progress,
}

impl Told {
    pub fn new() -> Self {
        Self { watched: std::io::stderr().is_terminal(), last: Progress::default() }
    }

    pub fn tell(&mut self, progress: Progress) {
        if self.watched && progress != self.last {
            self.last = progress;
            let _ = write!(std::io::stderr(), "\rlooking at traces: {} of {} ", progress.read, progress.of);
        }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        if self.watched && self.last != Progress::default() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

/// Writes an answer: as JSON where that was asked for, else as `text` makes it. A reader that has seen enough closes the
/// pipe; that is no failure.
pub fn print(json: Option<serde_json::Result<String>>, text: impl FnOnce() -> String) -> Result<(), Failure> {
    let out = match json {
        Some(json) => json.map_err(|error| Failure::infrastructure(error.to_string()))? + "\n",
        None => text(),
    };
    let _ = std::io::stdout().write_all(out.as_bytes());
    Ok(())
}
