//! What the analyses show on recorded traces that nobody here wrote: a table of figure, bar and data set.
//!
//! The data lie beside the repository, in `../shared/data`; their README says where they come from and what is true of
//! them. [`validate`] reads a folder like that and returns a row for each thing that must hold.
//!
//! | file | what |
//! | --- | --- |
//! | `read.rs` | the recorded files as traces |
//! | `paths.rs` | critical path: CRISP, Jaeger UI, conservation, two resolutions |
//! | `orders.rs` | happens-before on media and hotel, in seeded draws |
//! | `clocks.rs` | clock offsets of hotel by two independent edges |
//! | `missing.rs` | spans taken away and calls cut off, against what is reported |
//! | `causes.rs` | root causes of injected faults, with a threshold from the time before |
//! | `runs.rs` | two halves of a healthy run do not differ; a doubled tail does |
//! | `speed.rs` | spans per second, and a trace of depth 20,000; memory under hostile names |

mod causes;
mod clocks;
mod missing;
mod orders;
mod paths;
mod read;
mod runs;
mod speed;

use std::path::Path;

pub use speed::{SPEED_ROUNDS, speed};

/// One thing that must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What is measured.
    pub name: String,
    /// What came out.
    pub figure: String,
    /// What it must be.
    pub bar: String,
    /// Whether it is.
    pub met: bool,
    /// Which data it was measured on.
    pub data_set: String,
}

pub(crate) fn row(name: &str, data_set: &str, bar: &str, met: bool, figure: String) -> Row {
    Row { name: name.into(), figure, bar: bar.into(), met, data_set: data_set.into() }
}

type Part = fn(&Path) -> Result<Vec<Row>, String>;

/// Every row that the data in `folder` allow. Files that are missing make a row that is not met and says so.
#[must_use]
pub fn validate(folder: &Path) -> Vec<Row> {
    let parts: [Part; 8] = [
        paths::rows,
        orders::rows,
        orders::repeats,
        clocks::rows,
        missing::rows,
        causes::rows,
        runs::rows,
        speed::rows,
    ];
    parts
        .into_iter()
        .flat_map(|rows| rows(folder).unwrap_or_else(|missing| vec![row("data", "", "can be read", false, missing)]))
        .collect()
}

/// Rows that are known not to be met, each explained where it is measured: (name, data set).
pub const KNOWN_MISSES: &[(&str, &str)] = &[(paths::RESOLUTION, "media")];

/// What is found in one recorded file.
///
/// # Errors
/// Where the file cannot be read.
pub fn explain(file: &Path) -> Result<analysis::Explained, String> {
    let mut explanation = analysis::Explanation::new(analysis::ExplainOptions::default());
    read::traces(file)?.iter().for_each(|trace| explanation.add(trace));
    Ok(explanation.finish())
}

/// The rows as a table for a terminal or a log.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let mut text = String::from("met | what | figure | bar | data set\n--- | --- | --- | --- | ---\n");
    for row in rows {
        let met = if row.met { "yes" } else { "NO " };
        text.push_str(&format!("{met} | {} | {} | {} | {}\n", row.name, row.figure, row.bar, row.data_set));
    }
    text
}
