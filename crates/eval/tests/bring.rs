//! Suites of others, as they are carried over: what becomes of them, what is said to be left behind.

use eval::suite::{Suite, SuiteInput};
use eval::{BringInput, Brought, BroughtKind, bring};

const CSV: &str = "question,__expected,__expected2,__description\n\"Where is my order?\",contains:order,llm-rubric: is kind,orders\nplain,Hello,,\n";

fn brought(file: &str, text: &str) -> Result<Brought, String> {
    let load = |name: &str| if name == "tests.csv" { Ok(CSV.to_owned()) } else { Err("not there".to_owned()) };
    bring(BringInput { file, text, load: &load }).map_err(|error| error.to_string())
}

/// The suite made, read by the reader of suites: no variable of the environment is unset.
fn read(brought: &Brought) -> Suite {
    let environment = |name: &str| Some(if name.contains("URL") { "http://h".to_owned() } else { "value".to_owned() });
    Suite::read(SuiteInput { file: "headwater.yaml", text: &brought.text, environment: &environment })
        .unwrap_or_else(|error| panic!("{error}\n{}", brought.text))
}

#[test]
fn tracetest() {
    let brought = brought("tracetest.yaml", include_str!("brought/tracetest.yaml")).unwrap_or_else(|e| panic!("{e}"));
    insta::assert_snapshot!(brought.text);
    let suite = read(&brought);
    assert_eq!((brought.kind, brought.scenarios), (BroughtKind::Tracetest, suite.scenarios.len()));
    let assertions: usize = suite.scenarios.iter().map(|scenario| scenario.assertions.len()).sum();
    assert_eq!(assertions, brought.assertions);
    assert_eq!(suite.scenarios[0].steps.len(), 2, "the first test is set-up of the second");
}

#[test]
fn promptfoo() {
    let brought =
        brought("promptfooconfig.yaml", include_str!("brought/promptfoo.yaml")).unwrap_or_else(|e| panic!("{e}"));
    insta::assert_snapshot!(brought.text);
    let suite = read(&brought);
    assert_eq!((brought.kind, brought.scenarios), (BroughtKind::Promptfoo, suite.scenarios.len()));
    // One test is two questions, two come from the table, one is asked in plain.
    assert_eq!(brought.scenarios, 5);
}

/// Every assertion of the file is in the suite, or is told with its line: nothing goes silently.
#[test]
fn nothing_is_left_out_silently() {
    let text = include_str!("brought/promptfoo.yaml");
    let brought = brought("promptfooconfig.yaml", text).unwrap_or_else(|e| panic!("{e}"));
    for (number, line) in text.lines().enumerate() {
        let Some(kind) = line.split("type: ").nth(1).and_then(|rest| rest.split([',', ' ', '}']).next()) else {
            continue;
        };
        let kind = kind.trim_matches('"');
        let unable = ["llm-rubric", "javascript", "not-trace-error-spans", "trajectory:goal-success"];
        if unable.contains(&kind) {
            let told = brought.remarks.iter().any(|remark| remark.line as usize == number + 1 && remark.what == kind);
            assert!(told, "{kind} in line {} is not told: {:?}", number + 1, brought.remarks);
        }
    }
}

#[test]
fn what_is_neither_is_told() {
    let error = brought("x.yaml", "a: 1\n").expect_err("neither");
    assert!(error.contains("neither a Tracetest test nor a promptfoo configuration"), "{error}");
    assert!(brought("x.yaml", "").is_err());
    assert!(brought("x.yaml", "a: [").is_err());
    let nothing = "providers: [openai:x]\ntests: [{ vars: { a: b } }]\n";
    let error = brought("x.yaml", nothing).expect_err("nothing can be driven");
    assert!(error.contains("openai:x"), "{error}");
}
