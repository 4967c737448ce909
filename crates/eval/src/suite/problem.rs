//! What is wrong with a suite file: every problem with its place, a label under the source line, and a hint.
//!
//! ```text
//! headwater.yaml:5:5: unknown key `metod` in `target.http`
//!   |
//! 5 |     metod: POST
//!   |     ^^^^^ not a key of `target.http`
//!   = hint: did you mean `method`?
//! ```

use std::fmt;
use std::sync::Arc;

use crate::limits::PROBLEMS_MAX;

/// A place in the file. Lines and columns count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    /// Line, from 1; 0 when the place is unknown.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// How many characters it covers on its line, at least 1.
    pub width: u32,
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// What is wrong, in one line.
    pub message: String,
    /// The words under the marked place; may be empty.
    pub label: String,
    /// What to do; may be empty.
    pub hint: String,
    /// The file it stands in, where that is not the suite's own.
    pub file: Option<Arc<OtherFile>>,
}

/// A file that a suite names, for the excerpts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherFile {
    /// As the suite names it.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl Problem {
    /// A problem at `place` without label and hint.
    pub fn new(place: Place, message: impl Into<String>) -> Self {
        Self { place, message: message.into(), label: String::new(), hint: String::new(), file: None }
    }

    /// Adds the words under the marked place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

/// All mistakes of one file, by place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuiteError {
    /// The file as it was named.
    pub file: String,
    /// Its text, for the excerpts.
    pub source: String,
    /// The mistakes, by place; never empty.
    pub problems: Vec<Problem>,
}

impl SuiteError {
    pub(crate) fn new(file: &str, source: &str, mut problems: Vec<Problem>) -> Self {
        let name = |problem: &Problem| problem.file.as_ref().map(|file| file.name.clone());
        problems.sort_by_cached_key(|problem| (name(problem), problem.place));
        // What is wrong with a shared target is found again in every scenario: told once.
        problems.dedup_by(|b, a| a.place.line > 0 && a.place == b.place && name(a) == name(b));
        Self { file: file.to_owned(), source: source.to_owned(), problems }
    }
}

impl std::error::Error for SuiteError {}

impl fmt::Display for SuiteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in self.problems.iter().take(PROBLEMS_MAX) {
            let (file, source) = match &problem.file {
                Some(other) => (&other.name, &other.text),
                None => (&self.file, &self.source),
            };
            show(f, file, source, problem)?;
            writeln!(f)?;
        }
        if self.problems.len() > PROBLEMS_MAX {
            writeln!(f, "and {} more", self.problems.len() - PROBLEMS_MAX)?;
        }
        match self.problems.len() {
            1 => write!(f, "1 problem in {}", self.file),
            count => write!(f, "{count} problems in {}", self.file),
        }
    }
}

fn show(f: &mut fmt::Formatter<'_>, file: &str, source: &str, problem: &Problem) -> fmt::Result {
    let Place { line, column, width } = problem.place;
    if line == 0 {
        writeln!(f, "{file}: {}", problem.message)?;
    } else {
        writeln!(f, "{file}:{line}:{column}: {}", problem.message)?;
        let margin = " ".repeat(line.to_string().len());
        let text = source.lines().nth(line as usize - 1).unwrap_or_default();
        let (text, column) = window(text, column as usize);
        let room = text.chars().count().saturating_sub(column - 1).max(1);
        let marks = "^".repeat((width as usize).clamp(1, room));
        writeln!(f, "{margin} |")?;
        writeln!(f, "{line} | {text}")?;
        writeln!(f, "{}", format!("{margin} | {}{marks} {}", " ".repeat(column - 1), problem.label).trim_end())?;
        if !problem.hint.is_empty() {
            write!(f, "{margin} ")?;
        }
    }
    if !problem.hint.is_empty() {
        writeln!(f, "= hint: {}", problem.hint)?;
    }
    Ok(())
}

/// The part of a long line around `column`, and the column within it; control characters become spaces.
fn window(line: &str, column: usize) -> (String, usize) {
    const WIDTH: usize = 110;
    const BEFORE: usize = 60;
    let characters: Vec<char> = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let column = column.clamp(1, characters.len() + 1);
    if characters.len() <= WIDTH {
        return (characters.into_iter().collect(), column);
    }
    let from = column.saturating_sub(BEFORE).min(characters.len() - WIDTH.min(characters.len()));
    (characters[from..(from + WIDTH).min(characters.len())].iter().collect(), column - from)
}
