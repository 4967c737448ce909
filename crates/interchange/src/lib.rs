//! Traces written by others: Jaeger JSON and Zipkin v2 JSON to the model, and which format a file is in.
//!
//! What a format says and the model has a place for is carried over; what has none, and what is broken, becomes a
//! [`Remark`] with its place while the rest is imported. Reads bytes, opens no file; compression is the caller's.
//!
//! ```
//! let file = br#"[{"traceId":"5aab74dbb904746b","id":"e457b5a2e4d86bd1","name":"get","timestamp":7,"duration":2,
//!     "localEndpoint":{"serviceName":"frontend"}}]"#;
//! assert_eq!(interchange::detect(file), Some(interchange::Format::ZipkinJson));
//! let imported = interchange::decode_zipkin(file).unwrap();
//! assert_eq!(imported.batch.spans[0].service_name(), "frontend");
//! assert_eq!(imported.batch.spans[0].duration().nanos(), 2_000);
//! ```
//!
//! | file | what |
//! | --- | --- |
//! | `detect.rs` | [`detect`]: which [`Format`] a file is in |
//! | `jaeger.rs` | [`decode_jaeger`]: the UI's export, bare traces, spans with their parents nested inside |
//! | `zipkin.rs` | [`decode_zipkin`]: version 2, one trace or many |
//! | `imported.rs` | [`Imported`], [`Remark`], [`ImportError`] |
//! | `ids.rs`, `fields.rs` | ids of other lengths; numbers, times and values as others write them |
//! | `limits.rs` | every bound |

mod detect;
mod fields;
mod ids;
mod imported;
mod jaeger;
pub mod limits;
mod zipkin;

pub use detect::{Format, detect};
pub use imported::{ImportError, Imported, Remark};
pub use jaeger::decode_jaeger;
pub use zipkin::decode_zipkin;
