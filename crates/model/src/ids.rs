//! Trace and span ids: raw bytes, printed as lower-case hex.

use std::fmt;
use std::str::FromStr;

/// Identifies a trace. All zero is invalid in OTLP and never stored.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TraceId(pub [u8; 16]);

/// Identifies a span within its trace. All zero is invalid in OTLP and never stored.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SpanId(pub [u8; 8]);

/// Text that is not an id of the expected length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseIdError {
    /// How many hex digits were expected.
    pub digits: usize,
    /// What was read, cut to a bounded length.
    pub read: String,
}

impl fmt::Display for ParseIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {} hex digits, read {:?}", self.digits, self.read)
    }
}

impl std::error::Error for ParseIdError {}

/// The bytes of `N * 2` hex digits of either case.
///
/// # Errors
/// If the text is anything else.
pub fn parse_hex<const N: usize>(text: &str) -> Result<[u8; N], ParseIdError> {
    let error = || ParseIdError { digits: N * 2, read: text.chars().take(64).collect() };
    let digits = text.as_bytes();
    if digits.len() != N * 2 {
        return Err(error());
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let high = (pair[0] as char).to_digit(16).ok_or_else(error)?;
        let low = (pair[1] as char).to_digit(16).ok_or_else(error)?;
        *byte = (high * 16 + low) as u8;
    }
    Ok(bytes)
}

macro_rules! id {
    ($name:ident, $bytes:literal) => {
        impl $name {
            /// Whether every byte is zero, which OTLP calls invalid.
            #[must_use]
            pub fn is_zero(self) -> bool {
                self.0 == [0; $bytes]
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                for byte in self.0 {
                    write!(f, "{byte:02x}")?;
                }
                Ok(())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            /// Parses hex digits of either case.
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse_hex(text).map(Self)
            }
        }
    };
}

id!(TraceId, 16);
id!(SpanId, 8);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_print_and_parse() {
        let id: TraceId = "0AF7651916cd43dd8448eb211c80319c".parse().expect("valid");
        assert_eq!(id.to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert!("0af765".parse::<TraceId>().is_err());
        assert!("zz00000000000000".parse::<SpanId>().is_err());
        assert!("é000000000000000".parse::<SpanId>().is_err());
    }
}
