//! What is judged over all attempts: thresholds, pass rates, baselines, two targets side by side.

mod system;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use eval::baseline::Baseline;
use eval::report::{self, AssertionReport, RunReport, Style, Verdict};
use eval::suite::{Suite, SuiteInput};
use eval::{Plan, RunOptions, Stop, run};
use system::{Behaviour, System};

static SEED: AtomicU64 = AtomicU64::new(1);

async fn run_suite(text: &str, system: &System, options: RunOptions) -> RunReport {
    let url = format!("http://{}", system.address);
    let environment = |name: &str| (name == "URL").then(|| url.clone());
    let suite = Suite::read(SuiteInput {
        file: "suite.yaml",
        text,
        environment: &environment,
        files: &|_| Err("no files here".to_owned()),
    });
    let suite = suite.unwrap_or_else(|error| panic!("{error}"));
    let plan = Plan::new(Arc::new(suite), options).unwrap_or_else(|error| panic!("{error}"));
    // The ids of a later run must be others: the system keeps answers under them.
    let host = system::host(Arc::clone(&system.traces) as _, SEED.fetch_add(1, Ordering::Relaxed));
    run(plan, host, Stop::never(), |_| {}).await
}

fn told(report: &RunReport) -> String {
    report::table(report, Style::default())
}

/// One scenario, six attempts at once, each with a cache of its own.
fn suite(asserts: &str) -> String {
    format!(
        "suite: s\ntargets:\n  default: {{ http: {{ url: \"${{URL}}/v1/ask\", method: POST, headers: {{ x-cache-namespace: \"{{{{attempt.id}}}}\" }} }} }}\n  \
         other: {{ http: {{ url: \"${{URL}}/v1/ask\", method: POST, headers: {{ x-cache-namespace: \"{{{{attempt.id}}}}\" }} }} }}\n\
         run: {{ repeat: 6, concurrency: 6 }}\nbaseline: {{ tolerance: 400%, limit: 6x }}\nscenarios:\n  - name: one\n    assert:\n      - status: 200\n{asserts}"
    )
}

fn over<'a>(report: &'a RunReport, text: &str) -> &'a AssertionReport {
    let mut all = report.scenarios[0].over_attempts.iter();
    all.find(|assertion| assertion.text.contains(text)).unwrap_or_else(|| panic!("no {text} in {}", told(report)))
}

#[tokio::test]
async fn thresholds_are_judged_over_all_attempts() {
    let system = System::start(Behaviour::default()).await;
    let asserts = "      - runs: 'p95(duration) < 60s'\n      - runs: 'max(duration) < 1ms'\n      \
                   - { runs: 'avg(duration) > 1s', of: '{ resource.service.name = \"gateway\" && kind = server }' }\n      \
                   - { runs: 'count() >= 6', of: '{ resource.service.name = \"llm\" }' }\n";
    let report = run_suite(&suite(asserts), &system, RunOptions::default()).await;
    assert_eq!(over(&report, "p95").verdict, Verdict::Pass, "{}", told(&report));
    assert!(over(&report, "p95").found.contains("95 %") && over(&report, "p95").found.contains("6 attempts"));
    assert_eq!(over(&report, "max").verdict, Verdict::Fail, "{}", told(&report));
    assert_eq!(over(&report, "avg").verdict, Verdict::Pass, "{}", told(&report));
    assert_eq!(over(&report, "count").verdict, Verdict::Pass, "{}", told(&report));
    assert_eq!(report.exit_code, Some(1));
}

#[tokio::test]
async fn a_pass_rate_takes_the_place_of_flaky() {
    let system = System::start(Behaviour::default()).await;
    // Of all attempts the first alone has number 0.
    let sometimes = "      - { json: { path: $.answer, exists: true } }\n      - body: { matches: 'caller' }\n";
    let all =
        run_suite(&suite(&format!("{sometimes}      - pass_rate: '>= 90%'\n")), &system, RunOptions::default()).await;
    assert_eq!(all.exit_code, Some(0), "{}", told(&all));
    let none = suite("      - status: 404\n      - { pass_rate: '<= 10%' }\n      - { pass_rate: '0%', all_of: 2 }\n");
    let none = run_suite(&none, &system, RunOptions::default()).await;
    assert_eq!(none.scenarios[0].verdict, Verdict::Pass, "{}", told(&none));
    let statistics = none.scenarios[0].statistics.as_ref().expect("six attempts");
    assert_eq!((statistics.pass_at[0], statistics.pass_all[5]), (0.0, 0.0));
    let too_many = suite("      - { pass_rate: '>= 90%', any_of: 7 }\n");
    let too_many = run_suite(&too_many, &system, RunOptions::default()).await;
    assert_eq!(too_many.scenarios[0].verdict, Verdict::Insufficient, "{}", told(&too_many));
    assert_eq!(too_many.exit_code, Some(3));
}

#[tokio::test]
async fn a_baseline_is_written_read_back_and_compared_with() {
    let system = System::start(Behaviour::default()).await;
    let text = suite("");
    let first = run_suite(&text, &system, RunOptions { profile: true, ..RunOptions::default() }).await;
    assert_eq!(first.exit_code, Some(0), "{}", told(&first));
    let written = Baseline::of(&first, None).print("s");
    let baseline = Baseline::parse(&written).expect("what was written can be read");
    assert!(written.contains("\"rag -> llm\": 1"), "{written}");
    let against =
        |baseline: &Baseline| RunOptions { baseline: Some(Arc::new(baseline.clone())), ..RunOptions::default() };

    let same = run_suite(&text, &system, against(&baseline)).await;
    assert_eq!(over(&same, "structure").verdict, Verdict::Pass, "{}", told(&same));
    assert_ne!(over(&same, "latency").verdict, Verdict::Regressed, "{}", told(&same));

    let unknown = run_suite(&text, &system, against(&Baseline::default())).await;
    assert!(over(&unknown, "baseline").found.contains("not in the baseline"), "{}", told(&unknown));
    assert_eq!(unknown.exit_code, Some(0));

    // Nine times as slow is past the limit; what a busy machine does is not.
    let slow = System::start(Behaviour { answer_after: 2_000, ..Behaviour::default() }).await;
    let regressed = run_suite(&text, &slow, against(&baseline)).await;
    assert_eq!(over(&regressed, "latency").verdict, Verdict::Regressed, "{}", told(&regressed));
    assert_eq!((regressed.scenarios[0].verdict, regressed.exit_code), (Verdict::Regressed, Some(1)));

    let mut other = baseline.clone();
    let profile = other.scenarios.get_mut("one").expect("the scenario");
    profile.calls.remove("rag -> llm");
    profile.calls.insert("rag -> cache".to_owned(), (1, 1));
    let changed = run_suite(&text, &system, against(&other)).await;
    let structure = over(&changed, "structure");
    assert_eq!(structure.verdict, Verdict::Regressed, "{}", told(&changed));
    assert!(structure.found.contains("`rag -> llm` is new") && structure.found.contains("`rag -> cache` is gone"));
    assert_eq!(other.difference(&baseline).len(), 2, "{:?}", other.difference(&baseline));
}

#[tokio::test]
async fn two_targets_are_driven_in_turn_and_compared() {
    let system = System::start(Behaviour::default()).await;
    let options = RunOptions { against: Some("other".to_owned()), ..RunOptions::default() };
    let report = run_suite(&suite(""), &system, options).await;
    assert_eq!(over(&report, "structure against the other target").verdict, Verdict::Pass, "{}", told(&report));
    assert!(over(&report, "latency").verdict != Verdict::Regressed, "{}", told(&report));
    let unknown = Suite::read(SuiteInput {
        file: "s",
        text: &suite("").replace("${URL}", "http://x"),
        environment: &|_| None,
        files: &|_| Err("no files here".to_owned()),
    });
    let options = RunOptions { against: Some("othr".to_owned()), ..RunOptions::default() };
    let error = Plan::new(Arc::new(unknown.expect("a suite")), options).expect_err("no such target");
    assert!(error.message.contains("default and other") || error.message.contains("`other`"), "{error}");
}

#[tokio::test]
async fn shards_part_the_scenarios_and_leave_none_out() {
    let scenarios: String = (0..40).map(|n| format!("  - {{ name: s{n}, assert: [{{ status: 200 }}] }}\n")).collect();
    let text = format!("suite: s\ntarget: {{ http: {{ url: 'http://x' }} }}\nscenarios:\n{scenarios}");
    let suite = Suite::read(SuiteInput {
        file: "s",
        text: &text,
        environment: &|_| None,
        files: &|_| Err("no files here".to_owned()),
    });
    let suite = Arc::new(suite.unwrap_or_else(|error| panic!("{error}")));
    let of = |part| {
        let plan = Plan::new(Arc::clone(&suite), RunOptions { shard: Some((part, 3)), ..RunOptions::default() });
        plan.expect("some scenarios").names().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let mut all = [of(1), of(2), of(3)].concat();
    assert!([of(1), of(2), of(3)].iter().all(|part| part.len() > 4));
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 40);
}

#[tokio::test]
async fn findings_are_judged_over_the_traces_of_all_attempts() {
    let system = System::start(Behaviour::default()).await;
    let asserts = "      - findings: { kind: retry-storm, edge: rag -> llm }\n      \
                   - findings: { kind: [retries, retry-storm], edge: rag -> llm, cost: 60s }\n      \
                   - findings: { kind: [retries, error], service: auth }\n      \
                   - findings: { kind: retry-storm, count: 1 }\n      \
                   - findings: { kind: sequential-calls }\n      \
                   - { findings: { kind: retries }, when: '{ resource.service.name = \"nobody\" }' }\n";
    let failing = suite(asserts).replace("status: 200", "status: 502");
    let failing = failing.replace("    assert:", "    fault: { edge: rag -> llm, status: 503 }\n    assert:");
    let report = run_suite(&failing, &system, RunOptions::default()).await;
    let retried = over(&report, "{ kind: retry-storm, edge: rag -> llm }");
    assert_eq!(retried.verdict, Verdict::Fail, "{}", told(&report));
    assert!(retried.found.contains("6 of 6 traces") && retried.found.contains("retry-storm-"), "{}", retried.found);
    assert!(!retried.evidence.is_empty() && retried.evidence[0].service == "llm", "{:?}", retried.evidence);
    assert_eq!(over(&report, "cost: 60s").verdict, Verdict::Pass, "{}", told(&report));
    assert_eq!(over(&report, "service: auth").verdict, Verdict::Pass, "{}", told(&report));
    assert_eq!(over(&report, "count: 1").verdict, Verdict::Pass, "{}", told(&report));
    // Fewer than fifty traces do not show what waits for what.
    let sequential = over(&report, "sequential-calls");
    assert_eq!(sequential.verdict, Verdict::NotEvaluable, "{}", told(&report));
    assert!(sequential.reason.contains("50 traces"), "{}", sequential.reason);
    // Its condition is met by no trace, so that nothing was looked at.
    assert_eq!(over(&report, "nobody").verdict, Verdict::NotEvaluable, "{}", told(&report));

    let healthy =
        run_suite(&suite("      - findings: { kind: [retries, error] }\n"), &system, RunOptions::default()).await;
    assert_eq!(healthy.exit_code, Some(0), "{}", told(&healthy));
}
