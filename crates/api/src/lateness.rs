//! How long after their end spans arrive, by service: an exporter that waits long makes traces look broken until it sends.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use analysis::Sketch;
use engine::{Ailment, AilmentKind, Severity};
use model::{Duration, Instant, PackedBatch, Text};

use crate::limits::{LATE_AFTER, LATE_BATCHES_MIN, LATENESS_LIVE_MAX, LATENESS_SERVICES_MAX};

/// How long the oldest span of each batch had waited, by service, since the server started.
#[derive(Debug, Default)]
pub struct Lateness {
    services: Mutex<BTreeMap<Text, Sketch>>,
}

/// When the span of a batch that ended first did so, by service.
pub type FirstEnds = Vec<(Text, Instant)>;

/// The end of each service's span in `batch` that ended first; spans that have not ended say nothing.
pub fn first_ends(batch: &PackedBatch) -> FirstEnds {
    let mut ends: Vec<Option<Instant>> = vec![None; batch.resources.len()];
    for span in batch.spans.iter().filter(|span| span.end.0 > 0) {
        if let Some(end) = ends.get_mut(span.resource as usize) {
            *end = Some(end.map_or(span.end, |known| known.min(span.end)));
        }
    }
    let mut by_service: BTreeMap<&str, Instant> = BTreeMap::new();
    for (resource, end) in batch.resources.iter().zip(ends) {
        let Some(end) = end else { continue };
        let known = by_service.entry(resource.service_name()).or_insert(end);
        *known = end.min(*known);
    }
    by_service.into_iter().map(|(service, end)| (service.into(), end)).collect()
}

impl Lateness {
    /// A batch arrived at `now`. What ended long ago or lies ahead is a recording, or another clock, and no matter of
    /// exporters.
    pub fn add(&self, ends: FirstEnds, now: Instant) {
        let mut services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        for (service, end) in ends {
            let waited = now - end;
            let is_live = waited >= Duration::ZERO && waited <= LATENESS_LIVE_MAX;
            if is_live && (services.len() < LATENESS_SERVICES_MAX || services.contains_key(&service)) {
                services.entry(service).or_default().insert(waited);
            }
        }
    }

    /// Services most of whose batches come late.
    pub fn ailments(&self) -> Vec<Ailment> {
        let services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        let late =
            services.iter().filter(|(_, waits)| waits.count() >= LATE_BATCHES_MIN && waits.quantile(0.5) > LATE_AFTER);
        late.map(|(service, waits)| ailment(service, waits)).collect()
    }
}

fn ailment(service: &Text, waits: &Sketch) -> Ailment {
    Ailment {
        kind: AilmentKind::LateExporter,
        severity: Severity::Warning,
        service: service.clone(),
        caller: None,
        what: format!(
            "spans of {service} arrive late: the oldest of a batch ended {} before at the median, {} at P95",
            waits.quantile(0.5),
            waits.quantile(0.95)
        ),
        pattern: format!(
            "{} batches since this server started, each by the span in it that ended first; until they come, traces look broken",
            waits.count()
        ),
        remedy: format!(
            "lower OTEL_BSP_SCHEDULE_DELAY where {service} starts (5 s if not said), and the `timeout` of the batch processor of a \
             collector in between; a full queue (OTEL_BSP_MAX_QUEUE_SIZE) and a slow exporter look the same"
        ),
        traces: 0,
        evidence: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(waits: &[i64]) -> Vec<String> {
        let lateness = Lateness::default();
        let now = Instant(1_732_435_200_000_000_000);
        for wait in waits {
            let end = Instant(now.0.saturating_add_signed(-wait * 1_000_000_000));
            lateness.add(vec![("cart".into(), end)], now);
        }
        lateness.ailments().into_iter().map(|one| one.what).collect()
    }

    #[test]
    fn most_batches_must_be_late_and_recordings_do_not_count() {
        let late = told(&[30, 30, 31, 29, 30, 2]);
        assert_eq!(late.len(), 1);
        assert!(late[0].starts_with("spans of cart arrive late: the oldest of a batch ended "), "{late:?}");
        assert!(told(&[5, 5, 6, 5, 5, 60]).is_empty(), "the usual batch delay");
        assert!(told(&[30, 30, 30]).is_empty(), "too few batches");
        assert!(told(&[900_000; 9]).is_empty(), "a recording");
        assert!(told(&[-30; 9]).is_empty(), "a clock that is ahead");
    }

    #[test]
    fn of_each_service_the_span_that_ended_first_counts() {
        let span = |service: &str, end: u64| {
            let mut span = model::Span::new(model::TraceId([1; 16]), model::SpanId([1; 8]), "x");
            span.end = Instant(end);
            let attributes = [("service.name", service)].into_iter().collect();
            span.resource = std::sync::Arc::new(model::Resource { attributes, ..Default::default() });
            span
        };
        let spans = vec![span("a", 9), span("a", 7), span("b", 8), span("c", 0)];
        let mut ends = first_ends(&PackedBatch::from(&model::Batch { spans, logs: Vec::new() }));
        ends.sort();
        assert_eq!(ends, [("a".into(), Instant(7)), ("b".into(), Instant(8))]);
    }
}
