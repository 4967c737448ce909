//! `headwater query`: traces that a TraceQL query finds, as a table, JSON or CSV.

use std::fmt::Write as _;
use std::io::Write as _;

use client::TraceQuery;
use model::Duration;
use wire::{TraceList, TraceRow};

use crate::access::Access;
use crate::amounts;
use crate::cli::{QueryArgs, Sort};
use crate::exit::{ExitCode, Failure};
use crate::terminal::{Style, Terminal, pad, printable};

pub async fn run(args: &QueryArgs) -> Result<ExitCode, Failure> {
    if let Some(since) = &args.since {
        amounts::age(since).map_err(|problem| Failure::usage(format!("--since: {problem}")))?;
    }
    let text = query::expand_search(&args.query);
    let parsed = query::parse(&text);
    if parsed.tree.is_none() {
        let told: Vec<String> = parsed.problems.iter().map(|problem| problem.render(&text)).collect();
        return Err(Failure::usage(format!("{}\n(`headwater help query` shows the language)", told.join("\n"))));
    }
    let access = Access::open(&args.data, args.server.as_deref()).await?;
    access.with(async |access| print(args, &text, access).await).await
}

async fn print(args: &QueryArgs, text: &str, access: &Access) -> Result<ExitCode, Failure> {
    let sort = match args.sort {
        Sort::Newest => "-start",
        Sort::Oldest => "start",
        Sort::Duration => "-duration",
        Sort::Errors => "-errors",
        Sort::Spans => "-spans",
    };
    let asked = TraceQuery {
        query: Some(text.to_owned()),
        since: args.since.clone(),
        sort: Some(sort.to_owned()),
        limit: Some(args.limit),
        cursor: None,
    };
    let list = access.list(&asked).await?;
    let out = if args.json {
        let json = serde_json::to_string_pretty(&list);
        json.map_err(|error| Failure::infrastructure(error.to_string()))? + "\n"
    } else if args.csv {
        csv(&list)
    } else {
        table(&list, Terminal::of_stdout())
    };
    // A reader that has seen enough closes the pipe; that is no failure.
    let _ = std::io::stdout().write_all(out.as_bytes());
    for reason in &list.completeness.reasons {
        eprintln!("headwater: this is not all: {reason}");
    }
    Ok(ExitCode::OK)
}

fn table(list: &TraceList, terminal: Terminal) -> String {
    let mut out = String::new();
    let head = format!("{:<32}  {:>9}  {:>5}  {:>4}  root", "trace", "duration", "spans", "err");
    let _ = writeln!(out, "{}", terminal.paint(Style::Bold, &head));
    for row in &list.traces {
        let errors = if row.error_count > 0 {
            terminal.paint(Style::Red, &format!("{:>4}", row.error_count))
        } else {
            format!("{:>4}", "-")
        };
        let root = pad(
            &printable(&format!("{} {}", row.root_service, row.root_name)),
            terminal.width.saturating_sub(62).max(20),
        );
        let line = format!(
            "{}  {:>9}  {:>5}  {errors}  {root}",
            row.trace_id,
            Duration(row.duration).to_string(),
            row.span_count
        );
        let _ = writeln!(out, "{}", line.trim_end());
    }
    let more = if list.next_cursor.is_some() { ", more with --limit" } else { "" };
    let _ = writeln!(
        out,
        "{} traces{more} ({} rows looked at, {} bytes read, {})",
        list.traces.len(),
        list.cost.rows_scanned,
        list.cost.bytes_read,
        Duration(list.cost.elapsed),
    );
    out
}

fn csv(list: &TraceList) -> String {
    let mut out = String::from("trace,start_unix_nano,duration_ns,spans,errors,root_service,root_name\n");
    for row in &list.traces {
        let TraceRow { trace_id, start, duration, span_count, error_count, root_service, root_name, .. } = row;
        let _ = writeln!(
            out,
            "{trace_id},{},{duration},{span_count},{error_count},{},{}",
            start.0,
            quoted(root_service),
            quoted(root_name)
        );
    }
    out
}

/// RFC 4180; a cell that a spreadsheet would take for a formula gets an apostrophe.
fn quoted(text: &str) -> String {
    let guarded = if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text.to_owned() };
    if guarded.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", guarded.replace('"', "\"\"")) } else { guarded }
}
