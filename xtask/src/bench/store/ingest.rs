//! What it costs to take spans: processor time, disk, memory, and the time to be there again.

use std::path::Path;

use super::generator::{DAYS, Generator, Shape};
use super::sender::{Compression, Protocol, Sent, send};
use super::server::{Server, stored_bytes};
use super::{Loaded, Scale, kept, query, verify};
use crate::bench::Figure;

/// Traces compared field by field after each load.
const COMPARED: u64 = 200;
/// After loading, upkeep may have this long to come to rest before idle memory is looked at.
const REST: std::time::Duration = std::time::Duration::from_secs(5);

fn generator(shape: Shape, seed: u64, traces: u64) -> Generator {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let began = now.as_nanos() as u64 - DAYS * 86_400_000_000_000;
    Generator { shape, seed, traces, began }
}

fn address_of(server: &Server, protocol: Protocol) -> std::net::SocketAddr {
    match protocol {
        Protocol::Http => server.http,
        Protocol::Grpc => server.grpc,
    }
}

/// Loads a fresh folder, stops the server cleanly and divides: everything is in the processor time, from decoding to the
/// last segment.
fn whole_cost(
    binary: &Path,
    protocol: Protocol,
    compression: Compression,
    generator: &Generator,
) -> Result<(f64, Sent, f64), String> {
    let folder = super::folder()?;
    let server = Server::start(binary, folder.path())?;
    let sent = send(address_of(&server, protocol), protocol, compression, generator, 0..generator.traces)?;
    kept_is(&server, sent.spans)?;
    let cpu = server.stop()?;
    let server = Server::start(binary, folder.path())?;
    kept_is(&server, sent.spans)?;
    verify::traces_are_whole(server.page, generator, generator.traces, COMPARED)?;
    server.stop()?;
    let bytes = stored_bytes(folder.path())? as f64 / sent.spans as f64;
    Ok((sent.spans as f64 / cpu.as_secs_f64(), sent, bytes))
}

fn kept_is(server: &Server, spans: u64) -> Result<(), String> {
    let kept = verify::spans_kept(server.page)?;
    if kept == spans { Ok(()) } else { Err(format!("{spans} spans were acknowledged, {kept} are kept")) }
}

/// Every way in, each on a folder of its own.
pub fn ways_in(binary: &Path, scale: &Scale) -> Result<Vec<Figure>, String> {
    let mut figures = Vec::new();
    let of_benchmark = generator(Shape::Benchmark, 2, scale.way_traces);
    for (protocol, compression, what, bar) in [
        (Protocol::Http, Compression::None, "HTTP plain, spans per CPU second", None),
        (Protocol::Http, Compression::Gzip, "HTTP gzip, spans per CPU second", None),
        (Protocol::Grpc, Compression::None, "gRPC plain, spans per CPU second", None),
        (Protocol::Grpc, Compression::Gzip, "gRPC gzip, spans per CPU second", Some(scale.grpc_gzip_bar)),
        (Protocol::Grpc, Compression::Zstd, "gRPC zstd, spans per CPU second", None),
    ] {
        let (rate, ..) = whole_cost(binary, protocol, compression, &of_benchmark)?;
        figures.push(Figure::at_least(what, rate / 1e3, bar.map(|bar| bar / 1e3), "k"));
    }
    let of_rag = generator(Shape::Rag, 3, scale.way_traces);
    let (rate, _, bytes) = whole_cost(binary, Protocol::Http, Compression::Zstd, &of_rag)?;
    figures.push(Figure::at_least("HTTP zstd, shape of our RAG system, spans per CPU second", rate / 1e3, None, "k"));
    figures.push(Figure::at_most("bytes per span on disk, shape of our RAG system", bytes, None, "B"));
    Ok(figures)
}

/// The large load into a folder that is kept; what it cost.
pub fn load_into(binary: &Path, scale: &Scale, folder: &Path) -> Result<Vec<Figure>, String> {
    let mut figures = Vec::new();
    let generator = generator(Shape::Benchmark, 1, scale.traces);
    let spans = load(binary, scale, &generator, folder, &mut figures)?;
    kept::note(folder, &generator, spans)?;
    Ok(figures)
}

/// Loads and stops cleanly; answers with the number of spans.
fn load(
    binary: &Path,
    scale: &Scale,
    generator: &Generator,
    folder: &Path,
    figures: &mut Vec<Figure>,
) -> Result<u64, String> {
    let server = Server::start(binary, folder)?;
    let memory = server.watch_memory();
    let began = std::time::Instant::now();
    let sent = send(server.http, Protocol::Http, Compression::Zstd, generator, 0..generator.traces)?;
    println!(
        "sent {} spans in {:.1} s, {:.0} B each; told to come again {} times",
        sent.spans,
        began.elapsed().as_secs_f64(),
        sent.bytes as f64 / sent.spans as f64,
        sent.throttled
    );
    let peak = memory.peak();
    kept_is(&server, sent.spans)?;
    std::thread::sleep(REST);
    let after = server.anonymous_memory()?;
    let cpu = server.stop()?;
    let rate = sent.spans as f64 / cpu.as_secs_f64();
    figures.push(Figure::at_least(
        "HTTP zstd, durable and searchable, spans per CPU second",
        rate / 1e3,
        Some(scale.http_zstd_bar / 1e3),
        "k",
    ));
    let bytes = stored_bytes(folder)? as f64 / sent.spans as f64;
    figures.push(Figure::at_most("bytes per span on disk, without the journal", bytes, Some(scale.bytes_bar), "B"));
    figures.push(Figure::at_most("memory at full speed (anonymous)", megabytes(peak), Some(600.0), "MB"));
    figures.push(Figure::at_most("memory at rest after it", megabytes(after), None, "MB"));
    Ok(sent.spans)
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// The large load, in the order of its life: ingest, rest, stop, start, questions, kill, start.
pub fn life(binary: &Path, scale: &Scale) -> Result<Vec<Figure>, String> {
    let generator = generator(Shape::Benchmark, 1, scale.traces);
    let folder = super::folder()?;
    let mut figures = Vec::new();
    let spans = load(binary, scale, &generator, folder.path(), &mut figures)?;

    let server = Server::start(binary, folder.path())?;
    let clean = server.started_in;
    kept_is(&server, spans)?;
    verify::traces_are_whole(server.page, &generator, generator.traces, COMPARED)?;
    std::thread::sleep(std::time::Duration::from_secs(1));
    figures.push(Figure::at_most("start after a clean stop", clean.as_secs_f64(), Some(0.3), "s"));
    figures.push(Figure::at_most("memory idle", megabytes(server.anonymous_memory()?), Some(120.0), "MB"));

    let loaded = Loaded { page: server.page, generator, spans };
    figures.extend(query::rows(&loaded)?);

    let more = Generator { seed: 4, traces: scale.killed_traces, ..generator };
    let added = send(server.http, Protocol::Http, Compression::Zstd, &more, 0..more.traces)?;
    server.kill();
    let server = Server::start(binary, folder.path())?;
    println!("killed; {} spans were replayed from the journal", server.replayed);
    figures.push(Figure::at_most("start after kill -9 at full speed", server.started_in.as_secs_f64(), Some(2.0), "s"));
    kept_is(&server, spans + added.spans)?;
    verify::traces_are_whole(server.page, &more, more.traces, COMPARED)?;
    server.stop()?;
    Ok(figures)
}
