//! Every bound of this crate, each with its reason.

use std::time::Duration;

/// Connections of one edge at once; more wait to be accepted.
pub const CONNECTIONS_MAX: usize = 4_096;
/// Requests at once on one HTTP/2 connection: a caller with many requests under way has them on one.
pub const STREAMS_MAX: u32 = 4_096;
/// Headers of one request or answer.
pub const HEADERS_MAX: usize = 200;
/// Bytes of the headers of one HTTP/2 request or answer: baggage and gRPC metadata may be long.
pub const HEADER_BYTES_MAX: u32 = 1024 * 1024;
/// How long the rest of an answer that is thrown away is waited for, so that the callee does all of its work; a stream of
/// events may never end.
pub const THROWN_AWAY_MAX: Duration = Duration::from_secs(10);
/// Idle connections to a callee are closed before the callee closes them (Node does after 5 s): a request on a connection
/// that is just being closed would fail by our doing.
pub const IDLE_MAX: Duration = Duration::from_secs(4);
/// Before a connection is dropped amid an answer: what was sent before must have left.
pub const DROP_PAUSE: Duration = Duration::from_millis(20);
/// A slow answer comes in so many steps a second.
pub const SLOW_STEPS: u64 = 20;
/// After a failed accept: out of file descriptors, say; trying again at once would spin.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Edges of one process.
pub const EDGES_MAX: usize = 1_000;
/// Faults put in and not yet ended.
pub const LEASES_MAX: usize = 100_000;
/// Bytes of a request to the control API.
pub const CONTROL_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of an answer of the control API, as its asker takes it.
pub const CONTROL_ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How long the control API is waited for.
pub const CONTROL_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a fault lasts at most that was put in through the control API: whoever put it in may be gone.
pub const LEASE_MAX: Duration = Duration::from_secs(3_600);
/// How long it lasts if nothing is said.
pub const LEASE: Duration = Duration::from_secs(300);
