//! The promise that an appended batch is on disk.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::StoreError;

/// Resolves once the batch is synced to disk (or could not be). Dropping it changes nothing about the batch.
#[must_use = "the batch is on disk only when the receipt says so"]
#[derive(Debug)]
pub struct Receipt(pub(crate) Option<journal::Receipt>);

impl Receipt {
    /// The receipt of an empty batch: nothing had to be written.
    pub fn nothing() -> Self {
        Self(None)
    }

    /// Blocks the thread until the batch is on disk.
    ///
    /// # Errors
    /// What kept it from getting there.
    pub fn wait(self) -> Result<(), StoreError> {
        self.0.map_or(Ok(()), |receipt| receipt.wait().map(drop).map_err(StoreError::from))
    }
}

impl Future for Receipt {
    type Output = Result<(), StoreError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(receipt) = self.0.as_mut() else { return Poll::Ready(Ok(())) };
        Pin::new(receipt).poll(context).map(|result| result.map(drop).map_err(StoreError::from))
    }
}
