//! Points in time and spans of time, in integer nanoseconds.
//!
//! Never a float: at 1.7e18 ns one step of an `f64` is 256 ns, which moves critical-path time between spans.

use std::fmt;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

/// A point in time: nanoseconds since the Unix epoch, as OTLP carries it. 0 means "not set".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Instant(pub u64);

/// A span of time in nanoseconds. May be negative, since clocks run backwards; arithmetic saturates.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Duration(pub i64);

impl Instant {
    /// Nanoseconds since the Unix epoch.
    #[must_use]
    pub fn unix_nanos(self) -> u64 {
        self.0
    }
}

impl Duration {
    /// No time.
    pub const ZERO: Self = Self(0);
    /// The longest span of time, about 292 years; what arithmetic saturates at.
    pub const MAX: Self = Self(i64::MAX);

    /// From whole microseconds; saturates.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros.saturating_mul(1_000))
    }

    /// From whole milliseconds; saturates.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// From whole seconds; saturates.
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }

    /// Nanoseconds.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// This as the standard library's duration; negative becomes zero.
    #[must_use]
    pub fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_nanos(u64::try_from(self.0).unwrap_or(0))
    }

    /// From the standard library's duration; saturates.
    #[must_use]
    pub fn from_std(duration: std::time::Duration) -> Self {
        Self(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        let difference = i128::from(self.0) - i128::from(earlier.0);
        Duration(difference.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add_signed(duration.0))
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_add_signed(duration.0.saturating_neg()))
    }
}

impl Add for Duration {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Duration {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Duration {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl SubAssign for Duration {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Neg for Duration {
    type Output = Self;

    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl std::iter::Sum for Duration {
    fn sum<I: Iterator<Item = Self>>(durations: I) -> Self {
        durations.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Duration {
    /// For people: three significant digits and a unit (`12.3 ms`, `1.42 s`, `640 ns`).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let nanos = self.0.unsigned_abs();
        if nanos < 1_000 {
            return write!(f, "{sign}{nanos} ns");
        }
        // The unit is chosen after rounding, so that 999,999 ns reads "1.00 ms" and not "1000 µs".
        for (unit, size) in [("µs", 1_000_u64), ("ms", 1_000_000), ("s", 1_000_000_000)] {
            let value = nanos as f64 / size as f64;
            if value >= 999.5 && unit != "s" {
                continue;
            }
            let decimals = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
            return write!(f, "{sign}{value:.decimals$} {unit}");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        let read = |nanos| Duration(nanos).to_string();
        assert_eq!(read(0), "0 ns");
        assert_eq!(read(999), "999 ns");
        assert_eq!(read(1_234), "1.23 µs");
        assert_eq!(read(999_999), "1.00 ms");
        assert_eq!(read(12_345_678), "12.3 ms");
        assert_eq!(read(1_420_000_000), "1.42 s");
        assert_eq!(read(61_000_000_000), "61.0 s");
        assert_eq!(read(-2_000_000), "-2.00 ms");
    }

    #[test]
    fn hostile_times_saturate() {
        assert_eq!(Instant(0) - Instant(u64::MAX), Duration(i64::MIN));
        assert_eq!(Instant(u64::MAX) - Instant(0), Duration::MAX);
        assert_eq!(Instant(5) - Duration(10), Instant(0));
        assert_eq!(-Duration(i64::MIN), Duration::MAX);
    }
}
