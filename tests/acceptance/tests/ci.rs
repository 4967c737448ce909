//! `examples/ci` as a CI would use it: what it runs, what it publishes, and that each of its words exists.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use acceptance::{binary, command, run, skip, stderr, stdout};
use serde_json::Value;

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/ci")
}

/// `run.sh` with these arguments in `folder`, as a step on GitHub.
fn run_script(folder: &Path, arguments: &[&str]) -> Output {
    let mut script = Command::new("bash");
    script.arg(examples().join("run.sh")).args(arguments).current_dir(folder).stdin(Stdio::null());
    for (name, value) in [("GITHUB_STEP_SUMMARY", "summary"), ("GITHUB_OUTPUT", "outputs")] {
        script.env(name, folder.join(value));
    }
    script.env("HEADWATER_BIN", binary()).env("GITHUB_ACTIONS", "true").env("NO_COLOR", "1");
    script.env_remove("OTEL_EXPORTER_OTLP_ENDPOINT").env("HEADWATER_DATA", folder.join("data"));
    script.output().expect("bash can be run")
}

fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(path.as_ref()).unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()))
}

/// The YAML file as JSON; none where Python has no YAML.
fn yaml(path: &Path) -> Option<Value> {
    let program = "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1])), default=str))";
    let output = Command::new("python3").args(["-c", program]).arg(path).output().ok()?;
    if !output.status.success() && String::from_utf8_lossy(&output.stderr).contains("No module named 'yaml'") {
        return None;
    }
    assert!(output.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).ok()
}

#[test]
fn the_script_publishes_every_report_and_exits_as_the_suite_does() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let suite = |status: u32| {
        format!(
            "suite: s\nreceive: {{ grpc: '127.0.0.1:0', http: '127.0.0.1:0' }}\ntarget: {{ exec: {{ command: [echo, hello] }} }}\nscenarios: [{{ name: greets, assert: [{{ status: {status} }}, {{ text: hello }}] }}]\n"
        )
    };
    for (status, code, verdict) in [(0, 0, "pass"), (7, 1, "fail")] {
        std::fs::write(folder.join("headwater.yaml"), suite(status)).expect("written");
        let output = run_script(folder, &["eval", "headwater.yaml", "--repeat", "2"]);
        assert_eq!(output.status.code(), Some(code), "{}{}", stdout(&output), stderr(&output));
        let outputs = read(folder.join("outputs"));
        let last: Vec<&str> = outputs.lines().rev().take(3).collect();
        let expected = ["reports=headwater-reports", &format!("verdict={verdict}"), &format!("exit-code={code}")];
        assert_eq!(last, expected);
        assert_eq!(stdout(&output).contains("::error file=headwater.yaml,line=4"), code == 1, "{}", stdout(&output));
    }
    let reports = folder.join("headwater-reports");
    assert!(read(reports.join("junit.xml")).contains("<failure"));
    assert!(read(reports.join("report.html")).contains("greets"));
    assert!(read(reports.join("findings.sarif")).contains("2.1.0"));
    assert!(read(reports.join("run.jsonl")).starts_with("{\"resourceSpans\""));
    let run: Value = serde_json::from_str(&read(reports.join("run.json"))).expect("JSON");
    assert_eq!(run["verdict"], "fail");
    let summary = read(folder.join("summary"));
    assert!(summary.contains("greets") && summary.matches("# ").count() >= 2, "both runs are told: {summary}");
}

#[test]
fn the_script_runs_the_demo() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = run_script(folder.path(), &["demo", "--once", "--page", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    assert!(read(folder.path().join("headwater-reports/junit.xml")).contains("tests=\"4\""));
    assert!(read(folder.path().join("outputs")).contains("verdict=pass"));
}

#[test]
fn every_flag_and_format_of_the_script_exists() {
    let script = read(examples().join("run.sh"));
    let script: String =
        script.lines().filter(|line| line.contains("--output")).flat_map(|line| [line, "\n"]).collect();
    let help = stdout(&run(["eval", "--help"]));
    let words: Vec<&str> = script.split(|c: char| c.is_whitespace() || c == '(' || c == ')').collect();
    let flags: BTreeSet<&str> = words.iter().copied().filter(|word| word.starts_with("--")).collect();
    let formats: Vec<&str> = words.windows(2).filter(|pair| pair[0] == "--output").map(|pair| pair[1]).collect();
    assert!(flags.contains("--output") && formats.len() == 7, "{flags:?} {formats:?}");
    for flag in flags.into_iter().filter(|flag| *flag != "--") {
        assert!(help.contains(flag), "`headwater eval` has no {flag}");
    }
    for format in formats {
        let output = command(["eval", "nowhere.yaml", "--output", format, "-"]).output().expect("headwater can be run");
        assert!(!stderr(&output).contains("there is no format"), "{format}: {}", stderr(&output));
    }
}

#[test]
fn action_workflow_and_template_parse_and_name_what_is_there() {
    let name = "action_workflow_and_template_parse_and_name_what_is_there";
    let Some(action) = yaml(&examples().join("github/action.yml")) else {
        return skip(name, "Python has no YAML");
    };
    assert_eq!(action["runs"]["using"], "composite");
    let steps = action["runs"]["steps"].as_array().expect("steps");
    let ids: BTreeSet<&str> = steps.iter().filter_map(|step| step["id"].as_str()).collect();
    for step in steps.iter().filter(|step| step["run"].is_string()) {
        assert_eq!(step["shell"], "bash", "GitHub asks for a shell: {step}");
    }
    let inputs = action["inputs"].as_object().expect("inputs");
    let text = read(examples().join("github/action.yml"));
    for used in text.split("inputs.").skip(1) {
        let used: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '-').collect();
        assert!(inputs.contains_key(&used), "there is no input `{used}`");
    }
    let script = read(examples().join("run.sh"));
    for (output, value) in action["outputs"].as_object().expect("outputs") {
        let expression = value["value"].as_str().expect("a value");
        assert_eq!(expression, format!("${{{{ steps.run.outputs.{output} }}}}"));
        assert!(ids.contains("run") && script.contains(&format!("echo \"{output}=")), "nothing writes {output}");
    }
    let workflow = yaml(&examples().join("github/workflow.yml")).expect("YAML");
    let steps = workflow["jobs"]["traces"]["steps"].as_array().expect("steps");
    let with = steps.iter().find(|step| step["id"] == "headwater").expect("the step")["with"].clone();
    for input in with.as_object().expect("inputs").keys() {
        assert!(inputs.contains_key(input), "the action has no input `{input}`");
    }
    let gitlab = yaml(&examples().join("gitlab/headwater.gitlab-ci.yml")).expect("YAML");
    let job = &gitlab[".headwater"];
    assert_eq!(job["artifacts"]["reports"]["junit"], "headwater-reports/junit.xml");
    let lines: Vec<&str> = job["script"].as_array().expect("a script").iter().filter_map(Value::as_str).collect();
    for script in ["install.sh", "run.sh"] {
        assert!(lines.iter().any(|line| line.contains(script)) && examples().join(script).is_file(), "{script}");
    }
}

/// The real schema is Apache's and not in this repository: `SUREFIRE_XSD` names a copy of
/// <https://maven.apache.org/surefire/maven-surefire-plugin/xsd/surefire-test-report.xsd>.
#[test]
fn junit_is_valid_by_the_schema_of_surefire() {
    let name = "junit_is_valid_by_the_schema_of_surefire";
    let Some(schema) = std::env::var_os("SUREFIRE_XSD") else {
        return skip(name, "SUREFIRE_XSD names no copy of Surefire's schema");
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let suite = "suite: s & <t>
receive: { grpc: '127.0.0.1:0', http: '127.0.0.1:0' }
target: { exec: { command: [sh, -c, 'test {{attempt.number}} = 0; echo \"<$?>\"'] } }
teardown: [{ exec: { command: [sh, -c, 'exit 3'] } }]
scenarios:
  - { name: passes, assert: [{ regex: '^<[01]>$' }] }
  - { name: fails, assert: [{ text: x & y }] }
  - { name: flaky, repeat: 2, assert: [{ text: '<0>' }] }
  - { name: cannot say, assert: [{ grpc_status: OK }] }
  - { name: is not there, target: { exec: { command: [no-such-program-anywhere] } }, assert: [{ status: 0 }] }
";
    std::fs::write(folder.join("headwater.yaml"), suite).expect("written");
    let output = run_script(folder, &["eval", "headwater.yaml"]);
    assert_eq!(output.status.code(), Some(4), "{}{}", stdout(&output), stderr(&output));
    let junit = folder.join("headwater-reports/junit.xml");
    let text = read(&junit);
    for element in ["<failure ", "<flakyFailure ", "<skipped ", "<error ", "<system-out>"] {
        assert!(text.contains(element), "{element} is missing: {text}");
    }
    assert_eq!(valid(&schema, &junit, folder), Ok(()));
    std::fs::write(&junit, text.replacen("<failure ", "<failed ", 1).replacen("</failure>", "</failed>", 1))
        .expect("written");
    assert!(valid(&schema, &junit, folder).is_err(), "the validator says no to nothing");
}

/// Asks `xmllint`, or Java's own validator.
fn valid(schema: &std::ffi::OsStr, file: &Path, folder: &Path) -> Result<(), String> {
    let xmllint = Command::new("xmllint").args(["--noout", "--schema"]).arg(schema).arg(file).output();
    let output = xmllint.unwrap_or_else(|_| {
        let program = "import javax.xml.validation.*; import javax.xml.transform.stream.StreamSource; import java.io.File;
public class Valid { public static void main(String[] a) throws Exception {
  SchemaFactory.newInstance(\"http://www.w3.org/2001/XMLSchema\").newSchema(new File(a[0])).newValidator().validate(new StreamSource(new File(a[1])));
} }";
        std::fs::write(folder.join("Valid.java"), program).expect("written");
        let mut java = Command::new("java");
        java.arg(folder.join("Valid.java")).arg(schema).arg(file).output().expect("xmllint or java can be run")
    });
    if output.status.success() { Ok(()) } else { Err(stderr(&output)) }
}
