//! Tracetest's selectors as TraceQL: `span[service.name="api" name contains "POST"] span[tracetest.span.type="database"]`.

use super::super::key;
use super::value::{Value, read_value};
use crate::select::traceql_text;

/// The selector in TraceQL.
///
/// # Errors
/// With what cannot be said in TraceQL, or what is not a selector.
pub(super) fn selector(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok("{ }".to_owned());
    }
    let mut alternatives: Vec<Vec<String>> = vec![Vec::new()];
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(',') {
            alternatives.push(Vec::new());
            rest = after.trim_start();
            continue;
        }
        let Some(after) = rest.strip_prefix("span") else {
            return Err(format!("`{rest}` does not begin with `span[`"));
        };
        let after = after.trim_start();
        let Some(inside) = after.strip_prefix('[') else { return Err("`span` without `[`".to_owned()) };
        let (filters, after) = filters(inside)?;
        if let Some(pseudo) = after.strip_prefix(':') {
            let name: String = pseudo.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            return Err(format!(
                "`:{name}` takes one span of the result by its position, which no selector of TraceQL does"
            ));
        }
        if let Some(chain) = alternatives.last_mut() {
            chain.push(format!("{{ {} }}", filters.join(" && ")));
        }
        rest = after.trim_start();
    }
    if alternatives.iter().any(Vec::is_empty) {
        return Err("an alternative without a `span[…]`".to_owned());
    }
    let chains: Vec<String> = alternatives.iter().map(|chain| chain.join(" >> ")).collect();
    Ok(match chains.as_slice() {
        [one] => one.clone(),
        several if alternatives.iter().all(|chain| chain.len() == 1) => {
            let inner: Vec<&str> =
                several.iter().map(|chain| chain.trim_start_matches("{ ").trim_end_matches(" }")).collect();
            format!("{{ {} }}", inner.iter().map(|one| format!("({one})")).collect::<Vec<_>>().join(" || "))
        }
        several => several.iter().map(|chain| format!("({chain})")).collect::<Vec<_>>().join(" || "),
    })
}

/// The filters up to `]`, and what comes after it.
fn filters(text: &str) -> Result<(Vec<String>, &str), String> {
    let mut filters = Vec::new();
    let mut rest = text.trim_start();
    loop {
        if let Some(after) = rest.strip_prefix(']') {
            return if filters.is_empty() { Err("`span[]` without a filter".to_owned()) } else { Ok((filters, after)) };
        }
        let end = rest
            .find(|c: char| c.is_whitespace() || matches!(c, '=' | ']' | '!' | '<' | '>'))
            .filter(|end| *end > 0)
            .ok_or_else(|| format!("`{rest}` is no filter"))?;
        let (name, after) = rest.split_at(end);
        let after = after.trim_start();
        let (contains, after) = if let Some(after) = after.strip_prefix("contains") {
            (true, after)
        } else if let Some(after) = after.strip_prefix('=') {
            (false, after)
        } else {
            return Err(format!("after `{name}` stands neither `=` nor `contains`"));
        };
        let (value, after) = read_value(after.trim_start())?;
        filters.push(filter(name, contains, &value)?);
        rest = after.trim_start();
    }
}

fn filter(name: &str, contains: bool, value: &Value) -> Result<String, String> {
    if name == "tracetest.span.type" && !contains {
        return span_type(value);
    }
    let field = field(name)?;
    let value = match (&*field, value) {
        // Words of TraceQL, not texts.
        ("kind" | "status", Value::Text(text)) => return Ok(format!("{field} = {}", text.to_lowercase())),
        (_, value) => value,
    };
    if contains {
        let text = value.plain();
        return Ok(format!("{field} =~ {}", traceql_text(&format!("(?s).*{}.*", regex::escape(&text)))));
    }
    Ok(format!("{field} = {}", value.traceql()?))
}

/// Tracetest's own classes of spans, by the attributes that it tells them by, and by those of today's conventions.
fn span_type(value: &Value) -> Result<String, String> {
    let any = |keys: &[&str]| {
        let tests: Vec<String> = keys.iter().map(|key| format!("span.{key} != nil")).collect();
        format!("({})", tests.join(" || "))
    };
    Ok(match value.plain().as_str() {
        "http" => any(&["http.request.method", "http.method"]),
        "database" => any(&["db.system.name", "db.system"]),
        "rpc" => any(&["rpc.system.name", "rpc.system"]),
        "messaging" => any(&["messaging.system"]),
        "faas" => any(&["faas.trigger", "faas.invoked_name"]),
        "exception" => "event.exception.type != nil".to_owned(),
        other => return Err(format!("the type of span `{other}` cannot be told from attributes")),
    })
}

/// An attribute as a field of TraceQL.
///
/// # Errors
/// With one that is not of a span.
pub(super) fn field(name: &str) -> Result<String, String> {
    Ok(match name {
        "name" | "tracetest.span.name" => "name".to_owned(),
        "kind" | "tracetest.span.kind" => "kind".to_owned(),
        "tracetest.span.duration" => "duration".to_owned(),
        "tracetest.span.status_code" => "status".to_owned(),
        "tracetest.span.status_description" => "statusMessage".to_owned(),
        "tracetest.span.parent_id" => "span:parentID".to_owned(),
        "service.name" => "resource.service.name".to_owned(),
        own if own.starts_with("tracetest.") => return Err(format!("`{own}` is known to Tracetest only")),
        "span.events" => return Err("all events of a span as one text; use `event.KEY` in a selector".to_owned()),
        attribute => format!(".{}", key(attribute)),
    })
}
