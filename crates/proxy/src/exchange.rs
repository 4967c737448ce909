//! One request and its answer.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use fault::{Cut, Doom, End, InjectedAnswer, Kind, RuleId};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use crate::answer_body::{AnswerBody, CalleeBody, CutBody, SlowBody};
use crate::callee::{Own, without_connection};
use crate::edge::Edge;
use crate::limits::THROWN_AWAY_MAX;
use crate::upgrade::{self, Upgraded};

/// The exchange ends without an answer, or amid it: the connection is dropped.
#[derive(Debug)]
pub(crate) struct Broken(String);

impl Broken {
    /// As a fault asked for.
    pub fn asked_for() -> Self {
        Self("dropped by a fault".to_owned())
    }

    /// By the callee, or on the way.
    pub fn new(error: impl std::error::Error) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Broken {}

/// What became of one request, for the counters.
pub(crate) struct Fate {
    edge: Arc<Edge>,
    hit: AtomicBool,
}

impl Fate {
    pub fn came_about(&self, rule: RuleId, kind: Kind) {
        let first = !self.hit.swap(true, Ordering::Relaxed);
        self.edge.with_book(|book| {
            book.came_about(rule, kind);
            if first {
                book.was_hit();
            }
        });
    }

    /// The callee broke off.
    pub fn broke_off(&self) {
        self.edge.with_book(fault::RuleBook::was_broken);
    }
}

/// Answers a request: by its callee, or as the edge's rules say.
pub(crate) async fn exchange(
    edge: Arc<Edge>,
    upgraded: Upgraded,
    mut request: Request<Incoming>,
) -> Result<Response<AnswerBody>, Broken> {
    let trace = trace_of(request.headers());
    let doom = edge.meet(trace);
    let fate = Arc::new(Fate { edge: Arc::clone(&edge), hit: AtomicBool::new(false) });
    wait(&doom, &fate).await;
    match doom.end {
        Some((End::Answer(answer), rule)) => {
            fate.came_about(rule, Kind::Status);
            return Ok(injected(&edge, &answer, request.headers()));
        }
        Some((End::DropRequest, rule)) => {
            fate.came_about(rule, Kind::Drop);
            return Err(Broken::asked_for());
        }
        _ => {}
    }
    strip(&doom, request.headers_mut(), &fate);
    let is_head = request.method() == Method::HEAD;
    let answer = match pass_on(&edge, &upgraded, request).await? {
        Passed::Answer(answer) => answer,
        Passed::Own(answer) => return Ok(answer),
    };
    let slow = |answer: Response<AnswerBody>| match doom.bandwidth {
        Some((rate, rule)) => {
            let fate = Arc::clone(&fate);
            answer.map(|body| AnswerBody::Slow(Box::new(SlowBody::new(body, rate, rule, fate))))
        }
        None => answer,
    };
    match doom.end {
        Some((End::DropAnswer, rule)) => {
            // Counted before: a caller who gives up meanwhile has met it.
            fate.came_about(rule, Kind::Drop);
            // To its end, so that the callee does all of its work.
            let mut body = CalleeBody::new(answer.into_body(), Arc::clone(&fate));
            let rest = async { while let Some(Ok(_)) = body.frame().await {} };
            let _ = tokio::time::timeout(THROWN_AWAY_MAX, rest).await;
            Err(Broken::asked_for())
        }
        Some((End::Cut(cut), rule)) if !is_head => Ok(slow(cut_body(answer, cut, rule, Arc::clone(&fate)))),
        _ => Ok(slow(answer.map(|body| AnswerBody::Passed(CalleeBody::new(body, fate.clone()))))),
    }
}

/// The trace of a request; none if it names none, or several.
fn trace_of(headers: &HeaderMap) -> Option<model::TraceId> {
    let mut values = headers.get_all("traceparent").iter();
    let (first, second) = (values.next()?, values.next());
    if second.is_some() { None } else { fault::trace_id_of(first.to_str().ok()?) }
}

async fn wait(doom: &Doom, fate: &Fate) {
    if doom.delayed_by.is_empty() {
        return;
    }
    // Counted before: a caller who gives up meanwhile has met it.
    doom.delayed_by.iter().for_each(|rule| fate.came_about(*rule, Kind::Delay));
    tokio::time::sleep(doom.delay.to_std()).await;
}

/// A rule that strips several headers is counted once.
fn strip(doom: &Doom, headers: &mut HeaderMap, fate: &Fate) {
    let mut counted: Vec<RuleId> = Vec::new();
    for (name, rule) in &doom.strip {
        if headers.remove(name.as_str()).is_some() && !counted.contains(rule) {
            counted.push(*rule);
            fate.came_about(*rule, Kind::Strip);
        }
    }
}

enum Passed {
    Answer(Response<Incoming>),
    Own(Response<AnswerBody>),
}

async fn pass_on(edge: &Arc<Edge>, joined: &Upgraded, mut request: Request<Incoming>) -> Result<Passed, Broken> {
    let asked = request.headers().clone();
    let version = request.version();
    let Some(callee) = edge.callee() else {
        edge.with_book(fault::RuleBook::was_unreachable);
        return Ok(Passed::Own(unreachable(edge, &asked, "nothing says yet where the callee is")));
    };
    let upgraded = upgrade::asked_for(&mut request);
    if upgraded.is_none() {
        without_connection(request.headers_mut());
    }
    match edge.callees().send(&callee, request).await {
        Ok(mut answer) => {
            *answer.version_mut() = version;
            match upgraded {
                Some(ours) if answer.status() == StatusCode::SWITCHING_PROTOCOLS => joined.join(ours, &mut answer),
                _ => without_connection(answer.headers_mut()),
            }
            Ok(Passed::Answer(answer))
        }
        Err(error) if error.is_connect() => {
            edge.with_book(fault::RuleBook::was_unreachable);
            let problem = format!("cannot reach {callee}: {}", innermost(&error));
            Ok(Passed::Own(unreachable(edge, &asked, &problem)))
        }
        // The callee broke off; so do we, as it would be without us.
        Err(error) => {
            edge.with_book(fault::RuleBook::was_broken);
            Err(Broken::new(error))
        }
    }
}

pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

fn cut_body(mut answer: Response<Incoming>, cut: Cut, rule: RuleId, fate: Arc<Fate>) -> Response<AnswerBody> {
    let length = answer.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length <= cut.after) {
        return answer.map(|body| AnswerBody::Passed(CalleeBody::new(body, fate)));
    }
    if cut.kind == Kind::Truncate {
        // It must look whole; a length that was promised would give it away.
        answer.headers_mut().remove(CONTENT_LENGTH);
    }
    let inner = |body| CalleeBody::new(body, Arc::clone(&fate));
    answer.map(|body| AnswerBody::Cut(Box::new(CutBody::new(inner(body), cut, rule, Arc::clone(&fate)))))
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let of_grpc = |value: &HeaderValue| value.to_str().is_ok_and(|value| value.starts_with("application/grpc"));
    headers.get(CONTENT_TYPE).is_some_and(of_grpc)
}

/// The answer that a rule asks for.
fn injected(edge: &Edge, answer: &InjectedAnswer, asked: &HeaderMap) -> Response<AnswerBody> {
    let said = || format!("injected fault: status {} on {}", answer.status, edge.name());
    if is_grpc(asked) {
        let status = answer.grpc_status.unwrap_or_else(|| fault::grpc_status(answer.status));
        return grpc(status, answer.body.as_deref().unwrap_or(&said()));
    }
    let (content_type, body) = match &answer.body {
        Some(body) if serde_json::from_str::<serde::de::IgnoredAny>(body).is_ok() => ("application/json", body.clone()),
        Some(body) => ("text/plain; charset=utf-8", body.clone()),
        None => ("application/json", serde_json::json!({ "error": said() }).to_string()),
    };
    own(answer.status, content_type, body)
}

/// A callee that is not there, told so that nobody looks for it in the wrong place.
fn unreachable(edge: &Edge, asked: &HeaderMap, problem: &str) -> Response<AnswerBody> {
    let said = format!("headwater's proxy on {}: {problem}", edge.name());
    if is_grpc(asked) {
        return grpc(fault::grpc_status(502), &said);
    }
    own(502, "application/json", serde_json::json!({ "error": said }).to_string())
}

fn own(status: u16, content_type: &'static str, body: String) -> Response<AnswerBody> {
    let mut answer = Response::new(AnswerBody::Own(Own::new(Bytes::from(body))));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

/// An answer of trailers only, as gRPC has them in the place of headers.
fn grpc(status: u8, message: &str) -> Response<AnswerBody> {
    let mut answer = Response::new(AnswerBody::Own(Own::default()));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-status", HeaderValue::from(u16::from(status)));
    if let Ok(message) = HeaderValue::try_from(percent_encoded(message)) {
        headers.insert("grpc-message", message);
    }
    answer
}

/// As gRPC's protocol has it: everything but printable ASCII, and the percent sign.
fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if (b' '..=b'~').contains(&byte) && byte != b'%' {
                (byte as char).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}
