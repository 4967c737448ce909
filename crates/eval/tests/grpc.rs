//! gRPC targets against a real server, with reflection and without.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use eval::report::{RunReport, Style};
use eval::suite::{Suite, SuiteInput};
use eval::{Host, HttpClient, NoSettings, Plan, RunOptions, Stop, WatchedTraces, run};
use futures_util::future::BoxFuture;
use stdx::{SeededRandom, SystemClock};
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::{Request, Response, Status};

const PROTO: &str = r#"
syntax = "proto3";
package shop.v1;
import "money.proto";
service Orders {
  rpc Place(PlaceRequest) returns (PlaceResponse);
  rpc Watch(PlaceRequest) returns (stream PlaceResponse);
}
message PlaceRequest { string item = 1; uint32 count = 2; }
message PlaceResponse { string order_id = 1; string traceparent = 2; Money price = 3; }
"#;
const MONEY: &str = "syntax = \"proto3\"; package shop.v1; message Money { int64 cents = 1; }";

#[derive(Clone, PartialEq, prost::Message)]
struct PlaceRequest {
    #[prost(string, tag = "1")]
    item: String,
    #[prost(uint32, tag = "2")]
    count: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct PlaceResponse {
    #[prost(string, tag = "1")]
    order_id: String,
    #[prost(string, tag = "2")]
    traceparent: String,
    #[prost(message, optional, tag = "3")]
    price: Option<Money>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct Money {
    #[prost(int64, tag = "1")]
    cents: i64,
}

#[derive(Clone)]
struct Orders;

impl NamedService for Orders {
    const NAME: &'static str = "shop.v1.Orders";
}

struct Place;

impl UnaryService<PlaceRequest> for Place {
    type Response = PlaceResponse;
    type Future = BoxFuture<'static, Result<Response<PlaceResponse>, Status>>;

    fn call(&mut self, request: Request<PlaceRequest>) -> Self::Future {
        Box::pin(async move {
            let text = |name: &str| {
                let value = request.metadata().get(name).and_then(|value| value.to_str().ok());
                value.unwrap_or_default().to_owned()
            };
            match request.get_ref().item.as_str() {
                "nothing" => return Err(Status::not_found(format!("no such item, {}", text("user")))),
                "slow" => tokio::time::sleep(std::time::Duration::from_secs(60)).await,
                _ => {}
            }
            let price = Some(Money { cents: 250 * i64::from(request.get_ref().count) });
            let order_id = format!("{}-{}", request.get_ref().item, text("user"));
            Ok(Response::new(PlaceResponse { order_id, traceparent: text("traceparent"), price }))
        })
    }
}

impl tower_service::Service<http::Request<Body>> for Orders {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            let codec = tonic_prost::ProstCodec::<PlaceResponse, PlaceRequest>::default();
            Ok(Grpc::new(codec).unary(Place, request).await)
        })
    }
}

fn files(name: &str) -> Result<String, String> {
    match name {
        "orders.proto" => Ok(PROTO.to_owned()),
        "money.proto" => Ok(MONEY.to_owned()),
        _ => Err("it is not there".to_owned()),
    }
}

async fn server(with_reflection: bool) -> SocketAddr {
    struct Texts;
    impl protox::file::FileResolver for Texts {
        fn open_file(&self, name: &str) -> Result<protox::file::File, protox::Error> {
            protox::file::File::from_source(name, &files(name).unwrap_or_default())
        }
    }
    let mut compiler = protox::Compiler::with_file_resolver(Texts);
    compiler.include_imports(true);
    compiler.open_file("orders.proto").expect("it compiles");
    let set = compiler.encode_file_descriptor_set();
    let reflection = tonic_reflection::server::Builder::configure().register_encoded_file_descriptor_set(&set);
    let reflection = with_reflection.then(|| reflection.build_v1().expect("descriptors"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let router = tonic::transport::Server::builder().add_service(Orders).add_optional_service(reflection);
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    tokio::spawn(router.serve_with_incoming(incoming));
    address
}

fn read(address: SocketAddr, target: &str, asserts: &str) -> Result<Suite, String> {
    let text = format!(
        "suite: s\ntarget: {{ grpc: {{ address: '${{ADDRESS}}', {target} }} }}\nscenarios:\n  - name: a\n    vars: {{ item: tea }}\n    assert: [{asserts}]\n"
    );
    let environment = |name: &str| (name == "ADDRESS").then(|| address.to_string());
    let input = SuiteInput { file: "s.yaml", text: &text, environment: &environment, files: &files };
    Suite::read(input).map_err(|error| error.to_string())
}

async fn ran(address: SocketAddr, target: &str, asserts: &str) -> RunReport {
    let suite = read(address, target, asserts).unwrap_or_else(|error| panic!("{error}"));
    let plan = Plan::new(Arc::new(suite), RunOptions::default()).expect("a plan");
    let clock = Arc::new(SystemClock::new());
    let host = Host {
        clock: Arc::clone(&clock) as _,
        random: Arc::new(SeededRandom::new(7)),
        source: Arc::new(WatchedTraces::new(clock)),
        sink: Arc::new(NoSink),
        settings: Arc::new(NoSettings),
        client: HttpClient::new().expect("a client"),
        injector: None,
    };
    run(plan, host, Stop::never(), |_| {}).await
}

#[derive(Debug)]
struct NoSink;

impl eval::SpanSink for NoSink {
    fn deliver(&self, _batch: model::Batch) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

fn told(report: &RunReport) -> String {
    eval::report::table(report, Style::default())
}

const PLACE: &str = "method: shop.v1.Orders/Place, json: { item: '{{item}}', count: 3 }, metadata: { User: ada }";
const HOLDS: &str = "grpc_status: OK";

#[tokio::test]
async fn a_call_is_made_by_reflection_and_by_proto_files() {
    let asserts = format!(
        "{{ {HOLDS} }}, {{ status: 0 }}, {{ json: {{ path: $.orderId, equals: tea-ada }} }}, \
         {{ json: {{ path: $.price.cents, equals: '750' }} }}, \
         {{ json: {{ path: $.traceparent, matches: '^00-[0-9a-f]{{32}}-[0-9a-f]{{16}}-01$' }} }}, \
         {{ header: {{ name: content-type, contains: grpc }} }}"
    );
    let report = ran(server(true).await, PLACE, &asserts).await;
    assert_eq!(report.exit_code, Some(0), "{}", told(&report));
    let report = ran(server(false).await, &format!("{PLACE}, proto: orders.proto"), &asserts).await;
    assert_eq!(report.exit_code, Some(0), "{}", told(&report));
}

#[tokio::test]
async fn a_status_is_an_answer_and_so_is_a_deadline_that_passed() {
    let address = server(true).await;
    let nothing = PLACE.replace("{{item}}", "nothing");
    let asserts = "{ grpc_status: [NOT_FOUND, 7] }, { json: { path: $.message, equals: 'no such item, ada' } }";
    let report = ran(address, &nothing, asserts).await;
    assert_eq!(report.exit_code, Some(0), "{}", told(&report));
    let report = ran(address, &nothing, "{ grpc_status: OK }").await;
    assert_eq!(report.exit_code, Some(1), "{}", told(&report));
    let slow = format!("{}, timeout: 50ms", PLACE.replace("{{item}}", "slow"));
    let report = ran(address, &slow, "{ grpc_status: DEADLINE_EXCEEDED }").await;
    assert_eq!(report.exit_code, Some(0), "{}", told(&report));
}

#[tokio::test]
async fn what_cannot_be_called_is_an_error_that_names_what_there_is() {
    let address = server(true).await;
    let check = async |address: SocketAddr, target: &str, words: &str| {
        let report = ran(address, target, "{ grpc_status: OK }").await;
        assert_eq!(report.exit_code, Some(4), "{}", told(&report));
        assert!(report.errors[0].contains(words), "{target}: {:?}", report.errors);
    };
    check(address, "method: shop.v1.Order/Place", "no service `shop.v1.Order`; did you mean `shop.v1.Orders`?").await;
    check(address, "method: other/Place", "reflection offers `shop.v1.Orders`").await;
    check(address, "method: shop.v1.Orders/Plaice", "did you mean `Place`?").await;
    check(address, "method: shop.v1.Orders/Watch", "streams").await;
    check(address, "method: shop.v1.Orders/Place, json: { itm: x }", "does not fit `shop.v1.PlaceRequest`").await;
    check(server(false).await, PLACE, "name its `.proto` files under `proto`").await;
    check(SocketAddr::from(([127, 0, 0, 1], 1)), PLACE, "cannot reach 127.0.0.1:1").await;
}

#[test]
fn a_wrong_target_is_told_when_the_suite_is_read() {
    let address = SocketAddr::from(([127, 0, 0, 1], 1));
    let check = |target: &str, words: &str| {
        let error = read(address, target, "{ grpc_status: OK }").expect_err(target);
        assert!(error.contains(words), "{target}: {error}");
    };
    check("method: Place", "no method in full");
    check("method: shop.v1.Orders/Plaice, proto: orders.proto", "did you mean `Place`?");
    check("method: shop.v1.Orders/Place, proto: nowhere.proto", "cannot read `nowhere.proto`");
    check("method: a/B, metadata: { x-bin: y }", "cannot be the name of metadata");
    let error = read(address, PLACE, "{ grpc_status: NOT_FUND }").expect_err("no such status");
    assert!(error.contains("did you mean `NOT_FOUND`?"), "{error}");
}
