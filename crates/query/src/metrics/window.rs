//! From when to when series reach, and in which steps.

use model::{Duration, Instant};

use crate::limits::STEPS_MAX;

/// Spans that start at `from <= start < to`, in steps of equal length; the last may reach beyond `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    from: Instant,
    to: Instant,
    step: Duration,
}

impl Window {
    /// A window.
    ///
    /// # Errors
    /// What is wrong, in words: no time in it, no step, or more than [`STEPS_MAX`] steps.
    pub fn new(from: Instant, to: Instant, step: Duration) -> Result<Self, String> {
        if to <= from {
            return Err("the window ends before it begins".to_owned());
        }
        if step.0 <= 0 {
            return Err("a step takes some time, such as 15s".to_owned());
        }
        let window = Self { from, to, step };
        let steps = (to.0 - from.0).div_ceil(step.0 as u64);
        if steps > STEPS_MAX as u64 {
            return Err(format!("{steps} steps are more than {STEPS_MAX}: take a longer step or less time"));
        }
        Ok(window)
    }

    /// One step for the whole window.
    ///
    /// # Errors
    /// As for [`Window::new`].
    pub fn instant(from: Instant, to: Instant) -> Result<Self, String> {
        Self::new(from, to, to - from)
    }

    /// The first moment.
    #[must_use]
    pub fn from(&self) -> Instant {
        self.from
    }

    /// The first moment after.
    #[must_use]
    pub fn to(&self) -> Instant {
        self.to
    }

    /// How long a step is.
    #[must_use]
    pub fn step(&self) -> Duration {
        self.step
    }

    /// How many steps there are.
    #[must_use]
    pub fn steps(&self) -> usize {
        // Checked by `new` to be few.
        (self.to.0 - self.from.0).div_ceil(self.step.0 as u64) as usize
    }

    /// The moment that step `index` begins.
    #[must_use]
    pub fn start_of(&self, index: usize) -> Instant {
        Instant(self.from.0.saturating_add((index as u64).saturating_mul(self.step.0 as u64)))
    }

    /// The step that `instant` falls in; none outside.
    #[must_use]
    pub fn step_of(&self, instant: Instant) -> Option<usize> {
        (self.from <= instant && instant < self.to).then(|| ((instant.0 - self.from.0) / self.step.0 as u64) as usize)
    }
}
