//! Tables of data: a scenario with `data:` is as many cases as the table has rows, the columns being variables. Rows stand
//! in the suite, or in a CSV or JSON Lines file beside it; every mistake in them is told with its place there.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::fields::Reader;
use super::keys::DATA;
use super::problem::{OtherFile, Place, Problem};
use super::read::OWN_VARIABLES;
use super::template::Template;
use super::yaml::{Data, Node};
use super::{Variables, listed};
use crate::limits::{CASE_NAME_CHARS_MAX, TABLE_BYTES_MAX, TABLE_ROWS_MAX};
use crate::table::{self, Mistake, Row};

/// One row, as a case of the scenario.
pub(super) struct Case {
    /// What stands in brackets behind the scenario's name.
    pub name: String,
    pub variables: Variables,
}

/// The rows of a table, each with its place in the suite or in the table's file.
struct Rows {
    rows: Vec<(Place, Map<String, Json>)>,
    file: Option<Arc<OtherFile>>,
}

impl Rows {
    fn problem(&self, place: Place, message: impl Into<String>) -> Problem {
        Problem { file: self.file.clone(), ..Problem::new(place, message) }
    }
}

/// The cases of `data`, whose columns stand above `variables`; none if something is wrong with it.
pub(super) fn cases(reader: &mut Reader<'_>, node: &Node, variables: &Variables) -> Option<Vec<Case>> {
    let before = reader.problems.len();
    let (source, case) = match &node.data {
        Data::Map(_) => {
            reader.map(node, &[DATA], "`data`")?;
            let case = node.get("case").and_then(|case| reader.template(case, "`case`"));
            (one_source(reader, node)?, case)
        }
        _ => (node, None),
    };
    let rows = match &source.data {
        Data::List(items) => inline(reader, items),
        _ => from_file(reader, source)?,
    };
    if rows.rows.is_empty() {
        if reader.problems.len() == before {
            let problem = Problem::new(source.place, "the table has no rows: nothing would be judged");
            reader.problem(problem.label("an empty table is not a pass"));
        }
        return None;
    }
    check_columns(reader, &rows, variables);
    if reader.problems.len() > before {
        return None;
    }
    let cases = named(reader, rows, case.as_ref(), variables);
    (reader.problems.len() == before).then_some(cases)
}

/// What stands under `file` or `rows`.
fn one_source<'n>(reader: &mut Reader<'_>, node: &'n Node) -> Option<&'n Node> {
    match (node.get("file"), node.get("rows")) {
        (Some(file), None) => Some(file),
        (None, Some(rows)) if matches!(rows.data, Data::List(_)) => Some(rows),
        (None, Some(rows)) => {
            reader.expected(rows, "`rows`", "a list of rows");
            None
        }
        (Some(_), Some(rows)) => {
            reader.problem(Problem::new(rows.place, "a table has one source: `file` or `rows`, not both"));
            None
        }
        (None, None) => {
            reader.problem(Problem::new(node.place, "`data` needs `file` or `rows`").label("no rows here"));
            None
        }
    }
}

fn inline(reader: &mut Reader<'_>, items: &[Node]) -> Rows {
    let mut rows = Vec::new();
    for item in items {
        if item.entries().is_none() {
            reader.expected(item, "a row", "a map of columns and values");
            continue;
        }
        rows.push((item.place, reader.sent(|reader| reader.variables(item, "a row")).into_iter().collect()));
    }
    Rows { rows, file: None }
}

fn from_file(reader: &mut Reader<'_>, node: &Node) -> Option<Rows> {
    let name = reader.text(node, "a table's file")?;
    let is = |ending: &str| name.to_ascii_lowercase().ends_with(ending);
    let read: fn(&str) -> (Vec<Row>, Vec<Mistake>) = match () {
        () if is(".csv") => table::csv,
        () if is(".jsonl") || is(".ndjson") => table::json_lines,
        () => {
            let problem = Problem::new(node.place, format!("`{name}` is no table that can be read"));
            reader.problem(problem.label("neither CSV nor JSON Lines").hint("name a `.csv` or `.jsonl` file"));
            return None;
        }
    };
    let text = match (reader.files)(&name) {
        Ok(text) if text.len() <= TABLE_BYTES_MAX => text,
        Ok(text) => {
            let message = format!("`{name}` has {} bytes; at most {TABLE_BYTES_MAX} are read", text.len());
            reader.problem(Problem::new(node.place, message));
            return None;
        }
        Err(error) => {
            let problem = Problem::new(node.place, format!("cannot read the table `{name}`: {error}"));
            reader.problem(problem.label("named here").hint("a path counts from the suite's folder"));
            return None;
        }
    };
    let (rows, mistakes) = read(&text);
    let file = Arc::new(OtherFile { name, text });
    for Mistake { line, column, message } in mistakes {
        let place = Place { line, column, width: 1 };
        reader.problem(Problem { file: Some(Arc::clone(&file)), ..Problem::new(place, message) });
    }
    let place = |line| Place { line, column: 1, width: 1 };
    Some(Rows { rows: rows.into_iter().map(|row| (place(row.line), row.values)).collect(), file: Some(file) })
}

/// Tells columns that a row lacks (a mistyped key is found so), and those that could not be used.
fn check_columns(reader: &mut Reader<'_>, rows: &Rows, variables: &Variables) {
    if rows.rows.len() > TABLE_ROWS_MAX {
        let (place, _) = rows.rows[TABLE_ROWS_MAX];
        reader.problem(rows.problem(place, format!("more than {TABLE_ROWS_MAX} rows")));
        return;
    }
    let all: BTreeSet<&str> = rows.rows.iter().flat_map(|(_, row)| row.keys().map(String::as_str)).collect();
    for own in OWN_VARIABLES.iter().filter(|own| all.contains(*own)) {
        let message = format!("a column is called `{own}`, which the runner sets itself");
        reader.problem(rows.problem(rows.rows[0].0, message));
    }
    let wanted: Vec<&str> = all.into_iter().filter(|column| !variables.contains_key(*column)).collect();
    for (place, row) in &rows.rows {
        let lacks: Vec<&str> = wanted.iter().copied().filter(|column| !row.contains_key(*column)).collect();
        if !lacks.is_empty() {
            let message = format!("this row lacks {}, which other rows have", listed(lacks));
            let hint = "write `null` where there is none, or give the scenario's `vars` a value for it";
            reader.problem(rows.problem(*place, message).label("a row").hint(hint));
        }
    }
}

fn named(reader: &mut Reader<'_>, rows: Rows, case: Option<&Template>, variables: &Variables) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut names = HashSet::new();
    for (number, (place, row)) in rows.rows.iter().enumerate() {
        let place = *place;
        let mut all = variables.clone();
        all.extend(row.clone());
        let name = match case.map(|case| case.render(&all)) {
            None => (number + 1).to_string(),
            Some(Ok(name)) => name.chars().take(CASE_NAME_CHARS_MAX).collect(),
            Some(Err(undefined)) => {
                // The same in every row: told once, where it is written.
                let known = listed(all.keys().map(String::as_str));
                let written = case.into_iter().flat_map(Template::variables).find(|(name, _)| *name == undefined.name);
                let place = written.map_or(place, |(_, place)| place);
                let problem = Problem::new(place, format!("there is no column `{}` to name cases by", undefined.name));
                reader.problem(problem.label("undefined variable").hint(format!("there are {known}")));
                return cases;
            }
        };
        if !names.insert(name.clone()) {
            let problem = rows.problem(place, format!("a second case is named `{name}`"));
            reader.problem(problem.label("names tell cases apart").hint("use another column in `case`, or several"));
        }
        cases.push(Case { name, variables: all });
    }
    cases
}
