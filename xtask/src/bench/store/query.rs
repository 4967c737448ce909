//! What questions cost, asked over HTTP of the loaded server. One connection, kept: what is measured is the answer.

use std::time::{Duration, Instant};

use super::Loaded;
use super::generator::Random;
use super::sender::Asker;
use super::verify::hex;
use crate::bench::Figure;

/// Questions of each kind.
const QUESTIONS: u64 = 1_000;

/// The rows of the table about questions.
pub fn rows(loaded: &Loaded) -> Result<Vec<Figure>, String> {
    let mut random = Random::new(7);
    let mut asker = Asker::open(loaded.page)?;
    let traces = loaded.spans / loaded.generator.spans_per_trace();
    let mut path = || {
        let id = loaded.generator.trace_id(random.below(traces));
        format!("/api/v1/trace/{}/otlp", hex(&id))
    };
    let (p50, p99) = latencies(&mut asker, QUESTIONS, &mut path)?;
    Ok(vec![
        Figure::at_most("trace by id, p50", p50.as_secs_f64() * 1e3, Some(3.0), "ms"),
        Figure::at_most("trace by id, p99", p99.as_secs_f64() * 1e3, Some(12.0), "ms"),
    ])
}

/// Asks once to warm up, then measures; median and 99th percentile.
fn latencies(
    asker: &mut Asker,
    questions: u64,
    path: &mut dyn FnMut() -> String,
) -> Result<(Duration, Duration), String> {
    let mut taken = Vec::new();
    for round in 0..2 {
        taken.clear();
        for _ in 0..if round == 0 { questions / 10 } else { questions } {
            let path = path();
            let began = Instant::now();
            asker.get(&path)?;
            taken.push(began.elapsed());
        }
    }
    taken.sort_unstable();
    let at = |hundredths: usize| taken.get(taken.len() * hundredths / 100).copied().ok_or("nothing was measured");
    Ok((at(50)?, at(99)?))
}
