//! Hooks and outputs: what is done before and after, and what of it later steps and assertions may use.

mod system;

use std::path::Path;
use std::sync::Arc;

use eval::report::{RunReport, Style, Verdict};
use eval::suite::{Suite, SuiteInput};
use eval::{Plan, RunEvent, RunOptions, Stop, run};
use system::{Behaviour, System};

fn plan(text: &str, system: &System, folder: &Path) -> Plan {
    let url = format!("http://{}", system.address);
    let environment = |name: &str| match name {
        "URL" => Some(url.clone()),
        "DIR" => Some(folder.display().to_string()),
        _ => None,
    };
    let input =
        SuiteInput { file: "s.yaml", text, environment: &environment, files: &|_| Err("no files here".to_owned()) };
    let suite = Suite::read(input).unwrap_or_else(|error| panic!("{error}"));
    Plan::new(Arc::new(suite), RunOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

struct Ran {
    report: RunReport,
    folder: tempfile::TempDir,
}

impl Ran {
    /// The lines that hooks wrote into `log`.
    fn log(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn told(&self) -> String {
        eval::report::table(&self.report, Style::default())
    }
}

async fn ran(text: &str) -> Ran {
    let folder = tempfile::tempdir().expect("a folder");
    let system = System::start(Behaviour::default()).await;
    let plan = plan(text, &system, folder.path());
    Ran { report: run(plan, system.host(), Stop::never(), |_| {}).await, folder }
}

const HEAD: &str = "suite: s\ntarget: { http: { url: '${URL}/v1/ask', json: { question: '{{question}}' } } }\n\
                    vars: { question: hm }\n";

#[tokio::test]
async fn what_a_set_up_wrote_is_used_by_what_comes_after() {
    let ran = ran(&format!(
        "{HEAD}setup: [{{ exec: {{ command: [echo, ada] }}, capture: user }}]
teardown: [{{ exec: {{ command: [sh, -c, 'echo suite $0 >> ${{DIR}}/log', '{{{{user}}}}'] }} }}]
scenarios:
  - name: a
    setup:
      - {{ exec: {{ command: [echo, '\"{{{{user}}}}-1\"'] }}, capture: order, outputs: {{ json: $ }} }}
      - {{ http: {{ url: '${{URL}}/prepare' }}, outputs: {{ answer: $.answer }} }}
    teardown:
      - {{ exec: {{ command: [sh, -c, 'echo $0 >> ${{DIR}}/log', '{{{{order}}}} {{{{answer}}}}'] }} }}
    assert:
      - {{ text: '{{{{answer}}}}' }}
"
    ))
    .await;
    assert_eq!(ran.report.exit_code, Some(0), "{}", ran.told());
    let log = ran.log();
    assert!(log[0].contains("ada-1") && log[0].contains("the parent of a span"), "{log:?}");
    assert_eq!(log[1], "suite ada");
    let names: Vec<&str> = ran.report.hooks.iter().map(|hook| hook.name.as_str()).collect();
    assert_eq!(names, ["suite setup[0]", "suite teardown[0]"]);
    let steps = &ran.report.scenarios[0].attempts[0].steps;
    let names: Vec<&str> = steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["setup[0]", "setup[1]", "main", "teardown[0]"]);
}

#[tokio::test]
async fn a_set_up_of_the_suite_that_fails_drives_nothing_and_is_torn_down() {
    let ran = ran(&format!(
        "{HEAD}setup: [{{ name: migrate, exec: {{ command: [sh, -c, 'echo no database >&2; exit 3'] }} }}]
teardown: [{{ exec: {{ command: [sh, -c, 'echo down >> ${{DIR}}/log'] }} }}]
scenarios: [{{ name: a, assert: [{{ status: 200 }}] }}, {{ name: b, assert: [{{ status: 200 }}] }}]
"
    ))
    .await;
    assert_eq!(ran.report.exit_code, Some(4), "{}", ran.told());
    assert_eq!(ran.report.counts.error, 2);
    assert_eq!(ran.report.errors, ["`migrate` failed with code 3: no database"]);
    assert!(ran.report.scenarios[0].attempts[0].steps.is_empty());
    assert_eq!(ran.log(), ["down"]);
}

#[tokio::test]
async fn a_set_up_of_a_scenario_that_fails_is_an_error_and_is_torn_down() {
    let ran = ran(&format!(
        "{HEAD}scenarios:
  - name: a
    setup: [{{ http: {{ url: '${{URL}}/v1/ask', headers: {{ baggage: 'rag-%3Ellm', x-cache-namespace: x }} }} }}]
    teardown: [{{ exec: {{ command: [sh, -c, 'echo down >> ${{DIR}}/log'] }} }}]
    assert: [{{ status: 200 }}]
"
    ))
    .await;
    assert_eq!(ran.report.exit_code, Some(4), "{}", ran.told());
    assert!(ran.report.errors[0].starts_with("`setup[0]` failed with status 502"), "{:?}", ran.report.errors);
    assert_eq!(ran.log(), ["down"]);
}

#[tokio::test]
async fn a_teardown_that_fails_is_an_error_and_the_rest_of_it_is_done() {
    let ran = ran(&format!(
        "{HEAD}teardown:
  - {{ exec: {{ command: [sh, -c, 'exit 2'] }} }}
  - {{ exec: {{ command: [sh, -c, 'echo rest >> ${{DIR}}/log'] }} }}
scenarios: [{{ name: a, assert: [{{ status: 200 }}] }}]
"
    ))
    .await;
    assert_eq!(ran.report.exit_code, Some(4), "{}", ran.told());
    assert_eq!(ran.report.errors, ["`suite teardown[0]` failed with code 2"]);
    assert_eq!(ran.report.scenarios[0].verdict, Verdict::Pass);
    assert_eq!(ran.log(), ["rest"]);
}

#[tokio::test]
async fn after_a_stop_everything_that_was_begun_is_torn_down() {
    let folder = tempfile::tempdir().expect("a folder");
    let system = System::start(Behaviour { answer_after: 60_000, ..Behaviour::default() }).await;
    let text = format!(
        "{HEAD}setup: [{{ exec: {{ command: [echo, ada] }}, capture: user }}]
teardown: [{{ exec: {{ command: [sh, -c, 'echo suite >> ${{DIR}}/log'] }} }}]
scenarios:
  - name: a
    teardown: [{{ exec: {{ command: [sh, -c, 'echo $0 >> ${{DIR}}/log', '{{{{user}}}}'] }} }}]
    assert: [{{ status: 200 }}]
"
    );
    let (sender, receiver) = tokio::sync::watch::channel(false);
    let begun = |event: &RunEvent| {
        if matches!(event, RunEvent::AttemptStarted { .. }) {
            sender.send(true).expect("received");
        }
    };
    let report = run(plan(&text, &system, folder.path()), system.host(), Stop::new(receiver), begun).await;
    assert_eq!(report.exit_code, Some(130));
    let ran = Ran { report, folder };
    assert_eq!(ran.log(), ["ada", "suite"]);
    assert_eq!(ran.report.hooks.len(), 3, "{:?}", ran.report.hooks);
}

#[tokio::test]
async fn a_value_of_a_span_is_used_by_later_steps_and_assertions() {
    let ran = ran(&format!(
        "{HEAD}scenarios:
  - name: a
    setup:
      - send: same
        outputs: {{ cache: {{ spans: '{{ resource.service.name = \"cache\" }}', field: name }} }}
    outputs: {{ hit: {{ spans: '{{ name = \"{{{{cache}}}}\" }}', field: span.cache.hit }} }}
    assert:
      - {{ spans: '{{ name = \"{{{{cache}}}}\" }}', count: 1 }}
      - {{ text: {{ not_contains: '{{{{hit}}}}' }} }}
      - {{ step: 'setup[0]', spans: '{{ name = \"{{{{cache}}}}\" }}', count: 1 }}
"
    ))
    .await;
    assert_eq!(ran.report.exit_code, Some(0), "{}", ran.told());
}

#[tokio::test]
async fn a_value_that_no_span_tells_is_not_evaluable_and_named() {
    let ran = ran(&format!(
        "{HEAD}scenarios:
  - name: a
    complete: {{ quiet: 100ms }}
    setup:
      - send: same
        outputs: {{ order: {{ spans: '{{ name = \"place order\" }}', field: span.order.id }} }}
    assert:
      - {{ text: '{{{{order}}}}' }}
"
    ))
    .await;
    assert_eq!(ran.report.exit_code, Some(3), "{}", ran.told());
    let attempt = &ran.report.scenarios[0].attempts[0];
    assert_eq!(attempt.steps.len(), 1, "what needs the value is not sent");
    let reason = &attempt.assertions[0].reason;
    assert!(reason.starts_with("`order` of setup[0] has no value: no span matches"), "{reason}");
}
