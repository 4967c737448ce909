//! Tables of data as CSV (RFC 4180).

use serde_json::{Map, Value as Json};

use crate::limits::{TABLE_COLUMNS_MAX, TABLE_ROWS_MAX};

/// A row with its line in the file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub line: u32,
    pub values: Map<String, Json>,
}

/// Reads CSV whose first row names the columns. Numbers and truth values that stand outside of quotes are such.
///
/// # Errors
/// With the line and what is wrong there.
pub(crate) fn csv(text: &str) -> Result<Vec<Row>, (u32, String)> {
    let mut records = Records { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1 };
    let Some((_, head)) = records.next()? else { return Err((1, "the table is empty".to_owned())) };
    if head.len() > TABLE_COLUMNS_MAX {
        return Err((1, format!("{} columns; at most {TABLE_COLUMNS_MAX} are read", head.len())));
    }
    let names: Vec<String> = head.into_iter().map(|field| field.text.trim().to_owned()).collect();
    if let Some((_, twice)) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
        return Err((1, format!("two columns are called `{twice}`")));
    }
    let mut rows = Vec::new();
    while let Some((line, fields)) = records.next()? {
        if let [only] = fields.as_slice()
            && only.text.is_empty()
        {
            continue;
        }
        if fields.len() != names.len() {
            return Err((line, format!("{} fields under {} columns", fields.len(), names.len())));
        }
        if rows.len() >= TABLE_ROWS_MAX {
            return Err((line, format!("more than {TABLE_ROWS_MAX} rows")));
        }
        let values = names.iter().cloned().zip(fields.into_iter().map(Field::value)).collect();
        rows.push(Row { line, values });
    }
    Ok(rows)
}

struct Field {
    text: String,
    quoted: bool,
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

/// A record, with the line that it begins on; none at the end.
type Record = Option<(u32, Vec<Field>)>;

struct Records<'a> {
    rest: &'a str,
    line: u32,
}

impl Records<'_> {
    /// The next record with the line that it begins on.
    fn next(&mut self) -> Result<Record, (u32, String)> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let began = self.line;
        let mut fields = Vec::new();
        loop {
            let field = if self.rest.starts_with('"') { self.quoted(began)? } else { self.plain() };
            fields.push(field);
            if let Some(after) = self.rest.strip_prefix(',') {
                self.rest = after;
                continue;
            }
            for end in ["\r\n", "\n", "\r"] {
                if let Some(after) = self.rest.strip_prefix(end) {
                    self.rest = after;
                    self.line += 1;
                    return Ok(Some((began, fields)));
                }
            }
            if self.rest.is_empty() {
                return Ok(Some((began, fields)));
            }
            return Err((self.line, "something stands after a closing quote".to_owned()));
        }
    }

    fn plain(&mut self) -> Field {
        let end = self.rest.find([',', '\n', '\r']).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        Field { text: text.to_owned(), quoted: false }
    }

    fn quoted(&mut self, began: u32) -> Result<Field, (u32, String)> {
        let mut text = String::new();
        let mut rest = &self.rest[1..];
        loop {
            let Some(end) = rest.find('"') else { return Err((began, "a quote that nothing closes".to_owned())) };
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
        self.rest = rest;
        Ok(Field { text, quoted: true })
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
        let rows = csv(text).expect("a table");
        let values: Vec<Json> = rows.iter().map(|row| Json::Object(row.values.clone())).collect();
        let expected = [
            json!({"question": "a, \"b\"\nc", "n": 3, "ok": true, "code": "007"}),
            json!({"question": "plain", "n": -4, "ok": false, "code": "9"}),
        ];
        assert_eq!(values, expected);
        assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 4]);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        assert_eq!(csv("a,b\n1,2\n3\n").expect_err("short").0, 3);
        assert_eq!(csv("a\n\"x\n").expect_err("open").0, 2);
        assert_eq!(csv("a\n\"x\"y\n").expect_err("after").0, 2);
        assert!(csv("").is_err());
        let (line, why) = csv("a,b,a\n1,2,3\n").expect_err("one would hide the other");
        assert!(line == 1 && why.contains("`a`"), "{why}");
    }

    proptest! {
        #[test]
        fn texts_in_quotes_come_back(cells in prop::collection::vec(prop::collection::vec(any::<String>(), 2), 1..5)) {
            let line = |row: &Vec<String>| row.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect::<Vec<_>>().join(",") + "\n";
            let text = format!("a,b\n{}", cells.iter().map(line).collect::<String>());
            let rows = csv(&text).expect("a table");
            let back: Vec<Vec<String>> = rows.iter().map(|row| row.values.values().map(|value| value.as_str().expect("text").to_owned()).collect()).collect();
            prop_assert_eq!(back, cells);
        }
    }
}
