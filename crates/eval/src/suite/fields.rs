//! Reading the values of maps, with every problem noted and none fatal: a reader that goes on finds the other four
//! mistakes too.

use std::cell::RefCell;

use model::Duration;
use serde_json::Value as Json;

use super::keys::Key;
use super::nearest::{listed, nearest};
use super::problem::{Place, Problem};
use super::template::{JsonTemplate, Template, expand};
use super::units::{self, Range};
use super::yaml::{Data, Entry, Node};
use super::{Edge, Variables};

/// Reads nodes and collects problems.
pub(crate) struct Reader<'a> {
    pub problems: Vec<Problem>,
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    pub files: &'a dyn Fn(&str) -> Result<String, String>,
    /// Whether what is read is sent, so that values of the environment in it are secrets.
    pub is_sent: bool,
    /// Names and values of the environment that are sent.
    pub secrets: Vec<(String, String)>,
}

impl<'a> Reader<'a> {
    /// Reads what is sent, in which values of the environment are secrets.
    pub fn sent<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.is_sent, true);
        let read = read(self);
        self.is_sent = before;
        read
    }

    pub fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// The entries of a map, after telling every unknown key and every required one that is absent.
    pub fn map<'n>(&mut self, node: &'n Node, keys: &[&[Key]], what: &str) -> Option<&'n [Entry]> {
        let Some(entries) = node.entries() else {
            self.expected(node, what, "a map");
            return None;
        };
        let known = || keys.iter().flat_map(|keys| keys.iter());
        for entry in entries {
            if known().all(|key| key.name != entry.key) {
                let problem = Problem::new(entry.key_place, format!("unknown key `{}` in {what}", entry.key))
                    .label(format!("not a key of {what}"));
                let names = known().map(|key| key.name);
                self.problem(match nearest(&entry.key, names.clone()) {
                    Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
                    None => problem.hint(format!("its keys are {}", listed(names))),
                });
            }
        }
        for key in known().filter(|key| key.required && node.get(key.name).is_none()) {
            let problem = Problem::new(node.place, format!("{what} needs `{}`", key.name));
            self.problem(problem.label("missing here").hint(format!("`{}`: {}", key.name, key.about)));
        }
        Some(entries)
    }

    pub fn expected(&mut self, node: &Node, what: &str, expected: &str) {
        let problem = Problem::new(node.place, format!("{what} must be {expected}"));
        self.problem(problem.label(format!("this is {}", node.type_name())));
    }

    /// Text with `${VARIABLES}` put in. Numbers and truth values count as text.
    pub fn text(&mut self, node: &Node, what: &str) -> Option<String> {
        let Some(scalar) = node.scalar().filter(|scalar| !scalar.is_null()) else {
            self.expected(node, what, "text");
            return None;
        };
        let used = RefCell::new(Vec::new());
        let looked_up = |name: &str| {
            let value = (self.environment)(name)?;
            used.borrow_mut().push((name.to_owned(), value.clone()));
            Some(value)
        };
        let expanded = expand(&scalar.text, &looked_up);
        if self.is_sent {
            self.secrets.extend(used.into_inner().into_iter().filter(|(_, value)| !value.is_empty()));
        }
        match expanded {
            Ok(text) => Some(text),
            Err(errors) => {
                for (from, to, message, hint) in errors {
                    self.problem(Problem::new(node.place_within(from, to), message).label("needed here").hint(hint));
                }
                None
            }
        }
    }

    /// Text with `{{variables}}`.
    pub fn template(&mut self, node: &Node, what: &str) -> Option<Template> {
        let text = self.text(node, what)?;
        // After `${VARIABLES}` were put in, characters no longer stand where they stood.
        let moved = node.scalar().is_none_or(|scalar| scalar.text != text);
        let place = |from, to| if moved { node.place } else { node.place_within(from, to) };
        match Template::parse(&text, place) {
            Ok(template) => Some(template),
            Err((place, message)) => {
                self.problem(Problem::new(place, message).hint("variables are written `{{name}}`"));
                None
            }
        }
    }

    /// Any JSON; its texts are templates.
    pub fn json_template(&mut self, node: &Node, what: &str) -> Option<JsonTemplate> {
        Some(match &node.data {
            Data::Scalar(scalar) => match plain_json(scalar) {
                Some(json) => JsonTemplate::Plain(json),
                None => JsonTemplate::Text(self.template(node, what)?),
            },
            Data::List(items) => {
                JsonTemplate::List(items.iter().filter_map(|item| self.json_template(item, what)).collect())
            }
            Data::Map(entries) => JsonTemplate::Map(
                entries
                    .iter()
                    .filter_map(|entry| Some((entry.key.clone(), self.json_template(&entry.value, what)?)))
                    .collect(),
            ),
        })
    }

    /// Any JSON without variables; `${VARIABLES}` are put in.
    pub fn json(&mut self, node: &Node, what: &str) -> Option<Json> {
        Some(match &node.data {
            Data::Scalar(scalar) => match plain_json(scalar) {
                Some(json) => json,
                None => Json::String(self.text(node, what)?),
            },
            Data::List(items) => Json::Array(items.iter().filter_map(|item| self.json(item, what)).collect()),
            Data::Map(entries) => Json::Object(
                entries.iter().filter_map(|entry| Some((entry.key.clone(), self.json(&entry.value, what)?))).collect(),
            ),
        })
    }

    pub fn variables(&mut self, node: &Node, what: &str) -> Variables {
        let Some(entries) = node.entries() else {
            self.expected(node, what, "a map of names and values");
            return Variables::new();
        };
        entries.iter().filter_map(|entry| Some((entry.key.clone(), self.json(&entry.value, what)?))).collect()
    }

    pub fn bool(&mut self, node: &Node, what: &str) -> Option<bool> {
        let bool = node.scalar().and_then(|scalar| scalar.as_bool());
        if bool.is_none() {
            self.expected(node, what, "true or false");
        }
        bool
    }

    /// A whole number between `low` and `high`.
    pub fn count(&mut self, node: &Node, what: &str, low: u32, high: u32) -> Option<u32> {
        let count = node.scalar().and_then(|scalar| scalar.as_i64());
        match count.and_then(|count| u32::try_from(count).ok()).filter(|count| (low..=high).contains(count)) {
            Some(count) => Some(count),
            None => {
                self.expected(node, what, &format!("a whole number from {low} to {high}"));
                None
            }
        }
    }

    pub fn duration(&mut self, node: &Node, what: &str) -> Option<Duration> {
        let text = self.text(node, what)?;
        self.read(node, units::duration(&text))
    }

    pub fn range(&mut self, node: &Node, what: &str, unit: impl Fn(&str) -> Result<f64, String>) -> Option<Range> {
        let text = self.text(node, what)?;
        self.read(node, units::range(&text, unit))
    }

    /// The value, or its message as a problem at `node`.
    pub fn read<T>(&mut self, node: &Node, value: Result<T, String>) -> Option<T> {
        match value {
            Ok(value) => Some(value),
            Err(message) => {
                self.problem(Problem::new(node.place, message).label("here"));
                None
            }
        }
    }

    /// One of `words`.
    pub fn word<T: Copy>(&mut self, node: &Node, what: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(node, what)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let names = words.iter().map(|(word, _)| *word);
            let problem = Problem::new(node.place, format!("{what} cannot be `{text}`"));
            self.problem(match nearest(&text, names.clone()) {
                Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
                None => problem.hint(format!("it is one of {}", listed(names))),
            });
        }
        found
    }

    /// The items of a list; a single value counts as a list of one.
    pub fn items<'n>(&mut self, node: &'n Node) -> Vec<&'n Node> {
        match &node.data {
            Data::List(items) => items.iter().collect(),
            _ if node.is_null() => Vec::new(),
            _ => vec![node],
        }
    }

    pub fn list<'n>(&mut self, node: &'n Node, what: &str) -> Vec<&'n Node> {
        match &node.data {
            Data::List(items) => items.iter().collect(),
            _ => {
                self.expected(node, what, "a list");
                Vec::new()
            }
        }
    }

    /// `caller -> callee`.
    pub fn edge(&mut self, node: &Node, what: &str) -> Option<Edge> {
        let text = self.text(node, what)?;
        let edge = edge(&text);
        if edge.is_none() {
            let problem = Problem::new(node.place, format!("{what} must be a call between two services"));
            self.problem(problem.label("not a call").hint("write `caller -> callee`"));
        }
        edge
    }
}

pub(crate) fn edge(text: &str) -> Option<Edge> {
    let (caller, callee) = text.split_once("->").or_else(|| text.split_once('→'))?;
    let (caller, callee) = (caller.trim(), callee.trim());
    (!caller.is_empty() && !callee.is_empty()).then(|| Edge { caller: caller.into(), callee: callee.into() })
}

fn plain_json(scalar: &super::yaml::Scalar) -> Option<Json> {
    if scalar.is_null() {
        return Some(Json::Null);
    }
    scalar
        .as_bool()
        .map(Json::Bool)
        .or_else(|| scalar.as_i64().map(Json::from))
        .or_else(|| scalar.as_f64().and_then(serde_json::Number::from_f64).map(Json::Number))
}

/// A place, for problems about something that is not in the file.
pub(crate) const NOWHERE: Place = Place { line: 0, column: 0, width: 0 };
