//! Texts with `{{variables}}`, and the `${VARIABLES}` of the environment that are put in when the file is read.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::problem::Place;

/// Values by name: the scenario's `vars`, outputs of steps, `attempt.id`.
pub type Variables = BTreeMap<String, Json>;

/// A text with places for variables.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    Variable { name: String, place: Place },
}

/// A variable that nobody set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undefined {
    /// Its name.
    pub name: String,
}

impl Template {
    /// Whether it is the empty text.
    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Splits `text` at `{{name}}`; `place` says where characters `from..to` stand.
    pub(crate) fn parse(text: &str, place: impl Fn(usize, usize) -> Place) -> Result<Self, (Place, String)> {
        let mut parts = Vec::new();
        let mut rest = text;
        let mut position = 0; // in characters
        while let Some(open) = rest.find("{{") {
            let before = &rest[..open];
            let Some(close) = rest[open..].find("}}").map(|close| open + close) else {
                let from = position + before.chars().count();
                return Err((place(from, from + 2), "`{{` without `}}`".to_owned()));
            };
            let (inside, whole) = (&rest[open + 2..close], &rest[..close + 2]);
            let from = position + before.chars().count();
            position += whole.chars().count();
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Variable { name: inside.trim().to_owned(), place: place(from, position) });
            rest = &rest[close + 2..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { parts })
    }

    /// The variables used, with their places.
    pub fn variables(&self) -> impl Iterator<Item = (&str, Place)> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable { name, place } => Some((name.as_str(), *place)),
            Part::Text(_) => None,
        })
    }

    /// The text with the variables put in; text as it is, other values as JSON.
    ///
    /// # Errors
    /// With the first variable that is not in `variables`.
    pub fn render(&self, variables: &Variables) -> Result<String, Undefined> {
        self.render_with(variables, |text| text)
    }

    /// As [`Template::render`], each value passed through `escape` first.
    pub(crate) fn render_with(
        &self,
        variables: &Variables,
        escape: impl Fn(String) -> String,
    ) -> Result<String, Undefined> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Variable { name, .. } => text.push_str(&escape(plain(lookup(variables, name)?))),
            }
        }
        Ok(text)
    }

    /// A value: the variable's own, of its own type, where the text is nothing but one variable; else the text.
    pub(crate) fn render_json(&self, variables: &Variables) -> Result<Json, Undefined> {
        match self.parts.as_slice() {
            [Part::Variable { name, .. }] => lookup(variables, name).cloned(),
            _ => self.render(variables).map(Json::String),
        }
    }
}

fn lookup<'a>(variables: &'a Variables, name: &str) -> Result<&'a Json, Undefined> {
    variables.get(name).ok_or_else(|| Undefined { name: name.to_owned() })
}

pub(crate) fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// JSON whose texts are templates, at any depth; keys are taken as they are.
#[derive(Clone, Debug, PartialEq)]
pub enum JsonTemplate {
    /// A text.
    Text(Template),
    /// A number, true, false or null.
    Plain(Json),
    /// A list.
    List(Vec<JsonTemplate>),
    /// A map, in the order written.
    Map(Vec<(String, JsonTemplate)>),
}

impl JsonTemplate {
    /// The JSON with the variables put in.
    ///
    /// # Errors
    /// With the first variable that is not in `variables`.
    pub fn render(&self, variables: &Variables) -> Result<Json, Undefined> {
        // Recursion is bounded by SUITE_DEPTH_MAX: the file was no deeper.
        Ok(match self {
            Self::Text(template) => template.render_json(variables)?,
            Self::Plain(json) => json.clone(),
            Self::List(items) => {
                Json::Array(items.iter().map(|item| item.render(variables)).collect::<Result<_, _>>()?)
            }
            Self::Map(entries) => Json::Object(
                entries
                    .iter()
                    .map(|(key, value)| Ok((key.clone(), value.render(variables)?)))
                    .collect::<Result<_, Undefined>>()?,
            ),
        })
    }

    /// Every variable used, with its place.
    pub(crate) fn variables(&self) -> Vec<(&str, Place)> {
        let mut found = Vec::new();
        let mut stack = vec![self];
        while let Some(json) = stack.pop() {
            match json {
                Self::Text(template) => found.extend(template.variables()),
                Self::Plain(_) => {}
                Self::List(items) => stack.extend(items),
                Self::Map(entries) => stack.extend(entries.iter().map(|(_, value)| value)),
            }
        }
        found
    }
}

/// Puts `${NAME}` and `${NAME:-default}` in; `$${` writes `${`. Errors carry the characters they concern.
pub(crate) fn expand(
    text: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<String, Vec<(usize, usize, String, String)>> {
    let mut expanded = String::new();
    let mut errors = Vec::new();
    let mut rest = text;
    let at = |rest: &str| text[..text.len() - rest.len()].chars().count();
    while let Some(open) = rest.find("${") {
        if rest[..open].ends_with('$') {
            expanded.push_str(&rest[..open]);
            expanded.push('{');
            rest = &rest[open + 2..];
            continue;
        }
        expanded.push_str(&rest[..open]);
        let from = at(&rest[open..]);
        let Some(close) = rest[open..].find('}').map(|close| open + close) else {
            errors.push((
                from,
                from + 2,
                "`${` without `}`".to_owned(),
                "write `$${` for the characters themselves".to_owned(),
            ));
            return Err(errors);
        };
        let inside = &rest[open + 2..close];
        let (name, default) = inside.split_once(":-").map_or((inside, None), |(name, default)| (name, Some(default)));
        match environment(name).filter(|value| !value.is_empty() || default.is_none()) {
            Some(value) => expanded.push_str(&value),
            None => match default {
                Some(default) => expanded.push_str(default),
                None => errors.push((
                    from,
                    from + inside.chars().count() + 3,
                    format!("the environment variable `{name}` is not set"),
                    format!("set it, or give a default: `${{{name}:-...}}`"),
                )),
            },
        }
        rest = &rest[close + 1..];
    }
    expanded.push_str(rest);
    if errors.is_empty() { Ok(expanded) } else { Err(errors) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nowhere(_: usize, _: usize) -> Place {
        Place::default()
    }

    #[test]
    fn variables_keep_their_type_when_they_stand_alone() {
        let variables = Variables::from([("n".to_owned(), Json::from(3))]);
        let alone = Template::parse("{{ n }}", nowhere).expect("parses");
        assert_eq!(alone.render_json(&variables), Ok(Json::from(3)));
        let within = Template::parse("is {{n}}!", nowhere).expect("parses");
        assert_eq!(within.render_json(&variables), Ok(Json::from("is 3!")));
        assert!(Template::parse("{{x}}", nowhere).expect("parses").render(&variables).is_err());
        assert!(Template::parse("{{x", nowhere).is_err());
    }

    #[test]
    fn the_environment_is_put_in() {
        let environment = |name: &str| (name == "HOST").then(|| "h".to_owned());
        let check = |text: &str, expected: &str| assert_eq!(expand(text, &environment).as_deref(), Ok(expected));
        check("http://${HOST}/x", "http://h/x");
        check("${PORT:-80}", "80");
        check("$${HOST}", "${HOST}");
        check("cost: 5$", "cost: 5$");
        let error = expand("é ${PORT}", &environment).expect_err("unset");
        assert_eq!((error[0].0, error[0].1), (2, 9));
    }
}
