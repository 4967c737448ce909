//! Faults carried in baggage. The entry `headwater.fault` holds, percent-encoded by the propagator, for example
//!
//! ```text
//! edge=rag->llm,status=503            the callee answers 503 instead of its handler
//! edge=rag->llm,status=503,times=2    only the first two requests of the trace
//! edge=search->vector-db,delay=5000ms the callee waits before its handler, within its server span
//! ```
//!
//! Several faults are joined by `;`. What cannot be read is ignored, as any foreign baggage would be.
//!
//! A fault acts in the callee, once per request that crosses its edge; `times` counts those requests within one trace. Only
//! a service started with `DEMO_FAULTS=on` honours it. The caller names itself in the header (or gRPC metadata) `x-caller`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, KeyValue, TraceId};

use crate::limits::FAULT_COUNTS_MAX;

/// The baggage entry.
pub(crate) const BAGGAGE_KEY: &str = "headwater.fault";
/// The header in which a caller names itself.
pub(crate) const CALLER_HEADER: &str = "x-caller";

/// A fault on one edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The calling service.
    pub caller: String,
    /// The called service, where the fault acts.
    pub callee: String,
    /// Answer with this HTTP status.
    pub status: Option<u16>,
    /// Wait so long first.
    pub delay: Option<Duration>,
    /// Act on so many requests of a trace only.
    pub times: Option<u32>,
}

impl Fault {
    /// Says on the span of `context` that it acts, and waits; the status to answer with, if it asks for one.
    pub(crate) async fn act(&self, context: &Context) -> Option<u16> {
        context.span().set_attribute(KeyValue::new("demo.fault", self.to_string()));
        if let Some(delay) = self.delay {
            tokio::time::sleep(delay).await;
        }
        self.status
    }
}

impl std::str::FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut fault = Self { caller: String::new(), callee: String::new(), status: None, delay: None, times: None };
        for part in text.split(',') {
            let (key, value) = part.split_once('=').ok_or_else(|| format!("expected key=value, read {part:?}"))?;
            let number = |what: &str| format!("expected {what}, read {value:?}");
            match key.trim() {
                "edge" => {
                    let (caller, callee) = value.split_once("->").ok_or_else(|| number("caller->callee"))?;
                    (fault.caller, fault.callee) = (caller.trim().to_owned(), callee.trim().to_owned());
                }
                "status" => fault.status = Some(value.parse().map_err(|_| number("an HTTP status"))?),
                "times" => fault.times = Some(value.parse().map_err(|_| number("a number"))?),
                "delay" => {
                    let millis = value.strip_suffix("ms").and_then(|digits| digits.parse().ok());
                    fault.delay =
                        Some(Duration::from_millis(millis.ok_or_else(|| number("milliseconds such as 500ms"))?));
                }
                other => return Err(format!("there is no {other:?} in a fault")),
            }
        }
        if fault.callee.is_empty() { Err("the edge is missing".to_owned()) } else { Ok(fault) }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "edge={}->{}", self.caller, self.callee)?;
        if let Some(status) = self.status {
            write!(f, ",status={status}")?;
        }
        if let Some(delay) = self.delay {
            write!(f, ",delay={}ms", delay.as_millis())?;
        }
        if let Some(times) = self.times {
            write!(f, ",times={times}")?;
        }
        Ok(())
    }
}

/// Whether this process takes faults from baggage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Honoured {
    /// Only where it was started so.
    Yes,
    /// As any real service.
    No,
}

/// Decides whether a fault acts on a request.
#[derive(Clone, Debug)]
pub(crate) struct Faults {
    service: String,
    honoured: Honoured,
    /// How many requests of a trace, from one caller, a fault has met.
    acted: Arc<Mutex<HashMap<(TraceId, String), u32>>>,
}

impl Faults {
    pub fn new(service: &str, honoured: Honoured) -> Self {
        Self { service: service.to_owned(), honoured, acted: Arc::default() }
    }

    /// The fault that acts on a request from `caller` with this context, if one does; counts it.
    pub fn acting(&self, context: &Context, caller: Option<&str>) -> Option<Fault> {
        if self.honoured == Honoured::No {
            return None;
        }
        let caller = caller?;
        let text = context.baggage().get(BAGGAGE_KEY)?.to_string();
        let fault = faults_in(&text).find(|fault| fault.callee == self.service && fault.caller == caller)?;
        let count = self.count(context.span().span_context().trace_id(), caller);
        fault.times.is_none_or(|times| count <= times).then_some(fault)
    }

    fn count(&self, trace: TraceId, caller: &str) -> u32 {
        let mut acted = self.acted.lock().unwrap_or_else(PoisonError::into_inner);
        if acted.len() >= FAULT_COUNTS_MAX {
            acted.clear();
        }
        let count = acted.entry((trace, caller.to_owned())).or_default();
        *count += 1;
        *count
    }
}

fn faults_in(text: &str) -> impl Iterator<Item = Fault> + '_ {
    text.split(';').filter_map(|fault| fault.parse().ok())
}

#[cfg(test)]
mod tests {
    use opentelemetry::baggage::KeyValueMetadata;
    use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceState};

    use super::*;

    #[test]
    fn faults_read_back() {
        for text in
            ["edge=rag->llm,status=503", "edge=rag->llm,status=503,times=2", "edge=search->vector-db,delay=5000ms"]
        {
            assert_eq!(text.parse::<Fault>().expect(text).to_string(), text);
        }
        for text in ["", "edge=rag", "status=503", "edge=a->b,status=x", "edge=a->b,delay=5s", "edge=a->b,colour=red"] {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
    }

    /// The context of a request of trace `trace` whose baggage holds `faults`.
    fn request(trace: u128, faults: &str) -> Context {
        let span =
            SpanContext::new(TraceId::from(trace), SpanId::from(1), TraceFlags::SAMPLED, true, TraceState::default());
        let entry = KeyValueMetadata::new(BAGGAGE_KEY, faults.to_owned(), "");
        Context::new().with_remote_span_context(span).with_baggage([entry])
    }

    #[test]
    fn faults_act_on_their_edge_only() {
        let llm = Faults::new("llm", Honoured::Yes);
        let request = request(1, "edge=search->vector-db,delay=5000ms;edge=rag->llm,status=503;nonsense");
        assert_eq!(llm.acting(&request, Some("rag")).and_then(|fault| fault.status), Some(503));
        assert_eq!(llm.acting(&request, Some("orchestrator")), None);
        assert_eq!(llm.acting(&request, None), None);
        assert_eq!(Faults::new("cache", Honoured::Yes).acting(&request, Some("rag")), None);
        assert_eq!(Faults::new("llm", Honoured::No).acting(&request, Some("rag")), None);
    }

    #[test]
    fn times_count_the_requests_of_one_trace() {
        let llm = Faults::new("llm", Honoured::Yes);
        let acts = |trace| llm.acting(&request(trace, "edge=rag->llm,status=503,times=2"), Some("rag")).is_some();
        assert_eq!([acts(1), acts(1), acts(1)], [true, true, false]);
        assert!(acts(2), "another trace counts anew");
    }
}
