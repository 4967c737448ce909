//! JSONPath, the part that assertions need: `$.a.b`, `['a b']`, `[0]`, `[-1]`, `[*]`, `.*`, `..name`.

use std::fmt;

use serde_json::Value as Json;

/// A parsed path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonPath {
    text: String,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(i64),
    All,
    Anywhere(String),
}

impl JsonPath {
    /// Reads a path; the leading `$` may be left out.
    ///
    /// # Errors
    /// With the character position and what was expected.
    pub fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut steps = Vec::new();
        let mut rest = text.strip_prefix('$').unwrap_or(text);
        let mut bare = !text.starts_with(['$', '.', '[']);
        let at = |rest: &str| text[..text.len() - rest.len()].chars().count();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix("..") {
                let (name, after) = name(after).ok_or_else(|| (at(after), "expected a name after `..`".to_owned()))?;
                steps.push(Step::Anywhere(name));
                rest = after;
            } else if let Some(after) = rest.strip_prefix('[') {
                let (step, after) = bracket(after).map_err(|message| (at(after), message))?;
                steps.push(step);
                rest = after;
            } else if let Some(after) = rest.strip_prefix(".*") {
                steps.push(Step::All);
                rest = after;
            } else {
                let after = match rest.strip_prefix('.') {
                    Some(after) => after,
                    None if bare => rest,
                    None => return Err((at(rest), "expected `.` or `[`".to_owned())),
                };
                let (name, after) = name(after).ok_or_else(|| (at(after), "expected a name".to_owned()))?;
                steps.push(Step::Key(name));
                rest = after;
            }
            bare = false;
        }
        Ok(Self { text: text.to_owned(), steps })
    }

    /// Every value the path leads to, in document order.
    #[must_use]
    pub fn find<'a>(&self, json: &'a Json) -> Vec<&'a Json> {
        let mut found = vec![json];
        for step in &self.steps {
            found = found.into_iter().flat_map(|json| follow(json, step)).collect();
        }
        found
    }

    /// Whether it can lead to several values.
    #[must_use]
    pub fn is_plural(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::All | Step::Anywhere(_)))
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn name(text: &str) -> Option<(String, &str)> {
    let end = text.find(['.', '[']).unwrap_or(text.len());
    (end > 0).then(|| (text[..end].to_owned(), &text[end..]))
}

fn bracket(text: &str) -> Result<(Step, &str), String> {
    if let Some(quote) = text.chars().next().filter(|c| matches!(c, '\'' | '"')) {
        let end = text[1..].find(quote).ok_or("the quote is not closed")? + 1;
        let after = text[end + 1..].strip_prefix(']').ok_or("expected `]`")?;
        return Ok((Step::Key(text[1..end].to_owned()), after));
    }
    let (inside, after) = text.split_once(']').ok_or("expected `]`")?;
    if inside == "*" {
        return Ok((Step::All, after));
    }
    let index = inside.parse().map_err(|_| format!("`{inside}` is not an index; names need quotes: `['{inside}']`"))?;
    Ok((Step::Index(index), after))
}

fn follow<'a>(json: &'a Json, step: &Step) -> Vec<&'a Json> {
    match (step, json) {
        (Step::Key(key), Json::Object(map)) => map.get(key).into_iter().collect(),
        (Step::Index(index), Json::Array(items)) => {
            let index = if *index < 0 { items.len() as i64 + index } else { *index };
            usize::try_from(index).ok().and_then(|index| items.get(index)).into_iter().collect()
        }
        (Step::All, Json::Array(items)) => items.iter().collect(),
        (Step::All, Json::Object(map)) => map.values().collect(),
        (Step::Anywhere(key), json) => anywhere(json, key),
        _ => Vec::new(),
    }
}

/// Depth first, parents before children; a stack of its own, since answers may be deep.
fn anywhere<'a>(json: &'a Json, key: &str) -> Vec<&'a Json> {
    let mut found = Vec::new();
    let mut stack = vec![json];
    while let Some(json) = stack.pop() {
        match json {
            Json::Object(map) => {
                found.extend(map.get(key));
                stack.extend(map.values().rev());
            }
            Json::Array(items) => stack.extend(items.iter().rev()),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_where_they_say() {
        let json = serde_json::json!({"a": [{"b": 1}, {"b": 2}], "c d": {"b": 3}});
        let check = |path: &str, expected: &str| {
            let found = JsonPath::parse(path).expect(path).find(&json);
            assert_eq!(serde_json::to_string(&found).expect("prints"), expected, "{path}");
        };
        check("$.a[0].b", "[1]");
        check("a[-1].b", "[2]");
        check("$.a[*].b", "[1,2]");
        check("$['c d'].b", "[3]");
        check("$..b", "[1,2,3]");
        check("$.x.y", "[]");
        assert_eq!(JsonPath::parse("$.a[x]").map_err(|error| error.0), Err(4));
        assert_eq!(JsonPath::parse("$a").map_err(|error| error.0), Err(1));
    }
}
