//! Stored traces for a runner that drives nothing: the queries of a suite answered, traces looked up through the API.

use std::fmt;
use std::sync::Arc;

use client::{Client, TraceQuery};
use eval::suite::Suite;
use eval::{Arrivals, Cursor, Plan, RunOptions, SourceError, TraceSource};
use futures_util::future::BoxFuture;
use model::{Batch, Trace, TraceId};

use crate::access::refused;
use crate::exit::Failure;

/// Traces asked for on one page.
const PAGE: usize = 200;

/// Answers the queries of the suite's `traces` targets from the server at `client`.
pub async fn answer_queries(suite: &mut Suite, client: &Client) -> Result<(), Failure> {
    for traces in suite.stored_queries() {
        let since = traces.since.map(|since| format!("{}ns", since.nanos()));
        traces.found = find(client, &traces.query, since, traces.limit as usize).await?;
    }
    Ok(())
}

/// The newest traces that a query finds.
pub async fn find(client: &Client, query: &str, since: Option<String>, limit: usize) -> Result<Vec<TraceId>, Failure> {
    let mut found = Vec::new();
    let mut asked = TraceQuery { query: Some(query.to_owned()), since, ..TraceQuery::default() };
    while found.len() < limit {
        asked.limit = Some(PAGE.min(limit - found.len()));
        let page = client.traces(&asked).await.map_err(refused)?;
        for reason in page.completeness.reasons {
            eprintln!("headwater: not all traces were looked at: {reason}");
        }
        found.extend(page.traces.iter().filter_map(|row| row.trace_id.parse::<TraceId>().ok()));
        asked.cursor = page.next_cursor;
        if asked.cursor.is_none() {
            break;
        }
    }
    Ok(found)
}

/// Whether a suite needs a store before it can be planned.
pub fn asks_for_stored(suite: &mut Suite) -> bool {
    suite.stored_queries().next().is_some()
}

/// Plans a suite, its queries answered by the server at `url` first.
pub async fn plan(mut suite: Suite, options: RunOptions, url: &str) -> Result<Plan, Failure> {
    if asks_for_stored(&mut suite) {
        answer_queries(&mut suite, &crate::access::connect(url).await?).await?;
    }
    Plan::new(Arc::new(suite), options).map_err(|error| Failure::usage(error.message))
}

/// Traces of a server, none of which is waited for.
pub struct LookedUp(pub Arc<Client>);

impl fmt::Debug for LookedUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LookedUp").finish_non_exhaustive()
    }
}

impl TraceSource for LookedUp {
    fn unread(&self, _trace_id: TraceId) -> usize {
        0
    }

    fn arrivals(&self, _trace_id: TraceId, after: Cursor) -> BoxFuture<'_, Result<Arrivals, SourceError>> {
        Box::pin(std::future::ready(Ok(Arrivals { cursor: after, ..Arrivals::default() })))
    }

    fn changed(&self, _trace_id: TraceId, _after: Cursor) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }

    fn stored(&self, trace_id: TraceId) -> BoxFuture<'_, Result<Option<Trace>, SourceError>> {
        Box::pin(async move { ask(&self.0, trace_id).await })
    }
}

/// A trace of the server at `client`.
pub async fn ask(client: &Client, trace_id: TraceId) -> Result<Option<Trace>, SourceError> {
    client.trace(trace_id).await.map_err(|error| SourceError { message: error.to_string() })
}

/// Keeps none of the runner's own spans: what is judged again is not changed by it.
#[derive(Debug)]
pub struct NoSink;

impl eval::SpanSink for NoSink {
    fn deliver(&self, _batch: Batch) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}
