//! Deadlines and bounds of the demo.

use std::time::Duration;

/// The gateway answers within this time.
pub const GATEWAY_DEADLINE: Duration = Duration::from_secs(3);
/// A message that stores points may have this many bytes: all passages come in one.
pub const UPSERT_BYTES_MAX: usize = 64 << 20;
/// Search tries this often to fill the vector database when it starts.
pub const FILL_ATTEMPTS: u32 = 20;
/// The pause after the first such try; after the second it is twice as long, after the third three times.
pub const FILL_PAUSE: Duration = Duration::from_millis(50);
/// A callee's message of an error is cut to so many characters before it is handed on.
pub const ERROR_MESSAGE_CHARS_MAX: usize = 300;
/// What the answerer takes for each token, unless it is told otherwise.
pub const TOKEN_PACE: Duration = Duration::from_micros(700);
/// The vector database has this long.
pub const VECTOR_DB_DEADLINE: Duration = Duration::from_secs(1);
/// Each attempt at the LLM has this long.
pub const LLM_DEADLINE: Duration = Duration::from_secs(2);
/// Attempts at the LLM, the first included.
pub const LLM_ATTEMPTS: u32 = 3;
/// The pause before the second attempt; it doubles each time.
pub const LLM_BACKOFF: Duration = Duration::from_millis(50);
/// Passages that search hands on.
pub const PASSAGES_FOUND: usize = 5;
/// Questions may have this many bytes.
pub const QUESTION_BYTES_MAX: usize = 8 << 10;
/// Entries that the embedded cache holds.
pub const CACHE_ENTRIES_MAX: usize = 10_000;
/// How long an answer is kept.
pub const CACHE_EXPIRY: Duration = Duration::from_secs(300);
/// Pairs of a trace and a caller whose requests are counted for `times` at once; more than that, and the count begins anew.
pub const FAULT_COUNTS_MAX: usize = 10_000;
/// A service must say its address within this time (the polyglot ones start an interpreter).
pub const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the last words of a service that ended are waited for.
pub const LAST_WORDS_TIMEOUT: Duration = Duration::from_secs(1);
/// A service may take this long to flush and end before it is killed.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(8);
/// Lines of a service's standard error that are kept, for the message when something goes wrong.
pub const LOG_LINES_MAX: usize = 20;
/// A longer line is cut.
pub const LOG_LINE_BYTES_MAX: usize = 2 << 10;
/// One step of setting a polyglot service up (it downloads packages) may take this long.
pub const SETUP_TIMEOUT: Duration = Duration::from_secs(300);
/// So many of its last lines are shown when such a step fails.
pub const SETUP_OUTPUT_LINES: usize = 15;
