//! HTTP for people, the page and compatible clients: the stored traces, the service map, evaluations, live events, and the
//! embedded page itself. `API.md` in the crate `wire` says which address takes and answers which.
//!
//! ```text
//! request ─ host and origin ─ token ─ route ─ Reader (store) ─ computed (outline, map, find) ─ wire ─ answer
//! ```
//!
//! The traits of what is served here but made elsewhere are in `parts.rs`; the binary joins them and serves [`router`].
//!
//! | file | what |
//! | --- | --- |
//! | `server.rs` | [`Api`], its [`Parts`], [`router`]: which address goes where; security headers |
//! | `guard.rs` | [`Guard`]: host check, origin check, token |
//! | `routes/` | the answers, one file each kind |
//! | `reader.rs` | [`Reader`]: the stored traces |
//! | `selector.rs` | queries: from text to what the store is asked, and to spans of one trace |
//! | `selection.rs`, `task.rs` | which traces an analysis looks at; long work with a time limit and progress |
//! | `explained.rs` | what the analyses say, in the shapes of the API |
//! | `feed.rs` | [`Feed`]: what just arrived, for live pages and for evaluations that watch |
//! | `run_book.rs` | [`RunBook`]: the runs of evaluations |
//! | `styles.rs` | [`Styles`]: how services look |
//! | `outline/` | the compact form of a trace that the page draws from |
//! | `lateness.rs` | how long after their end spans arrive |
//! | `prepared.rs` | the last few traces, ready for the page |
//! | `span_detail.rs`, `values.rs`, `llm.rs` | one span in full |
//! | `service_map.rs` | who calls whom |
//! | `find_text.rs` | find by text |
//! | `page.rs` | the embedded page |
//! | `report.rs` | a run as one HTML file |
//! | `parts.rs` | the traits that the binary implements |
//! | `parameters.rs`, `answer.rs`, `metrics.rs` | what is read, what is written |
//! | `limits.rs` | every bound |

mod answer;
mod explained;
mod feed;
mod find_text;
mod guard;
mod lateness;
mod limits;
mod llm;
mod metrics;
mod outline;
mod page;
mod parameters;
mod parts;
mod prepared;
mod reader;
mod report;
mod routes;
mod run_book;
mod selection;
mod selector;
mod server;
mod service_map;
mod span_detail;
mod styles;
mod task;
mod values;

pub use feed::{ArrivedBatch, Changed, Feed, Notice, Watched};
pub use guard::{Guard, TokenMissing};
pub use parts::{Counters, MemorySettings, NoSuites, Settings, Starter};
pub use reader::{Reader, Shown};
pub use run_book::{RunBook, RunRefused};
pub use server::{Api, Identity, Parts, router};
pub use styles::Styles;
