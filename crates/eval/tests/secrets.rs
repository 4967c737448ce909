//! What a suite sends of the environment is in no report, though the system echoes it.

mod system;

use std::sync::Arc;

use eval::report::{self, Progress, RunReport, Style, Terminal};
use eval::suite::{Suite, SuiteInput};
use eval::{Plan, RunOptions, Stop, run};
use system::{Behaviour, System};

const SECRET: &str = "hunter2-\"quoted\" & <tagged>";

const SUITE: &str = r#"
suite: s
target: { exec: { command: [cat], stdin: 'you sent {{password}} and ${TOKEN}' } }
vars: { password: "${PASSWORD}" }
setup: [{ exec: { command: [sh, -c, 'true'], env: { TOKEN: "${TOKEN}" } } }]
teardown: [{ exec: { command: [sh, -c, 'echo "$TOKEN is wrong" >&2; exit 1'], env: { TOKEN: "${TOKEN}" } } }]
scenarios:
  - name: echo
    repeat: 2
    assert:
      - text: { not_contains: hunter2 }
      - json: { path: $.x, equals: '{{password}}' }
      - body: { equals: '{{password}}' }
  - name: hook
    setup: [{ exec: { command: [sh, -c, 'echo "$0 is wrong"; exit 3', "${TOKEN}"] } }]
    assert: [{ status: 0 }]
  - name: case
    data: { rows: [{ who: "${TOKEN}" }], case: '{{who}}' }
    assert: [{ status: 3 }]
"#;

async fn ran() -> (RunReport, String) {
    let system = System::start(Behaviour::default()).await;
    let environment = |name: &str| match name {
        "PASSWORD" => Some(SECRET.to_owned()),
        "TOKEN" => Some("abc-123-def".to_owned()),
        _ => None,
    };
    let files = |_: &str| Err("no files here".to_owned());
    let input = SuiteInput { file: "s.yaml", text: SUITE, environment: &environment, files: &files };
    let suite = Suite::read(input).unwrap_or_else(|error| panic!("{error}"));
    let plan = Plan::new(Arc::new(suite), RunOptions::default()).expect("a plan");
    let host = system.host();
    let mut events = String::new();
    let mut out = Vec::new();
    let mut terminal = Terminal::new(&mut out, Style::default(), Progress::Plain);
    let report = run(plan, host, Stop::never(), |event| {
        events.push_str(&format!("{event:?}"));
        terminal.tell(event).expect("memory can be written");
    })
    .await;
    drop(terminal);
    (report, events + &String::from_utf8_lossy(&out))
}

#[tokio::test]
async fn no_report_has_a_secret() {
    let (report, told) = ran().await;
    let texts = [
        ("events and terminal", told),
        ("table", report::table(&report, Style::default())),
        ("json", report::json(&report).expect("JSON")),
        ("jsonl", report::json_lines(&report).expect("JSON")),
        ("junit", report::junit(&report)),
        ("markdown", report::markdown(&report)),
        ("github", report::github(&report)),
        ("explain", report::explain(&report)),
        ("sarif", report::sarif(&report, &[]).to_string()),
    ];
    for (name, text) in &texts {
        for secret in ["hunter2-", "tagged>", "tagged&gt;", "abc-123"] {
            assert!(!text.contains(secret), "{name} has {secret}: {text}");
        }
    }
    assert_eq!(report.exit_code, Some(4));
    let found = &report.scenarios[0].attempts[0].assertions[0].found;
    assert!(found.contains("you sent ***PASSWORD*** and ***TOKEN***"), "{found}");
    assert!(
        report.errors.iter().any(|error| error == "`setup[0]` failed with code 3: ***TOKEN*** is wrong"),
        "{:?}",
        report.errors
    );
    assert!(report.errors.iter().any(|error| error == "`suite teardown[0]` failed with code 1: ***TOKEN*** is wrong"));
    assert_eq!(report.scenarios[2].name, "case [***TOKEN***]");
}
