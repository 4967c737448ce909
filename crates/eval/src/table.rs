//! Tables of data as CSV (RFC 4180) and as JSON Lines.

use serde_json::{Map, Value as Json};

use crate::limits::{TABLE_COLUMNS_MAX, TABLE_ROWS_MAX};

/// A row with its line in the file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub line: u32,
    pub values: Map<String, Json>,
}

/// Something wrong in a table. Line and column count from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub line: u32,
    pub column: u32,
    pub message: String,
}

fn mistake(line: u32, column: u32, message: impl Into<String>) -> Mistake {
    Mistake { line, column, message: message.into() }
}

/// Reads CSV whose first row names the columns: the rows that can be read, and what is wrong with the others. Numbers and
/// truth values that stand outside of quotes are such.
pub(crate) fn csv(text: &str) -> (Vec<Row>, Vec<Mistake>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut records = Records { text, at: 0, line: 1, mistakes: Vec::new() };
    let (mut rows, mut mistakes) = (Vec::new(), Vec::new());
    let Some((_, head)) = records.next() else { return (rows, vec![mistake(1, 1, "the table is empty")]) };
    let names: Vec<String> = head.into_iter().map(|field| field.text.trim().to_owned()).collect();
    mistakes.extend(wrong_names(&names));
    if names.len() > TABLE_COLUMNS_MAX {
        return (rows, mistakes);
    }
    while let Some((line, fields)) = records.next() {
        if let [only] = fields.as_slice()
            && only.text.is_empty()
        {
            continue;
        }
        if rows.len() >= TABLE_ROWS_MAX {
            mistakes.push(mistake(line, 1, format!("more than {TABLE_ROWS_MAX} rows")));
            break;
        }
        if fields.len() != names.len() {
            let column = fields.get(names.len()).or(fields.last()).map_or(1, |field| column(text, field.at));
            let message = format!("{} fields under {} columns", fields.len(), names.len());
            mistakes.push(mistake(line, column, message));
            continue;
        }
        let values = names.iter().cloned().zip(fields.into_iter().map(Field::value)).collect();
        rows.push(Row { line, values });
    }
    mistakes.append(&mut records.mistakes);
    (rows, mistakes)
}

fn wrong_names(names: &[String]) -> Option<Mistake> {
    if names.len() > TABLE_COLUMNS_MAX {
        return Some(mistake(1, 1, format!("{} columns; at most {TABLE_COLUMNS_MAX} are read", names.len())));
    }
    if let Some((_, twice)) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
        return Some(mistake(1, 1, format!("two columns are called `{twice}`")));
    }
    let unnamed = names.iter().position(String::is_empty)?;
    Some(mistake(1, 1, format!("column {} has no name", unnamed + 1)))
}

/// Reads JSON Lines, an object on each line; values keep their types. Empty lines are passed over.
pub(crate) fn json_lines(text: &str) -> (Vec<Row>, Vec<Mistake>) {
    let (mut rows, mut mistakes) = (Vec::new(), Vec::new());
    for (line, text) in (1..).zip(text.strip_prefix('\u{feff}').unwrap_or(text).lines()) {
        if text.trim().is_empty() {
            continue;
        }
        if rows.len() >= TABLE_ROWS_MAX {
            mistakes.push(mistake(line, 1, format!("more than {TABLE_ROWS_MAX} rows")));
            break;
        }
        match serde_json::from_str::<Json>(text) {
            Ok(Json::Object(values)) if values.len() <= TABLE_COLUMNS_MAX => rows.push(Row { line, values }),
            Ok(Json::Object(values)) => {
                let message = format!("{} columns; at most {TABLE_COLUMNS_MAX} are read", values.len());
                mistakes.push(mistake(line, 1, message));
            }
            Ok(_) => mistakes.push(mistake(line, 1, "a line must be a JSON object of columns and values")),
            Err(error) => {
                // serde counts bytes; the message's own place would be that of a file of one line.
                let column = text.get(..error.column()).map_or(error.column(), |before| before.chars().count());
                let message = error.to_string();
                let message = message.split(" at line ").next().unwrap_or_default();
                mistakes.push(mistake(line, u32::try_from(column.max(1)).unwrap_or(1), format!("no JSON: {message}")));
            }
        }
    }
    (rows, mistakes)
}

struct Field {
    text: String,
    quoted: bool,
    /// Where it begins, in bytes.
    at: usize,
}

impl Field {
    fn value(self) -> Json {
        // `007` and `1e5` stay the texts that they are.
        let whole = self.text.parse::<i64>().ok().filter(|number| number.to_string() == self.text);
        match self.text.as_str() {
            _ if self.quoted => Json::String(self.text),
            "true" => Json::Bool(true),
            "false" => Json::Bool(false),
            _ => whole.map_or(Json::String(self.text), Json::from),
        }
    }
}

/// In which column of its line the byte `at` stands.
fn column(text: &str, at: usize) -> u32 {
    let before = &text[..at];
    let line = before.rfind('\n').map_or(0, |end| end + 1);
    u32::try_from(before[line..].chars().count()).unwrap_or(u32::MAX).saturating_add(1)
}

struct Records<'a> {
    text: &'a str,
    /// How many bytes of it were read.
    at: usize,
    line: u32,
    mistakes: Vec<Mistake>,
}

impl<'a> Records<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The next record with the line that it begins on; records that cannot be read are noted and passed over.
    fn next(&mut self) -> Option<(u32, Vec<Field>)> {
        while !self.rest().is_empty() {
            let began = self.line;
            match self.record() {
                Ok(fields) => return Some((began, fields)),
                Err(mistake) => {
                    self.mistakes.push(mistake);
                    self.at += self.rest().find('\n').map_or(self.rest().len(), |end| end + 1);
                    self.line += 1;
                }
            }
        }
        None
    }

    fn record(&mut self) -> Result<Vec<Field>, Mistake> {
        let mut fields = Vec::new();
        loop {
            let field = if self.rest().starts_with('"') { self.quoted()? } else { self.plain() };
            fields.push(field);
            if self.rest().starts_with(',') {
                self.at += 1;
                continue;
            }
            if let Some(end) = ["\r\n", "\n", "\r"].into_iter().find(|end| self.rest().starts_with(end)) {
                self.at += end.len();
                self.line += 1;
                return Ok(fields);
            }
            if self.rest().is_empty() {
                return Ok(fields);
            }
            return Err(mistake(self.line, column(self.text, self.at), "something stands after a closing quote"));
        }
    }

    fn plain(&mut self) -> Field {
        let (at, rest) = (self.at, self.rest());
        let text = &rest[..rest.find([',', '\n', '\r']).unwrap_or(rest.len())];
        self.at += text.len();
        Field { text: text.to_owned(), quoted: false, at }
    }

    fn quoted(&mut self) -> Result<Field, Mistake> {
        let (at, began) = (self.at, self.line);
        let mut text = String::new();
        let mut rest = &self.rest()[1..];
        loop {
            let Some(end) = rest.find('"') else {
                // All that follows would belong to it: nothing after it can be read.
                let told = mistake(began, column(self.text, at), "a quote that nothing closes");
                self.at = self.text.len();
                return Err(told);
            };
            text.push_str(&rest[..end]);
            self.line += rest[..end].matches('\n').count() as u32;
            rest = &rest[end + 1..];
            match rest.strip_prefix('"') {
                Some(after) => {
                    text.push('"');
                    rest = after;
                }
                None => break,
            }
        }
        self.at = self.text.len() - rest.len();
        Ok(Field { text, quoted: true, at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn csv_is_read_as_it_is_written() {
        let text = "\u{feff}question,n,ok,code\n\"a, \"\"b\"\"\nc\",3,true,007\r\nplain,-4,false,\"9\"\n\n";
        let (rows, mistakes) = csv(text);
        assert_eq!(mistakes, []);
        let values: Vec<Json> = rows.iter().map(|row| Json::Object(row.values.clone())).collect();
        let expected = [
            json!({"question": "a, \"b\"\nc", "n": 3, "ok": true, "code": "007"}),
            json!({"question": "plain", "n": -4, "ok": false, "code": "9"}),
        ];
        assert_eq!(values, expected);
        assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 4]);
    }

    #[test]
    fn everything_wrong_is_told_with_its_place() {
        let check = |text: &str, places: &[(u32, u32)]| {
            let told: Vec<(u32, u32)> = csv(text).1.iter().map(|mistake| (mistake.line, mistake.column)).collect();
            assert_eq!(told, places, "{text:?}");
        };
        check("a,b\n1,2\n3\n4,5,6\n7,8\n", &[(3, 1), (4, 5)]);
        check("a\n\"x\n", &[(2, 1)]);
        check("a,b\n1,\"x\"y\n1,2\n3\n", &[(4, 1), (2, 6)]);
        check("", &[(1, 1)]);
        check("a,,c\n1,2,3\n", &[(1, 1)]);
        let mistakes = csv("a,b,a\n1,2,3\n").1;
        assert!(mistakes[0].message.contains("`a`"), "one would hide the other: {mistakes:?}");
        assert_eq!(csv("a,b\n1\n2,3\n").0.len(), 1, "what can be read is");
    }

    #[test]
    fn json_lines_keep_their_types_and_tell_every_wrong_line() {
        let (rows, mistakes) = json_lines("{\"n\": 3, \"list\": [1]}\n\n[1]\n{\"é\": }\n{\"n\": \"3\"}\n");
        let values: Vec<Json> = rows.iter().map(|row| Json::Object(row.values.clone())).collect();
        assert_eq!(values, [json!({"n": 3, "list": [1]}), json!({"n": "3"})]);
        let places: Vec<(u32, u32)> = mistakes.iter().map(|mistake| (mistake.line, mistake.column)).collect();
        assert_eq!(places, [(3, 1), (4, 7)], "{mistakes:?}");
    }

    proptest! {
        #[test]
        fn texts_in_quotes_come_back(cells in prop::collection::vec(prop::collection::vec(any::<String>(), 2), 1..5)) {
            let line = |row: &Vec<String>| row.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect::<Vec<_>>().join(",") + "\n";
            let text = format!("a,b\n{}", cells.iter().map(line).collect::<String>());
            let (rows, mistakes) = csv(&text);
            prop_assert_eq!(mistakes, []);
            let back: Vec<Vec<String>> = rows.iter().map(|row| row.values.values().map(|value| value.as_str().expect("text").to_owned()).collect()).collect();
            prop_assert_eq!(back, cells);
        }
    }
}
