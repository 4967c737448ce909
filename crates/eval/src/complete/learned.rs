//! What earlier traces taught: how long each service's exporter holds spans back, and whether the other side of a call
//! sends spans of its own. Kept from run to run through [`Settings`].

use std::collections::{BTreeMap, VecDeque};

use model::{Duration, Instant, Span, Trace};
use serde::{Deserialize, Serialize};

use super::call;
use crate::limits::{LEARNED_CALLS_MAX, LEARNED_DELAYS_MAX, LEARNED_SERVICES_MAX};
use crate::source::Settings;

/// The name in the settings.
const NAME: &str = "eval.learned";

/// How long to wait for a service that was never seen: OpenTelemetry's batch processors export every 5 s unless told
/// otherwise, and the export itself takes time.
pub(crate) const UNSEEN_INTERVAL: Duration = Duration::from_millis(6_500);

/// Fewer exports than this say little: one may have been lucky to end just before its exporter's tick.
const SEEN_ENOUGH: usize = 3;

/// Longer delays are a clock that is wrong or a queue that was stuck, not an interval.
const DELAY_MAX: Duration = Duration::from_secs(120);

/// What is remembered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Learned {
    /// Export delays seen, ns, newest last, by service.
    services: BTreeMap<String, VecDeque<i64>>,
    /// What lies behind each call.
    calls: BTreeMap<String, Callee>,
}

/// The other side of a call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Callee {
    /// The service that answered with spans of its own.
    service: Option<String>,
    /// How often the trace was whole without any.
    silent: u32,
}

/// What is known of the other side of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OtherSide<'a> {
    Unknown,
    /// It sends spans.
    Service(&'a str),
    /// It does not.
    Untraced,
}

impl Learned {
    /// What was kept, or nothing: a text that cannot be read is one that is learned anew.
    #[must_use]
    pub fn load(settings: &dyn Settings) -> Self {
        settings.read(NAME).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    /// Keeps it.
    pub fn save(&self, settings: &dyn Settings) {
        if let Ok(text) = serde_json::to_string(self) {
            settings.write(NAME, &text);
        }
    }

    /// How long a service's spans may be held back: after so much silence nothing more is to be expected of it.
    #[must_use]
    pub fn interval(&self, service: &str) -> Duration {
        let Some(delays) = self.services.get(service).filter(|delays| !delays.is_empty()) else {
            return UNSEEN_INTERVAL;
        };
        let longest = delays.iter().copied().max().unwrap_or_default();
        let count = delays.len() as i64;
        // Of n delays spread evenly over an interval, the longest is n/(n+1) of it; plus half and 100 ms for the export
        // and for machines under load.
        let interval = longest.saturating_add(longest / count).saturating_mul(3) / 2;
        let interval = Duration(interval.saturating_add(100_000_000));
        if delays.len() < SEEN_ENOUGH { interval.max(UNSEEN_INTERVAL) } else { interval }
    }

    /// Learns from spans that arrived together.
    pub(crate) fn arrived(&mut self, spans: &[(&Span, Instant)]) {
        // Of the spans of one service in one arrival, the one that ended first waited longest.
        let mut longest: BTreeMap<(&str, Instant), Duration> = BTreeMap::new();
        for (span, arrived) in spans.iter().filter(|(span, _)| span.end.0 != 0) {
            let delay = *arrived - span.end;
            if delay > DELAY_MAX {
                continue;
            }
            let delay = delay.max(Duration::ZERO);
            let entry = longest.entry((span.service_name(), *arrived)).or_insert(delay);
            *entry = (*entry).max(delay);
        }
        for ((service, _), delay) in longest {
            if self.services.len() >= LEARNED_SERVICES_MAX && !self.services.contains_key(service) {
                continue;
            }
            let delays = self.services.entry(service.to_owned()).or_default();
            delays.push_back(delay.nanos());
            if delays.len() > LEARNED_DELAYS_MAX {
                delays.pop_front();
            }
        }
    }

    /// Learns from a trace that turned out whole.
    pub(crate) fn was_whole(&mut self, trace: &Trace) {
        for (position, span) in trace.spans().iter().enumerate() {
            if span.kind != model::SpanKind::CLIENT || span.is_error() {
                continue;
            }
            let children = trace.children(position as model::SpanIndex);
            let answering = children
                .iter()
                .map(|&child| trace.span(child))
                .find(|child| child.kind == model::SpanKind::SERVER || child.service_name() != span.service_name());
            if answering.is_none() && !children.is_empty() {
                continue;
            }
            let key = call::key(span);
            if self.calls.len() >= LEARNED_CALLS_MAX && !self.calls.contains_key(&key) {
                continue;
            }
            let callee = self.calls.entry(key).or_default();
            match answering {
                Some(answering) => callee.service = Some(answering.service_name().to_owned()),
                None => callee.silent = callee.silent.saturating_add(1),
            }
        }
    }

    pub(super) fn other_side(&self, span: &Span) -> OtherSide<'_> {
        match self.calls.get(&call::key(span)) {
            Some(Callee { service: Some(service), .. }) => OtherSide::Service(service),
            Some(Callee { silent: 1.., .. }) => OtherSide::Untraced,
            _ => OtherSide::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Resource, SpanId, TraceId};
    use std::sync::Arc;

    fn ended(service: &str, end_ms: u64) -> Span {
        let mut span = Span::new(TraceId([1; 16]), SpanId([1; 8]), "x");
        span.end = Instant(end_ms * 1_000_000);
        let attributes = [("service.name", service)].into_iter().collect();
        span.resource = Arc::new(Resource { attributes, ..Resource::default() });
        span
    }

    #[test]
    fn intervals_follow_what_exporters_were_seen_to_do() {
        let mut learned = Learned::default();
        assert_eq!(learned.interval("fast"), UNSEEN_INTERVAL);
        for _ in 0..5 {
            learned.arrived(&[(&ended("fast", 1_000), Instant(1_020_000_000))]);
            learned.arrived(&[(&ended("slow", 1_000), Instant(6_000_000_000))]);
        }
        assert!(learned.interval("fast") < Duration::from_millis(150), "{}", learned.interval("fast"));
        assert!(learned.interval("slow") > Duration::from_secs(5), "{}", learned.interval("slow"));
    }

    #[test]
    fn one_lucky_export_does_not_make_an_exporter_fast() {
        let mut learned = Learned::default();
        learned.arrived(&[(&ended("s", 1_000), Instant(1_010_000_000))]);
        assert_eq!(learned.interval("s"), UNSEEN_INTERVAL);
    }

    #[test]
    fn what_was_learned_survives_in_the_settings() {
        let mut learned = Learned::default();
        learned.arrived(&[(&ended("s", 1_000), Instant(1_010_000_000))]);
        let text = serde_json::to_string(&learned).expect("prints");
        assert_eq!(serde_json::from_str::<Learned>(&text).expect("reads"), learned);
    }
}
