//! promptfoo's assertions: those on text that need no model, `trace-*`, `trajectory:*`, latency and cost.

use serde_json::{Value as Json, json};

use super::super::{Bringing, items, json as to_json, text};
use super::{Carried, escaped, escaped_json, template};
use crate::limits::PLACES_MAX;
use crate::select::traceql_text;
use crate::suite::yaml::Node;

/// A test of a target's output, to be put on its place in the answer.
#[derive(Clone)]
pub(super) struct OfOutput {
    /// Tests as `json` and `text` have them, an assertion for each.
    tests: Vec<(&'static str, Json)>,
}

impl OfOutput {
    /// The assertions on the output at `path`, or on the whole answer.
    pub fn of(&self, path: Option<&str>) -> Vec<Json> {
        let on = |test: &str, value: &Json| match (path, test) {
            (Some(path), "json_schema") => json!({"json_schema": schema_at(path, value.clone())}),
            (None, "json_schema") => json!({"json_schema": value}),
            (Some(path), test) => json!({"json": {"path": path, test: value}}),
            (None, "is_json") => json!({"json": {"path": "$", "exists": true}}),
            (None, test) => json!({"text": {test: value}}),
        };
        self.tests
            .iter()
            .map(|(test, value)| on(if *test == "is_json" && path.is_some() { "exists" } else { test }, value))
            .collect()
    }
}

/// A schema of the whole answer that says of what is at `path` (`$.a[0]['b']`) what `schema` says.
fn schema_at(path: &str, schema: Json) -> Json {
    let names = path.trim_start_matches('$').split(['.', '[', ']']).filter(|name| !name.is_empty());
    names.rev().fold(schema, |inner, name| match name.parse::<usize>() {
        Ok(place) if place <= PLACES_MAX => {
            let mut items = vec![json!({}); place];
            items.push(inner);
            json!({"type": "array", "minItems": items.len(), "prefixItems": items})
        }
        _ => {
            let name = name.trim_matches(['\'', '"']);
            json!({"type": "object", "required": [name], "properties": {name: inner}})
        }
    })
}

/// What an assertion of theirs becomes; what cannot be is noted.
pub(super) fn carried(bringing: &mut Bringing<'_>, node: &Node) -> Vec<Carried> {
    let kind = node.get("type").and_then(text).unwrap_or_default();
    if kind == "assert-set" {
        if let Some(threshold) = node.get("threshold") {
            bringing.remark(threshold, "assert-set", "all of the set must hold");
        }
        return node
            .get("assert")
            .map(items)
            .unwrap_or_default()
            .into_iter()
            .flat_map(|node| carried(bringing, node))
            .collect();
    }
    for key in ["weight", "metric", "transform"] {
        if let Some(other) = node.get(key) {
            let why =
                if key == "transform" { "outputs are judged as they come" } else { "every assertion counts alike" };
            bringing.remark(other, &format!("{kind}: {key}"), why);
            if key == "transform" {
                return Vec::new();
            }
        }
    }
    let value = node.get("value").map(to_json).unwrap_or(Json::Null);
    let threshold = node.get("threshold").and_then(|node| node.scalar()?.as_f64());
    match one(kind, &value, threshold) {
        Ok((carried, difference)) => {
            if let Some(difference) = difference {
                bringing.remark(node, kind, difference);
            }
            carried
        }
        Err(why) => {
            bringing.remark(node, kind, &why);
            Vec::new()
        }
    }
}

/// The short form in CSV: `contains:x`, `not-icontains:x`, or text that is to be equalled.
pub(super) fn short(written: &str) -> Result<Carried, String> {
    let known = [
        "equals",
        "contains",
        "icontains",
        "starts-with",
        "regex",
        "contains-any",
        "contains-all",
        "icontains-any",
        "icontains-all",
        "latency",
        "cost",
        "is-json",
    ];
    let (kind, value) = match written.split_once(':') {
        Some((kind, value))
            if known.contains(&kind.trim_start_matches("not-").split('(').next().unwrap_or_default()) =>
        {
            (kind, value.trim())
        }
        Some((kind, _))
            if ["javascript", "python", "fn", "eval", "llm-rubric", "grade", "similar", "file"]
                .contains(&kind.trim_start_matches("not-").split('(').next().unwrap_or_default()) =>
        {
            return Err(needs(kind));
        }
        _ if written == "is-json" => ("is-json", ""),
        _ => ("equals", written),
    };
    let list: Json = if kind.contains("-any") || kind.contains("-all") {
        value.split(',').map(|part| Json::from(part.trim())).collect()
    } else {
        value.into()
    };
    let (name, threshold) =
        kind.split_once('(').map_or((kind, None), |(name, rest)| (name, rest.trim_end_matches(')').parse().ok()));
    let (carried, _) = one(name, &list, threshold)?;
    carried.into_iter().next().ok_or_else(|| "it says nothing".to_owned())
}

type One = (Vec<Carried>, Option<&'static str>);

fn one(kind: &str, value: &Json, threshold: Option<f64>) -> Result<One, String> {
    let (negated, name) = kind.strip_prefix("not-").map_or((false, kind), |name| (true, name));
    if name.starts_with("trace-") || name.starts_with("trajectory:") {
        if negated {
            return Err("`not-` in front of a trace assertion changes nothing in promptfoo".to_owned());
        }
        return trace(name, value);
    }
    let plain = |carried: Json| Ok((vec![Carried::Plain(carried)], None));
    match name {
        "latency" if !negated => {
            let most = threshold.ok_or("it has no threshold")?;
            plain(json!({"latency": format!("{most}ms")}))
        }
        "cost" if !negated => {
            let most = threshold.ok_or("it has no threshold")?;
            let (carried, _) = plain(json!({"cost": format!("<= {most}")}))?;
            Ok((carried, Some("the cost is that of the trace's model calls, not what promptfoo computes from tokens")))
        }
        _ => of_output(name, negated, value).map(|tests| (vec![Carried::OfOutput(OfOutput { tests })], None)),
    }
}

fn of_output(name: &str, negated: bool, value: &Json) -> Result<Vec<(&'static str, Json)>, String> {
    let matches = if negated { "not_matches" } else { "matches" };
    let literal = || -> Result<Json, String> {
        match value {
            Json::String(text) if text.starts_with("file://") => Err(format!("its value stands in {text}")),
            Json::String(text) => template(text).map(Json::from),
            Json::Null => Err("it has no value".to_owned()),
            other => Ok(escaped_json(other.clone())),
        }
    };
    let as_text = || literal().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    let list = || -> Result<Vec<String>, String> {
        let list = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
        list.iter().map(|item| item.as_str().map_or_else(|| Ok(item.to_string()), template)).collect()
    };
    // Within a regular expression, a variable would have to be escaped when it is put in.
    let escaped_pattern = |text: &str| -> Result<String, String> {
        if text.contains("{{") {
            Err("a variable within a test of this kind".to_owned())
        } else {
            Ok(regex::escape(text))
        }
    };
    let pattern = |text: String| escaped(&text);
    Ok(match name {
        "equals" => vec![(if negated { "not_equals" } else { "equals" }, literal()?)],
        "contains" => vec![(if negated { "not_contains" } else { "contains" }, as_text()?.into())],
        "contains-all" | "not-contains-all" if !negated => {
            list()?.into_iter().map(|text| ("contains", text.into())).collect()
        }
        "icontains" => vec![(matches, pattern(format!("(?i){}", escaped_pattern(&as_text()?)?)).into())],
        "contains-any" | "icontains-any" => {
            let parts: Vec<String> = list()?.iter().map(|text| escaped_pattern(text)).collect::<Result<_, _>>()?;
            let flag = if name.starts_with('i') { "(?i)" } else { "" };
            vec![(matches, pattern(format!("{flag}(?:{})", parts.join("|"))).into())]
        }
        "icontains-all" if !negated => {
            let each = |text: String| Ok((matches, Json::from(pattern(format!("(?i){}", escaped_pattern(&text)?)))));
            list()?.into_iter().map(each).collect::<Result<_, String>>()?
        }
        "starts-with" => vec![(matches, pattern(format!("^{}", escaped_pattern(&as_text()?)?)).into())],
        "regex" => {
            let written = value.as_str().ok_or("its value is no text")?;
            regex::Regex::new(written)
                .map_err(|_| "a regular expression that only JavaScript reads (look-around, references)".to_owned())?;
            vec![(matches, pattern(written.to_owned()).into())]
        }
        "is-json" if !negated => match value {
            Json::Object(_) => vec![("json_schema", escaped_json(value.clone()))],
            Json::String(schema) if schema.starts_with("file://") => {
                return Err(format!("its schema stands in {schema}"));
            }
            _ => vec![("is_json", true.into())],
        },
        other => return Err(needs(other)),
    })
}

/// Why an assertion is not carried over.
fn needs(kind: &str) -> String {
    let name = kind.trim_start_matches("not-").split('(').next().unwrap_or_default();
    match name {
        "javascript" | "python" | "ruby" | "fn" | "eval" | "webhook" => "it runs code of the test's own",
        "llm-rubric"
        | "grade"
        | "similar"
        | "factuality"
        | "answer-relevance"
        | "context-recall"
        | "context-relevance"
        | "context-faithfulness"
        | "g-eval"
        | "select-best"
        | "model-graded-closedqa"
        | "moderation"
        | "classifier"
        | "conversation-relevance"
        | "pi"
        | "max-score"
        | "guardrails" => "it needs a model",
        _ => "no assertion here says the same",
    }
    .to_owned()
}

/// A glob over span names, as promptfoo reads it: anchored, any case.
fn of_name(pattern: Option<&Json>) -> Result<String, String> {
    let glob = pattern.and_then(Json::as_str).unwrap_or("*");
    if glob == "*" {
        return Ok("{ }".to_owned());
    }
    if glob.contains("{{") {
        return Err("a variable within a pattern".to_owned());
    }
    Ok(format!("{{ name =~ {} }}", traceql_text(&format!("(?is){}", globbed(glob)))))
}

fn globbed(glob: &str) -> String {
    glob.chars()
        .map(|c| match c {
            '*' => ".*".to_owned(),
            '?' => ".".to_owned(),
            c => regex::escape(&c.to_string()),
        })
        .collect()
}

/// The bounds `min` and `max` as a count; at least one if neither is said.
fn count(value: &Json) -> Json {
    match (value["min"].as_u64(), value["max"].as_u64()) {
        (Some(min), Some(max)) if min == max => min.into(),
        (Some(min), Some(max)) => format!("{min}..{max}").into(),
        (Some(min), None) => format!(">= {min}").into(),
        (None, Some(max)) => format!("<= {max}").into(),
        (None, None) => ">= 1".into(),
    }
}

const TOOL: &str = "span.gen_ai.tool.name";

fn tool(value: &Json) -> Result<String, String> {
    let name = value.as_str().or_else(|| value["name"].as_str());
    if let Some(name) = name {
        return Ok(format!("{{ {TOOL} = {} }}", traceql_text(&template(name)?)));
    }
    let pattern = value["pattern"].as_str().ok_or("it names no tool")?;
    Ok(format!("{{ {TOOL} =~ {} }}", traceql_text(&format!("(?is){}", globbed(pattern)))))
}

fn trace(name: &str, value: &Json) -> Result<One, String> {
    let plain =
        |assertions: Vec<Json>, difference| Ok((assertions.into_iter().map(Carried::Plain).collect(), difference));
    match name {
        "trace-span-count" => {
            let selector = of_name(value.get("pattern"))?;
            plain(vec![json!({"spans": selector, "count": count(value)})], None)
        }
        "trace-span-duration" => {
            let selector = of_name(value.get("pattern"))?;
            let most = value["max"].as_f64().ok_or("it has no max")?;
            let assertion = match value["percentile"].as_f64() {
                Some(percentile) => {
                    let rank = percentile / 100.0;
                    json!({"spans": selector, "where": format!("quantile(duration, {rank}) <= {most}ms")})
                }
                None => json!({"spans": selector, "each": format!("duration <= {most}ms")}),
            };
            plain(vec![assertion], Some("where no span matches, it is not evaluable here; promptfoo passes it"))
        }
        "trace-error-spans" => {
            if !value["max_percentage"].is_null() {
                return Err("a share of spans that failed; a number of them can be said".to_owned());
            }
            let most = value.as_u64().or_else(|| value["max_count"].as_u64()).unwrap_or_default();
            let selector = of_name(value.get("pattern"))?
                .replace("{ }", "{ status = error }")
                .replace("{ name", "{ status = error && name");
            let count = if most == 0 { Json::from(0) } else { format!("<= {most}").into() };
            plain(
                vec![json!({"spans": selector, "count": count})],
                Some("errors are spans with the status error; promptfoo also looks at names of attributes"),
            )
        }
        "trajectory:tool-used" => {
            let tools = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
            let assertion = |one: &Json| Ok(json!({"spans": tool(one)?, "count": count(one)}));
            plain(tools.iter().map(assertion).collect::<Result<_, String>>()?, Some(TOOLS))
        }
        "trajectory:tool-sequence" => {
            let steps = value.as_array().or_else(|| value["steps"].as_array()).ok_or("it has no steps")?;
            let selectors: Vec<Json> =
                steps.iter().map(|step| tool(step).map(Json::from)).collect::<Result<_, String>>()?;
            if selectors.len() < 2 {
                return Err("an order needs two tools".to_owned());
            }
            let mut assertions = vec![json!({"order": selectors})];
            if value["mode"] == "exact" {
                assertions.push(json!({"spans": format!("{{ {TOOL} != nil }}"), "count": selectors.len()}));
            }
            plain(
                assertions,
                Some("in order means that every call of one tool ends before the next tool's first begins"),
            )
        }
        "trajectory:step-count" => {
            let selector = match value["type"].as_str().unwrap_or("span") {
                "tool" => format!("{{ {TOOL} != nil }}"),
                "span" => of_name(value.get("pattern"))?,
                other => return Err(format!("steps of the kind `{other}` are told apart by promptfoo's own rules")),
            };
            if value["type"] == "tool" && !value["pattern"].is_null() {
                return plain(vec![json!({"spans": tool(value)?, "count": count(value)})], Some(TOOLS));
            }
            plain(vec![json!({"spans": selector, "count": count(value)})], Some(TOOLS))
        }
        "trajectory:tool-args-match" => tool_arguments(value),
        "trajectory:goal-success" => Err("it needs a model".to_owned()),
        other => Err(format!("`{other}` is not known here")),
    }
}

const TOOLS: &str = "tools are told by `gen_ai.tool.name`; promptfoo also guesses from names of spans";

/// Some call of the tool holds these arguments: each as JSON has it, in the text of all arguments.
fn tool_arguments(value: &Json) -> Result<One, String> {
    if !value["defaults"].is_null() || !value["ignore"].is_null() || value["mode"] == "exact" {
        return Err("exact arguments, defaults and what to ignore".to_owned());
    }
    let arguments = value["args"].as_object().ok_or("it has no `args`")?;
    let mut tests = Vec::new();
    for (name, argument) in arguments {
        if argument.is_object() || argument.is_array() || argument.as_str().is_some_and(|text| text.contains("{{")) {
            return Err("an argument that is a list, a map or a variable".to_owned());
        }
        let pattern = format!(
            "(?s).*{}\\s*:\\s*{}.*",
            regex::escape(&Json::from(name.as_str()).to_string()),
            regex::escape(&argument.to_string())
        );
        tests.push(format!("span.gen_ai.tool.call.arguments =~ {}", traceql_text(&pattern)));
    }
    let assertion = json!({"spans": tool(value)?, "any": tests.join(" && ")});
    Ok((vec![Carried::Plain(assertion)], Some("arguments are looked for in `gen_ai.tool.call.arguments`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_of_the_output_not_of_the_whole_answer() {
        let schema = schema_at("$.choices[1]['text']", json!({"type": "string"}));
        let meets = |answer: Json| jsonschema::is_valid(&schema, &answer);
        assert!(meets(json!({"choices": [{"text": 1}, {"text": "a"}]})));
        assert!(!meets(json!({"choices": [{"text": "a"}, {"text": 1}]})), "the second is no text");
        assert!(!meets(json!({"choices": [{"text": "a"}]})), "there is no second");
        assert!(!meets(json!({"text": "a"})));
    }
}
