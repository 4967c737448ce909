//! Which traces an analysis looks at: one, those of a run, or those that a query finds.

use std::sync::Arc;

use http::StatusCode;
use model::{Instant, Trace, TraceId};
use query::Query;
use store::{SpanStore, TimeRange};
use wire::{Completeness, LookedAt, Selection, UnixNanos};

use crate::answer::Refusal;
use crate::limits::{ANALYSED_TRACES_DEFAULT, ANALYSED_TRACES_MAX, AROUND, QUERY_BYTES_MAX};
use crate::parameters::{trace_id, window};
use crate::reader::{completeness_of, range_of};
use crate::selector;
use crate::server::Api;
use crate::task::Task;

/// A selection that could be read.
#[derive(Clone, Debug)]
pub struct Selected {
    text: String,
    from: From,
}

#[derive(Clone, Debug)]
enum From {
    Ids(Vec<TraceId>),
    Query { query: Option<Box<Query>>, time: TimeRange, traces_max: usize },
}

/// The traces that are meant, newest first, and whether these are all.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The selection in words.
    pub text: String,
    /// Their ids.
    pub ids: Vec<TraceId>,
    /// Why these are not all.
    pub completeness: Completeness,
    /// Rows and bytes that finding them took.
    pub cost: store::Cost,
}

/// Reads a selection.
///
/// # Errors
/// What cannot be read, with its place; a run that is not there.
pub fn read(api: &Api, asked: &Selection) -> Result<Selected, Refusal> {
    let given =
        |text: &Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    if let Some(trace) = given(&asked.trace) {
        let id = trace_id(&trace)?;
        return Ok(Selected { text: format!("trace {id}"), from: From::Ids(vec![id]) });
    }
    if let Some(run) = given(&asked.run) {
        return of_run(api, &run);
    }
    let now = Instant(api.clock.unix_nanos());
    let window = window(asked.since.as_deref(), asked.start.as_deref(), asked.end.as_deref(), now)?;
    let text = given(&asked.query);
    if let Some(text) = text.as_ref().filter(|text| text.len() > QUERY_BYTES_MAX) {
        let error = format!("the query has {} bytes, at most {QUERY_BYTES_MAX} are read", text.len());
        return Err(Refusal::parameter("query", error, "shorten it"));
    }
    let query = text.as_deref().map(selector::parse).transpose().map_err(Refusal::query)?.map(Box::new);
    let traces_max =
        asked.limit.map_or(ANALYSED_TRACES_DEFAULT, |limit| (limit as usize).clamp(1, ANALYSED_TRACES_MAX));
    let mut words = query.as_ref().map_or_else(|| "all traces".to_owned(), ToString::to_string);
    if let Some(since) = given(&asked.since) {
        words += &format!(" of the last {since}");
    }
    for (word, time) in [("from", given(&asked.start)), ("until", given(&asked.end))] {
        words += &time.map_or_else(String::new, |time| format!(" {word} {time}"));
    }
    Ok(Selected { text: words, from: From::Query { query, time: range_of(window), traces_max } })
}

fn of_run(api: &Api, run: &str) -> Result<Selected, Refusal> {
    let Some(found) = api.runs.run(run) else {
        return Err(Refusal::new(
            StatusCode::NOT_FOUND,
            format!("there is no run {run:?}"),
            "GET /api/v1/evals lists the runs that are kept",
        ));
    };
    let attempts = found.scenarios.iter().flat_map(|scenario| &scenario.attempts);
    let mut ids: Vec<TraceId> = attempts.filter_map(|attempt| attempt.trace_id.as_ref()?.parse().ok()).collect();
    ids.dedup();
    // The newest first, as everywhere.
    ids.reverse();
    Ok(Selected { text: format!("run {run} of {}", found.summary.suite), from: From::Ids(ids) })
}

impl Selected {
    /// The traces around a time, newest first.
    pub fn around(time: Instant) -> Self {
        let nanos = AROUND.0.unsigned_abs();
        let time = TimeRange { from: Instant(time.0.saturating_sub(nanos)), to: Instant(time.0.saturating_add(nanos)) };
        let text = format!("all traces within {} min of it", AROUND.0 / 60_000_000_000);
        Self { text, from: From::Query { query: None, time, traces_max: ANALYSED_TRACES_DEFAULT } }
    }

    /// Finds the traces.
    pub fn choose(&self, task: &Task) -> Result<Chosen, Refusal> {
        let store = task.api.reader.store();
        let mut chosen = Chosen {
            text: self.text.clone(),
            ids: Vec::new(),
            completeness: Completeness::whole(),
            cost: store::Cost::default(),
        };
        match &self.from {
            From::Ids(ids) => {
                chosen.ids.extend(ids.iter().take(ANALYSED_TRACES_MAX));
                if chosen.ids.len() < ids.len() {
                    chosen
                        .completeness
                        .lacks(format!("only {ANALYSED_TRACES_MAX} of {} traces are looked at", ids.len()));
                }
            }
            From::Query { query, time, traces_max } => {
                let answer = engine::choose(&*store, query.as_deref(), *time, *traces_max, &task.budget())
                    .map_err(|error| Refusal::unavailable(error.to_string()))?;
                chosen.ids = answer.value.ids;
                chosen.completeness.add(completeness_of(&answer.completeness));
                chosen.cost = answer.cost;
                if answer.value.more {
                    chosen.completeness.lacks(format!(
                        "only the newest {} traces are looked at: a greater `limit` takes more",
                        chosen.ids.len()
                    ));
                }
            }
        }
        task.expect(chosen.ids.len());
        Ok(chosen)
    }
}

/// What a walk over chosen traces came to, beside what its collector holds.
#[derive(Clone, Debug, Default)]
pub struct Looked {
    walked: engine::Walked,
    completeness: Option<Completeness>,
    cost: store::Cost,
}

impl Looked {
    /// Joins another part of the same walk.
    pub fn add(&mut self, other: Self) {
        self.walked.add(&other.walked);
        self.cost += other.cost;
        if let Some(theirs) = other.completeness {
            self.completeness.get_or_insert_with(Completeness::whole).add(theirs);
        }
    }

    /// Rows and bytes of the walk and of choosing.
    pub fn cost(&self, chosen: &Chosen, task: &Task) -> wire::Cost {
        wire::Cost {
            elapsed: task.api.elapsed(task.began),
            rows_scanned: self.walked.spans + chosen.cost.rows.max(chosen.cost.traces),
            bytes_read: self.cost.bytes + chosen.cost.bytes,
        }
    }

    /// For the answer.
    pub fn looked_at(&self, chosen: &Chosen) -> LookedAt {
        LookedAt {
            text: chosen.text.clone(),
            trace_count: self.walked.traces,
            span_count: self.walked.spans,
            first: self.walked.first.map(|at| UnixNanos(at.0)),
            last: self.walked.last.map(|at| UnixNanos(at.0)),
        }
    }

    /// For the answer.
    pub fn completeness(&self, chosen: &Chosen) -> Completeness {
        let mut completeness = chosen.completeness.clone();
        if let Some(own) = &self.completeness {
            completeness.add(own.clone());
        }
        let walked = &self.walked;
        if walked.unread > 0 {
            let all = walked.unread + walked.traces + walked.gone;
            completeness.lacks(format!("the time was over: {} of {all} traces were not read", walked.unread));
        }
        if walked.gone > 0 {
            completeness.lacks(format!("{} traces are not here any more", walked.gone));
        }
        completeness
    }
}

/// Reads `ids` and hands each trace to `take`.
pub fn walk(task: &Task, ids: &[TraceId], take: impl FnMut(&Trace)) -> Result<Looked, Refusal> {
    let store = task.api.reader.store();
    let answer = engine::walk(&*store, ids, &|| task.is_stopped(), &|| task.advance(), take)
        .map_err(|error| Refusal::unavailable(error.to_string()))?;
    Ok(Looked { walked: answer.value, completeness: Some(completeness_of(&answer.completeness)), cost: answer.cost })
}

/// As [`walk`] on several threads, each with a collector of its own; answers with the collectors in order.
pub fn walk_in_parts<C: Send>(
    task: &Task,
    ids: &[TraceId],
    make: impl Fn() -> C + Sync,
    take: impl Fn(&mut C, &Trace) + Sync,
) -> Result<(Looked, Vec<C>), Refusal> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(engine::limits::WALK_THREADS_MAX);
    let size = ids.len().div_ceil(threads).max(1);
    let part = |ids: &[TraceId]| {
        let mut collector = make();
        let looked = walk(task, ids, |trace| take(&mut collector, trace));
        looked.map(|looked| (looked, collector))
    };
    let parts: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = ids.chunks(size).map(|ids| scope.spawn(|| part(ids))).collect();
        threads.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
    });
    let (mut looked, mut collectors) = (Looked::default(), Vec::new());
    for part in parts {
        let (of_part, collector) = part.map_err(|_| Refusal::fault("an analysis ended early"))??;
        looked.add(of_part);
        collectors.push(collector);
    }
    Ok((looked, collectors))
}

impl crate::reader::Reader {
    /// The store itself, for work that has a thread of its own.
    pub fn store(&self) -> Arc<dyn SpanStore> {
        self.store.clone()
    }
}
