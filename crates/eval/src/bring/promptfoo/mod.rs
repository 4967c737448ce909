//! promptfoo's configuration: targets, prompts, tests with their variables and assertions.
//!
//! promptfoo runs every test with every prompt and every target; so does the suite made of it, a scenario for each.

use serde_json::{Map, Value as Json, json};

use super::{Bringing, Taken, items, json, text, unique};
use crate::limits::BROUGHT_SCENARIOS_MAX;
use crate::suite::yaml::{Data, Node};

mod assertion;
mod csv_tests;
mod target;

use target::Target;

/// A test, its defaults beneath it.
struct Test {
    name: String,
    /// Values that are lists stand for one test each.
    variables: Map<String, Json>,
    assertions: Vec<Carried>,
}

impl Test {
    /// With an assertion, which every scenario has, where none was carried over.
    fn asserting(mut self, bringing: &mut Bringing<'_>, line: u32) -> Self {
        if self.assertions.is_empty() {
            let why = "the test asserts nothing that is carried over; `status: 2xx` was put in";
            bringing.remark_at(line, &self.name, why);
            self.assertions.push(Carried::Plain(json!({"status": "2xx"})));
        }
        self
    }
}

/// Assertions of ours that one of theirs became; what is about the output is made for each target.
#[derive(Clone)]
enum Carried {
    OfOutput(assertion::OfOutput),
    Plain(Json),
}

pub(super) fn suite(bringing: &mut Bringing<'_>, root: &Node) -> Json {
    let targets = targets(bringing, root);
    let prompts = prompts(bringing, root);
    let defaults = root.get("defaultTest");
    let tests = tests(bringing, root, defaults);
    let mut taken = Taken::new();
    let mut scenarios = Vec::new();
    for test in &tests {
        for variables in spread(&test.variables) {
            for prompt in &prompts {
                for target in &targets {
                    if scenarios.len() > BROUGHT_SCENARIOS_MAX {
                        break;
                    }
                    let many = [
                        (targets.len() > 1).then(|| target.name.clone()),
                        (prompts.len() > 1).then(|| shortened(prompt)),
                    ];
                    let suffix: Vec<String> = many.into_iter().flatten().collect();
                    let name = if suffix.is_empty() {
                        test.name.clone()
                    } else {
                        format!("{} ({})", test.name, suffix.join(", "))
                    };
                    scenarios.push(scenario(
                        &unique(&name, &mut taken),
                        test,
                        &variables,
                        prompt,
                        target,
                        targets.len() > 1,
                    ));
                }
            }
        }
    }
    for (key, why) in NOT_CARRIED {
        if let Some(node) = root.get(key) {
            bringing.remark(node, key, why);
        }
    }
    let name = root.get("description").and_then(text).unwrap_or("brought from promptfoo");
    let mut suite = json!({"suite": escaped(name)});
    let named: Map<String, Json> = targets.iter().map(|target| (target.name.clone(), target.sent.clone())).collect();
    if let [only] = targets.as_slice() {
        suite["target"] = only.sent.clone();
    } else {
        suite["targets"] = Json::Object(named);
    }
    suite["scenarios"] = scenarios.into();
    suite
}

/// Sections of a configuration that have no counterpart here.
const NOT_CARRIED: &[(&str, &str)] = &[
    ("scenarios", "promptfoo's `scenarios` (tests times configurations) have to be written out"),
    ("redteam", "attacks are made by promptfoo's service"),
    ("derivedMetrics", "metrics computed from scores: assertions hold or do not"),
    ("extensions", "hooks in JavaScript or Python"),
    ("nunjucksFilters", "templates put in variables, nothing else"),
    ("evaluateOptions", "see `run:` for concurrency and repeats"),
    ("tracing", "traces are always received"),
];

fn shortened(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() > 40 { line.chars().take(39).chain(['…']).collect() } else { line }
}

fn scenario(
    name: &str,
    test: &Test,
    variables: &Map<String, Json>,
    prompt: &str,
    target: &Target,
    several: bool,
) -> Json {
    let mut all = variables.clone();
    if target.uses_prompt {
        all.insert("prompt".to_owned(), put_in(prompt, variables).into());
    }
    let mut scenario = json!({"name": escaped(name)});
    if several {
        scenario["target"] = target.name.clone().into();
    }
    if !all.is_empty() {
        scenario["vars"] = Json::Object(all.into_iter().map(|(key, value)| (key, escaped_json(value))).collect());
    }
    let assertions: Vec<Json> = test
        .assertions
        .iter()
        .flat_map(|carried| match carried {
            Carried::Plain(assertion) => vec![assertion.clone()],
            Carried::OfOutput(of_output) => of_output.of(target.output_path.as_deref()),
        })
        .collect();
    scenario["assert"] = assertions.into();
    scenario
}

/// The prompt with the test's variables in it.
fn put_in(prompt: &str, variables: &Map<String, Json>) -> String {
    let mut whole = prompt.to_owned();
    for (name, value) in variables {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        for written in [format!("{{{{{name}}}}}"), format!("{{{{ {name} }}}}")] {
            whole = whole.replace(&written, &value);
        }
    }
    whole
}

/// `${` in a text of theirs is no variable of the environment.
fn escaped(text: &str) -> String {
    text.replace("${", "$${")
}

fn escaped_json(value: Json) -> Json {
    match value {
        Json::String(text) => escaped(&text).into(),
        Json::Array(list) => list.into_iter().map(escaped_json).collect(),
        Json::Object(map) => Json::Object(map.into_iter().map(|(key, value)| (key, escaped_json(value))).collect()),
        other => other,
    }
}

/// `{{ name }}` as `{{name}}`, `{{ env.NAME }}` as `${NAME}`, other `${` escaped.
///
/// # Errors
/// With what a template of theirs does that ours cannot: filters, statements.
fn template(text: &str) -> Result<String, String> {
    if text.contains("{%") || text.contains("{#") {
        return Err("a template with statements".to_owned());
    }
    let mut whole = String::new();
    let mut rest = text;
    while let Some(open) = rest.find("{{") {
        let Some(close) = rest[open..].find("}}").map(|close| open + close) else { break };
        let inside = rest[open + 2..close].trim();
        whole.push_str(&escaped(&rest[..open]));
        // `| dump` only keeps the quotes of a text within JSON, which ours does by itself.
        let name = inside
            .strip_suffix("dump")
            .map(str::trim_end)
            .and_then(|rest| rest.strip_suffix('|'))
            .map_or(inside, str::trim);
        if let Some(name) = name.strip_prefix("env.") {
            whole.push_str(&format!("${{{name}}}"));
        } else if name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')) {
            whole.push_str(&format!("{{{{{name}}}}}"));
        } else {
            return Err(format!("`{{{{{inside}}}}}` is computed"));
        }
        rest = &rest[close + 2..];
    }
    whole.push_str(&escaped(rest));
    Ok(whole)
}

fn template_json(value: &Json) -> Result<Json, String> {
    Ok(match value {
        Json::String(text) => template(text)?.into(),
        Json::Array(list) => Json::Array(list.iter().map(template_json).collect::<Result<_, _>>()?),
        Json::Object(map) => Json::Object(
            map.iter().map(|(key, value)| Ok((key.clone(), template_json(value)?))).collect::<Result<_, String>>()?,
        ),
        other => other.clone(),
    })
}

fn targets(bringing: &mut Bringing<'_>, root: &Node) -> Vec<Target> {
    let mut targets: Vec<Target> = Vec::new();
    let mut taken = Taken::new();
    for node in root.get("targets").or_else(|| root.get("providers")).map(items).unwrap_or_default() {
        match target::target(bringing, node) {
            Ok(mut target) => {
                target.name = unique(&target.name, &mut taken);
                targets.push(target);
            }
            Err((what, why)) => bringing.remark(node, &what, &why),
        }
    }
    targets
}

fn prompts(bringing: &mut Bringing<'_>, root: &Node) -> Vec<String> {
    let mut prompts = Vec::new();
    for node in root.get("prompts").map(items).unwrap_or_default() {
        let written = node.get("raw").or_else(|| node.get("id")).unwrap_or(node);
        let Some(written) = text(written) else {
            bringing.remark(node, "a prompt", "only texts and files of text are carried over");
            continue;
        };
        match written.strip_prefix("file://") {
            Some(name) if name.ends_with(".txt") || name.ends_with(".md") => prompts.extend(bringing.load(node, name)),
            Some(name) => bringing.remark(node, name, "only texts and files of text are carried over as prompts"),
            None => prompts.push(written.to_owned()),
        }
    }
    if prompts.is_empty() {
        prompts.push("{{prompt}}".to_owned());
    }
    prompts
}

fn tests(bringing: &mut Bringing<'_>, root: &Node, defaults: Option<&Node>) -> Vec<Test> {
    let mut tests = Vec::new();
    let default_assertions = defaults.and_then(|defaults| defaults.get("assert")).map(items).unwrap_or_default();
    let default_assertions: Vec<Carried> =
        default_assertions.into_iter().flat_map(|node| assertion::carried(bringing, node)).collect();
    let default_variables = defaults.and_then(|defaults| defaults.get("vars")).map(json);
    let default_variables = default_variables.and_then(|vars| vars.as_object().cloned()).unwrap_or_default();
    let mut nodes: Vec<(Node, Option<String>)> = Vec::new();
    for node in root.get("tests").map(items).unwrap_or_default() {
        let Some(name) = text(node) else {
            nodes.push((node.clone(), None));
            continue;
        };
        let name = name.strip_prefix("file://").unwrap_or(name);
        let Some(loaded) = bringing.load(node, name) else { continue };
        if name.ends_with(".csv") {
            tests.extend(csv_tests::tests(bringing, name, &loaded, &default_variables, &default_assertions));
            continue;
        }
        match super::documents(name, &loaded) {
            Ok(documents) => {
                let loaded = documents.iter().flat_map(items).cloned();
                nodes.extend(loaded.map(|node| (node, Some(name.to_owned()))));
            }
            Err(_) => bringing.remark(node, name, "only YAML, JSON and CSV are read"),
        }
    }
    for (node, file) in nodes {
        let outer = file.map(|file| std::mem::replace(&mut bringing.file, file));
        let number = tests.len() + 1;
        let mut variables = default_variables.clone();
        if let Some(Json::Object(own)) = node.get("vars").map(json) {
            variables.extend(own);
        }
        let mut assertions = default_assertions.clone();
        for node in node.get("assert").map(items).unwrap_or_default() {
            assertions.extend(assertion::carried(bringing, node));
        }
        for key in ["threshold", "options", "metadata", "providerOutput", "provider"] {
            if let Some(node) = node.get(key).filter(|node| !node.is_null()) {
                bringing.remark(
                    node,
                    key,
                    "every assertion must hold; scores, options and metadata have no counterpart",
                );
            }
        }
        let name = node.get("description").and_then(text).map_or_else(|| format!("test {number}"), str::to_owned);
        tests.push(Test { name, variables, assertions }.asserting(bringing, node.place.line));
        if let Some(outer) = outer {
            bringing.file = outer;
        }
    }
    tests
}

/// Every combination of the variables that are lists; of too many the first, one more than are carried over.
fn spread(variables: &Map<String, Json>) -> Vec<Map<String, Json>> {
    let mut all = vec![Map::new()];
    for (name, value) in variables {
        let values = match value {
            Json::Array(list) if !list.is_empty() => list.as_slice(),
            other => std::slice::from_ref(other),
        };
        let with = |map: &Map<String, Json>, value: &Json| {
            let mut map = map.clone();
            map.insert(name.clone(), value.clone());
            map
        };
        let combined = all.iter().flat_map(|map| values.iter().map(move |value| with(map, value)));
        all = combined.take(BROUGHT_SCENARIOS_MAX + 1).collect();
    }
    all
}

/// Whether a node is a map.
fn is_map(node: &Node) -> bool {
    matches!(node.data, Data::Map(_))
}
