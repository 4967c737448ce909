//! A store in memory, as simple as can be: what the API promises must not hang on how spans are kept.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use model::{Batch, Instant, Trace, TraceId, TraceSummary};
use store::{
    Answer, Arrival, AttributeScope, Cost, Cursor, FoundTrace, JournalRecord, KnownKey, KnownValue, MinuteAggregate,
    Predicate, Receipt, Shortfall, SpanStore, StoreError, TimeRange, TraceOrder, TracePage, TraceScan, ValueType,
};

#[derive(Default)]
pub struct MemoryStore {
    traces: Mutex<BTreeMap<TraceId, Batch>>,
    /// Every read of a trace says that a segment is damaged.
    pub damaged: AtomicBool,
}

impl MemoryStore {
    fn all(&self) -> Vec<Trace> {
        let traces = self.traces.lock().expect("not poisoned");
        traces.iter().map(|(&id, batch)| Trace::assemble(id, batch.spans.clone(), batch.logs.clone())).collect()
    }
}

fn complete<T>(value: T) -> Result<Answer<T>, StoreError> {
    Ok(Answer::complete(value, Cost::default()))
}

impl SpanStore for MemoryStore {
    fn append(&self, batch: Batch, _record: JournalRecord) -> Result<Receipt, StoreError> {
        let mut traces = self.traces.lock().expect("not poisoned");
        for span in batch.spans {
            traces.entry(span.trace_id).or_default().spans.push(span);
        }
        for log in batch.logs {
            traces.entry(log.trace_id.expect("joins a trace")).or_default().logs.push(log);
        }
        Ok(Receipt::nothing())
    }

    fn trace(&self, id: TraceId) -> Result<Answer<Option<Arc<Trace>>>, StoreError> {
        let mut answer = complete(self.all().into_iter().find(|trace| trace.id() == id).map(Arc::new))?;
        if self.damaged.load(Ordering::Relaxed) {
            let (file, problem) = ("segments/000000000007".to_owned(), "checksum".to_owned());
            answer.completeness.shortfalls.push(Shortfall::DamagedSegment { file, problem });
        }
        Ok(answer)
    }

    fn summaries(&self, ids: &[TraceId]) -> Result<Answer<Vec<TraceSummary>>, StoreError> {
        let all = self.all();
        let find = |id: &TraceId| all.iter().find(|trace| trace.id() == *id).map(analysis::summarise);
        complete(ids.iter().filter_map(find).collect())
    }

    fn scan(&self, scan: &TraceScan) -> Result<Answer<TracePage>, StoreError> {
        let mut found: Vec<FoundTrace> = self
            .all()
            .iter()
            .filter(|trace| scan.predicates.iter().all(|predicate| holds(trace, predicate)))
            .filter_map(|trace| {
                let matched_spans = match &scan.residual {
                    Some(residual) => Some(residual(trace)?),
                    None => None,
                };
                Some(FoundTrace { summary: analysis::summarise(trace), matched_spans })
            })
            .filter(|found| scan.time.contains(found.summary.start))
            .collect();
        found.sort_by_key(|found| (std::cmp::Reverse(found.summary.start), found.summary.trace_id));
        if scan.order == TraceOrder::Longest {
            found.sort_by_key(|found| std::cmp::Reverse(found.summary.duration));
        }
        let at = |found: &FoundTrace| Some(found.summary.trace_id);
        let begin = scan.cursor.map_or(0, |cursor| {
            found.iter().position(|found| at(found) == Some(cursor.trace_id)).map_or(found.len(), |at| at + 1)
        });
        let more = found.len() > begin + scan.limit;
        let traces: Vec<FoundTrace> = found.into_iter().skip(begin).take(scan.limit).collect();
        let next = traces.last().filter(|_| more).map(|last| Cursor {
            key: 0,
            start: last.summary.start,
            trace_id: last.summary.trace_id,
        });
        complete(TracePage { traces, next })
    }

    fn keys(&self, _time: TimeRange) -> Result<Answer<Vec<KnownKey>>, StoreError> {
        let mut counts: BTreeMap<(AttributeScope, String, ValueType), u64> = BTreeMap::new();
        for trace in self.all() {
            for span in trace.spans() {
                for (scope, attributes) in
                    [(AttributeScope::Span, &span.attributes), (AttributeScope::Resource, &span.resource.attributes)]
                {
                    for (key, value) in attributes.iter() {
                        *counts.entry((scope, key.to_string(), ValueType::of(value))).or_default() += 1;
                    }
                }
            }
        }
        let known = counts.into_iter().map(|((scope, key, value_type), count)| KnownKey {
            scope,
            key: key.into(),
            value_type,
            count,
        });
        complete(known.collect())
    }

    fn values(
        &self,
        scope: AttributeScope,
        key: &str,
        _time: TimeRange,
        limit: usize,
    ) -> Result<Answer<Vec<KnownValue>>, StoreError> {
        let mut known: Vec<KnownValue> = Vec::new();
        for trace in self.all() {
            for span in trace.spans() {
                let attributes =
                    if scope == AttributeScope::Span { &span.attributes } else { &span.resource.attributes };
                let Some(value) = attributes.get(key) else { continue };
                match known.iter_mut().find(|known| known.value == *value) {
                    Some(known) => known.count += 1,
                    None => known.push(KnownValue { value: value.clone(), count: 1 }),
                }
            }
        }
        known.truncate(limit);
        complete(known)
    }

    fn aggregates(&self, _time: TimeRange) -> Result<Answer<Vec<MinuteAggregate>>, StoreError> {
        complete(Vec::new())
    }

    fn delete_trace(&self, id: TraceId) -> Result<u64, StoreError> {
        let gone = self.traces.lock().expect("not poisoned").remove(&id);
        Ok(gone.map_or(0, |batch| batch.spans.len() as u64))
    }

    fn last_arrival(&self, _id: TraceId) -> Option<Instant> {
        None
    }

    fn subscribe(&self) -> tokio::sync::broadcast::Receiver<Arrival> {
        tokio::sync::broadcast::channel(1).1
    }
}

fn holds(trace: &Trace, predicate: &Predicate) -> bool {
    trace.spans().iter().any(|span| match predicate {
        Predicate::Service(service) => span.service_name() == &**service,
        Predicate::SpanName(name) => span.name == *name,
        Predicate::SpanStatus(status) => span.status.code == *status,
        Predicate::SpanKind(kind) => span.kind == *kind,
        Predicate::HasError(error) => span.is_error() == *error,
        // Predicates only narrow; the residual decides.
        _ => true,
    })
}
