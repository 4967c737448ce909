//! Aggregates by minute from the rows themselves, for segments whose spans lie so far apart that a table by minute would be
//! as long as the columns it sums up.

use std::io;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type, TimestampNanosecondType};
use model::{Duration, Instant, SpanKind, StatusCode, Text, TextCollector, TextId};

use super::aggregates::{AggregateKey, AggregateRow};
use super::checked_file::CheckedFile;
use super::source::Footer;
use super::writer::minute_of;
use crate::LatencyHistogram;
use crate::encoding::Malformed;

const COLUMNS: [&str; 6] = ["service", "name", "kind", "status_code", "start", "duration"];

/// Service, name, kind and status; minute; duration.
type Sample = ((u32, u32, i32, i32), u64, i64);

/// Hands out calls, errors and latencies by minute, key by key.
pub fn aggregates_of_rows(
    footer: &Footer,
    file: &CheckedFile,
    take: &mut dyn FnMut(&AggregateKey, &AggregateRow<'_>),
) -> io::Result<()> {
    let (mut texts, mut samples) = (TextCollector::default(), Vec::new());
    for batch in footer.read_columns(file, None, &|name| COLUMNS.contains(&name))? {
        note(&batch.map_err(io::Error::other)?, &mut texts, &mut samples)?;
    }
    samples.sort_unstable();
    let text = |number: u32| Text::from(texts.texts().text(TextId(number)));
    for of_key in samples.chunk_by(|(key, ..), (other, ..)| key == other) {
        let (service, name, kind, status) = of_key[0].0;
        let (kind, status) = (SpanKind(kind), StatusCode(status));
        let key = AggregateKey { service: text(service), name: text(name), kind, status };
        for of_minute in of_key.chunk_by(|(_, minute, _), (_, other, _)| minute == other) {
            let mut durations = LatencyHistogram::default();
            of_minute.iter().for_each(|&(.., duration)| durations.record(Duration(duration)));
            let sum = of_minute.iter().fold(0_i64, |sum, &(.., duration)| sum.saturating_add(duration.max(0)));
            take(
                &key,
                &AggregateRow {
                    time: Instant(of_minute[0].1),
                    count: of_minute.len() as u64,
                    sum: Duration(sum),
                    buckets: &durations.buckets,
                },
            );
        }
    }
    Ok(())
}

fn note(batch: &RecordBatch, texts: &mut TextCollector, samples: &mut Vec<Sample>) -> Result<(), Malformed> {
    const MISSING: Malformed = Malformed("a column is missing, or of another type");
    let column = |name: &str| batch.column_by_name(name).ok_or(MISSING);
    let services = column("service")?.as_string_opt::<i32>().ok_or(MISSING)?;
    let names = column("name")?.as_string_opt::<i32>().ok_or(MISSING)?;
    let kinds = column("kind")?.as_primitive_opt::<Int32Type>().ok_or(MISSING)?;
    let statuses = column("status_code")?.as_primitive_opt::<Int32Type>().ok_or(MISSING)?;
    let starts = column("start")?.as_primitive_opt::<TimestampNanosecondType>().ok_or(MISSING)?;
    let durations = column("duration")?.as_primitive_opt::<Int64Type>().ok_or(MISSING)?;
    for row in 0..batch.num_rows() {
        let (service, name) = (texts.id(services.value(row)).0, texts.id(names.value(row)).0);
        let key = (service, name, kinds.value(row), statuses.value(row));
        samples.push((key, minute_of(Instant(starts.value(row) as u64)).0, durations.value(row)));
    }
    Ok(())
}
