//! What a body is: its signal, its format, its compression; and how it becomes a batch.

use std::cell::RefCell;
use std::fmt;
use std::io::Read;

use otlp::DecodedPacked;
use zstd::zstd_safe::DCtx;

use crate::limits::{DECOMPRESSED_BYTES_MAX, EXPECTED_BYTES_MAX, EXPECTED_RATIO, PIECE_BYTES, ZSTD_WINDOW_LOG_MAX};

/// What a request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Spans.
    Traces,
    /// Log records.
    Logs,
}

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// OTLP protobuf.
    Protobuf,
    /// OTLP JSON.
    Json,
}

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Not at all.
    Identity,
    /// gzip (RFC 1952).
    Gzip,
    /// zstd (RFC 8878).
    Zstd,
}

/// The three together: what is needed to decode a body again, as small numbers that a journal can keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BodyKind {
    /// Traces or logs.
    pub signal: Signal,
    /// Protobuf or JSON.
    pub format: Format,
    /// Compressed how.
    pub encoding: Encoding,
}

impl BodyKind {
    /// The tags of signal, format and encoding. They are written to disk: never change one.
    #[must_use]
    pub fn tags(self) -> [u8; 3] {
        let signal = match self.signal {
            Signal::Traces => 1,
            Signal::Logs => 2,
        };
        let format = match self.format {
            Format::Protobuf => 1,
            Format::Json => 2,
        };
        let encoding = match self.encoding {
            Encoding::Identity => 0,
            Encoding::Gzip => 1,
            Encoding::Zstd => 2,
        };
        [signal, format, encoding]
    }

    /// The kind with these tags; none if there is no such kind.
    #[must_use]
    pub fn from_tags([signal, format, encoding]: [u8; 3]) -> Option<Self> {
        let signal = match signal {
            1 => Signal::Traces,
            2 => Signal::Logs,
            _ => return None,
        };
        let format = match format {
            1 => Format::Protobuf,
            2 => Format::Json,
            _ => return None,
        };
        let encoding = match encoding {
            0 => Encoding::Identity,
            1 => Encoding::Gzip,
            2 => Encoding::Zstd,
            _ => return None,
        };
        Some(Self { signal, format, encoding })
    }
}

/// A body that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// It is larger than allowed once decompressed.
    TooLarge,
    /// It does not decompress.
    Compression(String),
    /// It is not OTLP.
    Decode(String),
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(
                f,
                "the body has more than {} MiB once decompressed: send smaller batches",
                DECOMPRESSED_BYTES_MAX >> 20
            ),
            Self::Compression(problem) => {
                write!(f, "the body does not decompress: {problem}; check that content-encoding says what was done")
            }
            Self::Decode(problem) => write!(f, "cannot decode the body: {problem}"),
        }
    }
}

impl std::error::Error for BodyError {}

/// Decompresses and decodes a body.
///
/// # Errors
/// What is wrong with it; nothing of it is kept then.
pub fn decode_body(kind: BodyKind, body: &[u8]) -> Result<DecodedPacked, BodyError> {
    let plain = decompress::<BodyError>(kind.encoding, body, &mut |_| Ok(()))?;
    decode_plain(kind, plain.as_deref().unwrap_or(body))
}

/// Decodes a body that is not, or no more, compressed.
pub(crate) fn decode_plain(kind: BodyKind, plain: &[u8]) -> Result<DecodedPacked, BodyError> {
    let decoded = match (kind.format, kind.signal) {
        (Format::Protobuf, Signal::Traces) => otlp::decode_traces_protobuf_packed(plain),
        (Format::Protobuf, Signal::Logs) => otlp::decode_logs_protobuf(plain).map(DecodedPacked::from),
        (Format::Json, _) => otlp::decode_json_packed(plain),
    };
    decoded.map_err(|error| BodyError::Decode(error.to_string()))
}

/// The plain bytes; none where the body is plain already. `hold` is asked for every piece whether it may be held.
pub(crate) fn decompress<E: From<BodyError>>(
    encoding: Encoding,
    body: &[u8],
    hold: &mut dyn FnMut(usize) -> Result<(), E>,
) -> Result<Option<Vec<u8>>, E> {
    match encoding {
        Encoding::Identity => Ok(None),
        Encoding::Gzip => read_bounded(flate2::read::MultiGzDecoder::new(body), expected(body), hold).map(Some),
        Encoding::Zstd => {
            if let Some(bytes) = announced(body) {
                hold(bytes)?;
                if let Some(plain) = at_once(body, bytes) {
                    return Ok(Some(plain));
                }
            }
            let broken = |error: std::io::Error| BodyError::Compression(error.to_string());
            let mut decoder = zstd::stream::read::Decoder::new(body).map_err(broken)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(broken)?;
            read_bounded(decoder, expected(body), hold).map(Some)
        }
    }
}

/// How many bytes the body's first frame says it has; none if it does not say, or more than is asked for on its word.
fn announced(body: &[u8]) -> Option<usize> {
    let bytes = zstd::zstd_safe::get_frame_content_size(body).ok().flatten()?;
    usize::try_from(bytes).ok().filter(|&bytes| bytes <= EXPECTED_BYTES_MAX)
}

/// The plain bytes, in one step and with a context that is used again; none if they are more than announced, or broken:
/// whoever reads piece by piece then tells what is wrong.
fn at_once(body: &[u8], announced: usize) -> Option<Vec<u8>> {
    thread_local! {
        static CONTEXT: RefCell<Option<DCtx<'static>>> = const { RefCell::new(None) };
    }
    let mut plain = Vec::with_capacity(announced);
    CONTEXT.with_borrow_mut(|context| {
        let context = context.get_or_insert_with(DCtx::create);
        context.decompress(&mut plain, body).ok()
    })?;
    Some(plain)
}

/// About how many bytes the body has once decompressed, so that memory is mostly asked for once.
fn expected(body: &[u8]) -> usize {
    (body.len() * EXPECTED_RATIO).min(EXPECTED_BYTES_MAX)
}

fn read_bounded<E: From<BodyError>>(
    mut reader: impl Read,
    expected: usize,
    hold: &mut dyn FnMut(usize) -> Result<(), E>,
) -> Result<Vec<u8>, E> {
    let mut plain = Vec::with_capacity(expected);
    loop {
        let piece = reader.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut plain);
        let bytes = piece.map_err(|error| BodyError::Compression(error.to_string()))?;
        if plain.len() > DECOMPRESSED_BYTES_MAX {
            return Err(BodyError::TooLarge.into());
        }
        hold(bytes)?;
        if bytes < PIECE_BYTES {
            return Ok(plain);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_read_back() {
        for signal in [Signal::Traces, Signal::Logs] {
            for format in [Format::Protobuf, Format::Json] {
                for encoding in [Encoding::Identity, Encoding::Gzip, Encoding::Zstd] {
                    let kind = BodyKind { signal, format, encoding };
                    assert_eq!(BodyKind::from_tags(kind.tags()), Some(kind));
                }
            }
        }
        assert_eq!(BodyKind::from_tags([0, 1, 0]), None);
    }
}
