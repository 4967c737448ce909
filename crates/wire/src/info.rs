//! What this server is and how it is doing: `/api/v1/info`, `/api/v1/status`, `/api/v1/services`.

use crate::{UnixNanos, shape, words};

shape! {
    /// `GET /api/v1/info`: fixed while the server runs.
    pub struct Info {
        /// Always `headwater`.
        pub product: String,
        /// The version, such as `0.1.0`.
        pub version: String,
        /// The version of this API: 1.
        pub api_version: u32,
        /// Identifies the embedded page; equals `<meta name="headwater-ui-build">` of the page that came with it.
        pub ui_build: String,
        /// When the server started.
        pub started: UnixNanos,
        /// The server's clock at the answer.
        pub now: UnixNanos,
        /// OTLP over gRPC is taken here, `host:port`; null when it is not listening.
        pub otlp_grpc: Option<String>,
        /// OTLP over HTTP is taken here, `host:port`; null when it is not listening.
        pub otlp_http: Option<String>,
        /// The page and this API are served here, `host:port`.
        pub api: String,
        /// The data folder; null when traces are held in memory only.
        pub data_folder: Option<String>,
        /// How long traces are kept, ns; null for ever.
        pub retention_age: Option<i64>,
        /// How many bytes are kept; null without bound.
        pub retention_bytes: Option<u64>,
        /// Suites that may be started from the page: those named on the command line.
        pub suites: Vec<String>,
    }

    /// `GET /api/v1/status`: counters since the server started.
    pub struct Status {
        /// The server's clock at the answer.
        pub now: UnixNanos,
        /// What came in.
        pub receiving: Receiving,
        /// What is kept.
        pub storing: Storing,
        /// What is sent on, one entry a destination.
        pub forwarding: Vec<Forwarding>,
    }

    /// What came in.
    pub struct Receiving {
        /// Requests that were read, whatever the answer.
        pub requests: u64,
        /// Requests refused as a whole (wrong path, type, encoding, size, broken body).
        pub requests_rejected: u64,
        /// Requests told to come again (429 / RESOURCE_EXHAUSTED).
        pub requests_throttled: u64,
        /// Bytes of the bodies as received.
        pub bytes: u64,
        /// Spans accepted.
        pub spans: u64,
        /// Spans rejected one by one.
        pub spans_rejected: u64,
        /// Log records accepted.
        pub logs: u64,
        /// Log records not kept for want of a trace id.
        pub logs_without_trace: u64,
        /// Log records rejected one by one.
        pub logs_rejected: u64,
        /// Metric data points answered and not kept.
        pub metrics_not_kept: u64,
        /// Spans a second over the last few seconds.
        pub spans_per_second: f64,
        /// The last thing refused, if any.
        pub last_rejection: Option<Rejection>,
    }

    /// Something that was refused.
    pub struct Rejection {
        /// When.
        pub time: UnixNanos,
        /// Who sent it, `host:port`; empty when unknown.
        pub peer: String,
        /// What was wrong.
        pub error: String,
        /// What to do.
        pub hint: Option<String>,
    }

    /// What is kept.
    pub struct Storing {
        /// Spans stored now.
        pub spans: u64,
        /// Traces stored now.
        pub traces: u64,
        /// Bytes on disk.
        pub bytes: u64,
        /// Earliest start of a stored span; null when there is none.
        pub oldest: Option<UnixNanos>,
        /// Latest start of a stored span; null when there is none.
        pub newest: Option<UnixNanos>,
        /// Traces dropped by retention since start.
        pub traces_dropped_by_retention: u64,
        /// Why nothing can be stored just now (a full disk, an unwritable folder); null when all is well.
        pub fault: Option<String>,
    }

    /// One destination.
    pub struct Forwarding {
        /// Its name.
        pub name: String,
        /// Where it is; without user and password.
        pub endpoint: String,
        /// `grpc`, `http/protobuf` or `http/json`.
        pub protocol: String,
        /// What it is doing.
        pub state: ForwardingState,
        /// Requests waiting.
        pub queued_requests: u64,
        /// Bytes waiting, in memory and in its journal.
        pub queued_bytes: u64,
        /// Requests answered with success.
        pub delivered_requests: u64,
        /// Spans in them.
        pub delivered_spans: u64,
        /// Spans left out by the filter.
        pub filtered_spans: u64,
        /// Tries that failed and were tried again.
        pub retried: u64,
        /// Spans and log records that the destination said it rejected (`partial_success`).
        pub rejected_by_destination: u64,
        /// Requests given up.
        pub dropped_requests: u64,
        /// Spans in them.
        pub dropped_spans: u64,
        /// Why requests were given up, with counts, most frequent first.
        pub dropped_because: Vec<ReasonCount>,
        /// The last thing that went wrong.
        pub last_error: Option<String>,
        /// When.
        pub last_error_time: Option<UnixNanos>,
    }

    /// A reason and how often it applied.
    pub struct ReasonCount {
        /// The reason.
        pub reason: String,
        /// How often.
        pub count: u64,
    }

    /// `GET /api/v1/services`: every service seen, with its look.
    pub struct ServiceList {
        /// By name.
        pub services: Vec<ServiceStyle>,
    }

    /// How a service looks on every page: assigned by the server once and kept.
    pub struct ServiceStyle {
        /// The service.
        pub name: String,
        /// 0-7 plain palette slots, 8-15 the same hues hatched, 16-23 dotted.
        pub slot: u8,
        /// Two letters, unique among the services of this server.
        pub monogram: String,
    }
}

words! {
    /// What a destination is doing.
    pub enum ForwardingState {
        /// Nothing waits.
        Idle = "idle",
        /// Sending.
        Delivering = "delivering",
        /// The last try failed; it will try again.
        Retrying = "retrying",
        /// It does not send at all; `lastError` says why.
        Stopped = "stopped",
    }
}
