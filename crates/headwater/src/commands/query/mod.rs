//! `headwater query`: what a TraceQL query finds, as a table, JSON or CSV.
//!
//! | file | what |
//! | --- | --- |
//! | `traces.rs` | lists of traces |
//! | `spans.rs` | traces with the spans found: queries with `select(…)` or `by(…)` |
//! | `series.rs` | metrics queries |
//! | `csv.rs` | cells of CSV |

mod csv;
mod series;
mod spans;
mod traces;

use std::collections::HashSet;
use std::io::Write as _;
use std::ops::ControlFlow;

use client::{SeriesQuery, TraceQuery};
use query::{AnyQuery, Stage};
use wire::{Completeness, Cost, LiveTraces};

use crate::access::{Access, refused};
use crate::amounts;
use crate::cli::{QueryArgs, Sort};
use crate::exit::{ExitCode, Failure};
use crate::terminal::Terminal;

pub async fn run(args: &QueryArgs) -> Result<ExitCode, Failure> {
    for (name, age) in [("--since", &args.since), ("--step", &args.step), ("--timeout", &args.timeout)] {
        if let Some(age) = age {
            amounts::age(age).map_err(|problem| Failure::usage(format!("{name}: {problem}")))?;
        }
    }
    let text = query::expand_search(&args.query).to_string();
    let query = query::parse_any(&text).into_result().map_err(|problems| {
        let told: Vec<String> = problems.iter().map(|problem| problem.render(&text)).collect();
        Failure::usage(format!("{}\n(`headwater help query` shows the language)", told.join("\n")))
    })?;
    if args.follow && matches!(query, AnyQuery::Metrics(_)) {
        return Err(Failure::usage("--follow tells of traces: a metrics query has none".to_owned()));
    }
    let access = Access::at(&args.at).await?;
    access
        .with(async |access| match args.follow {
            true => follow(args, &text, access).await,
            false => print(args, &text, &query, access).await,
        })
        .await
}

/// Traces told of already, so that one that grows is told once.
const FOLLOWED_MAX: usize = 65_536;

/// Prints a line for each trace when it first matches, until interrupted or the server stops.
async fn follow(args: &QueryArgs, text: &str, access: &Access) -> Result<ExitCode, Failure> {
    let terminal = Terminal::of_stdout();
    let mut told = HashSet::new();
    let mut out = std::io::stdout();
    if !args.json {
        let head = if args.csv { traces::CSV_HEAD.to_owned() } else { traces::head(terminal) };
        let _ = out.write_all(head.as_bytes());
    }
    let mut take = |live: LiveTraces| {
        if live.left_out > 0 {
            eprintln!("headwater: {} more traces changed than are told one by one", live.left_out);
        }
        if told.len() > FOLLOWED_MAX {
            told.clear();
        }
        for row in live.traces.iter().filter(|row| told.insert(row.trace_id.clone())) {
            let line = if args.json {
                serde_json::to_string(row).unwrap_or_default() + "\n"
            } else if args.csv {
                traces::csv_line(row)
            } else {
                traces::line(row, terminal) + "\n"
            };
            // A reader that has seen enough closes the pipe; that is no failure.
            if out.write_all(line.as_bytes()).and_then(|()| out.flush()).is_err() {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    };
    tokio::select! {
        followed = access.client.follow(text, &mut take) => followed.map_err(refused)?,
        () = crate::server::interrupted() => {}
    }
    Ok(ExitCode::OK)
}

async fn print(args: &QueryArgs, text: &str, query: &AnyQuery, access: &Access) -> Result<ExitCode, Failure> {
    let terminal = Terminal::of_stdout();
    match query {
        AnyQuery::Metrics(_) => {
            let asked = SeriesQuery {
                query: text.to_owned(),
                since: args.since.clone(),
                step: args.step.clone(),
                timeout: args.timeout.clone(),
            };
            let list = access.series(&asked).await?;
            let forms = Forms {
                json: &|| serde_json::to_string_pretty(&list),
                csv: &|| series::csv(&list),
                table: &|| series::table(&list, terminal),
            };
            write(args, &forms, &list.completeness)
        }
        AnyQuery::Traces(query) if query.stages.iter().any(shows_spans) => {
            let list = access.search(&traces_asked(args, text), args.spans).await?;
            let forms = Forms {
                json: &|| serde_json::to_string_pretty(&list),
                csv: &|| spans::csv(&list),
                table: &|| spans::table(&list, terminal),
            };
            write(args, &forms, &list.completeness)
        }
        AnyQuery::Traces(_) => {
            let list = access.list(&traces_asked(args, text)).await?;
            let forms = Forms {
                json: &|| serde_json::to_string_pretty(&list),
                csv: &|| traces::csv(&list),
                table: &|| traces::table(&list, terminal),
            };
            write(args, &forms, &list.completeness)
        }
    }
}

/// Whether the spans found are wanted beside their traces.
fn shows_spans(stage: &Stage) -> bool {
    matches!(stage, Stage::Select(_) | Stage::By(_))
}

fn traces_asked(args: &QueryArgs, text: &str) -> TraceQuery {
    let sort = match args.sort {
        Sort::Newest => "-start",
        Sort::Oldest => "start",
        Sort::Duration => "-duration",
        Sort::Errors => "-errors",
        Sort::Spans => "-spans",
    };
    TraceQuery {
        query: Some(text.to_owned()),
        since: args.since.clone(),
        sort: Some(sort.to_owned()),
        limit: Some(args.limit),
        cursor: args.cursor.clone(),
        timeout: args.timeout.clone(),
    }
}

/// An answer in every form it can be printed in.
struct Forms<'a> {
    json: &'a dyn Fn() -> serde_json::Result<String>,
    csv: &'a dyn Fn() -> String,
    table: &'a dyn Fn() -> String,
}

fn write(args: &QueryArgs, forms: &Forms<'_>, completeness: &Completeness) -> Result<ExitCode, Failure> {
    let out = if args.json {
        (forms.json)().map_err(|error| Failure::infrastructure(error.to_string()))? + "\n"
    } else if args.csv {
        (forms.csv)()
    } else {
        (forms.table)()
    };
    // A reader that has seen enough closes the pipe; that is no failure.
    let _ = std::io::stdout().write_all(out.as_bytes());
    for reason in &completeness.reasons {
        eprintln!("headwater: this is not all: {reason}");
    }
    Ok(ExitCode::OK)
}

/// `480 rows looked at, 12000 bytes read, 1.2 ms`
fn cost_text(cost: &Cost) -> String {
    let elapsed = model::Duration(cost.elapsed);
    format!("{} rows looked at, {} bytes read, {elapsed}", cost.rows_scanned, cost.bytes_read)
}
