//! gRPC through a proxy: messages and trailers pass, faults speak gRPC.

use std::sync::Arc;

use fault::Rule;
use http::uri::PathAndQuery;
use proxy::{EdgeSpec, Proxies};
use tonic::codegen::BoxFuture;
use tonic::transport::Endpoint;
use tonic::{Code, Request, Response, Status};
use tonic_prost::ProstCodec;

#[derive(Clone, PartialEq, prost::Message)]
struct Text {
    #[prost(string, tag = "1")]
    text: String,
}

/// Answers with what it was asked; to `fail` with a status that travels in trailers.
struct Echo;

impl tonic::server::UnaryService<Text> for Echo {
    type Response = Text;
    type Future = BoxFuture<Response<Text>, Status>;

    fn call(&mut self, request: Request<Text>) -> Self::Future {
        Box::pin(async move {
            let text = request.into_inner();
            if text.text == "fail" { Err(Status::already_exists("it is there")) } else { Ok(Response::new(text)) }
        })
    }
}

async fn answer(request: axum::extract::Request) -> http::Response<axum::body::Body> {
    let mut grpc = tonic::server::Grpc::new(ProstCodec::<Text, Text>::default());
    grpc.unary(Echo, request).await.map(axum::body::Body::new)
}

#[tokio::test]
async fn grpc_passes_and_faults_speak_it() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let callee = listener.local_addr().expect("bound");
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(answer)).await });
    let proxies = Arc::new(Proxies::new(Arc::new(stdx::SystemClock::new()), 1).expect("certificates"));
    let spec: EdgeSpec = format!("a -> b=127.0.0.1:0=http://{callee}").parse().expect("a spec");
    let edge = proxies.stand(spec).expect("a free port");
    let channel = Endpoint::from_shared(format!("http://{}", edge.address())).expect("valid").connect_lazy();
    let ask = async |text: &str| {
        let mut grpc = tonic::client::Grpc::new(channel.clone());
        grpc.ready().await.expect("ready");
        let path = PathAndQuery::from_static("/test.Echo/Unary");
        let request = Request::new(Text { text: text.to_owned() });
        grpc.unary(request, path, ProstCodec::<Text, Text>::default()).await.map(|answer| answer.into_inner().text)
    };
    let long = "x".repeat(300_000);
    assert_eq!(ask(&long).await.expect("an answer"), long);
    let status = ask("fail").await.expect_err("a status");
    assert_eq!((status.code(), status.message()), (Code::AlreadyExists, "it is there"));
    for (rule, code) in [
        ("status=503", Code::Unavailable),
        ("status=504", Code::DeadlineExceeded),
        ("status=503 grpc_status=8 body=\"zu viel: 100 %\"", Code::ResourceExhausted),
        ("truncate=3", Code::Internal),
        ("drop=request", Code::Internal),
        ("drop=3", Code::Internal),
    ] {
        let rules: Vec<Rule> = vec![format!("a -> b: {rule}").parse().expect("a rule")];
        let lease = proxies.inject(&rules, None, None).expect("a proxy stands there");
        let status = ask("hello").await.expect_err(rule);
        assert!(status.code() == code || (code == Code::Internal && status.code() != Code::Ok), "{rule}: {status:?}");
        if rule.contains("grpc_status") {
            assert_eq!(status.message(), "zu viel: 100 %");
        }
        assert_eq!(proxies.end(lease).expect("a lease")[0].hits, 1, "{rule}");
    }
    assert_eq!(ask("hello").await.expect("an answer"), "hello");
}
