//! The statistics that several analyses share: quantiles, spread, a rank test, many tests at once.

/// The values of timed samples, ascending.
pub(crate) fn sorted_values(samples: &[(u64, i64)]) -> Vec<i64> {
    let mut values: Vec<i64> = samples.iter().map(|&(_, value)| value).collect();
    values.sort_unstable();
    values
}

/// The value at `quantile` (0 to 1) of ascending `sorted`, nearest rank; 0 when empty.
pub(crate) fn quantile(sorted: &[i64], quantile: f64) -> i64 {
    let rank = (quantile.clamp(0.0, 1.0) * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).or(sorted.last()).copied().unwrap_or(0)
}

/// The middle of ascending `sorted`; 0 when empty.
pub(crate) fn median(sorted: &[i64]) -> i64 {
    quantile(sorted, 0.5)
}

/// The median of the distances from the median.
pub(crate) fn median_deviation(sorted: &[i64]) -> i64 {
    let middle = median(sorted);
    let mut distances: Vec<i64> = sorted.iter().map(|value| value.saturating_sub(middle).saturating_abs()).collect();
    distances.sort_unstable();
    median(&distances)
}

/// What the Mann-Whitney test says of two samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RankTest {
    /// Probability that a value of `b` is greater than one of `a`, ties counted half.
    pub(crate) b_greater: f64,
    /// Two-sided, by the normal approximation with the correction for ties.
    pub(crate) p: f64,
}

/// Compares two ascending samples by ranks.
pub(crate) fn rank_test(a: &[i64], b: &[i64]) -> RankTest {
    let (n, m) = (a.len() as f64, b.len() as f64);
    if a.is_empty() || b.is_empty() {
        return RankTest { b_greater: 0.5, p: 1.0 };
    }
    let (mut wins, mut ties_term, mut i, mut j) = (0.0_f64, 0.0_f64, 0, 0);
    while j < b.len() {
        let value = b[j];
        while i < a.len() && a[i] < value {
            i += 1;
        }
        let equal_in_a = a[i..].partition_point(|&x| x <= value);
        let equal_in_b = b[j..].partition_point(|&x| x <= value);
        wins += equal_in_b as f64 * (i as f64 + equal_in_a as f64 / 2.0);
        j += equal_in_b;
    }
    // Ties over both samples; runs of equal values within either count as well.
    let mut all: Vec<i64> = a.iter().chain(b).copied().collect();
    all.sort_unstable();
    for run in all.chunk_by(|x, y| x == y) {
        let t = run.len() as f64;
        ties_term += t * t * t - t;
    }
    let total = n + m;
    let variance = n * m / 12.0 * (total + 1.0 - ties_term / (total * (total - 1.0)).max(1.0));
    let z = if variance > 0.0 { (wins - n * m / 2.0).abs() / variance.sqrt() } else { 0.0 };
    RankTest { b_greater: wins / (n * m), p: two_sided(z) }
}

/// The probability of a standard normal value at least `z` from zero. Abramowitz and Stegun 7.1.26, error below 1.5e-7.
pub(crate) fn two_sided(z: f64) -> f64 {
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let series = [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592];
    let polynomial = series.iter().fold(0.0, |sum, factor| (sum + factor) * t);
    (polynomial * (-x * x).exp()).clamp(0.0, 1.0)
}

/// Two-sided p of a difference between two shares, pooled.
pub(crate) fn two_shares(hits_a: u64, n_a: u64, hits_b: u64, n_b: u64) -> f64 {
    let (n_a, n_b) = (n_a as f64, n_b as f64);
    let pooled = (hits_a + hits_b) as f64 / (n_a + n_b).max(1.0);
    let error = (pooled * (1.0 - pooled) * (1.0 / n_a.max(1.0) + 1.0 / n_b.max(1.0))).sqrt();
    if error > 0.0 { two_sided((hits_a as f64 / n_a - hits_b as f64 / n_b) / error) } else { 1.0 }
}

/// Benjamini and Hochberg (1995): which of these tests stand at false discovery rate `rate`.
pub(crate) fn discoveries(ps: &[f64], rate: f64) -> Vec<bool> {
    let mut order: Vec<usize> = (0..ps.len()).collect();
    order.sort_by(|&a, &b| ps[a].total_cmp(&ps[b]));
    let holds = |rank: usize| ps[order[rank]] <= rate * (rank + 1) as f64 / ps.len() as f64;
    let last = (0..ps.len()).rev().find(|&rank| holds(rank));
    let mut stands = vec![false; ps.len()];
    order.iter().take(last.map_or(0, |rank| rank + 1)).for_each(|&test| stands[test] = true);
    stands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_nearest_rank() {
        assert_eq!(quantile(&[1, 2, 3, 4], 0.5), 2);
        assert_eq!(quantile(&[1, 2, 3, 4], 1.0), 4);
        assert_eq!(quantile(&[], 0.5), 0);
        assert_eq!(median_deviation(&[1, 1, 2, 2, 4, 6, 9]), 1);
    }

    #[test]
    fn the_normal_tail_is_known() {
        assert!((two_sided(1.959_964) - 0.05).abs() < 1e-5);
        assert!((two_sided(0.0) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn ranks_agree_with_counting() {
        let test = rank_test(&[1, 2, 2, 5], &[2, 3, 7]);
        assert!((test.b_greater - 9.0 / 12.0).abs() < 1e-12); // 2: 1 + 2/2; 3: 3; 7: 4
        assert!(rank_test(&[4; 50], &[4; 50]).p > 0.99);
        let (low, high): (Vec<i64>, Vec<i64>) = ((0..50).collect(), (25..75).collect());
        assert!(rank_test(&low, &high).p < 1e-6);
    }

    #[test]
    fn false_discoveries_are_bounded() {
        assert_eq!(discoveries(&[0.01, 0.02, 0.9, 0.04], 0.05), [true, true, false, false]);
        assert!(discoveries(&[], 0.05).is_empty());
    }
}
