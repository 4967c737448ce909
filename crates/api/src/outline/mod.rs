//! The trace outline: from a trace to rows, columns and bytes. Pure; the format is told in `wire`.
//!
//! | file | what |
//! | --- | --- |
//! | `rows.rs` | the order of the rows, with rows for parents that were not received |
//! | `columns.rs` | the numbers of each row |
//! | `encode.rs` | header and columns as bytes |

mod columns;
mod encode;
mod rows;

pub use columns::{OutlineInput, outline};
pub use encode::{Sections, encode, to_json};
pub use rows::{Row, Rows};
