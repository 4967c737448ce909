//! Connections that become something else: WebSocket and whatever else `Upgrade` names. Their bytes pass as they are.

use std::sync::{Arc, Mutex, PoisonError};

use http::header::UPGRADE;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;

/// What a caller's connection became, if it did; ends with the connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Upgraded(Arc<Mutex<JoinSet<()>>>);

impl Upgraded {
    /// Joins the caller's connection with the callee's, once both are upgraded, until either ends.
    pub fn join(&self, caller: OnUpgrade, answer: &mut Response<Incoming>) {
        let callee = hyper::upgrade::on(answer);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).spawn(async move {
            if let (Ok(caller), Ok(callee)) = (caller.await, callee.await) {
                // Either side may end it as it likes; that is no failure of ours.
                let _ = tokio::io::copy_bidirectional(&mut TokioIo::new(caller), &mut TokioIo::new(callee)).await;
            }
        });
    }

    /// Waits until either side has ended it: so long it counts as a connection.
    pub async fn over(self) {
        let mut joined = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        while joined.join_next().await.is_some() {}
    }
}

/// The caller's connection once it is upgraded, if the caller asks for that.
pub(crate) fn asked_for(request: &mut Request<Incoming>) -> Option<OnUpgrade> {
    request.headers().contains_key(UPGRADE).then(|| hyper::upgrade::on(request))
}
