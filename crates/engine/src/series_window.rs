//! Which time a metrics query is about, and in which steps.

use model::{Duration, Instant};
use query::Window;
use store::{Answer, SpanStore, StoreError, TimeRange, TraceOrder, TraceScan};

use crate::limits::POINTS_WANTED;
use crate::walk::join;

/// Steps that people read easily.
const ROUND_SECONDS: &[i64] =
    &[1, 5, 10, 15, 30, 60, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400];

/// A window over `time` in whole steps: its ends are moved outwards to multiples of the step, so that the same question
/// asked a moment later has the same steps. Without a step a round one is taken that gives at most [`POINTS_WANTED`] points.
///
/// # Errors
/// As for [`Window::new`].
pub fn window_of(time: TimeRange, step: Option<Duration>) -> Result<Window, String> {
    let length = time.to.0.saturating_sub(time.from.0);
    let step = step.unwrap_or_else(|| round_step(length));
    if step.0 <= 0 {
        return Err("a step takes some time, such as 15s".to_owned());
    }
    let nanos = step.0 as u64;
    let from = time.from.0 / nanos * nanos;
    let to = time.to.0.div_ceil(nanos).saturating_mul(nanos).max(from.saturating_add(nanos));
    Window::new(Instant(from), Instant(to), step)
}

fn round_step(length: u64) -> Duration {
    let least = (length / POINTS_WANTED) as i64;
    let round = ROUND_SECONDS.iter().map(|&seconds| Duration::from_secs(seconds)).find(|step| step.0 >= least);
    const DAY: i64 = 86_400_000_000_000;
    round.unwrap_or(Duration((least as u64).div_ceil(DAY as u64) as i64 * DAY))
}

/// From the start of the oldest trace to the end of the newest; none if nothing is stored.
///
/// # Errors
/// As for [`SpanStore::scan`].
pub fn stored_time(store: &dyn SpanStore) -> Result<Answer<Option<TimeRange>>, StoreError> {
    let first = |order| store.scan(&TraceScan { order, limit: 1, ..TraceScan::default() });
    let (oldest, newest) = (first(TraceOrder::Oldest)?, first(TraceOrder::Newest)?);
    let mut completeness = oldest.completeness;
    join(&mut completeness, newest.completeness);
    let mut cost = oldest.cost;
    cost += newest.cost;
    let time = oldest.value.traces.first().zip(newest.value.traces.first()).map(|(oldest, newest)| TimeRange {
        from: oldest.summary.start,
        to: newest.summary.start + newest.summary.duration + Duration(1),
    });
    Ok(Answer { value: time, completeness, cost })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn check(from: u64, to: u64, step: Option<i64>, expected: (u64, u64, i64)) {
        let time = TimeRange { from: Instant(from * SECOND), to: Instant(to * SECOND) };
        let window = window_of(time, step.map(Duration::from_secs)).expect("valid");
        let found = (window.from().0 / SECOND, window.to().0 / SECOND, window.step().0 / SECOND as i64);
        assert_eq!(found, expected);
    }

    #[test]
    fn windows_are_widened_to_whole_round_steps() {
        check(61, 119, None, (61, 119, 1));
        check(1_003, 4_597, None, (990, 4_620, 30));
        check(0, 864_000, None, (0, 864_000, 7_200));
        check(7, 8, Some(60), (0, 60, 60));
        check(60, 60, Some(60), (60, 120, 60));
        check(0, 86_400 * 36_500, None, (0, 86_400 * 36_600, 86_400 * 305));
        assert!(window_of(TimeRange::default(), Some(Duration::from_secs(1))).is_err());
        assert!(window_of(TimeRange::default(), None).is_ok());
    }
}
