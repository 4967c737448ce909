//! From a body as it was received to one as the destination takes it: decompressed, filtered, re-encoded; left exactly as
//! it is where nothing of that is needed.

use std::io::{Read as _, Write as _};

use bytes::Bytes;

use crate::body::{Encoding, ReceivedBody, Signal};
use crate::codec;
use crate::destination::{Compression, Destination, Protocol};
use crate::filter::Filter;
use crate::limits::BODY_BYTES_MAX;

/// A body ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Converted {
    /// The body as it goes on the wire, encoded and compressed for the destination; none when the filter left nothing.
    pub body: Option<Bytes>,
    /// How many spans or log records it carries.
    pub items: u64,
    /// How many the filter left out.
    pub filtered: u64,
}

/// Converts a body.
///
/// # Errors
/// What about it cannot be read, in words. The receiver read it before, so this is a fault of ours or of the disk's.
pub fn convert(
    received: &ReceivedBody,
    destination: &Destination,
    filter: Option<&Filter>,
) -> Result<Converted, String> {
    let wanted = match destination.protocol {
        Protocol::HttpProtobuf | Protocol::Grpc => Encoding::Protobuf,
        Protocol::HttpJson => Encoding::Json,
    };
    let items = u64::from(received.items);
    let is_as_wanted = received.encoding == wanted && received.compression == destination.compression;
    let (body, items, filtered) = match (filter, received.signal) {
        (None, _) if is_as_wanted => {
            return Ok(Converted { body: Some(received.bytes.clone()), items, filtered: 0 });
        }
        (None, _) if received.encoding == wanted => (decompressed(received)?, items, 0),
        (None, signal) => {
            let batch = codec::decode(signal, received.encoding, &decompressed(received)?)?;
            (codec::encode(signal, wanted, &batch), items, 0)
        }
        // A selector speaks of spans. Log records carry none of what it asks for, so they stay behind.
        (Some(_), Signal::Logs) => return Ok(Converted { body: None, items: 0, filtered: items }),
        (Some(filter), Signal::Traces) => {
            let mut batch = codec::decode(Signal::Traces, received.encoding, &decompressed(received)?)?;
            let before = batch.spans.len() as u64;
            filter.keep_matching(&mut batch);
            let kept = batch.spans.len() as u64;
            if kept == 0 {
                return Ok(Converted { body: None, items: 0, filtered: before });
            }
            (codec::encode(Signal::Traces, wanted, &batch), kept, before - kept)
        }
    };
    let compressed = compressed(body, destination.compression).map_err(|error| format!("cannot compress: {error}"))?;
    Ok(Converted { body: Some(compressed), items, filtered })
}

fn compressed(body: Bytes, compression: Compression) -> std::io::Result<Bytes> {
    match compression {
        Compression::None => Ok(body),
        Compression::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&body)?;
            encoder.finish().map(Bytes::from)
        }
        Compression::Zstd => zstd::bulk::compress(&body, zstd::DEFAULT_COMPRESSION_LEVEL).map(Bytes::from),
    }
}

fn decompressed(received: &ReceivedBody) -> Result<Bytes, String> {
    let bound = BODY_BYTES_MAX as u64 + 1;
    let mut body = Vec::new();
    let read = match received.compression {
        Compression::None => return Ok(received.bytes.clone()),
        Compression::Gzip => flate2::read::MultiGzDecoder::new(&received.bytes[..]).take(bound).read_to_end(&mut body),
        Compression::Zstd => zstd::stream::read::Decoder::new(&received.bytes[..])
            .and_then(|decoder| decoder.take(bound).read_to_end(&mut body)),
    };
    read.map_err(|error| format!("cannot decompress a body of {} bytes: {error}", received.bytes.len()))?;
    if body.len() > BODY_BYTES_MAX {
        return Err(format!("a body of more than {BODY_BYTES_MAX} bytes"));
    }
    Ok(body.into())
}
