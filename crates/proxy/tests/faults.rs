//! Faults as callers meet them, over HTTP/1.1 and HTTP/2, by trace and not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::any;
use fault::Rule;
use http::HeaderMap;
use proxy::{Control, EdgeSpec, Lease, Proxies, RemoteProxies};

const ONE: &str = "0af7651916cd43dd8448eb211c80319c";
const OTHER: &str = "1af7651916cd43dd8448eb211c80319c";
const BODY: &str = "{\"answer\": \"a rather long one, so that there is something to cut\"}";

/// A callee, what it saw, and a proxy before it.
struct Stage {
    proxies: Arc<Proxies>,
    url: String,
    asked: Arc<AtomicU32>,
}

impl Stage {
    async fn new() -> Self {
        let asked = Arc::new(AtomicU32::new(0));
        let counting = Arc::clone(&asked);
        let answer = move |headers: HeaderMap| {
            counting.fetch_add(1, Ordering::SeqCst);
            let context = headers.contains_key("traceparent").to_string();
            async move { ([("x-context", context), ("content-type", "application/json".to_owned())], BODY) }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let callee = listener.local_addr().expect("bound");
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(any(answer))).await });
        let proxies = Arc::new(Proxies::new(Arc::new(stdx::SystemClock::new()), 1).expect("certificates"));
        let spec: EdgeSpec = format!("a -> b=127.0.0.1:0=http://{callee}").parse().expect("a spec");
        let url = format!("http://{}/", proxies.stand(spec).expect("a free port").address());
        Self { proxies, url, asked }
    }

    fn inject(&self, rule: &str, trace: Option<&str>) -> Lease {
        let rule: Rule = format!("a -> b: {rule}").parse().expect("a rule");
        self.proxies
            .inject(&[rule], trace.map(|trace| trace.parse().expect("an id")), None)
            .expect("a proxy stands there")
    }

    /// Status and body as the caller has them; what broke, if something did. A client each, so that no connection is shared.
    async fn ask(&self, http2: bool, trace: Option<&str>) -> Result<(u16, String, HeaderMap), String> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy();
        let client = if http2 { client.http2_prior_knowledge() } else { client }.build().expect("a client");
        let mut request = client.get(&self.url);
        if let Some(trace) = trace {
            request = request.header("traceparent", format!("00-{trace}-b7ad6b7169203331-01"));
        }
        let answer = request.send().await.map_err(|error| format!("no answer: {error:?}"))?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = answer.text().await.map_err(|error| format!("a broken answer: {error:?}"))?;
        Ok((status, body, headers))
    }

    fn asked(&self) -> u32 {
        self.asked.swap(0, Ordering::SeqCst)
    }
}

#[tokio::test]
async fn a_fault_for_a_trace_hits_that_trace_only_while_others_cross_at_the_same_time() {
    let stage = Stage::new().await;
    let lease = stage.inject("status=503", Some(ONE));
    for http2 in [false, true] {
        let (hit, other, none) =
            tokio::join!(stage.ask(http2, Some(ONE)), stage.ask(http2, Some(OTHER)), stage.ask(http2, None));
        let (status, body, _) = hit.expect("an answer");
        assert!(status == 503 && body.contains("injected fault: status 503 on a -> b"), "{status} {body}");
        assert_eq!(other.map(|(status, body, _)| (status, body)), Ok((200, BODY.to_owned())));
        assert_eq!(none.map(|(status, ..)| status), Ok(200));
        assert_eq!(stage.asked(), 2, "the callee never saw the third");
    }
    let told = stage.proxies.end(lease).expect("a lease").remove(0);
    assert_eq!((told.seen, told.hits, told.requests, told.without_context), (2, 2, 6, 2));
    assert_eq!(stage.ask(false, Some(ONE)).await.map(|(status, ..)| status), Ok(200), "it is over");
    let counters = stage.proxies.told().remove(0).counters;
    assert_eq!((counters.requests, counters.hit, counters.faults.status, counters.without_context), (7, 2, 2, 2));
}

#[tokio::test]
async fn a_delay_is_waited_for_and_whoever_gives_up_has_met_it() {
    let stage = Stage::new().await;
    stage.inject("delay=150ms jitter=1ms", Some(ONE));
    let began = Instant::now();
    assert_eq!(stage.ask(false, Some(ONE)).await.map(|(status, ..)| status), Ok(200));
    assert!(began.elapsed() >= Duration::from_millis(150), "{:?}", began.elapsed());
    assert_eq!(stage.asked(), 1);
    stage.inject("delay=1h", Some(OTHER));
    assert!(tokio::time::timeout(Duration::from_millis(200), stage.ask(false, Some(OTHER))).await.is_err());
    assert_eq!((stage.asked(), stage.proxies.told()[0].counters.faults.delay), (0, 2));
}

#[tokio::test]
async fn a_connection_is_dropped_before_the_callee_after_it_and_amid_the_answer() {
    let stage = Stage::new().await;
    for http2 in [false, true] {
        for (rule, asked, told) in
            [("drop=request", 0, "no answer"), ("drop=answer", 1, "no answer"), ("drop=10", 1, "a broken answer")]
        {
            let lease = stage.inject(rule, Some(ONE));
            let error = stage.ask(http2, Some(ONE)).await.expect_err(rule);
            assert!(error.starts_with(told), "{rule} http2={http2}: {error}");
            assert_eq!(stage.asked(), asked, "{rule}");
            assert_eq!(stage.proxies.end(lease).expect("a lease")[0].hits, 1, "{rule}");
        }
    }
}

#[tokio::test]
async fn a_cut_answer_looks_whole_and_one_that_is_short_enough_is_not_hit() {
    let stage = Stage::new().await;
    for http2 in [false, true] {
        let lease = stage.inject("truncate=10", Some(ONE));
        assert_eq!(
            stage.ask(http2, Some(ONE)).await.map(|(status, body, _)| (status, body)),
            Ok((200, BODY[..10].to_owned()))
        );
        assert_eq!(stage.proxies.end(lease).expect("a lease")[0].hits, 1);
        let lease = stage.inject(&format!("truncate={}", BODY.len()), Some(ONE));
        assert_eq!(stage.ask(http2, Some(ONE)).await.map(|(_, body, _)| body), Ok(BODY.to_owned()));
        let told = stage.proxies.end(lease).expect("a lease").remove(0);
        assert_eq!((told.seen, told.hits), (1, 0), "asked for and never met");
    }
}

#[tokio::test]
async fn an_answer_may_come_slowly_and_whole_or_cut() {
    let stage = Stage::new().await;
    for http2 in [false, true] {
        let lease = stage.inject("bandwidth=300", Some(ONE));
        let began = Instant::now();
        let answer = stage.ask(http2, Some(ONE)).await.map(|(_, body, _)| body);
        assert_eq!(answer, Ok(BODY.to_owned()));
        // The last step is not waited for.
        let least = Duration::from_millis((BODY.len() as u64 - 15) * 1_000 / 300);
        assert!(began.elapsed() >= least, "{:?}", began.elapsed());
        assert_eq!(stage.proxies.end(lease).expect("a lease")[0].hits, 1);
        let lease = stage.inject("bandwidth=1KB truncate=10", Some(ONE));
        assert_eq!(stage.ask(http2, Some(ONE)).await.map(|(_, body, _)| body), Ok(BODY[..10].to_owned()));
        assert_eq!(stage.proxies.end(lease).expect("a lease")[0].hits, 1);
    }
    assert_eq!(stage.proxies.told()[0].counters.faults.bandwidth, 4);
}

#[tokio::test]
async fn headers_are_stripped() {
    let stage = Stage::new().await;
    let lease = stage.inject("strip=traceparent,tracestate", Some(ONE));
    let context = |answer: Result<(u16, String, HeaderMap), String>| answer.expect("an answer").2["x-context"].clone();
    assert_eq!(context(stage.ask(true, Some(ONE)).await), "false");
    assert_eq!(context(stage.ask(false, Some(OTHER)).await), "true");
    assert_eq!(stage.proxies.end(lease).expect("a lease")[0].hits, 1);
}

#[tokio::test]
async fn a_later_attempt_may_succeed() {
    let stage = Stage::new().await;
    stage.inject("status=503 body=\"busy\" times=2", Some(ONE));
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(stage.ask(false, Some(ONE)).await.expect("an answer"));
    }
    assert_eq!(seen.iter().map(|(status, ..)| *status).collect::<Vec<_>>(), [503, 503, 200]);
    assert_eq!(seen[0].1, "busy");
}

#[tokio::test]
async fn a_standing_process_is_controlled_from_outside() {
    let stage = Stage::new().await;
    let control =
        Control::serve(Arc::clone(&stage.proxies), "127.0.0.1:0".parse().expect("valid")).expect("a free port");
    let remote = RemoteProxies::at(&format!("http://{}", control.address()));
    assert_eq!(remote.edges().await.expect("edges")[0].edge, "a -> b");
    let rule: Rule = "a->b: status=500".parse().expect("a rule");
    let trace = ONE.parse().expect("an id");
    let lease = remote.inject(std::slice::from_ref(&rule), Some(trace), Duration::from_secs(60)).await.expect("put in");
    assert_eq!(stage.ask(false, Some(ONE)).await.map(|(status, ..)| status), Ok(500));
    let told = remote.end(lease).await.expect("ended").remove(0);
    assert_eq!((told.rule.as_str(), told.seen, told.hits), ("a -> b: status=500", 1, 1));
    assert!(remote.end(lease).await.expect_err("over").message.contains("no such lease"));
    let nowhere: Rule = "a -> c: status=500".parse().expect("a rule");
    let error = remote.inject(&[nowhere], Some(trace), Duration::from_secs(60)).await.expect_err("no proxy there");
    assert!(error.message.contains("no proxy stands on `a -> c`; there are a -> b"), "{error}");
    // Whoever put it in is gone: it expires.
    remote.inject(&[rule], Some(trace), Duration::ZERO).await.expect("put in");
    assert_eq!(stage.ask(false, Some(ONE)).await.map(|(status, ..)| status), Ok(200));
}

#[tokio::test]
async fn nobody_else_controls_it() {
    let proxies = Arc::new(Proxies::new(Arc::new(stdx::SystemClock::new()), 1).expect("certificates"));
    assert!(Control::serve(Arc::clone(&proxies), "0.0.0.0:0".parse().expect("valid")).is_err());
    let control = Control::serve(proxies, "127.0.0.1:0".parse().expect("valid")).expect("a free port");
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let url = format!("http://{}/v1/edges", control.address());
    let status =
        |request: reqwest::RequestBuilder| async { request.send().await.expect("an answer").status().as_u16() };
    assert_eq!(status(client.get(&url)).await, 200);
    assert_eq!(status(client.get(&url).header("host", "evil.example")).await, 403);
    assert_eq!(status(client.get(&url).header("origin", "http://evil.example")).await, 403);
    assert_eq!(status(client.post(format!("http://{}/v1/faults", control.address())).body("{}")).await, 415);
}
