//! What people and machines read of a run that went badly in every way.

use eval::RunEvent;
use eval::report::{
    self, AssertionReport, AttemptReport, CompletenessReport, EvidenceSpan, Outcome, RunReport, SCHEMA_VERSION,
    ScenarioReport, ServiceSpans, Statistics, StepReport, Style, UnixNanos, Verdict, VerdictCounts,
};

fn assertion(kind: &str, text: &str, verdict: Verdict, line: u32) -> AssertionReport {
    AssertionReport {
        kind: kind.to_owned(),
        text: text.to_owned(),
        verdict,
        expected: String::new(),
        found: String::new(),
        reason: String::new(),
        selectors: Vec::new(),
        evidence: Vec::new(),
        nearest: None,
        line,
    }
}

fn attempt(number: u32, verdict: Verdict, assertions: Vec<AssertionReport>) -> AttemptReport {
    AttemptReport {
        attempt: number,
        verdict,
        trace_id: Some(format!("{:032x}", number + 10)),
        started: UnixNanos(1_790_000_000_000_000_000),
        duration: 123_456_789,
        waited: 12_000_000,
        steps: Vec::new(),
        assertions,
        error: None,
    }
}

fn scenario(name: &str, verdict: Verdict, attempts: Vec<AttemptReport>) -> ScenarioReport {
    ScenarioReport { name: name.to_owned(), line: 1, verdict, attempts, over_attempts: Vec::new(), statistics: None }
}

fn bad_run() -> RunReport {
    let failed = AssertionReport {
        expected: "1 span of `{ name = \"<x>\" }`".to_owned(),
        found: "0 spans".to_owned(),
        evidence: vec![EvidenceSpan {
            trace_id: "a".repeat(32),
            span_id: "b".repeat(16),
            service: "llm".to_owned(),
            name: "POST </testcase>".to_owned(),
            note: "an error begins here".to_owned(),
        }],
        nearest: Some(EvidenceSpan {
            trace_id: "a".repeat(32),
            span_id: "c".repeat(16),
            service: "rag".to_owned(),
            name: "POST".to_owned(),
            note: "does not meet `kind = server`: kind is client".to_owned(),
        }),
        ..assertion("spans", "spans: { name = \"<x>\" }, count: 1", Verdict::Fail, 12)
    };
    let undecided = AssertionReport {
        reason: "the trace is not whole: llm sent nothing".to_owned(),
        ..assertion("fault_path", "fault_path: none", Verdict::NotEvaluable, 13)
    };
    let mut quiet = attempt(0, Verdict::NotEvaluable, vec![undecided]);
    quiet.steps.push(StepReport {
        name: "main".to_owned(),
        trace_id: "a".repeat(32),
        status: Some(200),
        duration: 5,
        error: None,
        completeness: Some(CompletenessReport {
            outcome: Outcome::Quiet,
            reasons: vec!["rag called llm (`POST`), whose server span has not arrived".to_owned()],
            services: vec![ServiceSpans { service: "rag".to_owned(), spans: 3 }],
            span_count: 3,
        }),
    });
    let mut down = attempt(0, Verdict::Error, Vec::new());
    down.error = Some("cannot reach 127.0.0.1:1: refused".to_owned());
    let held = || attempt(0, Verdict::Pass, vec![assertion("status", "status: 200", Verdict::Pass, 5)]);
    let mut flaky =
        scenario("sometimes", Verdict::Flaky, vec![held(), attempt(1, Verdict::Fail, vec![failed.clone()])]);
    flaky.statistics = Some(Statistics {
        pass_at: vec![0.5, 1.0],
        pass_all: vec![0.5, 0.0],
        passed: 1,
        judged: 2,
        pass_rate_low: 0.095,
        pass_rate_high: 0.905,
        duration_median: 123_456_789,
        duration_p95: 123_456_789,
        duration_median_interval: (123_456_789, 123_456_789),
    });
    let scenarios = vec![
        scenario("happy path", Verdict::Pass, vec![held()]),
        scenario(
            "broken & <bent>",
            Verdict::Fail,
            vec![attempt(0, Verdict::Fail, vec![held().assertions[0].clone(), failed])],
        ),
        scenario("quiet", Verdict::NotEvaluable, vec![quiet]),
        scenario("down", Verdict::Error, vec![down]),
        flaky,
    ];
    let mut counts = VerdictCounts::default();
    scenarios.iter().for_each(|scenario| counts.add(scenario.verdict));
    RunReport {
        schema: SCHEMA_VERSION.to_owned(),
        run: "00000000000000aa".to_owned(),
        suite: "everything".to_owned(),
        file: "headwater.yaml".to_owned(),
        version: "0.1.0".to_owned(),
        duration: 2_500_000_000,
        verdict: Some(Verdict::Error),
        exit_code: Some(4),
        counts,
        scenarios,
        ..RunReport::default()
    }
}

#[test]
fn the_table_on_a_terminal() {
    insta::assert_snapshot!(report::table(&bad_run(), Style::default()));
}

#[test]
fn colours_only_where_they_were_asked_for() {
    assert!(!report::table(&bad_run(), Style::default()).contains('\u{1b}'));
    assert!(report::table(&bad_run(), Style { color: true, width: 80 }).contains('\u{1b}'));
}

#[test]
fn a_trace_cannot_drive_the_terminal() {
    let evil = "x\u{1b}[2J\u{202e}\u{7}y";
    let span = EvidenceSpan {
        trace_id: "a".repeat(32),
        span_id: "b".repeat(16),
        service: evil.to_owned(),
        name: evil.to_owned(),
        note: evil.to_owned(),
    };
    let failed = AssertionReport {
        expected: evil.to_owned(),
        found: evil.to_owned(),
        reason: evil.to_owned(),
        evidence: vec![span.clone()],
        nearest: Some(span),
        ..assertion("spans", evil, Verdict::Fail, 12)
    };
    let mut broken = attempt(0, Verdict::Fail, vec![failed.clone()]);
    broken.error = Some(evil.to_owned());
    broken.steps.push(StepReport {
        name: evil.to_owned(),
        trace_id: "a".repeat(32),
        status: None,
        duration: 5,
        error: None,
        completeness: Some(CompletenessReport {
            outcome: Outcome::Quiet,
            reasons: vec![evil.to_owned()],
            services: Vec::new(),
            span_count: 3,
        }),
    });
    let mut scenario = scenario(evil, Verdict::Fail, vec![broken]);
    scenario.over_attempts.push(failed);
    let report = RunReport { suite: evil.to_owned(), file: evil.to_owned(), scenarios: vec![scenario], ..bad_run() };
    let suspicious = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
    let table = report::table(&report, Style::default());
    assert!(table.contains("x\u{fffd}[2J\u{fffd}\u{fffd}y") && !table.contains(suspicious), "{table:?}");

    let mut out = Vec::new();
    let mut terminal = report::Terminal::new(&mut out, Style::default(), report::Progress::Plain);
    let report = Box::new(report);
    let started = RunEvent::Started { report: report.clone(), scenarios: vec![evil.to_owned()], attempts: 1 };
    for event in [started, RunEvent::Ended { report }] {
        terminal.tell(&event).expect("memory can be written");
    }
    let told = String::from_utf8(out).expect("text");
    assert!(!told.contains(suspicious), "{told:?}");
}

#[test]
fn junit_as_surefire_writes_it() {
    insta::assert_snapshot!(report::junit(&bad_run()));
}

#[test]
fn markdown_for_a_pull_request() {
    insta::assert_snapshot!(report::markdown(&bad_run()));
}

#[test]
fn what_did_not_hold_over_all_attempts_stands_in_every_report() {
    let slow = AssertionReport {
        expected: "at least 1.2 times as fast as before".to_owned(),
        found: "0.94 times as fast".to_owned(),
        ..assertion("faster_than", "faster_than: before, by: 1.2x", Verdict::Fail, 36)
    };
    let mut scenario = scenario("hit", Verdict::Fail, vec![attempt(0, Verdict::Pass, Vec::new())]);
    scenario.over_attempts.push(slow);
    let report = RunReport { scenarios: vec![scenario], ..bad_run() };
    let reports = [report::markdown(&report), report::junit(&report), report::table(&report, Style::default())];
    for text in reports {
        assert!(text.contains("faster_than: before, by: 1.2x") && text.contains("0.94 times as fast"), "{text}");
    }
}

#[test]
fn json_reads_back_as_the_same_run() {
    let run = bad_run();
    let text = report::json(&run).expect("prints");
    assert_eq!(serde_json::from_str::<RunReport>(&text).expect("reads"), run);
}
