//! Tests on one JSON value (or its absence).

use serde_json::Value as Json;

use crate::limits::TEXT_CHARS_MAX;
use crate::suite::{ValueTest, Variables, plain};

/// Whether `test` holds of `value`; else what was expected, in words.
pub(super) fn value_test(test: &ValueTest, value: Option<&Json>, variables: &Variables) -> Result<(), String> {
    let render = |template: &crate::suite::JsonTemplate| {
        template.render(variables).map_err(|undefined| format!("a value for the variable `{}`", undefined.name))
    };
    let outcome = |holds: bool, expected: String| if holds { Ok(()) } else { Err(expected) };
    match test {
        ValueTest::Exists(true) => outcome(value.is_some(), "that it is there".to_owned()),
        ValueTest::Exists(false) => outcome(value.is_none(), "that it is not there".to_owned()),
        ValueTest::Equals(template) => {
            let expected = render(template)?;
            outcome(value.is_some_and(|value| same(value, &expected)), show(&expected))
        }
        ValueTest::NotEquals(template) => {
            let unwanted = render(template)?;
            outcome(value.is_some_and(|value| !same(value, &unwanted)), format!("anything but {}", show(&unwanted)))
        }
        ValueTest::Contains(template) => {
            let part = render(template)?;
            outcome(value.is_some_and(|value| contains(value, &part)), format!("that it contains {}", show(&part)))
        }
        ValueTest::NotContains(template) => {
            let part = render(template)?;
            let holds = value.is_some_and(|value| !contains(value, &part));
            outcome(holds, format!("that it does not contain {}", show(&part)))
        }
        ValueTest::Matches(regex) => {
            outcome(value.is_some_and(|value| regex.is_match(&plain(value))), format!("that it matches /{regex}/"))
        }
        ValueTest::NotMatches(regex) => {
            let holds = value.is_some_and(|value| !regex.is_match(&plain(value)));
            outcome(holds, format!("that it does not match /{regex}/"))
        }
        ValueTest::Number(range) => {
            let number = value.and_then(|value| value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()));
            outcome(number.is_some_and(|number| range.holds(number)), format!("a number, {range}"))
        }
        ValueTest::Length(range) => {
            let length = value.and_then(length);
            outcome(length.is_some_and(|length| range.holds(length as f64)), format!("a length of {range}"))
        }
        ValueTest::Type(name) => {
            outcome(value.is_some_and(|value| type_name(value) == name), format!("the type {name}"))
        }
    }
}

/// Numbers are the same whether they were written `1` or `1.0`.
fn same(a: &Json, b: &Json) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

/// Text holds a part (case matters), a list an item, a map a map whose entries it has.
fn contains(value: &Json, part: &Json) -> bool {
    match (value, part) {
        (Json::String(text), part) => text.contains(&plain(part)),
        (Json::Array(items), part) => items.iter().any(|item| same(item, part)),
        (Json::Object(map), Json::Object(part)) => {
            part.iter().all(|(key, value)| map.get(key).is_some_and(|found| same(found, value)))
        }
        (Json::Object(map), Json::String(key)) => map.contains_key(key),
        (value, part) => plain(value).contains(&plain(part)),
    }
}

fn length(value: &Json) -> Option<usize> {
    match value {
        Json::String(text) => Some(text.chars().count()),
        Json::Array(items) => Some(items.len()),
        Json::Object(map) => Some(map.len()),
        _ => None,
    }
}

fn type_name(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    }
}

/// A value for people, cut to a bounded length.
pub(super) fn show(value: &Json) -> String {
    cut(&value.to_string())
}

pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(TEXT_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
