//! What is sent on: a request's body as it was received, and how it lies in the journal.
//!
//! ```text
//! byte 0      version of this layout: 1
//! byte 1      signal: 0 traces, 1 logs
//! byte 2      encoding: 0 protobuf, 1 JSON
//! byte 3      compression: 0 none, 1 gzip, 2 zstd
//! bytes 4..8  how many spans or log records, little endian
//! then        the body
//! ```

use bytes::Bytes;

use crate::destination::Compression;

/// Which OTLP request a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    /// `ExportTraceServiceRequest`.
    Traces,
    /// `ExportLogsServiceRequest`.
    Logs,
}

/// How a body is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Protobuf.
    Protobuf,
    /// OTLP's JSON.
    Json,
}

/// A request's body as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedBody {
    /// Which request it is.
    pub signal: Signal,
    /// How it is encoded.
    pub encoding: Encoding,
    /// How it is compressed.
    pub compression: Compression,
    /// How many spans or log records it carries.
    pub items: u32,
    /// The body.
    pub bytes: Bytes,
}

const VERSION: u8 = 1;
const HEADER_BYTES: usize = 8;

impl ReceivedBody {
    /// What stands before the body in the journal.
    #[must_use]
    pub fn header(&self) -> [u8; HEADER_BYTES] {
        let signal = match self.signal {
            Signal::Traces => 0,
            Signal::Logs => 1,
        };
        let encoding = match self.encoding {
            Encoding::Protobuf => 0,
            Encoding::Json => 1,
        };
        let compression = match self.compression {
            Compression::None => 0,
            Compression::Gzip => 1,
            Compression::Zstd => 2,
        };
        let [a, b, c, d] = self.items.to_le_bytes();
        [VERSION, signal, encoding, compression, a, b, c, d]
    }

    /// Reads a record of the journal; none if it is not one of ours.
    #[must_use]
    pub fn decode(record: &Bytes) -> Option<Self> {
        let (header, _) = record.split_first_chunk::<HEADER_BYTES>()?;
        let [VERSION, signal, encoding, compression, items @ ..] = *header else { return None };
        Some(Self {
            signal: [Signal::Traces, Signal::Logs].get(signal as usize).copied()?,
            encoding: [Encoding::Protobuf, Encoding::Json].get(encoding as usize).copied()?,
            compression: *[Compression::None, Compression::Gzip, Compression::Zstd].get(compression as usize)?,
            items: u32::from_le_bytes(items),
            bytes: record.slice(HEADER_BYTES..),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_survives_the_journal() {
        for signal in [Signal::Traces, Signal::Logs] {
            for encoding in [Encoding::Protobuf, Encoding::Json] {
                for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
                    let bytes = Bytes::from_static(b"body");
                    let body = ReceivedBody { signal, encoding, compression, items: 70_000, bytes };
                    let record = Bytes::from([&body.header()[..], &body.bytes].concat());
                    assert_eq!(ReceivedBody::decode(&record), Some(body));
                }
            }
        }
    }

    #[test]
    fn what_is_not_ours_is_refused() {
        for record in
            [&b""[..], b"\x01\0\0\0\0\0\0", b"\x02\0\0\0\0\0\0\0", b"\x01\x02\0\0\0\0\0\0", b"\x01\0\0\x03\0\0\0\0"]
        {
            assert_eq!(ReceivedBody::decode(&Bytes::copy_from_slice(record)), None, "{record:?}");
        }
    }
}
