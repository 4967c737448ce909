//! Where a received batch goes: into the store, to whoever watches, on to other destinations. The sender is answered when
//! the store has synced it and the forwarders' journals have it too.

use std::sync::Arc;
use std::time::Duration;

use api::Feed;
use eval::WatchedTraces;
use forward::{Compression, Forwarder, ReceivedBody};
use futures_util::future::BoxFuture;
use ingest::{BodyKind, Encoding, Format, Received, Refusal, Signal, Sink};
use model::{Batch, PackedBatch};
use store::{EmbeddedStore, JournalRecord, SpanStore as _, StoreError};

/// How long an answer waits for the forwarders' journals. A disk that hangs must not hang the receiver: the batch is
/// safe in the store by then.
const FORWARD_SYNC_MAX: Duration = Duration::from_secs(1);

/// What overloaded senders are told to wait.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The one sink of a receiver.
#[derive(Debug, Clone)]
pub struct Pipeline {
    pub store: Arc<EmbeddedStore>,
    pub feed: Arc<Feed>,
    pub forwarder: Arc<Forwarder>,
    /// The traces that an evaluation in this process waits for.
    pub watched: Arc<WatchedTraces>,
}

impl Pipeline {
    async fn take(&self, batch: Arc<PackedBatch>, kind: BodyKind, body: bytes::Bytes) -> Result<(), Refusal> {
        let store = Arc::clone(&self.store);
        let record = record_of(kind, body.clone());
        let notice = self.feed.notice(&batch);
        let appended = Arc::clone(&batch);
        // The store may have to wait for its disk.
        let receipt = tokio::task::spawn_blocking(move || store.append_packed(appended, record)).await;
        let receipt = receipt.map_err(|error| unavailable(&error.to_string()))?.map_err(refusal)?;
        self.feed.publish(notice);
        self.watched.receive_packed(&batch);
        self.forwarder.offer(&forwarded(kind, body, &batch));
        let synced = tokio::time::timeout(FORWARD_SYNC_MAX, self.forwarder.synced());
        let (stored, _) = futures_util::future::join(receipt, synced).await;
        stored.map_err(refusal)
    }
}

impl Pipeline {
    async fn own(&self, batch: Batch, signal: Signal, body: Vec<u8>) {
        let kind = BodyKind { signal, format: Format::Protobuf, encoding: Encoding::Identity };
        if let Err(refused) = self.take(Arc::new(PackedBatch::from(&batch)), kind, body.into()).await {
            eprintln!("headwater: the runner's own spans and results could not be kept: {refused:?}");
        }
    }
}

impl Sink for Pipeline {
    fn accept(&self, received: Arc<Received>) -> BoxFuture<'_, Result<(), Refusal>> {
        Box::pin(async move { self.take(Arc::clone(&received.batch), received.kind, received.body.clone()).await })
    }
}

/// The runner's own spans go the same way as everybody's, written as OTLP protobuf first.
impl eval::SpanSink for Pipeline {
    fn deliver(&self, batch: Batch) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let Batch { spans, logs } = batch;
            // As from anybody else, each signal in a request of its own: what is journaled and sent on is the request.
            if !spans.is_empty() {
                let body = otlp::encode_traces_protobuf(&spans);
                self.own(Batch { spans, logs: Vec::new() }, Signal::Traces, body).await;
            }
            if !logs.is_empty() {
                let body = otlp::encode_logs_protobuf(&logs);
                self.own(Batch { spans: Vec::new(), logs }, Signal::Logs, body).await;
            }
        })
    }
}

fn record_of(kind: BodyKind, body: bytes::Bytes) -> JournalRecord {
    let [signal, format, encoding] = kind.tags();
    JournalRecord { signal, format, encoding, body }
}

/// Decodes a journaled body again; handed to the store.
pub fn decode_record(record: &JournalRecord) -> Result<PackedBatch, String> {
    let tags = [record.signal, record.format, record.encoding];
    let kind = BodyKind::from_tags(tags).ok_or_else(|| format!("a body of the unknown kind {tags:?}"))?;
    ingest::decode_body(kind, &record.body).map(|decoded| decoded.batch).map_err(|error| error.to_string())
}

fn forwarded(kind: BodyKind, bytes: bytes::Bytes, batch: &PackedBatch) -> ReceivedBody {
    ReceivedBody {
        signal: match kind.signal {
            Signal::Traces => forward::Signal::Traces,
            Signal::Logs => forward::Signal::Logs,
        },
        encoding: match kind.format {
            Format::Protobuf => forward::Encoding::Protobuf,
            Format::Json => forward::Encoding::Json,
        },
        compression: match kind.encoding {
            Encoding::Identity => Compression::None,
            Encoding::Gzip => Compression::Gzip,
            Encoding::Zstd => Compression::Zstd,
        },
        items: u32::try_from(batch.spans.len() + batch.logs.len()).unwrap_or(u32::MAX),
        bytes,
    }
}

fn refusal(error: StoreError) -> Refusal {
    if error.is_overload() {
        Refusal::Overloaded { reason: error.to_string(), retry_after: RETRY_AFTER }
    } else {
        unavailable(&error.to_string())
    }
}

fn unavailable(reason: &str) -> Refusal {
    Refusal::Unavailable { reason: reason.to_owned() }
}
