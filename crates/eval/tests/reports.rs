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
    ScenarioReport {
        name: name.to_owned(),
        line: 1,
        verdict,
        attempts,
        over_attempts: Vec::new(),
        statistics: None,
        profile: None,
    }
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

#[test]
fn the_published_schema_is_that_of_the_report() {
    let validator = jsonschema::validator_for(&report::run_schema()).expect("a JSON Schema");
    let mut run = serde_json::to_value(bad_run()).expect("prints");
    let errors: Vec<String> = validator.iter_errors(&run).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    run["scenarios"][0]["verdict"] = "excellent".into();
    assert!(!validator.is_valid(&run));
}

#[test]
fn json_lines_hold_the_run_and_each_scenario() {
    let run = bad_run();
    let text = report::json_lines(&run).expect("prints");
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    assert_eq!(lines.len(), 1 + run.scenarios.len());
    assert_eq!((&lines[0]["type"], &lines[0]["suite"]), (&"run".into(), &"everything".into()));
    assert_eq!(lines[0].get("scenarios"), None);
    for (line, scenario) in lines[1..].iter().zip(&run.scenarios) {
        assert_eq!(line["type"], "scenario");
        assert_eq!(&serde_json::from_value::<ScenarioReport>(line.clone()).expect("reads"), scenario);
    }
}

#[test]
fn annotations_for_github() {
    insta::assert_snapshot!(report::github(&bad_run()));
}

#[test]
fn no_text_of_a_trace_starts_a_command_of_its_own() {
    let evil = "x\n::error::y\r\n::set-output name=a::b";
    let failed = AssertionReport { found: evil.to_owned(), ..assertion("spans", evil, Verdict::Fail, 12) };
    let scenario = scenario(evil, Verdict::Fail, vec![attempt(0, Verdict::Fail, vec![failed])]);
    let text = report::github(&RunReport { file: "a,b::c".to_owned(), scenarios: vec![scenario], ..bad_run() });
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.starts_with("::error file=a%2Cb%3A%3Ac,line=12,title="), "{text}");
}

#[test]
fn sarif_for_code_scanning() {
    let sarif = report::sarif(&bad_run(), &[]);
    let run = &sarif["runs"][0];
    let results = run["results"].as_array().expect("results");
    let rules: Vec<&str> = run["tool"]["driver"]["rules"]
        .as_array()
        .expect("rules")
        .iter()
        .filter_map(|rule| rule["id"].as_str())
        .collect();
    // The flaky scenario failed by the same assertion as another scenario: both are told.
    let found: Vec<(&str, &str)> = results
        .iter()
        .map(|result| (result["ruleId"].as_str().expect("a rule"), result["level"].as_str().expect("a level")))
        .collect();
    let expected = [
        ("assertion/spans", "error"),
        ("assertion/fault_path", "warning"),
        ("driven", "error"),
        ("assertion/spans", "warning"),
    ];
    assert_eq!(found, expected);
    assert!(found.iter().all(|(rule, _)| rules.contains(rule)));
    for result in results {
        let place = &result["locations"][0]["physicalLocation"];
        assert!(place["region"]["startLine"].as_u64().is_some_and(|line| line > 0), "{place}");
        assert_eq!(place["artifactLocation"]["uri"], "headwater.yaml");
        assert!(result["message"]["text"].is_string());
    }
    let prints: std::collections::HashSet<String> =
        results.iter().map(|result| result["partialFingerprints"]["headwater/v1"].to_string()).collect();
    assert_eq!(prints.len(), results.len());
}

#[test]
fn links_lead_to_a_page_that_goes_on_running() {
    let run = RunReport { page: Some("http://127.0.0.1:4319/".to_owned()), ..bad_run() };
    let link = format!("http://127.0.0.1:4319/trace/{:032x}", 10);
    assert!(report::junit(&run).contains(&format!("trace {link}")));
    assert!(report::markdown(&run).contains(&format!("](<{link}>)")));
}

/// Children that may stand in an element of a Surefire report, in this order, and the attributes it must and may have:
/// <https://maven.apache.org/surefire/maven-surefire-plugin/xsd/surefire-test-report.xsd>.
struct Element {
    name: &'static str,
    children: &'static [&'static str],
    required: &'static [&'static str],
    optional: &'static [&'static str],
}

const RERUN: &[&str] = &["stackTrace", "system-out", "system-err"];
const SUREFIRE: &[Element] = &[
    Element {
        name: "testsuite",
        children: &["properties", "testcase"],
        required: &["name", "tests", "errors", "skipped", "failures"],
        optional: &["time", "group"],
    },
    Element { name: "properties", children: &["property"], required: &[], optional: &[] },
    Element { name: "property", children: &[], required: &["name", "value"], optional: &[] },
    Element {
        name: "testcase",
        children: &[
            "failure",
            "rerunFailure",
            "flakyFailure",
            "skipped",
            "error",
            "rerunError",
            "flakyError",
            "system-out",
            "system-err",
        ],
        required: &["name", "time"],
        optional: &["classname", "group"],
    },
    Element { name: "failure", children: &[], required: &["type"], optional: &["message"] },
    Element { name: "error", children: &[], required: &["type"], optional: &["message"] },
    Element { name: "skipped", children: &[], required: &[], optional: &["message"] },
    Element { name: "flakyFailure", children: RERUN, required: &["type"], optional: &["message"] },
    Element { name: "flakyError", children: RERUN, required: &["type"], optional: &["message"] },
    Element { name: "stackTrace", children: &[], required: &[], optional: &[] },
    Element { name: "system-out", children: &[], required: &[], optional: &[] },
];

/// What the schema has against `node`.
fn against_surefire(node: roxmltree::Node<'_, '_>, wrong: &mut Vec<String>) {
    let name = node.tag_name().name();
    let Some(element) = SUREFIRE.iter().find(|element| element.name == name) else {
        return wrong.push(format!("<{name}> is not in the schema"));
    };
    for required in element.required.iter().filter(|required| node.attribute(**required).is_none()) {
        wrong.push(format!("<{name}> has no `{required}`"));
    }
    let known = |attribute: &str| element.required.contains(&attribute) || element.optional.contains(&attribute);
    wrong.extend(node.attributes().map(|a| a.name()).filter(|name| !known(name)).map(|a| format!("<{name} {a}=…>")));
    let time = node.attribute("time").unwrap_or("0");
    if !time.chars().all(|c| c.is_ascii_digit() || c == '.') || time.split('.').nth(1).is_some_and(|f| f.len() > 3) {
        wrong.push(format!("<{name} time={time:?}>"));
    }
    let mut at = 0;
    let mut ones = Vec::new();
    for child in node.children().filter(roxmltree::Node::is_element) {
        let name = child.tag_name().name();
        match element.children.iter().position(|known| *known == name) {
            Some(position) if position < at => wrong.push(format!("<{name}> stands too late in <{}>", element.name)),
            Some(position) => at = position,
            None => wrong.push(format!("<{name}> in <{}>", element.name)),
        }
        if ["skipped", "error", "system-out", "system-err", "stackTrace"].contains(&name) {
            ones.push(name);
        }
        against_surefire(child, wrong);
    }
    let number = ones.len();
    ones.dedup();
    if ones.len() < number {
        wrong.push(format!("<{name}> has one of its children twice"));
    }
}

#[test]
fn junit_meets_the_schema_of_surefire() {
    let mut run = bad_run();
    run.page = Some("http://h".to_owned());
    let text = report::junit(&run);
    let document = roxmltree::Document::parse(&text).expect("XML");
    let mut wrong = Vec::new();
    against_surefire(document.root_element(), &mut wrong);
    assert!(wrong.is_empty(), "{wrong:?}\n{text}");
    let count = |name: &str| document.descendants().filter(|node| node.has_tag_name(name)).count();
    let said = |name: &str| document.root_element().attribute(name).and_then(|text| text.parse::<usize>().ok());
    assert_eq!((said("tests"), said("failures")), (Some(count("testcase")), Some(count("failure"))));
    assert_eq!((said("errors"), said("skipped")), (Some(count("error")), Some(count("skipped"))));
    assert_eq!(count("flakyFailure"), 1);
    // The check itself: what is out of order is seen.
    let bent = text.replace("<failure ", "<system-out/><failure ");
    let mut wrong = Vec::new();
    against_surefire(roxmltree::Document::parse(&bent).expect("XML").root_element(), &mut wrong);
    assert!(!wrong.is_empty());
}
