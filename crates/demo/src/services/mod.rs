//! One file a service; [`run_service`] is what a process of the demo runs.

mod auth;
mod cache;
mod gateway;
mod llm;
mod orchestrator;
mod rag;
mod search;
mod vector_db;

use std::future::Future;

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;

use crate::defect::{Defect, Defects};
use crate::fault::{Faults, Honoured};
use crate::http_client::{CallError, Client};
use crate::http_server::{failure, instrumented};
use crate::settings::Settings;
use crate::telemetry::Telemetry;

/// What every service is made of.
#[derive(Clone)]
pub(crate) struct Service {
    pub telemetry: Telemetry,
    pub client: Client,
    pub settings: Settings,
    pub faults: Faults,
    pub defects: Defects,
}

impl Service {
    /// The answer of a service whose callee `peer` failed; it is logged too.
    pub fn failed(&self, peer: &str, error: &CallError) -> Response {
        let message = format!("{peer} {error}");
        if self.telemetry.service != "orchestrator" || !self.defects.has(Defect::LogMissing) {
            self.telemetry.log_error(message.clone());
        }
        if self.telemetry.service == "gateway" && self.defects.has(Defect::StatusHidden) {
            return failure(http::StatusCode::OK, &message);
        }
        failure(error.status(), &message)
    }
}

/// Runs the service `name` until `stop` resolves. `ready` is called with the address once it answers.
///
/// # Errors
/// What keeps it from running, in words.
pub(crate) async fn run_service(
    name: &str,
    lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ready: impl FnOnce(std::net::SocketAddr),
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), String> {
    let settings = Settings::new(lookup);
    let telemetry = Telemetry::start(name, &settings)?;
    let defects = Defects::parse(&settings.or("DEMO_DEFECTS", ""))?;
    let service = Service {
        client: Client::new(telemetry.clone(), defects.clone())?,
        faults: Faults::new(name, if settings.is_on("DEMO_FAULTS") { Honoured::Yes } else { Honoured::No }),
        settings: settings.clone(),
        defects,
        telemetry: telemetry.clone(),
    };
    let router = match name {
        "gateway" => http(&service, gateway::routes(&service)?),
        "auth" => http(&service, auth::routes(&service)),
        "orchestrator" => http(&service, orchestrator::routes(&service)?),
        "search" => http(&service, search::routes(&service).await?),
        // Its own spans are gRPC's, not HTTP's.
        "vector-db" => vector_db::routes(&service).await?,
        "rag" => http(&service, rag::routes(&service)?),
        "llm" => http(&service, llm::routes(&service)),
        "cache" => http(&service, cache::routes(&service).await?),
        other => return Err(format!("there is no service {other:?}; there are {}", crate::SERVICES.join(", "))),
    };
    let address = settings.or("LISTEN", "127.0.0.1:0");
    let listener =
        TcpListener::bind(&address).await.map_err(|error| format!("{name} cannot listen on {address}: {error}"))?;
    ready(listener.local_addr().map_err(|error| error.to_string())?);
    let router = router.route("/healthz", get(async || "ok"));
    // Without it a small answer can wait 40 ms for the acknowledgement of the one before.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let served = axum::serve(listener, router).with_graceful_shutdown(stop).await;
    telemetry.stop().await;
    served.map_err(|error| format!("{name} stopped serving: {error}"))
}

fn http(service: &Service, routes: Router) -> Router {
    instrumented(routes, service.clone())
}
