//! Connections that become something else: WebSocket and whatever else `Upgrade` names. Their bytes pass as they are.

use http::header::UPGRADE;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

/// The caller's connection once it is upgraded, if the caller asks for that.
pub(crate) fn asked_for(request: &mut Request<Incoming>) -> Option<OnUpgrade> {
    request.headers().contains_key(UPGRADE).then(|| hyper::upgrade::on(request))
}

/// Joins the caller's connection with the callee's, once both are upgraded, until either ends.
pub(crate) fn join(caller: OnUpgrade, answer: &mut Response<Incoming>) {
    let callee = hyper::upgrade::on(answer);
    tokio::spawn(async move {
        if let (Ok(caller), Ok(callee)) = (caller.await, callee.await) {
            // Either side may end it as it likes; that is no failure of ours.
            let _ = tokio::io::copy_bidirectional(&mut TokioIo::new(caller), &mut TokioIo::new(callee)).await;
        }
    });
}
