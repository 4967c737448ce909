//! Suites of others as suites of ours: Tracetest tests and promptfoo configurations.
//!
//! ```text
//! file ── nodes with their places ── what is carried over: a suite, as text
//!                                └── what is not: a remark with its line, and why; never nothing
//! ```
//!
//! | file | what |
//! | --- | --- |
//! | `tracetest/` | `type: Test` and `type: TestSuite`: triggers, selectors, assertions, outputs |
//! | `promptfoo/` | targets, prompts, tests, `trace-*`, `trajectory:*`, the assertions on text that need no model |
//! | `write.rs` | the suite as YAML that a person goes on with |

use std::collections::{HashMap, HashSet};

use serde_json::Value as Json;

use crate::limits::{BROUGHT_FILES_MAX, BROUGHT_SCENARIOS_MAX};
use crate::select::traceql_text;
use crate::suite::yaml::{self, Data, Node};
use crate::suite::{Problem, SuiteError};

mod promptfoo;
mod tracetest;
mod write;

/// A suite made of somebody else's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brought {
    /// Whose the file was.
    pub kind: BroughtKind,
    /// The suite file.
    pub text: String,
    /// Scenarios in it.
    pub scenarios: usize,
    /// Assertions in it.
    pub assertions: usize,
    /// What could not be carried over, or means something a little different.
    pub remarks: Vec<Remark>,
}

/// Whose file it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BroughtKind {
    /// Tracetest's YAML.
    Tracetest,
    /// A promptfoo configuration.
    Promptfoo,
}

impl BroughtKind {
    /// For people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tracetest => "Tracetest",
            Self::Promptfoo => "promptfoo",
        }
    }
}

/// Something that was not carried over, or not exactly.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Remark {
    /// The file as it was named.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// What stands there, in short.
    pub what: String,
    /// Why it was not carried over, or what is different.
    pub why: String,
}

/// What a suite is brought from.
#[derive(Clone, Copy)]
pub struct BringInput<'a> {
    /// The file as it was named.
    pub file: &'a str,
    /// Its text.
    pub text: &'a str,
    /// Reads a file that this one names, by the name it uses.
    pub load: &'a dyn Fn(&str) -> Result<String, String>,
}

impl std::fmt::Debug for BringInput<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BringInput").field("file", &self.file).finish_non_exhaustive()
    }
}

/// Makes a suite of somebody else's file.
///
/// # Errors
/// When it is not YAML (or JSON), or neither Tracetest's nor promptfoo's, or nothing in it can be carried over.
pub fn bring(input: BringInput<'_>) -> Result<Brought, SuiteError> {
    let documents = documents(input.file, input.text)?;
    let failed = |place, message: &str, hint: &str| {
        SuiteError::new(input.file, input.text, vec![Problem::new(place, message.to_owned()).hint(hint)])
    };
    let Some(first) = documents.first() else {
        return Err(failed(
            Default::default(),
            "the file is empty",
            "name a Tracetest test or a promptfoo configuration",
        ));
    };
    let mut bringing =
        Bringing { input, file: input.file.to_owned(), remarks: Vec::new(), told: HashSet::new(), loaded: 0 };
    let (kind, suite) = if first.get("type").is_some() && first.get("spec").is_some() {
        (BroughtKind::Tracetest, tracetest::suite(&mut bringing, &documents))
    } else if ["providers", "targets", "prompts", "tests"].iter().any(|key| first.get(key).is_some()) {
        (BroughtKind::Promptfoo, promptfoo::suite(&mut bringing, first))
    } else {
        let hint =
            "Tracetest's files have `type:` and `spec:`, promptfoo's have `providers:` (or `targets:`) and `tests:`";
        return Err(failed(first.place, "this is neither a Tracetest test nor a promptfoo configuration", hint));
    };
    let mut scenarios: Vec<Json> = suite.get("scenarios").and_then(Json::as_array).cloned().unwrap_or_default();
    if scenarios.len() > BROUGHT_SCENARIOS_MAX {
        let why = format!("more than {BROUGHT_SCENARIOS_MAX} scenarios; the first of them were carried over");
        bringing.remark(first, "all tests", &why);
        scenarios.truncate(BROUGHT_SCENARIOS_MAX);
    }
    let assertions = scenarios.iter().filter_map(|scenario| scenario["assert"].as_array()).map(Vec::len).sum();
    if scenarios.is_empty() {
        let told: Vec<Problem> = bringing
            .remarks
            .iter()
            .map(|remark| {
                let place = crate::suite::Place { line: remark.line, column: 1, width: 1 };
                Problem::new(place, format!("{}: {}", remark.what, remark.why))
            })
            .collect();
        let nothing = Problem::new(first.place, "nothing in this file can be carried over".to_owned());
        return Err(SuiteError::new(input.file, input.text, std::iter::once(nothing).chain(told).collect()));
    }
    let mut suite = suite;
    suite["scenarios"] = Json::Array(scenarios.clone());
    let text = write::suite(&suite, kind, input.file, &bringing.remarks);
    Ok(Brought { kind, text, scenarios: scenarios.len(), assertions, remarks: bringing.remarks })
}

/// Carries a file over, noting what cannot be.
struct Bringing<'a> {
    input: BringInput<'a>,
    /// The file that is being read.
    file: String,
    remarks: Vec<Remark>,
    told: HashSet<Remark>,
    loaded: usize,
}

impl Bringing<'_> {
    fn remark(&mut self, node: &Node, what: &str, why: &str) {
        self.remark_at(node.place.line, what, why);
    }

    fn remark_at(&mut self, line: u32, what: &str, why: &str) {
        let what = what.chars().take(crate::limits::TEXT_CHARS_MAX).collect();
        let remark = Remark { file: self.file.clone(), line, what, why: why.to_owned() };
        if self.told.insert(remark.clone()) {
            self.remarks.push(remark);
        }
    }

    /// The text of a file that this one names.
    fn load(&mut self, node: &Node, name: &str) -> Option<String> {
        self.loaded += 1;
        if self.loaded > BROUGHT_FILES_MAX {
            self.remark(node, name, &format!("more than {BROUGHT_FILES_MAX} files"));
            return None;
        }
        match (self.input.load)(name) {
            Ok(text) => Some(text),
            Err(problem) => {
                self.remark(node, name, &format!("the file cannot be read: {problem}"));
                None
            }
        }
    }
}

/// The documents of a YAML file; lines count from the start of the file.
///
/// # Errors
/// When one of them cannot be read.
fn documents(file: &str, text: &str) -> Result<Vec<Node>, SuiteError> {
    let mut documents = Vec::new();
    let mut unreadable = Vec::new();
    let mut part = String::new();
    let mut lines_before = 0;
    let mut flush = |part: &mut String, lines: usize| {
        // Blank lines in front keep every place that of the whole file.
        let padded = "\n".repeat(lines) + part;
        let mut problems = Vec::new();
        if !part.trim().is_empty() {
            match yaml::parse(&padded, &mut problems) {
                // What makes an anchor twice or repeats a key is told by the other tool too; only what cannot be read at
                // all counts.
                Some(node) => documents.extend((!node.is_null()).then_some(node)),
                None => unreadable.append(&mut problems),
            }
        }
        part.clear();
    };
    for (number, line) in text.lines().enumerate() {
        if line.trim_end() == "---" {
            flush(&mut part, lines_before);
            lines_before = number + 1;
        } else {
            part.push_str(line);
            part.push('\n');
        }
    }
    flush(&mut part, lines_before);
    if unreadable.is_empty() { Ok(documents) } else { Err(SuiteError::new(file, text, unreadable)) }
}

/// The value as JSON.
fn json(node: &Node) -> Json {
    match &node.data {
        Data::Scalar(scalar) if scalar.is_null() => Json::Null,
        Data::Scalar(scalar) => scalar
            .as_bool()
            .map(Json::Bool)
            .or_else(|| scalar.as_i64().map(Json::from))
            .or_else(|| scalar.as_f64().and_then(serde_json::Number::from_f64).map(Json::Number))
            .unwrap_or_else(|| Json::String(scalar.text.clone())),
        // Recursion is bounded by SUITE_DEPTH_MAX.
        Data::List(items) => items.iter().map(json).collect(),
        Data::Map(entries) => {
            Json::Object(entries.iter().map(|entry| (entry.key.clone(), json(&entry.value))).collect())
        }
    }
}

/// The text of a scalar.
fn text(node: &Node) -> Option<&str> {
    node.scalar().filter(|scalar| !scalar.is_null()).map(|scalar| scalar.text.as_str())
}

/// The items of a list; one value counts as a list of one.
fn items(node: &Node) -> Vec<&Node> {
    match &node.data {
        Data::List(items) => items.iter().collect(),
        _ if node.is_null() => Vec::new(),
        _ => vec![node],
    }
}

/// A key of TraceQL after its scope and point: in quotes where it needs them.
fn key(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !name.is_empty() && name.chars().all(plain) { name.to_owned() } else { traceql_text(name) }
}

/// Names that are given away, each with the number that its latest namesake has.
type Taken = HashMap<String, u32>;

/// A name that no scenario has yet.
fn unique(name: &str, taken: &mut Taken) -> String {
    let mut number = taken.get(name).copied().unwrap_or_default();
    let mut candidate = name.to_owned();
    while taken.contains_key(&candidate) {
        number += 1;
        candidate = format!("{name} ({number})");
    }
    taken.insert(name.to_owned(), number.max(1));
    taken.insert(candidate.clone(), 1);
    candidate
}
