//! `headwater import`: traces from files.

use std::io::Read as _;
use std::path::Path;

use model::Batch;

use crate::access::{Access, refused};
use crate::cli::ImportArgs;
use crate::exit::{ExitCode, Failure};

/// A file may have this many bytes, plain.
const FILE_BYTES_MAX: u64 = 4 << 30;
/// Spans sent at once.
const CHUNK: usize = 5_000;

pub async fn run(args: &ImportArgs) -> Result<ExitCode, Failure> {
    let access = Access::open(&args.data, args.server.as_deref()).await?;
    access.with(async |access| import(args, access).await).await
}

async fn import(args: &ImportArgs, access: &Access) -> Result<ExitCode, Failure> {
    let mut total = Tally::default();
    for path in &args.files {
        let name = if path.as_os_str() == "-" { "standard input".to_owned() } else { path.display().to_string() };
        match plain(path).and_then(|bytes| decode(&name, &bytes)) {
            Ok(read) => total.add(send(&name, read, access).await?),
            Err(problem) => {
                eprintln!("headwater: {problem}");
                total.problems += 1;
            }
        }
    }
    println!("{} spans and {} log records imported", total.spans, total.logs);
    if total.problems > 0 {
        eprintln!("headwater: {} parts could not be imported; the rest was", total.problems);
        return Ok(ExitCode(1));
    }
    Ok(ExitCode::OK)
}

#[derive(Default)]
struct Tally {
    spans: usize,
    logs: usize,
    problems: usize,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.spans += other.spans;
        self.logs += other.logs;
        self.problems += other.problems;
    }
}

/// What a file held, and what was wrong with it.
#[derive(Default)]
struct ReadFile {
    batches: Vec<Batch>,
    /// With their places; each is told.
    problems: Vec<String>,
    /// Remarks on what could not be carried over.
    remarks: Vec<String>,
}

/// The bytes of a file, decompressed.
fn plain(path: &Path) -> Result<Vec<u8>, String> {
    let read = || {
        let bytes = if path.as_os_str() == "-" {
            all_of(std::io::stdin(), FILE_BYTES_MAX)?
        } else {
            all_of(std::fs::File::open(path)?, FILE_BYTES_MAX)?
        };
        if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            all_of(zstd::stream::read::Decoder::new(&bytes[..])?, FILE_BYTES_MAX)
        } else if bytes.starts_with(&[0x1f, 0x8b]) {
            all_of(flate2::read::MultiGzDecoder::new(&bytes[..]), FILE_BYTES_MAX)
        } else {
            Ok(bytes)
        }
    };
    read().map_err(|error: std::io::Error| format!("cannot read {}: {error}", path.display()))
}

/// All bytes there are; an error where they are more than `max`, since half a file is not what was asked for.
fn all_of(reader: impl std::io::Read, max: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(std::io::Error::other(format!("it holds more than {max} bytes; split it and import the parts")));
    }
    Ok(bytes)
}

fn decode(name: &str, bytes: &[u8]) -> Result<ReadFile, String> {
    use interchange::Format;
    let format = interchange::detect(bytes).ok_or_else(|| {
        format!("{name}: cannot tell what this is; OTLP (JSON, JSON Lines, protobuf), Jaeger JSON and Zipkin v2 JSON are read")
    })?;
    let mut read = ReadFile::default();
    match format {
        Format::OtlpJson => read.take(name, otlp::decode_json(bytes).map_err(|error| error.to_string())),
        Format::OtlpJsonLines => {
            for line in otlp::decode_json_lines(bytes) {
                read.take(&format!("{name}:{}", line.number), line.outcome.map_err(|error| error.to_string()));
            }
        }
        Format::OtlpProtobuf => read.take(name, otlp::decode_traces_protobuf(bytes).map_err(|error| error.to_string())),
        Format::JaegerJson => read.take_imported(name, interchange::decode_jaeger(bytes)),
        Format::ZipkinJson => read.take_imported(name, interchange::decode_zipkin(bytes)),
    }
    Ok(read)
}

impl ReadFile {
    fn take(&mut self, place: &str, outcome: Result<otlp::Decoded, String>) {
        match outcome {
            Ok(decoded) => {
                if !decoded.rejected.is_empty() {
                    self.problems.push(format!("{place}: left out {}", decoded.rejected.message()));
                }
                if decoded.logs_without_trace > 0 {
                    self.remarks.push(format!(
                        "{place}: {} log records without a trace id are left out",
                        decoded.logs_without_trace
                    ));
                }
                self.batches.push(decoded.batch);
            }
            Err(problem) => self.problems.push(format!("{place}: {problem}")),
        }
    }

    fn take_imported(&mut self, name: &str, outcome: Result<interchange::Imported, interchange::ImportError>) {
        match outcome {
            Ok(imported) => {
                self.remarks.extend(imported.remarks.iter().map(|remark| format!("{name}: {remark}")));
                self.batches.push(imported.batch);
            }
            Err(error) => self.problems.push(format!("{name}: {error}")),
        }
    }
}

async fn send(name: &str, read: ReadFile, access: &Access) -> Result<Tally, Failure> {
    const SHOWN: usize = 20;
    for text in read.problems.iter().chain(&read.remarks).take(SHOWN) {
        eprintln!("headwater: {text}");
    }
    let more = (read.problems.len() + read.remarks.len()).saturating_sub(SHOWN);
    if more > 0 {
        eprintln!("headwater: {name}: and {more} more remarks");
    }
    let mut tally = Tally { problems: read.problems.len(), ..Tally::default() };
    let mut all = Batch::default();
    for mut batch in read.batches {
        all.spans.append(&mut batch.spans);
        all.logs.append(&mut batch.logs);
        if all.spans.len() >= CHUNK || all.logs.len() >= CHUNK {
            flush(&mut all, access, &mut tally).await?;
        }
    }
    flush(&mut all, access, &mut tally).await?;
    Ok(tally)
}

async fn flush(all: &mut Batch, access: &Access, tally: &mut Tally) -> Result<(), Failure> {
    let mut spans = std::mem::take(&mut all.spans).into_iter();
    let mut logs = std::mem::take(&mut all.logs).into_iter();
    loop {
        let batch = Batch { spans: spans.by_ref().take(CHUNK).collect(), logs: logs.by_ref().take(CHUNK).collect() };
        if batch.spans.is_empty() && batch.logs.is_empty() {
            return Ok(());
        }
        (tally.spans, tally.logs) = (tally.spans + batch.spans.len(), tally.logs + batch.logs.len());
        let imported = access.client.import(&batch).await.map_err(refused)?;
        if imported.rejected > 0 {
            eprintln!("headwater: {} were rejected: {}", imported.rejected, imported.message);
            tally.problems += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_whole_or_refused() {
        assert_eq!(all_of(&b"abc"[..], 3).expect("fits"), b"abc");
        let refused = all_of(&b"abcd"[..], 3).expect_err("too long");
        assert_eq!(refused.to_string(), "it holds more than 3 bytes; split it and import the parts");
    }
}
