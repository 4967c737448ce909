//! What gRPC and HTTP both do with a body: read it within bounds, decode it, hand it on, count.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use model::Instant;
use otlp::DecodedPacked;
use stdx::Clock;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::body::{BodyError, decode_plain, decompress};
use crate::counters::Rejection;
use crate::limits::{
    BODY_BYTES_MAX, BODY_IDLE_TIMEOUT, EXPECTED_BYTES_MAX, IN_FLIGHT_BYTES_MAX, INLINE_BYTES_MAX, RETRY_AFTER,
};
use crate::{BodyKind, Counters, Encoding, Format, Received, Refusal, Signal, Sink};

/// What every connection shares.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub sinks: Vec<Arc<dyn Sink>>,
    pub counters: Arc<Counters>,
    pub clock: Arc<dyn Clock>,
    /// One permit a byte (see [`IN_FLIGHT_BYTES_MAX`]).
    in_flight: Arc<Semaphore>,
}

/// A request that is refused as a whole.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Sending it again makes no sense: something about it is wrong.
    Bad {
        /// What kind of wrong, for the counters.
        kind: &'static str,
        /// What was wrong and what to do.
        message: String,
    },
    /// It is larger than allowed.
    TooLarge(String),
    /// Come again.
    Overloaded { message: String, retry_after: Duration },
    /// Nothing can be stored just now.
    Unavailable(String),
}

impl Refused {
    /// What was wrong and what to do.
    pub fn message(&self) -> &str {
        match self {
            Self::Bad { message, .. }
            | Self::TooLarge(message)
            | Self::Overloaded { message, .. }
            | Self::Unavailable(message) => message,
        }
    }

    /// After how many seconds sending it again makes sense; none if it never does. Without such a hint, OTLP clients take
    /// RESOURCE_EXHAUSTED as final.
    pub fn retry_seconds(&self) -> Option<u64> {
        let wait = match self {
            Self::Bad { .. } | Self::TooLarge(_) => return None,
            Self::Overloaded { retry_after, .. } => *retry_after,
            Self::Unavailable(_) => RETRY_AFTER,
        };
        Some(wait.as_secs().max(1))
    }
}

/// What was kept and what was set aside, for the answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub rejected: u64,
    pub message: String,
}

/// A body and the permission to hold its bytes.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub bytes: Bytes,
    held: Held,
}

/// The permission to hold bytes, until it is dropped.
#[derive(Debug)]
struct Held {
    in_flight: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Held {
    /// Adds `bytes` to what may be held, or asks to come again.
    fn hold(&mut self, bytes: usize) -> Result<(), Refused> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let more = Arc::clone(&self.in_flight).try_acquire_many_owned(bytes).map_err(|_| Refused::Overloaded {
            message: format!(
                "{} MiB of bodies are being worked on already: send again later",
                IN_FLIGHT_BYTES_MAX >> 20
            ),
            retry_after: RETRY_AFTER,
        })?;
        match &mut self.permit {
            Some(permit) => permit.merge(more),
            None => self.permit = Some(more),
        }
        Ok(())
    }
}

impl Admitted {
    /// Hands the plain bytes to `decode`, on a thread where that may take its time. The permission goes with the bytes:
    /// they are counted for as long as they are there, also when nobody waits for the answer any more.
    async fn decode<T: Send + 'static>(
        self,
        encoding: Encoding,
        decode: impl FnOnce(&[u8]) -> Result<T, BodyError> + Send + 'static,
    ) -> Result<(T, Self), Refused> {
        let is_quick = encoding == Encoding::Identity && self.bytes.len() <= INLINE_BYTES_MAX;
        let work = move || {
            let Self { bytes, mut held } = self;
            let plain = decompress(encoding, &bytes, &mut |piece| held.hold(piece))?;
            let decoded = decode(plain.as_deref().unwrap_or(&bytes))?;
            Ok((decoded, Self { bytes, held }))
        };
        if is_quick {
            return work();
        }
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|error| Refused::Unavailable(format!("decoding failed: {error}")))?
    }
}

impl Exchange {
    pub fn new(sinks: Vec<Arc<dyn Sink>>, counters: Arc<Counters>, clock: Arc<dyn Clock>) -> Self {
        Self { sinks, counters, clock, in_flight: Arc::new(Semaphore::new(IN_FLIGHT_BYTES_MAX)) }
    }

    /// Reads a body, piece by piece, as far as bounds allow.
    pub async fn read(&self, mut body: Incoming) -> Result<Admitted, Refused> {
        let too_large = || {
            Refused::TooLarge(format!(
                "the body has more than {} MiB: send smaller batches, or compress",
                BODY_BYTES_MAX >> 20
            ))
        };
        if body.size_hint().lower() > BODY_BYTES_MAX as u64 {
            return Err(too_large());
        }
        // As announced, within reason: an announcement costs its sender nothing.
        let announced = usize::try_from(body.size_hint().lower()).unwrap_or(0).min(EXPECTED_BYTES_MAX);
        let mut bytes = BytesMut::with_capacity(announced);
        let mut held = Held { in_flight: Arc::clone(&self.in_flight), permit: None };
        loop {
            let frame = tokio::time::timeout(BODY_IDLE_TIMEOUT, body.frame()).await;
            let frame = frame
                .map_err(|_| bad("body-timeout", format!("nothing of the body came for {BODY_IDLE_TIMEOUT:?}")))?;
            let Some(frame) = frame else { break };
            let frame = frame.map_err(|error| bad("body-broken-off", format!("the body broke off: {error}")))?;
            let Some(data) = frame.data_ref() else { continue };
            if bytes.len() + data.len() > BODY_BYTES_MAX {
                return Err(too_large());
            }
            held.hold(data.len())?;
            bytes.extend_from_slice(data);
        }
        self.counters.body(bytes.len());
        Ok(Admitted { bytes: bytes.freeze(), held })
    }

    /// Decodes a body of traces or logs and hands it to every sink.
    pub async fn export(&self, kind: BodyKind, admitted: Admitted, peer: SocketAddr) -> Result<Outcome, Refused> {
        let (decoded, admitted) = admitted.decode(kind.encoding, move |plain| decode_plain(kind, plain)).await?;
        self.counters.set_aside(&decoded);
        let outcome = outcome_of(kind.signal, &decoded);
        let (spans, logs) = (decoded.batch.spans.len(), decoded.batch.logs.len());
        if !decoded.batch.is_empty() {
            let received = Received { batch: Arc::new(decoded.batch), kind, body: admitted.bytes.clone(), peer };
            self.hand_on(Arc::new(received)).await?;
        }
        self.counters.accepted(spans, logs);
        Ok(outcome)
    }

    async fn hand_on(&self, received: Arc<Received>) -> Result<(), Refused> {
        let accepting = self.sinks.iter().map(|sink| sink.accept(Arc::clone(&received)));
        futures_util::future::try_join_all(accepting).await?;
        Ok(())
    }

    /// Metrics are counted and not kept.
    pub async fn metrics(&self, format: Format, encoding: Encoding, admitted: Admitted) -> Result<Outcome, Refused> {
        let count = move |plain: &[u8]| {
            let points = match format {
                Format::Protobuf => otlp::count_metric_points_protobuf(plain),
                Format::Json => otlp::count_metric_points_json(plain),
            };
            points.map_err(|error| BodyError::Decode(error.to_string()))
        };
        let (points, _) = admitted.decode(encoding, count).await?;
        self.counters.metrics(points);
        let message =
            if points == 0 { "" } else { "Headwater keeps traces and logs, not metrics: send metrics elsewhere" };
        Ok(Outcome { rejected: points, message: message.to_owned() })
    }

    /// Counts a refusal and remembers it as the last.
    pub fn count(&self, refused: &Refused, peer: SocketAddr) {
        let kind = match refused {
            Refused::Overloaded { .. } => return self.counters.throttled(),
            Refused::Unavailable(_) => "unavailable",
            Refused::Bad { kind, .. } => kind,
            Refused::TooLarge(_) => "too-large",
        };
        let time = Instant(self.clock.unix_nanos());
        self.counters.rejected(kind, Rejection { time, peer, message: refused.message().to_owned() });
    }
}

fn outcome_of(signal: Signal, decoded: &DecodedPacked) -> Outcome {
    let mut rejected = decoded.rejected.spans + decoded.rejected.logs;
    let mut message = decoded.rejected.message();
    if signal == Signal::Logs && decoded.logs_without_trace > 0 {
        rejected += decoded.logs_without_trace;
        let separator = if message.is_empty() { "" } else { "; " };
        message += &format!(
            "{separator}{} x log record without a trace id, which no trace could show",
            decoded.logs_without_trace
        );
    }
    Outcome { rejected, message }
}

pub(crate) fn bad(kind: &'static str, message: impl Into<String>) -> Refused {
    Refused::Bad { kind, message: message.into() }
}

impl From<BodyError> for Refused {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::TooLarge(error.to_string()),
            BodyError::Compression(_) => bad("broken-compression", error.to_string()),
            BodyError::Decode(_) => bad("broken-body", error.to_string()),
        }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Overloaded { reason, retry_after } => Self::Overloaded { message: reason, retry_after },
            Refusal::Unavailable { reason } => Self::Unavailable(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use stdx::ManualClock;

    use super::*;

    /// What becomes of so many zeros, compressed to next to nothing, where a megabyte may be held.
    async fn answers(zeros: usize) -> [Result<Outcome, Refused>; 2] {
        let mut exchange = Exchange::new(Vec::new(), Arc::default(), Arc::new(ManualClock::at(0)));
        exchange.in_flight = Arc::new(Semaphore::new(1 << 20));
        let bytes: Bytes = zstd::encode_all(&*vec![0; zeros], 1).expect("compressed").into();
        assert!(bytes.len() < 1_000);
        let admitted = || Admitted {
            bytes: bytes.clone(),
            held: Held { in_flight: Arc::clone(&exchange.in_flight), permit: None },
        };
        let kind = BodyKind { signal: Signal::Traces, format: Format::Protobuf, encoding: Encoding::Zstd };
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        let answers = [
            exchange.export(kind, admitted(), peer).await,
            exchange.metrics(Format::Json, Encoding::Zstd, admitted()).await,
        ];
        assert_eq!(exchange.in_flight.available_permits(), 1 << 20, "given back");
        answers
    }

    #[tokio::test]
    async fn what_a_body_becomes_counts_as_held() {
        for answer in answers(2 << 20).await {
            assert!(matches!(answer, Err(Refused::Overloaded { .. })), "{answer:?}");
        }
        for answer in answers(1 << 20).await {
            assert!(matches!(answer, Err(Refused::Bad { kind: "broken-body", .. })), "{answer:?}");
        }
    }
}
