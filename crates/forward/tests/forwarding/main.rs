//! What forwarding promises: what arrives equals what was sent, nothing is lost while a destination is down or we
//! restart, nobody waits, and everything that is not delivered is counted.

mod fake_destination;
mod tls;

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fake_destination::{FakeDestination, Got, Reply};
use forward::{
    Activity, Compression, DestinationText, Encoding, Forwarder, ForwarderParts, Pauses, ReceivedBody, Signal,
};
use journal::{Disk, FaultyDisk};
use model::{Span, SpanId, TraceId};
use stdx::{SeededRandom, SystemClock};

fn spans(number: u64) -> Vec<Span> {
    let mut span = Span::new(TraceId([1; 16]), SpanId((number + 1).to_be_bytes()), format!("span {number}"));
    (span.start.0, span.end.0) = (number + 1, number + 5);
    span.attributes.push("number", number as i64);
    vec![span]
}

fn body(number: u64) -> ReceivedBody {
    ReceivedBody {
        signal: Signal::Traces,
        encoding: Encoding::Protobuf,
        compression: Compression::None,
        items: 1,
        bytes: otlp::encode_traces_protobuf(&spans(number)).into(),
    }
}

fn text(destination: &FakeDestination) -> DestinationText {
    DestinationText {
        name: "d".into(),
        endpoint: format!("http://{}", destination.address),
        timeout: Some(Duration::from_millis(400)),
        ..DestinationText::default()
    }
}

fn start(disk: &FaultyDisk, text: &DestinationText) -> Forwarder {
    // A second installation is refused, which is fine: tests share the process.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Forwarder::start(ForwarderParts {
        destinations: vec![text.check().expect("valid")],
        listening: Vec::new(),
        folder: "/forward".into(),
        disk: Arc::new(disk.clone()) as Arc<dyn Disk>,
        pauses: Pauses { first: Duration::from_millis(10), max: Duration::from_millis(50) },
        clock: Arc::new(SystemClock::new()),
        random: Arc::new(SeededRandom::new(7)),
    })
    .expect("starts")
}

async fn drained(forwarder: &Forwarder) -> forward::DestinationStatus {
    forwarder.drain(Duration::from_secs(20)).await;
    forwarder.status().remove(0)
}

/// The numbers of all spans that arrived, sorted.
fn numbers(got: &[Got]) -> Vec<i64> {
    let decoded = got.iter().flat_map(|got| otlp::decode_traces_protobuf(&got.body).expect("OTLP").batch.spans);
    let mut numbers: Vec<i64> =
        decoded.map(|span| span.attributes.get("number").and_then(model::Value::as_int).expect("numbered")).collect();
    numbers.sort_unstable();
    numbers
}

#[tokio::test]
async fn what_arrives_is_what_was_sent_to_the_byte() {
    let destination = FakeDestination::start(|_, _| Some(Reply::status(200))).await;
    let mut text = text(&destination);
    text.headers = vec![("x-org".into(), "us".into())];
    let forwarder = start(&FaultyDisk::new(), &text);
    // A field that we do not know must arrive too: the body is not read on its way.
    let unknown = [otlp::encode_traces_protobuf(&spans(1)), vec![0xfa, 0x3e, 1, b'x']].concat();
    forwarder.offer(&ReceivedBody { bytes: unknown.clone().into(), ..body(1) });
    let status = drained(&forwarder).await;
    let got = destination.got();
    assert_eq!(got.len(), 1);
    assert_eq!((got[0].path.as_str(), &got[0].body[..]), ("/v1/traces", &unknown[..]));
    assert_eq!(got[0].headers["content-type"], "application/x-protobuf");
    assert_eq!(got[0].headers["x-org"], "us");
    assert_eq!((status.counts.delivered_items, status.queued_requests, status.activity), (1, 0, Activity::Idle));
}

#[tokio::test]
async fn a_body_compressed_as_the_destination_takes_it_arrives_as_it_came() {
    let destination = FakeDestination::start(|_, _| Some(Reply::status(200))).await;
    let text = DestinationText { compression: Some("zstd".into()), ..text(&destination) };
    let forwarder = start(&FaultyDisk::new(), &text);
    // With a checksum, which we would not write.
    let mut encoder = zstd::Encoder::new(Vec::new(), 19).expect("memory");
    encoder.include_checksum(true).expect("memory");
    std::io::Write::write_all(&mut encoder, &body(1).bytes).expect("memory");
    let bytes: Bytes = encoder.finish().expect("memory").into();
    forwarder.offer(&ReceivedBody { bytes: bytes.clone(), compression: Compression::Zstd, ..body(1) });
    assert_eq!(drained(&forwarder).await.counts.delivered_items, 1);
    let got = destination.got().remove(0);
    assert_eq!((&got.body, &got.headers["content-encoding"]), (&bytes, &"zstd".parse().expect("valid")));
}

#[tokio::test]
async fn a_destination_that_refuses_for_a_while_misses_nothing() {
    let destination = FakeDestination::start(|number, _| Some(Reply::status(if number < 7 { 503 } else { 200 }))).await;
    let forwarder = start(&FaultyDisk::new(), &text(&destination));
    (0..100).for_each(|number| forwarder.offer(&body(number)));
    let status = drained(&forwarder).await;
    assert_eq!(numbers(&destination.got()[7..]), (0..100).collect::<Vec<i64>>());
    assert_eq!(status.counts.retried, 7);
    assert_eq!((status.counts.delivered_items, status.counts.dropped_requests), (100, 0));
}

#[tokio::test]
async fn one_that_never_answers_costs_the_receiver_nothing() {
    let destination = FakeDestination::start(|_, _| None).await;
    let forwarder = start(&FaultyDisk::new(), &text(&destination));
    let began = std::time::Instant::now();
    (0..1_000).for_each(|number| forwarder.offer(&body(number)));
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    destination.wait_for(9).await;
    let status = forwarder.status().remove(0);
    assert_eq!(status.queued_requests, 1_000);
    assert_eq!(status.counts.delivered_requests + status.counts.dropped_requests, 0);
    assert!(status.counts.retried > 0);
    assert_eq!(forwarder.drain(Duration::ZERO).await, 1_000, "all of it stays for the next start");
}

#[tokio::test]
async fn what_waits_is_sent_after_a_restart() {
    let disk = FaultyDisk::new();
    let down = FakeDestination::start(|number, _| Some(Reply::status(if number < 3 { 200 } else { 503 }))).await;
    let text = text(&down);
    let forwarder = start(&disk, &text);
    (0..3).for_each(|number| forwarder.offer(&body(number)));
    down.wait_for(3).await;
    (3..50).for_each(|number| forwarder.offer(&body(number)));
    down.wait_for(4).await;
    let left = forwarder.drain(Duration::ZERO).await;
    assert!((47..=50).contains(&left), "{left}");
    drop(forwarder);

    let address = down.address;
    drop(down);
    let up = loop {
        // The port is free once the aborted task is gone.
        if tokio::net::TcpStream::connect(address).await.is_err() {
            break FakeDestination::start_at(address, |_, _| Some(Reply::status(200))).await;
        }
    };
    let forwarder = start(&disk, &text);
    let status = drained(&forwarder).await;
    let mut arrived = numbers(&up.got());
    arrived.retain(|number| *number >= 3);
    assert_eq!(arrived, (3..50).collect::<Vec<i64>>());
    assert_eq!((status.queued_requests, status.counts.delivered_requests), (0, up.got().len() as u64));
    drop(forwarder);
    let again = start(&disk, &text);
    assert_eq!(drained(&again).await.counts.delivered_requests, 0, "nothing is sent a third time");
}

#[tokio::test]
async fn a_power_cut_loses_nothing_that_was_synced() {
    for seed in 0..10 {
        let random = SeededRandom::new(seed);
        let disk = FaultyDisk::new();
        let down = FakeDestination::start(|_, _| None).await;
        let forwarder = start(&disk, &text(&down));
        (0..30).for_each(|number| forwarder.offer(&body(number)));
        forwarder.synced().await;
        // Offered and perhaps not yet synced when the power goes.
        (30..40).for_each(|number| forwarder.offer(&body(number)));
        let crashed = disk.crash(&random);
        forwarder.drain(Duration::ZERO).await;

        let up = FakeDestination::start(|_, _| Some(Reply::status(200))).await;
        let forwarder = start(&crashed, &text(&up));
        let counts = drained(&forwarder).await.counts;
        let arrived = numbers(&up.got());
        assert_eq!(arrived[..30], (0..30).collect::<Vec<i64>>(), "seed {seed}");
        assert!(arrived.len() <= 40 && arrived.windows(2).all(|pair| pair[0] < pair[1]), "seed {seed}: {arrived:?}");
        assert_eq!(counts.delivered_requests, arrived.len() as u64);
    }
}

#[tokio::test]
async fn what_a_destination_does_not_want_is_counted() {
    let destination = FakeDestination::start(|number, _| {
        Some(match number {
            0 => Reply { status: 200, body: vec![0x0a, 6, 0x08, 1, 0x12, 2, b'n', b'o'], ..Reply::default() },
            1 => Reply { status: 400, body: b"bad span".to_vec(), ..Reply::default() },
            _ => Reply::status(200),
        })
    })
    .await;
    let forwarder = start(&FaultyDisk::new(), &text(&destination));
    for number in 0..3 {
        forwarder.offer(&body(number));
        destination.wait_for(number as usize + 1).await;
    }
    let counts = drained(&forwarder).await.counts;
    assert_eq!((counts.rejected_by_destination, counts.delivered_items), (1, 1));
    assert_eq!((counts.dropped_requests, counts.dropped_items), (1, 1));
    assert_eq!(counts.dropped_because, [("HTTP 400: bad span".to_owned(), 1)]);
    assert_eq!(counts.retried, 0, "what can never be delivered is not tried again");
}

#[tokio::test]
async fn a_full_queue_drops_and_counts() {
    let destination = FakeDestination::start(|_, _| None).await;
    let text = DestinationText { spool_bytes_max: Some(4_000), ..text(&destination) };
    let forwarder = start(&FaultyDisk::new(), &text);
    (0..100).for_each(|number| forwarder.offer(&body(number)));
    let status = forwarder.status().remove(0);
    assert!(status.counts.dropped_items > 0);
    assert_eq!(status.queued_requests + status.counts.dropped_requests, 100);
    let (reason, count) = &status.counts.dropped_because[0];
    assert_eq!(
        (reason.as_str(), *count),
        ("its queue on disk is full (4000 bytes wait)", status.counts.dropped_requests)
    );
    forwarder.drain(Duration::ZERO).await;
}

#[tokio::test]
async fn grpc_sends_the_same_message() {
    let destination =
        FakeDestination::start(|number, _| Some(Reply::grpc(if number == 0 { 14 } else { 0 }, &[0x0a, 2, 0x08, 1])))
            .await;
    let mut text = text(&destination);
    text.protocol = Some("grpc".into());
    text.compression = Some("gzip".into());
    let forwarder = start(&FaultyDisk::new(), &text);
    forwarder.offer(&body(5));
    let counts = drained(&forwarder).await.counts;
    let got = destination.got();
    assert_eq!(got.len(), 2, "UNAVAILABLE is tried again");
    assert_eq!(got[1].path, "/opentelemetry.proto.collector.trace.v1.TraceService/Export");
    assert_eq!(
        (&got[1].headers["te"], &got[1].headers["grpc-encoding"]),
        (&"trailers".parse().expect("valid"), &"gzip".parse().expect("valid"))
    );
    assert_eq!(got[1].body[0], 1, "the message is marked as compressed");
    let mut message = Vec::new();
    flate2::read::GzDecoder::new(&got[1].body[5..]).read_to_end(&mut message).expect("gzip");
    assert_eq!(message, body(5).bytes);
    assert_eq!((counts.delivered_requests, counts.retried, counts.rejected_by_destination), (1, 1, 1));
}

#[tokio::test]
async fn json_arrives_as_json_and_protobuf_as_protobuf() {
    for (protocol, compression, encoding) in [
        ("http/json", "none", Encoding::Protobuf),
        ("http/json", "gzip", Encoding::Json),
        ("http/protobuf", "zstd", Encoding::Json),
    ] {
        let destination = FakeDestination::start(|_, _| Some(Reply::status(200))).await;
        let mut text = text(&destination);
        text.protocol = Some(protocol.into());
        text.compression = Some(compression.into());
        let forwarder = start(&FaultyDisk::new(), &text);
        let plain: Bytes = match encoding {
            Encoding::Protobuf => body(3).bytes,
            Encoding::Json => otlp::encode_traces_json(&spans(3)).into(),
        };
        // As a client would send it: compressed.
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, &plain).expect("memory");
        let bytes = encoder.finish().expect("memory").into();
        forwarder.offer(&ReceivedBody { encoding, bytes, compression: Compression::Gzip, ..body(3) });
        assert_eq!(drained(&forwarder).await.counts.delivered_items, 1, "{protocol}");

        let got = destination.got().remove(0);
        let arrived = match compression {
            "gzip" => {
                let mut plain = Vec::new();
                flate2::read::GzDecoder::new(&got.body[..]).read_to_end(&mut plain).expect("gzip");
                plain
            }
            "zstd" => zstd::decode_all(&got.body[..]).expect("zstd"),
            _ => got.body.to_vec(),
        };
        let decoded = match protocol {
            "http/json" => otlp::decode_json(&arrived),
            _ => otlp::decode_traces_protobuf(&arrived),
        };
        assert_eq!(decoded.expect("OTLP").batch.spans, spans(3), "{protocol} {compression}");
        let sent = got.headers.get("content-encoding").and_then(|value| value.to_str().ok());
        assert_eq!(sent.unwrap_or("none"), compression);
    }
}

#[tokio::test]
async fn a_filter_lets_only_its_spans_through() {
    let destination = FakeDestination::start(|_, _| Some(Reply::status(200))).await;
    let text = DestinationText { filter: Some("{ span.number > 7 }".into()), ..text(&destination) };
    let forwarder = start(&FaultyDisk::new(), &text);
    (0..10).for_each(|number| forwarder.offer(&body(number)));
    let all: Vec<Span> = (5..15).flat_map(spans).collect();
    forwarder.offer(&ReceivedBody { items: 10, bytes: otlp::encode_traces_protobuf(&all).into(), ..body(0) });
    let counts = drained(&forwarder).await.counts;
    assert_eq!(numbers(&destination.got()), [8, 8, 9, 9, 10, 11, 12, 13, 14]);
    assert_eq!((counts.delivered_items, counts.filtered_items), (9, 11));
}

#[tokio::test]
async fn a_retry_hint_is_followed() {
    let destination = FakeDestination::start(|number, _| {
        Some(match number {
            0 => Reply { status: 429, headers: vec![("retry-after", "1".into())], ..Reply::default() },
            _ => Reply::status(200),
        })
    })
    .await;
    let forwarder = start(&FaultyDisk::new(), &text(&destination));
    let began = std::time::Instant::now();
    forwarder.offer(&body(0));
    drained(&forwarder).await;
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(destination.got().len(), 2);
}

#[tokio::test]
async fn sending_on_to_ourselves_is_refused() {
    let destination = FakeDestination::start(|_, _| Some(Reply::status(200))).await;
    let text =
        DestinationText { endpoint: format!("http://localhost:{}", destination.address.port()), ..text(&destination) };
    let error = Forwarder::start(ForwarderParts {
        destinations: vec![text.check().expect("valid")],
        listening: vec![destination.address],
        folder: "/forward".into(),
        disk: Arc::new(FaultyDisk::new()),
        pauses: Pauses::default(),
        clock: Arc::new(SystemClock::new()),
        random: Arc::new(SeededRandom::new(7)),
    })
    .expect_err("a circle");
    assert!(error.to_string().contains("every span would come back for ever"), "{error}");
}

#[tokio::test]
async fn two_destinations_do_not_hinder_each_other() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (up, down) =
        (FakeDestination::start(|_, _| Some(Reply::status(200))).await, FakeDestination::start(|_, _| None).await);
    let named = |name: &str, destination| DestinationText { name: name.into(), ..text(destination) };
    let parts = |names: [&str; 2]| ForwarderParts {
        destinations: vec![
            named(names[0], &up).check().expect("valid"),
            named(names[1], &down).check().expect("valid"),
        ],
        listening: Vec::new(),
        folder: "/forward".into(),
        disk: Arc::new(FaultyDisk::new()),
        pauses: Pauses::default(),
        clock: Arc::new(SystemClock::new()),
        random: Arc::new(SeededRandom::new(7)),
    };
    assert!(Forwarder::start(parts(["same", "SAME"])).is_err(), "they would share a queue");
    let forwarder = Forwarder::start(parts(["up", "down"])).expect("starts");
    (0..20).for_each(|number| forwarder.offer(&body(number)));
    assert_eq!(numbers(&up.wait_for(20).await), (0..20).collect::<Vec<i64>>());
    forwarder.drain(Duration::from_millis(50)).await;
    assert_eq!(forwarder.status()[1].queued_requests, 20);
}
