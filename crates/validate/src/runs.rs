//! Two halves of a healthy run do not differ; a doubled tail does.

use std::path::Path;

use crate::Row;

pub(crate) fn rows(_: &Path) -> Result<Vec<Row>, String> {
    Ok(Vec::new())
}
