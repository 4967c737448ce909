//! Tracetest's assertions: `attr:http.status_code = 200`, `attr:tracetest.selected_spans.count >= 1`.

use serde_json::{Value as Json, json};

use super::selector::field;
use super::value::{Value, read_value};
use crate::select::traceql_text;

/// An assertion of ours that says the same of the spans of `selector`.
///
/// # Errors
/// With why it cannot be carried over.
pub(super) fn assertion(text: &str, selector: &str) -> Result<Json, String> {
    let (left, rest) = left_side(text.trim())?;
    let (operator, rest) = operator(rest)?;
    let (value, rest) = read_value(rest.trim_start())?;
    if !rest.trim().is_empty() {
        return Err(format!("`{}` is computed after the value", rest.trim()));
    }
    match (&*left.attribute, left.filters.as_slice()) {
        ("tracetest.selected_spans.count", []) => Ok(json!({"spans": selector, "count": range(operator, &value)?})),
        ("tracetest.response.status", []) => match (operator, &value) {
            ("=", Value::Number(status)) => {
                let status: u16 = status.parse().map_err(|_| format!("`{status}` is no status"))?;
                Ok(json!({"status": status}))
            }
            _ => Err("of the answer's status, only `= NUMBER` can be said".to_owned()),
        },
        ("tracetest.response.body", filters) => body(filters, operator, &value),
        (_, []) => Ok(json!({"spans": selector, "each": each(&left.attribute, operator, &value)?})),
        (_, [filter]) if filter == "length" => of_length(&left.attribute, selector, operator, &value),
        (attribute, filters) => Err(format!(
            "`{attribute} | {}`: a part of an attribute's text is nothing that a field expression takes",
            filters.join(" | ")
        )),
    }
}

/// What stands on the left of the comparison.
pub(super) struct Left {
    pub attribute: String,
    /// `json_path '$.x'` and the like, in order.
    pub filters: Vec<String>,
}

/// Reads `attr:NAME | filter | filter`, up to the comparison.
pub(super) fn left_side(text: &str) -> Result<(Left, &str), String> {
    let Some(after) = text.strip_prefix("attr:") else {
        return Err("it does not begin with `attr:`".to_owned());
    };
    let end =
        after.find(|c: char| c.is_whitespace() || matches!(c, '=' | '!' | '<' | '>' | '|')).unwrap_or(after.len());
    let (name, mut rest) = after.split_at(end);
    let mut filters = Vec::new();
    rest = rest.trim_start();
    while let Some(after) = rest.strip_prefix('|') {
        let after = after.trim_start();
        let end = after.find(char::is_whitespace).unwrap_or(after.len());
        let (filter, mut tail) = after.split_at(end);
        let mut whole = filter.to_owned();
        tail = tail.trim_start();
        if tail.starts_with(['"', '\'', '`']) || tail.starts_with(|c: char| c.is_ascii_digit()) {
            let (argument, after) = read_value(tail)?;
            whole = format!("{filter} {}", argument.plain());
            tail = after.trim_start();
        }
        filters.push(whole);
        rest = tail;
    }
    if rest.starts_with(['+', '*', '/']) || rest.starts_with("- ") {
        return Err("it is computed".to_owned());
    }
    Ok((Left { attribute: name.to_owned(), filters }, rest))
}

const OPERATORS: &[&str] = &["!=", "<=", ">=", "not-contains", "contains", "=", "<", ">"];

fn operator(text: &str) -> Result<(&'static str, &str), String> {
    let found = OPERATORS.iter().find_map(|operator| Some((*operator, text.strip_prefix(operator)?)));
    found.ok_or_else(|| format!("`{text}` begins with no comparison"))
}

fn each(attribute: &str, operator: &str, value: &Value) -> Result<String, String> {
    let field = field(attribute)?;
    let text = value.plain();
    let holds = |test: &str| {
        let pattern = traceql_text(&format!("(?s).*{}.*", regex::escape(&text)));
        format!("{field} {test} {pattern}")
    };
    Ok(match operator {
        "contains" => holds("=~"),
        "not-contains" => holds("!~"),
        operator if matches!(&*field, "kind" | "status") => {
            let word = match (&*field, text.to_lowercase().as_str()) {
                ("status", "1") => "ok".to_owned(),
                ("status", "2") => "error".to_owned(),
                ("status", "0") => "unset".to_owned(),
                (_, word) => word.to_owned(),
            };
            format!("{field} {operator} {word}")
        }
        operator => format!("{field} {operator} {}", value.traceql()?),
    })
}

fn of_length(attribute: &str, selector: &str, operator: &str, value: &Value) -> Result<Json, String> {
    match (operator, value.plain().as_str()) {
        (">", "0") | (">=", "1") | ("!=", "0") => {
            Ok(json!({"spans": selector, "each": format!("{} != \"\"", field(attribute)?)}))
        }
        _ => Err("of the length of an attribute, only that it is not empty can be said".to_owned()),
    }
}

fn range(operator: &str, value: &Value) -> Result<Json, String> {
    let Value::Number(number) = value else { return Err(format!("`{}` is no number", value.plain())) };
    let number: u32 = number.parse().map_err(|_| format!("`{number}` is no whole number"))?;
    Ok(match (operator, number) {
        ("=", number) => number.into(),
        ("!=", 0) => ">= 1".into(),
        ("<" | "<=" | ">" | ">=", number) => format!("{operator} {number}").into(),
        _ => return Err(format!("a count that is `{operator} {number}` cannot be said")),
    })
}

fn body(filters: &[String], operator: &str, value: &Value) -> Result<Json, String> {
    let literal = match value {
        Value::Number(text) => text.parse::<f64>().ok().and_then(|number| {
            let whole = text.parse::<i64>().ok().map(Json::from);
            whole.or_else(|| serde_json::Number::from_f64(number).map(Json::Number))
        }),
        Value::Bool(bool) => Some(Json::Bool(*bool)),
        other => Some(other.plain().into()),
    };
    let literal = literal.unwrap_or(Json::Null);
    let test = match operator {
        "=" => "equals",
        "!=" => "not_equals",
        "contains" => "contains",
        "not-contains" => "not_contains",
        "<" | "<=" | ">" | ">=" => "number",
        _ => return Err(format!("`{operator}` is no test of an answer")),
    };
    let literal = if test == "number" { format!("{operator} {}", value.plain()).into() } else { literal };
    match filters {
        [] if test != "number" => Ok(json!({"text": {test: literal}})),
        [path] => match path.strip_prefix("json_path ") {
            Some(path) => {
                // Tracetest compares the text of what it found.
                let mut of_path = json!({"path": path});
                of_path[test] = literal;
                Ok(json!({"json": of_path}))
            }
            None if path == "length" && test == "number" => Ok(json!({"text": {"length": literal}})),
            None => Err(format!("`| {path}` of an answer is not carried over")),
        },
        _ => Err("of an answer, only a JSONPath can be compared".to_owned()),
    }
}
