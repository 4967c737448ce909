//! How many spans each received span stands for, where it says that others like it were not kept.
//!
//! Told by OpenTelemetry's `tracestate` (`ot=th:c`: three quarters were rejected, so that it stands for four; the older
//! `ot=p:2` for two to the power of 2), by `SampleRate` (it stands for so many), by `sampling.ratio` or `sampling.probability`
//! (this share was kept), or by Jaeger's `sampler.type=probabilistic` with `sampler.param`. A span that says nothing stands for
//! as many as its parent.

use model::{Span, Text, Trace, Value};

use crate::limits::WEIGHT_MAX;

/// How many spans a span stands for, in thousandths, so that sums do not depend on their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Weight(pub u64);

impl Weight {
    /// For itself alone.
    pub const ONE: Self = Self(1_000);

    fn of_share(kept: f64) -> Option<Self> {
        let is_share = kept > 0.0 && kept <= 1.0;
        is_share.then(|| Self(((1_000.0 / kept).round() as u64).min(WEIGHT_MAX.saturating_mul(1_000))))
    }
}

/// The weight of each span, in the order of [`Trace::spans`]; none where no span of the trace says that it was sampled.
#[must_use]
pub fn weights(trace: &Trace) -> Option<Vec<Weight>> {
    let own: Vec<Option<Weight>> = trace.spans().iter().map(weight_of).collect();
    // A span that says that all were kept stands for itself alone, as one that says nothing.
    if own.iter().all(|own| own.is_none_or(|own| own == Weight::ONE)) {
        return None;
    }
    let mut weights: Vec<Weight> = own.iter().map(|own| own.unwrap_or(Weight::ONE)).collect();
    for (span, _) in trace.depth_first() {
        if let (None, Some(parent)) = (own[span as usize], trace.parent(span)) {
            weights[span as usize] = weights[parent as usize];
        }
    }
    Some(weights)
}

/// What the span itself says.
fn weight_of(span: &Span) -> Option<Weight> {
    of_trace_state(&span.trace_state).or_else(|| of_attributes(span))
}

/// <https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/>
fn of_trace_state(state: &Text) -> Option<Weight> {
    let ot = state.split(',').find_map(|member| member.trim().strip_prefix("ot="))?;
    let value = |name: &str| ot.split(';').find_map(|part| part.strip_prefix(name));
    if let Some(digits) = value("th:") {
        // Hex digits of the rejected share, those at the end left out where they are zero: at most 14, which are 56 bits.
        if digits.is_empty() || digits.len() > 14 {
            return None;
        }
        let rejected = u64::from_str_radix(digits, 16).ok()? << (4 * (14 - digits.len()));
        return Weight::of_share(((1_u64 << 56) - rejected) as f64 / (1_u64 << 56) as f64);
    }
    let power: i32 = value("p:")?.parse().ok()?;
    (0..=62).contains(&power).then(|| Weight::of_share(2.0_f64.powi(-power)))?
}

fn of_attributes(span: &Span) -> Option<Weight> {
    let number = |key: &str| {
        let value = span.attributes.get(key).or_else(|| span.resource.attributes.get(key))?;
        match value {
            Value::String(text) => text.parse().ok(),
            other => other.as_double(),
        }
    };
    if let Some(rate) = number("SampleRate").filter(|rate| *rate >= 1.0) {
        return Weight::of_share(1.0 / rate);
    }
    let share = number("sampling.ratio").or_else(|| number("sampling.probability"));
    let jaeger = || {
        let kind = span.attributes.text("sampler.type").or_else(|| span.resource.attributes.text("sampler.type"));
        kind.filter(|kind| *kind == "probabilistic").and_then(|_| number("sampler.param"))
    };
    share.or_else(jaeger).and_then(Weight::of_share)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weight(state: &str) -> Option<u64> {
        of_trace_state(&state.into()).map(|weight| weight.0)
    }

    #[test]
    fn the_threshold_of_trace_state_is_the_rejected_share() {
        // Cases of the specification: 0 is "all kept", c three quarters, 8 a half.
        assert_eq!(weight("ot=th:0"), Some(1_000));
        assert_eq!(weight("other=1,ot=rv:1;th:c"), Some(4_000));
        assert_eq!(weight("ot=th:8"), Some(2_000));
        assert_eq!(weight("ot=th:fd70a4"), Some(100_000));
        assert_eq!(weight("ot=p:3"), Some(8_000));
        assert_eq!(weight("ot=th:ffffffffffffff"), Some(WEIGHT_MAX * 1_000));
        for broken in ["", "ot=th:", "ot=th:x", "ot=th:123456789012345", "ot=p:63", "ot=p:-1", "th:c"] {
            assert_eq!(weight(broken), None, "{broken}");
        }
    }
}
