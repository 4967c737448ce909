//! Tracetest's `type: Test` and `type: TestSuite`.
//!
//! A test becomes a scenario with its own target. A suite of tests becomes one scenario: all but the last test are its
//! set-up, with their outputs and their assertions, the last is what is judged.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value as Json, json};

use super::{Bringing, Taken, items, json, text, unique};
use crate::suite::yaml::Node;

mod assertion;
mod selector;
mod value;

use assertion::left_side;
use value::interpolated;

/// A test, as far as it could be carried over.
#[derive(Clone)]
struct Test {
    name: String,
    target: Json,
    assertions: Vec<Json>,
    outputs: Map<String, Json>,
}

pub(super) fn suite(bringing: &mut Bringing<'_>, documents: &[Node]) -> Json {
    let mut tests: BTreeMap<String, Test> = BTreeMap::new();
    let mut scenarios: Vec<Json> = Vec::new();
    let mut taken = Taken::new();
    let mut used: HashSet<String> = HashSet::new();
    let mut name = None;
    let mut in_order: Vec<String> = Vec::new();
    let mut variables = Map::new();
    for document in documents {
        if kind(document) == "Test" {
            let id = document.get("spec").and_then(|spec| spec.get("id")).and_then(text).map(str::to_owned);
            if let Some(test) = test(bringing, document) {
                let id = id.unwrap_or_else(|| test.name.clone());
                in_order.push(id.clone());
                tests.insert(id, test);
            }
        }
    }
    for document in documents {
        let Some(spec) = document.get("spec") else {
            bringing.remark(document, &format!("type: {}", kind(document)), "it has no `spec`");
            continue;
        };
        match kind(document) {
            "Test" => {}
            "TestSuite" | "Transaction" => {
                let suite_name = spec.get("name").and_then(text).unwrap_or("test suite").to_owned();
                let steps = steps(bringing, spec, &mut tests, &mut used);
                match chained(&unique(&suite_name, &mut taken), &steps) {
                    Some(scenario) => scenarios.push(scenario),
                    None => bringing.remark(spec, &suite_name, "none of its tests can be carried over"),
                }
                name.get_or_insert(suite_name);
            }
            "VariableSet" | "Environment" => {
                for value in spec.get("values").map(items).unwrap_or_default() {
                    if let Some(key) = value.get("key").and_then(text) {
                        variables.insert(key.to_owned(), value.get("value").map_or(Json::Null, json));
                    }
                }
            }
            other => bringing.remark(document, &format!("type: {other}"), "it is configuration of Tracetest's server"),
        }
    }
    for id in in_order.iter().filter(|id| !used.contains(*id)) {
        let Some(test) = tests.get(id) else { continue };
        if let Some(scenario) = chained(&unique(&test.name, &mut taken), std::slice::from_ref(test)) {
            scenarios.push(scenario);
        }
        name.get_or_insert(test.name.clone());
    }
    needed_variables(&scenarios, &mut variables);
    let mut suite = json!({"suite": name.unwrap_or_else(|| "brought".to_owned())});
    if !variables.is_empty() {
        suite["vars"] = Json::Object(variables);
    }
    suite["scenarios"] = scenarios.into();
    suite
}

fn kind(document: &Node) -> &str {
    document.get("type").and_then(text).unwrap_or_default()
}

/// Variables that nothing in the file sets come from the environment.
fn needed_variables(scenarios: &[Json], variables: &mut Map<String, Json>) {
    for scenario in scenarios {
        let put_out: HashSet<String> = scenario["setup"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|step| step["outputs"].as_object())
            .flat_map(|outputs| outputs.keys().cloned())
            .collect();
        let whole = scenario.to_string();
        for part in whole.split("{{").skip(1) {
            let name = part.split("}}").next().unwrap_or_default().trim();
            let known = variables.contains_key(name) || put_out.contains(name) || name == "attempt.id";
            if !known && !name.is_empty() {
                variables.insert(name.to_owned(), format!("${{{name}}}").into());
            }
        }
    }
}

fn steps(
    bringing: &mut Bringing<'_>,
    spec: &Node,
    tests: &mut BTreeMap<String, Test>,
    used: &mut HashSet<String>,
) -> Vec<Test> {
    let mut steps = Vec::new();
    for step in spec.get("steps").map(items).unwrap_or_default() {
        let Some(named) = text(step) else {
            bringing.remark(step, "a step", "only the id or the file of a test is carried over");
            continue;
        };
        if let Some(test) = tests.get(named) {
            used.insert(named.to_owned());
            steps.push(test.clone());
            continue;
        }
        let Some(loaded) = bringing.load(step, named) else { continue };
        let outer = std::mem::replace(&mut bringing.file, named.to_owned());
        match super::documents(named, &loaded) {
            Ok(documents) => {
                for document in documents.iter().filter(|document| kind(document) == "Test") {
                    steps.extend(test(bringing, document));
                }
            }
            Err(_) => bringing.remark_at(1, named, "it is not YAML"),
        }
        bringing.file = outer;
    }
    steps
}

/// One scenario of tests that follow one another.
fn chained(name: &str, tests: &[Test]) -> Option<Json> {
    let (main, before) = tests.split_last()?;
    let mut scenario = json!({"name": name, "target": main.target});
    let mut names = Taken::new();
    let mut setup = Vec::new();
    let mut assertions = Vec::new();
    for test in before {
        let step = unique(&test.name, &mut names);
        let mut sent = json!({"name": step, "send": test.target});
        if !test.outputs.is_empty() {
            sent["outputs"] = Json::Object(test.outputs.clone());
        }
        setup.push(sent);
        for assertion in &test.assertions {
            let mut assertion = assertion.clone();
            assertion["step"] = step.clone().into();
            assertions.push(assertion);
        }
    }
    if !setup.is_empty() {
        scenario["setup"] = setup.into();
    }
    assertions.extend(main.assertions.iter().cloned());
    scenario["assert"] = assertions.into();
    Some(scenario)
}

fn test(bringing: &mut Bringing<'_>, document: &Node) -> Option<Test> {
    let spec = document.get("spec")?;
    let name = spec.get("name").or_else(|| spec.get("id")).and_then(text).unwrap_or("test").to_owned();
    let Some(trigger) = spec.get("trigger") else {
        bringing.remark(spec, &name, "the test has no trigger");
        return None;
    };
    let target = match target(trigger) {
        Ok(target) => target,
        Err(why) => {
            bringing.remark(trigger, &format!("the trigger of `{name}`"), &why);
            return None;
        }
    };
    let mut assertions = Vec::new();
    for spec in spec.get("specs").map(items).unwrap_or_default() {
        specs(bringing, spec, &mut assertions);
    }
    let outputs = outputs(bringing, spec);
    for key in ["pollingProfile", "skipTraceCollection"] {
        if let Some(node) = spec.get(key) {
            bringing.remark(node, key, "a trace is judged when evidence says that it is whole; see `complete`");
        }
    }
    if assertions.is_empty() {
        // A test of Tracetest without specs passes when it can be driven.
        bringing.remark(spec, &name, "the test asserts nothing that is carried over; `fault_path: none` was put in");
        assertions.push(json!({"fault_path": "none"}));
    }
    Some(Test { name, target, assertions, outputs })
}

fn specs(bringing: &mut Bringing<'_>, spec: &Node, assertions: &mut Vec<Json>) {
    let written = spec.get("selector").and_then(text).unwrap_or_default();
    let selector = selector::selector(written).and_then(|selector| interpolated(&selector));
    for assertion in spec.get("assertions").map(items).unwrap_or_default() {
        let Some(line) = text(assertion) else {
            bringing.remark(assertion, "an assertion", "it is no text");
            continue;
        };
        let carried = match &selector {
            Ok(selector) => assertion::assertion(line, selector),
            // What is about the answer needs no selector.
            Err(why) if line.starts_with("attr:tracetest.response.") => {
                assertion::assertion(line, "{ }").map_err(|_| why.clone())
            }
            Err(why) => Err(format!("its selector `{written}`: {why}")),
        };
        match carried {
            Ok(carried) => assertions.push(carried),
            Err(why) => bringing.remark(assertion, line, &why),
        }
    }
}

fn outputs(bringing: &mut Bringing<'_>, spec: &Node) -> Map<String, Json> {
    let mut outputs = Map::new();
    for output in spec.get("outputs").map(items).unwrap_or_default() {
        let (Some(name), Some(value)) = (output.get("name").and_then(text), output.get("value").and_then(text)) else {
            bringing.remark(output, "an output", "it has no `name` or no `value`");
            continue;
        };
        let path = left_side(value).ok().and_then(|(left, rest)| {
            let whole = rest.trim().is_empty() && left.attribute == "tracetest.response.body";
            let [filter] = left.filters.as_slice() else { return None };
            filter.strip_prefix("json_path ").filter(|_| whole).map(str::to_owned)
        });
        match path {
            Some(path) => drop(outputs.insert(name.to_owned(), path.into())),
            None => bringing.remark(
                output,
                &format!("the output `{name}`: {value}"),
                "only a JSONPath into the answer is put out",
            ),
        }
    }
    outputs
}

fn target(trigger: &Node) -> Result<Json, String> {
    match trigger.get("type").and_then(text).unwrap_or_default() {
        "http" => http(trigger.get("httpRequest").ok_or("it has no `httpRequest`")?),
        "graphql" => graphql(trigger.get("graphqlRequest").ok_or("it has no `graphqlRequest`")?),
        "traceid" => {
            let id = trigger.get("traceid").and_then(|node| node.get("id")).and_then(text).ok_or("it has no id")?;
            Ok(json!({"trace": interpolated(id)?}))
        }
        other => Err(format!("a trigger of type `{other}` is not carried over")),
    }
}

fn http(request: &Node) -> Result<Json, String> {
    let written = |key: &str| request.get(key).and_then(text).map(interpolated).transpose();
    let url = written("url")?.ok_or("it has no url")?;
    let mut target = json!({"url": url, "method": written("method")?.unwrap_or_else(|| "GET".to_owned())});
    let headers = headers(request)?;
    if !headers.is_empty() {
        target["headers"] = Json::Object(headers);
    }
    if let Some(body) = written("body")?.filter(|body| !body.trim().is_empty()) {
        match serde_json::from_str::<Json>(&body) {
            Ok(body) if body.is_object() || body.is_array() => target["json"] = body,
            _ => target["body"] = body.into(),
        }
    }
    Ok(json!({"http": target}))
}

fn headers(request: &Node) -> Result<Map<String, Json>, String> {
    let mut headers = Map::new();
    for header in request.get("headers").map(items).unwrap_or_default() {
        if let (Some(key), Some(value)) = (header.get("key").and_then(text), header.get("value").and_then(text)) {
            headers.insert(key.to_owned(), interpolated(value)?.into());
        }
    }
    if let Some(auth) = request.get("auth").filter(|auth| !auth.is_null()) {
        match auth.get("type").and_then(text).unwrap_or_default() {
            "bearer" => {
                let token =
                    auth.get("bearer").and_then(|bearer| bearer.get("token")).and_then(text).unwrap_or_default();
                headers.insert("authorization".to_owned(), format!("Bearer {}", interpolated(token)?).into());
            }
            "apiKey" => {
                let key = auth.get("apiKey").ok_or("its `auth` has no `apiKey`")?;
                let part = |name: &str| key.get(name).and_then(text).unwrap_or_default();
                if part("in") == "query" {
                    return Err("an API key in the query of the address has to be written into the `url`".to_owned());
                }
                headers.insert(part("key").to_owned(), interpolated(part("value"))?.into());
            }
            other => return Err(format!("`auth` of type `{other}` has to be written as a header")),
        }
    }
    Ok(headers)
}

fn graphql(request: &Node) -> Result<Json, String> {
    let written = |key: &str| request.get(key).and_then(text).map(interpolated).transpose();
    let url = written("url")?.ok_or("it has no url")?;
    let body = request.get("body").ok_or("it has no body")?;
    let query = body.get("query").and_then(text).map(interpolated).transpose()?.ok_or("it has no query")?;
    let mut sent = json!({"query": query});
    if let Some(variables) = body.get("variables") {
        sent["variables"] = json(variables);
    }
    let mut target = json!({"url": url, "method": "POST", "json": sent});
    let headers = headers(request)?;
    if !headers.is_empty() {
        target["headers"] = Json::Object(headers);
    }
    Ok(json!({"http": target}))
}
