//! promptfoo's tests as CSV: a column for each variable, `__expected` (and `__expected1`, …) for assertions, `__description`.

use serde_json::{Map, Value as Json};

use super::assertion::short;
use super::{Bringing, Carried, Test};
use crate::table;

pub(super) fn tests(
    bringing: &mut Bringing<'_>,
    name: &str,
    text: &str,
    variables: &Map<String, Json>,
    assertions: &[Carried],
) -> Vec<Test> {
    let outer = std::mem::replace(&mut bringing.file, name.to_owned());
    let (rows, mistakes) = table::csv(text);
    for mistake in mistakes {
        bringing.remark_at(mistake.line, name, &mistake.message);
    }
    let mut tests = Vec::new();
    for row in rows {
        let mut test = Test {
            name: format!("test {}", tests.len() + 1),
            variables: variables.clone(),
            assertions: assertions.to_vec(),
        };
        for (column, value) in row.values {
            let written = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            if column == "__description" {
                if !written.is_empty() {
                    test.name = written;
                }
            } else if column.starts_with("__expected") {
                if written.is_empty() {
                    continue;
                }
                match short(&written) {
                    Ok(carried) => test.assertions.push(carried),
                    Err(why) => bringing.remark_at(row.line, &written, &why),
                }
            } else if column.starts_with("__") {
                bringing.remark_at(1, &column, "the column has no counterpart");
            } else {
                test.variables.insert(column, value);
            }
        }
        tests.push(test.asserting(bringing, row.line));
    }
    bringing.file = outer;
    tests
}
