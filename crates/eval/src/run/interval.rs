//! How sure a number over attempts is.
//!
//! Attempts that follow one another share the machine's mood, so that resampling them one by one would promise too narrow
//! an interval: the circular block bootstrap (Politis and Romano, 1992) draws runs of neighbours instead.

use stdx::{Random, SeededRandom};

/// Fewer attempts than this have no interval worth the name.
pub(crate) const ATTEMPTS_FOR_CONFIDENCE: usize = 5;
/// Resamples of a bootstrap: the interval's ends then move by less than 2 % between seeds.
const RESAMPLES: usize = 2_000;

/// The 95 % interval of `statistic` over the attempts' numbers, in the order in which the attempts were made; none without
/// attempts. The seed makes it the same each time a report is made.
pub(crate) fn interval(
    attempts: &[Vec<f64>],
    seed: u64,
    statistic: impl Fn(&mut Vec<f64>) -> Option<f64>,
) -> Option<(f64, f64)> {
    if attempts.is_empty() {
        return None;
    }
    let block = block_length(attempts.len());
    let random = SeededRandom::new(seed);
    let mut seen = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        let mut sample = Vec::new();
        let mut drawn = 0;
        while drawn < attempts.len() {
            let start = random.below(attempts.len() as u64) as usize;
            for step in 0..block.min(attempts.len() - drawn) {
                sample.extend(&attempts[(start + step) % attempts.len()]);
            }
            drawn += block;
        }
        seen.extend(statistic(&mut sample));
    }
    seen.sort_by(f64::total_cmp);
    let at =
        |thousandths: usize| seen.get((seen.len() * thousandths / 1_000).min(seen.len().saturating_sub(1))).copied();
    Some((at(25)?, at(974)?))
}

/// The cube root of the number of attempts: long enough for neighbours to matter, short enough to leave many blocks.
fn block_length(attempts: usize) -> usize {
    ((attempts as f64).cbrt().round() as usize).max(1)
}

/// Of numbers in any order; sorts them.
pub(crate) fn median(numbers: &mut [f64]) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    match numbers.len() {
        0 => None,
        n if n % 2 == 1 => Some(numbers[n / 2]),
        n => Some(f64::midpoint(numbers[n / 2 - 1], numbers[n / 2])),
    }
}

/// The nearest rank of a quantile; sorts the numbers.
pub(crate) fn quantile(numbers: &mut [f64], quantile: f64) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    let rank = (quantile * numbers.len() as f64).ceil() as usize;
    numbers.get(rank.clamp(1, numbers.len().max(1)) - 1).copied()
}

/// Wilson's score interval, 95 %: honest also for few attempts and for rates near 0 and 1.
pub(super) fn wilson(passed: usize, judged: usize) -> (f64, f64) {
    if judged == 0 {
        return (0.0, 1.0);
    }
    const Z: f64 = 1.959_963_985;
    let (n, rate) = (judged as f64, passed as f64 / judged as f64);
    let centre = rate + Z * Z / (2.0 * n);
    let spread = Z * (rate * (1.0 - rate) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    (((centre - spread) / scale).max(0.0), ((centre + spread) / scale).min(1.0))
}

/// Of `judged` attempts of which `passed` passed, how likely it is that of `k` drawn without putting back at least one
/// passed (pass@k, the unbiased estimator of Chen et al. 2021), and that all of them did (pass^k). None where there are
/// fewer than `k`.
pub(super) fn pass_at(passed: usize, judged: usize, k: usize) -> Option<(f64, f64)> {
    if k == 0 || k > judged {
        return None;
    }
    // C(of, k) / C(judged, k), factor by factor.
    let all_of = |of: usize| -> f64 {
        if of < k { 0.0 } else { (0..k).map(|i| (of - i) as f64 / (judged - i) as f64).product() }
    };
    Some((1.0 - all_of(judged - passed), all_of(passed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_the_books() {
        let (low, high) = wilson(8, 10);
        assert!((low - 0.490).abs() < 0.001 && (high - 0.943).abs() < 0.001, "{low} {high}");
        let (low, high) = wilson(10, 10);
        assert!((low - 0.722).abs() < 0.001 && high > 0.999, "{low} {high}");
    }

    #[test]
    fn the_median_lies_in_its_interval() {
        let numbers: Vec<Vec<f64>> = (1..=21).map(|n| vec![f64::from(n * 8 % 21 + 1)]).collect();
        let of = || interval(&numbers, 7, |sample| median(sample)).expect("there are numbers");
        let (low, high) = of();
        assert!(low < 11.0 && 11.0 < high && low >= 4.0 && high <= 18.0, "{low} {high}");
        assert_eq!(of(), (low, high));
    }

    #[test]
    fn neighbours_that_resemble_one_another_widen_the_interval() {
        // A machine that was slow for a while, against the same numbers mixed.
        let slow_for_a_while: Vec<Vec<f64>> =
            (0..40).map(|n| vec![if n / 10 % 2 == 0 { 10.0 } else { 20.0 }]).collect();
        let mixed: Vec<Vec<f64>> = (0..40).map(|n| vec![if n % 2 == 0 { 10.0 } else { 20.0 }]).collect();
        let mean = |sample: &mut Vec<f64>| Some(sample.iter().sum::<f64>() / sample.len() as f64);
        let width = |attempts: &[Vec<f64>]| {
            let (low, high) = interval(attempts, 1, mean).expect("there are numbers");
            high - low
        };
        assert!(width(&slow_for_a_while) > 1.3 * width(&mixed));
    }

    #[test]
    fn pass_at_k_and_pass_to_the_k() {
        let close = |found: Option<(f64, f64)>, any: f64, all: f64| {
            let (a, b) = found.expect("enough attempts");
            assert!((a - any).abs() < 1e-9 && (b - all).abs() < 1e-9, "{a} {b}");
        };
        close(pass_at(1, 2, 1), 0.5, 0.5);
        close(pass_at(1, 2, 2), 1.0, 0.0);
        // 1 - C(2,2)/C(5,2) = 1 - 1/10; C(3,2)/C(5,2) = 3/10.
        close(pass_at(3, 5, 2), 0.9, 0.3);
        assert_eq!(pass_at(3, 5, 6), None);
    }
}
