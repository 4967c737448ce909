//! Targets: what is sent.

use model::Duration;

use super::fields::Reader;
use super::keys::{EXEC, HTTP, TARGET, TRACES};
use super::problem::{Place, Problem};
use super::yaml::Node;
use super::{Body, ExecTarget, HttpTarget, Target, Template, TracesTarget};
use crate::limits::{STORED_TRACES, STORED_TRACES_MAX};

pub(super) const TIMEOUT: Duration = Duration::from_secs(30);

pub(super) fn target(reader: &mut Reader<'_>, node: &Node) -> Option<Target> {
    let entries = reader.map(node, &[TARGET], "a target")?;
    let known: Vec<_> = entries.iter().filter(|entry| TARGET.iter().any(|key| key.name == entry.key)).collect();
    match known.as_slice() {
        [entry] => match entry.key.as_str() {
            "http" => http(reader, &entry.value).map(Target::Http),
            "grpc" => super::read_grpc::grpc(reader, &entry.value).map(Target::Grpc),
            "exec" => exec(reader, &entry.value).map(Target::Exec),
            "trace" => reader.template(&entry.value, "`trace`").map(Target::Trace),
            _ => traces(reader, &entry.value).map(Target::Traces),
        },
        [] => {
            if entries.is_empty() {
                let names = super::listed(TARGET.iter().map(|key| key.name));
                reader.problem(Problem::new(node.place, format!("a target needs one of {names}")));
            }
            None
        }
        [_, second, ..] => {
            let names = super::listed(TARGET.iter().map(|key| key.name));
            let problem = Problem::new(second.key_place, format!("a target is one of {names}, not several"));
            reader.problem(problem.hint("give them names under `targets`"));
            None
        }
    }
}

fn traces(reader: &mut Reader<'_>, node: &Node) -> Option<TracesTarget> {
    reader.map(node, &[TRACES], "`target.traces`")?;
    let none = super::Variables::new();
    let scope = super::read_assertion::Scope { variables: &none, steps: &[], services: &[], captured: &[] };
    let query = node.get("query").and_then(|query| {
        let selector = super::read_assertion::selector(reader, query, &scope)?;
        let text = selector.template.render(&none);
        reader.read(query, text.map_err(|undefined| format!("here nothing sets `{}`", undefined.name)))
    });
    let since = node.get("since").and_then(|since| reader.duration(since, "`since`"));
    let limit = node.get("limit").and_then(|limit| reader.count(limit, "`limit`", 1, STORED_TRACES_MAX));
    Some(TracesTarget { query: query?, since, limit: limit.unwrap_or(STORED_TRACES), found: Vec::new() })
}

pub(super) fn http(reader: &mut Reader<'_>, node: &Node) -> Option<HttpTarget> {
    reader.map(node, &[HTTP], "`target.http`")?;
    let url = node.get("url").and_then(|url| self::url(reader, url));
    let body = reader.sent(|reader| body(reader, node));
    let method = match node.get("method") {
        Some(method) => self::method(reader, method),
        None if body.is_some() => Some(http::Method::POST),
        None => Some(http::Method::GET),
    };
    let mut headers = Vec::new();
    if let Some(node) = node.get("headers") {
        for entry in node.entries().unwrap_or_default() {
            let name = http::HeaderName::try_from(entry.key.as_str());
            let value = reader.sent(|reader| reader.template(&entry.value, "a header"));
            match (name, value) {
                (Ok(name), Some(value)) => headers.push((name, value)),
                (Err(_), _) => {
                    let message = format!("`{}` cannot be the name of a header", entry.key);
                    reader.problem(Problem::new(entry.key_place, message));
                }
                _ => {}
            }
        }
        if node.entries().is_none() {
            reader.expected(node, "`headers`", "a map of names and values");
        }
    }
    let timeout = node.get("timeout").and_then(|node| reader.duration(node, "`timeout`")).unwrap_or(TIMEOUT);
    Some(HttpTarget { url: url?, method: method?, headers, body, timeout })
}

fn url(reader: &mut Reader<'_>, node: &Node) -> Option<Template> {
    let template = reader.template(node, "`url`")?;
    // With variables in it, only the sent address can be checked; then the request says what is wrong.
    if template.variables().next().is_none() {
        let text = template.render(&super::Variables::new()).unwrap_or_default();
        let message = match reqwest::Url::parse(&text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => None,
            Ok(url) => Some(format!("`{}:` is not a scheme that can be driven", url.scheme())),
            Err(error) => Some(format!("`{text}` is not a URL: {error}")),
        };
        if let Some(message) = message {
            reader.problem(Problem::new(node.place, message).hint("write `http://host:port/path`"));
            return None;
        }
    }
    Some(template)
}

fn method(reader: &mut Reader<'_>, node: &Node) -> Option<http::Method> {
    let text = reader.text(node, "`method`")?;
    let method = http::Method::from_bytes(text.to_uppercase().as_bytes());
    reader.read(node, method.map_err(|_| format!("`{text}` is not an HTTP method")))
}

fn body(reader: &mut Reader<'_>, node: &Node) -> Option<Body> {
    match (node.get("json"), node.get("body")) {
        (Some(_), Some(body)) => {
            let problem = Problem::new(body.place, "a request has one body: `json` or `body`, not both");
            reader.problem(problem.label("the second body"));
            None
        }
        (Some(json), None) => reader.json_template(json, "`json`").map(Body::Json),
        (None, Some(text)) => reader.template(text, "`body`").map(Body::Text),
        (None, None) => None,
    }
}

pub(super) fn exec(reader: &mut Reader<'_>, node: &Node) -> Option<ExecTarget> {
    reader.sent(|reader| command(reader, node))
}

fn command(reader: &mut Reader<'_>, node: &Node) -> Option<ExecTarget> {
    reader.map(node, &[EXEC], "`target.exec`")?;
    let mut command = Vec::new();
    if let Some(list) = node.get("command") {
        for item in reader.list(list, "`command`") {
            command.extend(reader.template(item, "an argument"));
        }
        if command.is_empty() {
            reader.problem(Problem::new(list.place, "`command` needs a program"));
        }
    }
    let mut env = Vec::new();
    if let Some(node) = node.get("env") {
        for entry in node.entries().unwrap_or_default() {
            if let Some(value) = reader.template(&entry.value, "a variable") {
                env.push((entry.key.clone(), value));
            }
        }
    }
    let stdin = node.get("stdin").and_then(|node| reader.template(node, "`stdin`"));
    let timeout = node.get("timeout").and_then(|node| reader.duration(node, "`timeout`")).unwrap_or(TIMEOUT);
    (!command.is_empty()).then_some(ExecTarget { command, env, stdin, timeout })
}

/// Every variable that sending this needs, with its place.
pub(super) fn variables(target: &Target) -> Vec<(&str, Place)> {
    match target {
        Target::Http(http) => {
            let mut found: Vec<_> = http.url.variables().collect();
            found.extend(http.headers.iter().flat_map(|(_, value)| value.variables()));
            match &http.body {
                Some(Body::Json(json)) => found.extend(json.variables()),
                Some(Body::Text(text)) => found.extend(text.variables()),
                None => {}
            }
            found
        }
        Target::Grpc(grpc) => {
            let mut found: Vec<_> = grpc.address.variables().chain(grpc.request.variables()).collect();
            found.extend(grpc.metadata.iter().flat_map(|(_, value)| value.variables()));
            found
        }
        Target::Exec(exec) => {
            let mut found: Vec<_> = exec.command.iter().flat_map(Template::variables).collect();
            found.extend(exec.env.iter().flat_map(|(_, value)| value.variables()));
            found.extend(exec.stdin.iter().flat_map(Template::variables));
            found
        }
        Target::Trace(id) => id.variables().collect(),
        Target::Traces(_) => Vec::new(),
    }
}
