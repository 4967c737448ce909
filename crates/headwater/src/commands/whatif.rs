//! `headwater whatif`: how long requests would take after changes.

use wire::{Change, ChangeKind, WhatIfRequest};

use crate::access::{Access, nothing, refused};
use crate::cli_explain::WhatIfArgs;
use crate::exit::{ExitCode, Failure};
use crate::explaining::what_if;
use crate::selecting::{Told, check, print, selection};
use crate::terminal::Terminal;

pub async fn run(args: &WhatIfArgs) -> Result<ExitCode, Failure> {
    let timeout = check(args.selection.query.as_deref(), args.selection.since.as_deref(), &args.analysis.timeout)?;
    let changes = changes(args)?;
    let access = Access::at(&args.analysis.at).await?;
    access
        .with(async |access| {
            let request = WhatIfRequest { selection: selection(&args.selection, access).await?, changes };
            let mut told = Told::new();
            let answer = access.client.what_if(&request, timeout, |progress| told.tell(progress)).await;
            drop(told);
            let answer = answer.map_err(refused)?;
            let json = args.analysis.json.then(|| serde_json::to_string_pretty(&answer));
            print(json, || what_if::text(&answer, Terminal::of_stdout()))?;
            if answer.looked_at.trace_count == 0 {
                return Err(nothing("no trace was looked at: `headwater query` shows what a query finds"));
            }
            Ok(ExitCode::OK)
        })
        .await
}

/// The changes in the order parallel, cache, speed up, retries; all mistakes at once.
fn changes(args: &WhatIfArgs) -> Result<Vec<Change>, Failure> {
    let mut changes = Vec::new();
    let mut problems = Vec::new();
    let mut add = |kind, operations: Vec<String>, factor| changes.push(Change { kind, operations, factor });
    for text in &args.parallel {
        let names: Vec<String> =
            text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        if names.is_empty() {
            problems.push(format!("--parallel {text:?}: name operations, joined by commas"));
        } else {
            add(ChangeKind::Parallel, names, None);
        }
    }
    for name in &args.cache {
        if name.trim().is_empty() {
            problems.push("--cache: name an operation".to_owned());
        } else {
            let (name, share) = hit_share(name.trim());
            add(ChangeKind::Cache, vec![name.to_owned()], share);
        }
    }
    for text in &args.speed_up {
        match speed_up(text) {
            Ok((name, factor)) => add(ChangeKind::SpeedUp, vec![name], Some(factor)),
            Err(problem) => problems.push(problem),
        }
    }
    if args.drop_retries {
        add(ChangeKind::DropRetries, Vec::new(), None);
    }
    if !problems.is_empty() {
        return Err(Failure::usage(problems.join("\n")));
    }
    if changes.is_empty() {
        let known = "name a change: --parallel OP,OP, --cache OP, --speed-up OP=2x, --drop-retries";
        return Err(Failure::usage(known));
    }
    Ok(changes)
}

/// `chat=0.8`: four of five calls hit. Names may hold an `=` themselves, so only a share behind the last one counts.
fn hit_share(text: &str) -> (&str, Option<f64>) {
    let split = text.rsplit_once('=').and_then(|(name, share)| Some((name.trim(), share.trim().parse::<f64>().ok()?)));
    match split {
        Some((name, share)) if (0.0..=1.0).contains(&share) && !name.is_empty() => (name, Some(share)),
        _ => (text, None),
    }
}

/// `llm=2x`, `POST /v1/verify=1.5`; the last `=` counts, since names may hold one.
fn speed_up(text: &str) -> Result<(String, f64), String> {
    let wrong = || format!("--speed-up {text:?}: write OPERATION=FACTOR, such as llm=2x");
    let (name, factor) = text.rsplit_once('=').ok_or_else(wrong)?;
    let number: f64 = factor.trim().trim_end_matches('x').parse().map_err(|_| wrong())?;
    if name.trim().is_empty() || !number.is_finite() || number <= 0.0 {
        return Err(wrong());
    }
    Ok((name.trim().to_owned(), number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_hits_stands_behind_the_last_sign() {
        assert_eq!(hit_share("chat=0.8"), ("chat", Some(0.8)));
        assert_eq!(hit_share("GET /a?b=c"), ("GET /a?b=c", None));
        assert_eq!(hit_share("GET /a?b=7"), ("GET /a?b=7", None));
    }

    #[test]
    fn factors_are_read_from_behind_the_last_sign() {
        assert_eq!(speed_up("llm=2x"), Ok(("llm".to_owned(), 2.0)));
        assert_eq!(speed_up("GET /a?b=c=0.5"), Ok(("GET /a?b=c".to_owned(), 0.5)));
        for wrong in ["llm", "llm=", "llm=0", "llm=-1x", "=2", "llm=fast", "llm=inf"] {
            assert!(speed_up(wrong).is_err(), "{wrong}");
        }
    }
}
