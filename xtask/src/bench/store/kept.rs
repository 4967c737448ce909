//! A load that is kept in a folder, so that questions can be measured again without loading first.

use std::path::Path;

use serde_json::{Value as Json, json};

use super::generator::{Generator, Shape};
use super::server::Server;
use super::{Loaded, query};
use crate::bench::Figure;

/// Says in the folder what it was loaded with.
pub const NOTE: &str = "bench.json";

/// Notes what the folder holds, once it is whole.
pub fn note(folder: &Path, generator: &Generator, spans: u64) -> Result<(), String> {
    let Generator { seed, traces, began, .. } = *generator;
    let note = json!({ "seed": seed, "traces": traces, "began": began, "spans": spans });
    std::fs::write(folder.join(NOTE), note.to_string()).map_err(|error| format!("{NOTE}: {error}"))
}

/// The rows about questions, asked of the load in `folder`.
pub fn ask(binary: &Path, folder: &Path) -> Result<Vec<Figure>, String> {
    let text = std::fs::read_to_string(folder.join(NOTE)).map_err(|error| format!("{NOTE}: {error}"))?;
    let note: Json = serde_json::from_str(&text).map_err(|error| format!("{NOTE}: {error}"))?;
    let number = |key: &str| note[key].as_u64().ok_or_else(|| format!("{NOTE}: no {key}"));
    let (seed, traces, began) = (number("seed")?, number("traces")?, number("began")?);
    let generator = Generator { shape: Shape::Benchmark, seed, traces, began };
    let server = Server::start(binary, folder)?;
    let figures = query::rows(&Loaded { page: server.page, generator, spans: number("spans")? })?;
    server.stop()?;
    Ok(figures)
}
