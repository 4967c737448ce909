//! What the public documentation of TraceQL shows is read, and what is broken is refused; so does Grafana's own grammar.

use std::io::Write as _;
use std::process::Command;

const READS: &str = include_str!("acceptance/reads.txt");
const REFUSES: &str = include_str!("acceptance/refuses.txt");

/// Documented, but refused by the grammar of Grafana's editor at 1.0.0: quantiles without a leading zero, hints for metrics.
const ONLY_DOCUMENTED: &[&str] =
    &["{ } | quantile_over_time(duration, .99, .9, .5)", "{ } | rate() with(exemplars=true)"];

#[test]
fn documented_queries_are_read_and_print_to_what_reads_the_same() {
    for text in READS.lines() {
        let query = query::parse_any(text).into_result().unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
        let printed = match &query {
            query::AnyQuery::Traces(query) => query.to_string(),
            query::AnyQuery::Metrics(query) => query.to_string(),
        };
        assert_eq!(query::parse_any(&printed).into_result().as_ref(), Ok(&query), "{text} prints as {printed}");
    }
}

#[test]
fn broken_queries_are_refused() {
    for text in REFUSES.lines() {
        assert!(query::parse_any(text).tree.is_none(), "{text}");
    }
}

/// Needs node and a folder in which `npm install @grafana/lezer-traceql` was run, named by `LEZER_TRACEQL`.
#[test]
fn the_grammar_of_grafanas_editor_agrees() {
    let Some(folder) = std::env::var_os("LEZER_TRACEQL") else {
        let skipped = "SKIPPED the_grammar_of_grafanas_editor_agrees: LEZER_TRACEQL names no folder\n";
        std::io::stderr().write_all(skipped.as_bytes()).expect("writes");
        return;
    };
    let tests = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/acceptance");
    for (file, verdict) in [("reads.txt", "reads"), ("refuses.txt", "refuses")] {
        let script = Command::new("node").arg("lezer.mjs").arg(file).arg(&folder).current_dir(tests).output();
        let output = script.expect("node runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let lines = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(lines.lines().count() > 10);
        for line in lines.lines() {
            let (said, text) = line.split_once(' ').expect("a verdict and a query");
            let expected = if ONLY_DOCUMENTED.contains(&text) { "refuses" } else { verdict };
            assert_eq!(said, expected, "{text}");
        }
    }
}
