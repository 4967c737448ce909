//! The suite as YAML: maps and lists in block style down to the assertions, which take one line each.

use serde_json::Value as Json;

use super::{BroughtKind, Remark};

/// The whole file, with what was not carried over in its head.
pub(super) fn suite(suite: &Json, kind: BroughtKind, file: &str, remarks: &[Remark]) -> String {
    let mut text = format!(
        "# Carried over from {} ({}). `headwater help suite` explains every key.\n",
        comment(file),
        kind.name()
    );
    if !remarks.is_empty() {
        text.push_str("# Not carried over, or not exactly:\n");
        for remark in remarks {
            let what = comment(&remark.what);
            text.push_str(&format!(
                "# - {}:{}: {what}: {}\n",
                comment(&remark.file),
                remark.line,
                comment(&remark.why)
            ));
        }
    }
    for (key, value) in suite.as_object().into_iter().flatten() {
        entry(&mut text, 0, key, value);
    }
    text
}

fn comment(text: &str) -> String {
    text.replace(|c: char| c.is_control(), " ")
}

/// Whether a value stands in one line.
fn is_flat(key: &str, value: &Json) -> bool {
    match value {
        Json::Object(map) => {
            map.is_empty()
                || !matches!(key, "target" | "targets" | "http" | "exec" | "scenarios" | "vars" | "complete" | "run")
        }
        Json::Array(list) => list.is_empty() || !matches!(key, "scenarios" | "assert" | "setup"),
        _ => true,
    }
}

fn entry(text: &mut String, indent: usize, key: &str, value: &Json) {
    let pad = "  ".repeat(indent);
    if is_flat(key, value) {
        text.push_str(&format!("{pad}{}: {}\n", scalar_key(key), flow(value)));
        return;
    }
    text.push_str(&format!("{pad}{}:\n", scalar_key(key)));
    match value {
        Json::Object(map) => {
            for (key, value) in map {
                // The targets' own names may be anything, their values are maps of what is sent.
                entry(text, indent + 1, key, value);
            }
        }
        Json::Array(list) => {
            for item in list {
                list_item(text, indent + 1, key, item);
            }
        }
        _ => {}
    }
}

fn list_item(text: &mut String, indent: usize, of: &str, item: &Json) {
    let pad = "  ".repeat(indent);
    match item {
        Json::Object(map) if of != "assert" && !map.is_empty() => {
            let mut inner = String::new();
            for (key, value) in map {
                entry(&mut inner, indent + 1, key, value);
            }
            // The dash takes the place of the first line's indentation.
            text.push_str(&format!("{pad}- {}", &inner[(indent + 1) * 2..]));
        }
        // An assertion of one key reads better without braces.
        Json::Object(map) if map.len() == 1 => {
            for (key, value) in map {
                text.push_str(&format!("{pad}- {}: {}\n", scalar_key(key), flow(value)));
            }
        }
        other => text.push_str(&format!("{pad}- {}\n", flow(other))),
    }
}

/// In one line. Every JSON text is a YAML text in double quotes.
fn flow(value: &Json) -> String {
    match value {
        Json::Object(map) => {
            let entries: Vec<String> =
                map.iter().map(|(key, value)| format!("{}: {}", scalar_key(key), flow(value))).collect();
            if entries.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", entries.join(", ")) }
        }
        Json::Array(list) => format!("[{}]", list.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Json::String(text) => scalar(text),
        other => other.to_string(),
    }
}

/// Quotes where they help: single ones where the text has double ones, as selectors do.
fn scalar(text: &str) -> String {
    let single = !text.is_empty() && !text.contains('\'') && !text.contains(|c: char| c.is_control());
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | '.');
    let word = text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(plain);
    if word && !matches!(text.to_ascii_lowercase().as_str(), "true" | "false" | "null" | "yes" | "no" | "on" | "off") {
        return text.to_owned();
    }
    if single && (text.contains('"') || text.contains('\\')) {
        return format!("'{text}'");
    }
    Json::from(text).to_string()
}

fn scalar_key(key: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let word = key.starts_with(|c: char| c.is_ascii_alphabetic()) && key.chars().all(plain);
    let reserved = matches!(
        key.to_ascii_lowercase().as_str(),
        "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    if word && !reserved { key.to_owned() } else { Json::from(key).to_string() }
}
