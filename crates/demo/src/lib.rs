//! The demo: a small RAG product of eight services that answers questions about Headwater and OpenTelemetry. It knows us
//! only by OTLP and HTTP: its services are instrumented with the OpenTelemetry SDK as any user would.
//!
//! ```text
//! gateway ─┬─> auth
//!          └─> orchestrator ─┬─> cache (get)
//!                            ├─> search ──gRPC──> vector-db
//!                            ├─> rag ──> llm
//!                            └─> cache (set)
//! ```
//!
//! | file | what |
//! | --- | --- |
//! | `system.rs` | [`System`]: starts the eight processes, hands addresses on, ends them |
//! | `process.rs` | [`service_main`]: one service as a process, from its environment |
//! | `services/` | one file a service; `run_service` runs any of them |
//! | `settings.rs` | what a service reads from its environment |
//! | `telemetry.rs` | the OpenTelemetry SDK, as a user sets it up |
//! | `http_server.rs`, `http_client.rs` | both sides of an HTTP hop, with their spans |
//! | `cancelled.rs` | what a server span says when its caller hung up |
//! | `vector_rpc.rs` | the vector database's gRPC messages, and both sides of a call |
//! | `defect.rs` | deliberate defects, each a switch: what a suite must find |
//! | `fault.rs` | faults carried in baggage, honoured only where switched on |
//! | `token.rs` | signed tokens |
//! | `embedding.rs` | a deterministic embedding without a model |
//! | `corpus.rs` | the passages, and questions with their right passages |
//! | `answerer.rs` | answers by selecting sentences, where there is no model |
//! | `polyglot.rs` | [`set_up_polyglot`]: the orchestrator in Python and search in Node |
//! | `example.rs` | what `headwater init` writes |

mod answerer;
mod cancelled;
mod corpus;
mod defect;
mod embedding;
mod example;
mod fault;
mod http_client;
mod http_server;
mod limits;
mod polyglot;
mod process;
mod services;
mod settings;
mod system;
mod telemetry;
mod token;
mod vector_rpc;

pub use defect::{About, DEFECTS, Defect};
pub use example::init_files;
pub use polyglot::{Programs, set_up_polyglot};
pub use process::service_main;
pub use system::{CALLS, Export, SERVICES, System, SystemOptions, Via};
