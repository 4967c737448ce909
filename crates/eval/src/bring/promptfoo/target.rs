//! promptfoo's targets (providers): what is sent.

use serde_json::{Map, Value as Json, json};

use super::super::{Bringing, json, text};
use super::{is_map, template, template_json};
use crate::suite::yaml::Node;

/// A target, and where in its answer the output is.
pub(super) struct Target {
    pub name: String,
    /// As a suite of ours writes it.
    pub sent: Json,
    /// JSONPath to the output; the whole answer if none.
    pub output_path: Option<String>,
    /// Whether what is sent holds `{{prompt}}`.
    pub uses_prompt: bool,
}

/// The target, or what it is and why it is not carried over.
pub(super) fn target(bringing: &mut Bringing<'_>, node: &Node) -> Result<Target, (String, String)> {
    let (id, config) = match text(node) {
        Some(id) => (id.to_owned(), None),
        None => match node.get("id").and_then(text) {
            Some(id) => (id.to_owned(), node.get("config")),
            // `- https://…: { config: … }`
            None => match node.entries().and_then(<[_]>::first) {
                Some(entry) => (entry.key.clone(), entry.value.get("config").or(Some(&entry.value))),
                None => return Err(("a target".to_owned(), "it has no id".to_owned())),
            },
        },
    };
    let label = node.get("label").and_then(text).map_or_else(|| id.clone(), str::to_owned);
    let refused = |why: String| (id.clone(), why);
    let sent = if id == "http" || id == "https" || id.starts_with("http://") || id.starts_with("https://") {
        http(bringing, &id, config).map_err(refused)?
    } else if let Some(command) = id.strip_prefix("exec:") {
        let words = words(&template(command.trim()).map_err(refused)?);
        // promptfoo hands prompt, provider and context over as three arguments; the prompt is what a program reads.
        let command: Vec<Json> = words.into_iter().map(Json::from).chain([Json::from("{{prompt}}")]).collect();
        (json!({"exec": {"command": command}}), None)
    } else {
        let why = "it is called by promptfoo itself; put an HTTP address or a command in its place";
        return Err(refused(why.to_owned()));
    };
    let (sent, output_path) = sent;
    let uses_prompt = sent.to_string().contains("{{prompt}}");
    Ok(Target { name: label, sent, output_path, uses_prompt })
}

fn http(bringing: &mut Bringing<'_>, id: &str, config: Option<&Node>) -> Result<(Json, Option<String>), String> {
    let of = |key: &str| config.and_then(|config| config.get(key));
    let url = of("url").and_then(text).unwrap_or(id);
    if !url.contains("://") && !url.contains("{{") {
        return Err("it has no `url`".to_owned());
    }
    let mut http = json!({"url": template(url)?});
    let body = of("body");
    let method = of("method").and_then(text).unwrap_or(if body.is_some() { "POST" } else { "GET" });
    http["method"] = method.to_uppercase().into();
    let headers: Map<String, Json> = of("headers")
        .and_then(Node::entries)
        .unwrap_or_default()
        .iter()
        .filter_map(|entry| Some((entry.key.clone(), text(&entry.value)?)))
        .map(|(key, value)| Ok((key, template(value)?.into())))
        .collect::<Result<_, String>>()?;
    if !headers.is_empty() {
        http["headers"] = Json::Object(headers);
    }
    match body {
        Some(body) if is_map(body) => http["json"] = template_json(&json(body))?,
        Some(body) => {
            let written = text(body).unwrap_or_default();
            match serde_json::from_str::<Json>(written) {
                Ok(body) if body.is_object() || body.is_array() => http["json"] = template_json(&body)?,
                _ => http["body"] = template(written)?.into(),
            }
        }
        None => {}
    }
    for key in ["request", "transformRequest", "sessionParser", "validateStatus", "queryParams", "signatureAuth", "tls"]
    {
        if let Some(node) = of(key) {
            bringing.remark(node, key, "this part of an HTTP target is not carried over");
        }
    }
    let transform = of("transformResponse").or_else(|| of("responseParser"));
    let output_path = transform.and_then(|node| {
        let written = text(node).unwrap_or_default();
        let path = json_path(written);
        if path.is_none() {
            let why = "only a path such as `json.answer` is carried over; assertions are on the whole answer";
            bringing.remark(node, &format!("transformResponse: {written}"), why);
        }
        path
    });
    Ok((json!({"http": http}), output_path))
}

/// `json.choices[0].message.content` as `$.choices[0].message.content`.
fn json_path(written: &str) -> Option<String> {
    let path = written.trim().strip_prefix("json")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '[' | ']' | '_' | '\'' | '"' | '?');
    let whole = path.chars().all(plain) && (path.is_empty() || path.starts_with(['.', '[', '?']));
    // `a?.b` is `a.b` where there is no value to be absent.
    whole.then(|| format!("${}", path.replace("?.", ".").replace('?', "")))
}

/// A command line split at blanks, quotes kept together.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for c in command.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), c) => word.push(c),
            (None, '"' | '\'') => quote = Some(c),
            (None, c) if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            (None, c) => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}
