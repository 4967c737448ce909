//! The suite file as a person meets it: what is accepted, and what a wrong one gets to read.

use eval::suite::{Check, Receive, Suite, SuiteInput, Target};

fn read(file: &str, text: &str) -> Result<Suite, String> {
    let environment = |name: &str| match name {
        "GATEWAY_URL" => Some("http://127.0.0.1:8080".to_owned()),
        "DEMO_TOKEN" => Some("secret".to_owned()),
        _ => None,
    };
    let files = |name: &str| match name {
        "capitals.csv" => Ok("country,capital,area\nFrance,Paris,1\n\"Chile\",Santiago,2\n".to_owned()),
        "wrong.csv" => Ok("country,capital\nFrance\nChile,\"Santi\"ago\nPeru,Lima\n".to_owned()),
        "wrong.jsonl" => Ok("{\"country\": \"Peru\"}\n{\"country\": }\n{\"cuontry\": 1}\n".to_owned()),
        "empty.csv" => Ok("country\n".to_owned()),
        _ => Err("it is not there".to_owned()),
    };
    Suite::read(SuiteInput { file, text, environment: &environment, files: &files }).map_err(|error| error.to_string())
}

#[test]
fn the_four_scenarios_of_the_design_are_read() {
    let suite = read("headwater.yaml", include_str!("suites/four-scenarios.yaml")).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(suite.scenarios.len(), 4);
    assert_eq!(suite.services.len(), 8);
    assert!(matches!(suite.receive, Receive::Embedded { grpc: Some(_), http: Some(_) }));
    let [happy, cached, failing, slow] = suite.scenarios.as_slice() else { panic!("four") };
    assert_eq!(happy.assertions.len(), 10);
    assert_eq!(cached.steps.len(), 2);
    assert!(matches!(&cached.steps[0].target, Target::Http(_)));
    assert_eq!(failing.faults[0].status, Some(503));
    assert_eq!(slow.faults[0].delay, Some(model::Duration::from_secs(5)));
    assert!(matches!(slow.assertions[2].check, Check::Spans { .. }));
}

#[test]
fn every_mistake_is_told_at_once_with_its_place_and_a_hint() {
    let error = read("headwater.yaml", include_str!("suites/mistakes.yaml")).expect_err("five mistakes and more");
    insta::assert_snapshot!(error);
}

#[test]
fn an_unset_variable_of_the_environment_is_told_at_its_place() {
    let suite = "suite: s\ntarget: { http: { url: '${NOWHERE}/x', timeout: '${T:-5s}' } }\nscenarios: [{ name: a, assert: [{ status: 200 }] }]\n";
    insta::assert_snapshot!(read("headwater.yaml", suite).expect_err("unset"));
}

#[test]
fn the_simple_form_of_forwarding_is_one_destination() {
    let suite = read(
        "headwater.yaml",
        "suite: s\ntarget: { http: { url: 'http://h/x' } }\nforwarding: { enabled: false, endpoint: 'http://tempo:4318', headers: { a: '${DEMO_TOKEN}' } }\nscenarios: [{ name: a, assert: [{ status: 200 }] }]\n",
    )
    .unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(suite.forwarding.len(), 1);
    assert!(!suite.forwarding[0].enabled);
    assert_eq!(suite.forwarding[0].headers, [("a".to_owned(), "secret".to_owned())]);
}

#[test]
fn the_suites_of_these_tests_meet_the_published_schema() {
    let schema = eval::suite::json_schema();
    let validator = jsonschema::validator_for(&schema).expect("a JSON Schema");
    let good = serde_json::json!({
        "suite": "s", "target": {"http": {"url": "http://h"}},
        "scenarios": [{"name": "a", "assert": [{"status": 200}, {"spans": "{ }", "count": 1, "optional": true}]}],
    });
    assert!(validator.is_valid(&good));
    let mut bad = good;
    bad["scenarios"][0]["assert"][1] = serde_json::json!({"spans": "{ }", "cuont": 1});
    assert!(!validator.is_valid(&bad));
}

/// A suite of one scenario with this assertion, after a step with the output `id`.
fn asserting(assertion: &str) -> String {
    format!(
        "suite: s\ntarget: {{ http: {{ url: 'http://h/x' }} }}\nscenarios:\n  - name: a\n    setup: [{{ send: same, outputs: {{ id: $.id }} }}]\n    assert:\n      - {assertion}\n"
    )
}

#[test]
fn assertions_on_traces_may_use_what_a_step_put_out() {
    for assertion in [
        "{ spans: '{ span.id = \"{{id}}\" }', each: 'span.id = \"{{id}}\"' }",
        "{ when: '{ span.id = \"{{id}}\" }', fault_path: none }",
        "data_flow: { from: { spans: '{ }', field: 'span.{{id}}' }, to: { spans: '{ }', field: 'span.{{attempt.id}}' } }",
    ] {
        let suite = read("headwater.yaml", &asserting(assertion)).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(suite.scenarios[0].assertions.len(), 1, "{assertion}");
    }
    let error = read("headwater.yaml", &asserting("spans: '{ span.id = \"{{ib}}\" }'")).expect_err("nothing sets it");
    assert!(error.contains("did you mean `{{id}}`?"), "{error}");
}

#[test]
fn a_filter_of_forwarding_has_no_variables() {
    let suite = "suite: s\ntarget: { http: { url: 'http://h/x' } }\nforwarding: { endpoint: 'http://tempo:4318', filter: '{ span.id = \"{{attempt.id}}\" }' }\nscenarios: [{ name: a, assert: [{ status: 200 }] }]\n";
    let error = read("headwater.yaml", suite).expect_err("everything would be sent on");
    assert!(error.contains("here nothing sets `attempt.id`"), "{error}");
}

#[test]
fn an_assertion_that_would_always_pass_is_told() {
    let check = |assertion: &str, words: &str| {
        let error = read("headwater.yaml", &asserting(assertion)).expect_err(assertion);
        assert!(error.contains(words), "{assertion}: {error}");
    };
    check("services: {}", "`services` asks for nothing");
    check("services: []", "a list of no services asks for nothing");
    check("services: { include: [a], exclude: [] }", "a list of no services asks for nothing");
    check("edges: []", "a list of no calls asks for nothing");
    check("tokens: {}", "`tokens` asks for nothing");
    check("text: {}", "`text` asks for nothing");
    check("body: {}", "`body` asks for nothing");
    check("text: ''", "this holds of every answer");
    check("text: { exists: true }", "this holds of every answer");
    check("regex: ''", "this holds of every answer");
    check("{ faster_than: main }", "`main` is compared with itself");
    check("body: { equal: x }", "unknown key `equal` in `body`");
    let nothing = asserting("status: 200").replace("      - status: 200\n", "").replace("assert:", "assert: []");
    let error = read("headwater.yaml", &nothing).expect_err("asserts nothing");
    assert!(error.contains("this scenario asserts nothing"), "{error}");
}

#[test]
fn an_empty_list_may_say_that_there_is_nothing_else() {
    for assertion in ["{ edges: [], exactly: true }", "services: { exactly: [] }", "body: ''"] {
        read("headwater.yaml", &asserting(assertion)).unwrap_or_else(|error| panic!("{error}"));
    }
}

/// A suite of one scenario over this table.
fn over(data: &str) -> String {
    format!(
        "suite: s\ntarget: {{ http: {{ url: 'http://h/{{{{country}}}}' }} }}\nscenarios:\n  - name: capital\n    data: {data}\n    assert:\n      - text: '{{{{capital}}}}'\n"
    )
}

#[test]
fn a_table_makes_a_case_of_each_row() {
    let names = |data: &str| -> Vec<String> {
        let suite = read("headwater.yaml", &over(data)).unwrap_or_else(|error| panic!("{error}"));
        suite.scenarios.iter().map(|scenario| scenario.name.clone()).collect()
    };
    assert_eq!(names("capitals.csv"), ["capital [1]", "capital [2]"]);
    assert_eq!(names("{ file: capitals.csv, case: '{{country}}' }"), ["capital [France]", "capital [Chile]"]);
    assert_eq!(names("[{ country: Peru, capital: Lima }]"), ["capital [1]"]);
    let suite = read("headwater.yaml", &over("capitals.csv")).expect("a suite");
    assert_eq!(suite.scenarios[1].variables["capital"], "Santiago");
    assert_eq!(suite.scenarios[1].variables["area"], 2);
}

#[test]
fn every_mistake_of_a_table_is_told_with_its_file_line_and_column() {
    let suite = "suite: s
target: { http: { url: 'http://h' } }
scenarios:
  - { name: a, data: wrong.csv, assert: [{ text: '{{capital}}' }] }
  - { name: b, data: wrong.jsonl, assert: [{ text: '{{country}}' }] }
  - { name: c, data: nowhere.csv, assert: [{ text: x }] }
  - { name: d, data: empty.csv, assert: [{ text: x }] }
  - { name: e, data: [], assert: [{ text: x }] }
  - { name: f, data: table.xlsx, assert: [{ text: x }] }
  - { name: g, data: { rows: [{ a: 1 }, { a: 1 }, { b: 2 }], case: '{{a}}' }, assert: [{ text: x }] }
  - { name: h, data: { rows: [{ a: 1 }], case: '{{c}}' }, assert: [{ text: x }] }
";
    insta::assert_snapshot!(read("headwater.yaml", suite).expect_err("many mistakes"));
}

#[test]
fn a_variable_that_no_column_has_is_told() {
    let error = read("headwater.yaml", &over("[{ country: Peru, captal: Lima }]")).expect_err("mistyped");
    assert!(error.contains("did you mean `{{captal}}`?"), "{error}");
}

/// A suite of one scenario with these faults.
fn with_faults(faults: &str) -> String {
    format!(
        "suite: s\ntarget: {{ http: {{ url: 'http://h/x' }} }}\nproxies:\n  - {{ edge: a -> b, listen: 9104, upstream: 'http://h:1', variable: B_URL }}\nscenarios:\n  - name: a\n    faults: {faults}\n    assert: [{{ status: 200 }}]\n"
    )
}

#[test]
fn faults_of_proxies_are_read_as_rules() {
    let check = |faults: &str, rules: &[&str]| {
        let suite = read("headwater.yaml", &with_faults(faults)).unwrap_or_else(|error| panic!("{error}"));
        let read: Vec<String> =
            suite.scenarios[0].injections.iter().map(|injection| injection.rule.to_string()).collect();
        assert_eq!(read, rules);
        assert_eq!(suite.proxies[0].edge, "a -> b");
    };
    check("{ edge: a -> b, status: 503, times: 2 }", &["a -> b: status=503 times=2"]);
    check(
        "[{ edge: a->b, delay: 1.5s, jitter: 200ms, share: 20% }, { edge: a -> b, drop: answer, may_miss: true }]",
        &["a -> b: delay=1500ms jitter=200ms share=0.2", "a -> b: drop=answer"],
    );
    check("{ edge: a -> b, bandwidth: 2KB, drop: 30 }", &["a -> b: bandwidth=2000 drop=30"]);
    check("{ edge: a -> b, drop: 512, attempt: 2 }", &["a -> b: drop=512 attempt=2"]);
    check("{ edge: a -> b, strip: [TraceParent, baggage] }", &["a -> b: strip=traceparent,baggage"]);
    let body = "a -> b: status=503 body=\"{\\\"error\\\":\\\"busy\\\"}\" grpc_status=8";
    check("{ edge: a -> b, status: 503, body: { error: busy }, grpc_status: 8 }", &[body]);
}

#[test]
fn every_mistake_of_faults_and_proxies_is_told_at_once() {
    let suite = "suite: s
target: { http: { url: 'http://h/x' } }
proxies:
  - { edge: a -> b, listen: 9104, upstream: 'ftp://h' }
  - { edge: a => c, listen: 9105 }
scenarios:
  - name: one
    faults:
      - { edge: a -> b }
      - { edge: a -> b, status: 503, drop: request }
      - { edge: a -> b, drop: often, share: much }
      - { edge: a -> b, delay: 5, tuncate: 3 }
      - { edge: a -> b, body: busy, delay: 1s }
      - { edge: a -> b, strip: 'a b', times: 0 }
      - { edge: a -> b, truncate: 3, times: 1, attempt: 2 }
    assert: [{ status: 200 }]
";
    insta::assert_snapshot!(read("headwater.yaml", suite).expect_err("mistakes"));
}
