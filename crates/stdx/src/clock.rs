//! Wall time and monotonic time, handed in.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time. Handed in, so that a test can be at any moment and eight hours can pass in a second.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Wall time in nanoseconds since the Unix epoch. May jump, also backwards.
    fn unix_nanos(&self) -> u64;

    /// Nanoseconds since some fixed point; never runs backwards. Use it for waiting and measuring.
    fn monotonic_nanos(&self) -> u64;
}

/// The operating system's clock.
#[derive(Debug)]
pub struct SystemClock {
    started: std::time::Instant,
}

impl SystemClock {
    /// A clock whose monotonic zero is now.
    #[must_use]
    pub fn new() -> Self {
        Self { started: std::time::Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn unix_nanos(&self) -> u64 {
        // A machine whose clock stands before 1970 reads as 0 rather than stopping the server.
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }

    fn monotonic_nanos(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug, Default)]
pub struct ManualClock {
    unix_nanos: AtomicU64,
    monotonic_nanos: AtomicU64,
}

impl ManualClock {
    /// A clock standing at `unix_nanos`.
    #[must_use]
    pub fn at(unix_nanos: u64) -> Self {
        Self { unix_nanos: AtomicU64::new(unix_nanos), monotonic_nanos: AtomicU64::new(0) }
    }

    /// Moves both times forward by `nanos`.
    pub fn advance(&self, nanos: u64) {
        self.unix_nanos.fetch_add(nanos, Ordering::SeqCst);
        self.monotonic_nanos.fetch_add(nanos, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn unix_nanos(&self) -> u64 {
        self.unix_nanos.load(Ordering::SeqCst)
    }

    fn monotonic_nanos(&self) -> u64 {
        self.monotonic_nanos.load(Ordering::SeqCst)
    }
}
