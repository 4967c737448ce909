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
    Suite::read(SuiteInput {
        file: "headwater.yaml",
        text: &brought.text,
        environment: &environment,
        files: &|_| Err("no files here".to_owned()),
    })
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

/// Places in a file that another one names are places in that file.
#[test]
fn what_is_wrong_in_a_table_is_told_of_the_table() {
    let tables = |name: &str| match name {
        "short.csv" => Ok("question,__expected\na,b\nc\n".to_owned()),
        "silent.csv" => Ok("question\na\n".to_owned()),
        _ => Err("not there".to_owned()),
    };
    let text = "targets: ['http://h']\ntests: [file://short.csv, file://silent.csv]\n";
    let brought = bring(BringInput { file: "x.yaml", text, load: &tables }).unwrap_or_else(|error| panic!("{error}"));
    let told: Vec<(&str, u32)> = brought.remarks.iter().map(|remark| (remark.file.as_str(), remark.line)).collect();
    assert_eq!(told, [("short.csv", 3), ("silent.csv", 2)], "{:?}", brought.remarks);
}

#[test]
fn of_too_many_combinations_the_first_are_carried_over_with_all_their_variables() {
    let list = |count: u32| format!("[{}]", (0..count).map(|n| n.to_string()).collect::<Vec<_>>().join(", "));
    let text = format!(
        "targets: ['http://h/{{{{one}}}}/{{{{two}}}}']\ntests: [{{ vars: {{ one: {}, two: {} }}, assert: [{{ type: equals, value: x }}] }}]\n",
        list(200),
        list(100)
    );
    let brought = brought("x.yaml", &text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(brought.scenarios, 10_000);
    assert_eq!(brought.text.matches("\n      two: ").count(), 10_000);
    assert!(brought.remarks.iter().any(|remark| remark.why.contains("more than 10000 scenarios")));
}

#[test]
fn nothing_of_a_tracetest_file_is_left_out_silently() {
    let test = "type: Test\nspec:\n  name: a\n  trigger: { type: http, httpRequest: { url: 'http://h' } }\n  \
                outputs: [{ name: id }]\n  specs:\n    - assertions: ['attr:tracetest.response.status = 200.5', [x]]\n";
    let suite = "type: TestSuite\nspec: { name: b, steps: [[c]] }\n---\ntype: Config\n";
    let brought = brought("x.yaml", &format!("{test}---\n{suite}")).unwrap_or_else(|error| panic!("{error}"));
    let told: Vec<String> = brought.remarks.iter().map(|remark| format!("{}: {}", remark.line, remark.what)).collect();
    let line = |line: u32, what: &str| format!("{line}: {what}");
    for expected in [
        line(5, "an output"),
        line(7, "attr:tracetest.response.status = 200.5"),
        line(7, "an assertion"),
        line(10, "a step"),
        line(10, "b"),
        line(12, "type: Config"),
    ] {
        assert!(told.contains(&expected), "{expected} is not among {told:?}");
    }
    let error = self::brought("x.yaml", &format!("{test}---\ntype: [\n")).expect_err("half of it cannot be read");
    assert!(error.contains("x.yaml:9") || error.contains("x.yaml:10"), "{error}");
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
