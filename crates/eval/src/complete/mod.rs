//! When is a trace whole? Decided from evidence, with reasons, instead of sleeping.
//!
//! ```text
//! arrival ──► assess: what is missing, for certain or possibly?
//!               nothing, and every positive assertion holds ──► complete, at once
//!               something ──► wait for the next arrival, or until the quiet period of those who are silent has passed
//!                               nothing certain missing ──► complete       something certain ──► quiet
//!                               deadline first ──► timed out                nothing at all ──► no span
//! ```
//!
//! | file | what |
//! | --- | --- |
//! | `assess.rs` | what the spans so far say about those that are not there |
//! | `learned.rs` | [`Learned`]: how each service's exporter behaves, and what lies behind each call |
//! | `call.rs` | what tells one call from another |
//! | `wait.rs` | the wait itself |
//! | `room.rs` | how many spans are unpacked at once |
//! | `stored.rs` | a stored trace, which nothing is waited for of |
//! | `late.rs` | its tests: late spans on a clock that is moved |

mod assess;
mod call;
#[cfg(test)]
mod late;
mod learned;
mod room;
mod stored;
mod wait;

pub use learned::Learned;
pub(crate) use room::Room;
pub(crate) use stored::look_at_stored;
pub(crate) use wait::{Wait, Waited, wait};
