//! Where received batches go.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use model::PackedBatch;

use crate::BodyKind;

/// What one request carried.
#[derive(Clone, Debug)]
pub struct Received {
    /// The spans or log records that can be kept.
    pub batch: Arc<PackedBatch>,
    /// What the body is.
    pub kind: BodyKind,
    /// The body as it came, still compressed. It may hold more than `batch`: what was set aside, and log records without
    /// a trace.
    pub body: Bytes,
    /// Who sent it.
    pub peer: SocketAddr,
}

/// Takes received batches. Every sink gets every batch; the sender is answered when all have said yes.
pub trait Sink: Send + Sync + fmt::Debug {
    /// Takes a batch. Resolves when the sink's promise holds: for a store, when the batch is safe on disk.
    fn accept(&self, received: Arc<Received>) -> BoxFuture<'_, Result<(), Refusal>>;
}

/// Why a sink did not take a batch. The sender is told to come again: nothing is dropped silently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is too much to do just now: 429, RESOURCE_EXHAUSTED.
    Overloaded {
        /// What is full.
        reason: String,
        /// When to come again.
        retry_after: Duration,
    },
    /// It cannot be done until somebody mends something (a full disk): 503, UNAVAILABLE.
    Unavailable {
        /// What is wrong and what to do.
        reason: String,
    },
}
