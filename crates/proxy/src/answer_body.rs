//! An answer's body: passed on, cut, or our own.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use fault::{Cut, Kind, RuleId};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Sleep;

use crate::callee::Own;
use crate::exchange::{Broken, Fate};
use crate::limits::{DROP_PAUSE, SLOW_STEPS};

/// An answer's body.
pub(crate) enum AnswerBody {
    /// Our own.
    Own(Own),
    /// The callee's, as it is.
    Passed(CalleeBody),
    /// The callee's, up to a point.
    Cut(Box<CutBody<CalleeBody>>),
    /// Any of these, slowly.
    Slow(Box<SlowBody>),
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match self.get_mut() {
            Self::Own(body) => Pin::new(body).poll_frame(context).map_err(Broken::new),
            Self::Passed(body) => Pin::new(body).poll_frame(context),
            Self::Cut(body) => Pin::new(&mut **body).poll_frame(context),
            Self::Slow(body) => Pin::new(&mut **body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Own(body) => body.is_end_stream(),
            Self::Passed(body) => body.is_end_stream(),
            // A body that has more to come must not be taken for ended.
            Self::Cut(_) => false,
            Self::Slow(body) => body.rest.is_empty() && body.inner.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Own(body) => body.size_hint(),
            Self::Passed(body) => body.size_hint(),
            Self::Cut(_) | Self::Slow(_) => SizeHint::default(),
        }
    }
}

/// The callee's answer; that it breaks off amid it is counted, once.
pub(crate) struct CalleeBody {
    inner: Incoming,
    fate: Arc<Fate>,
    broken: bool,
}

impl CalleeBody {
    pub fn new(inner: Incoming, fate: Arc<Fate>) -> Self {
        Self { inner, fate, broken: false }
    }
}

impl Body for CalleeBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.inner).poll_frame(context);
        if matches!(polled, Poll::Ready(Some(Err(_)))) && !std::mem::replace(&mut this.broken, true) {
            this.fate.broke_off();
        }
        polled.map_err(Broken::new)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// A body that comes with so many bytes a second.
pub(crate) struct SlowBody {
    inner: AnswerBody,
    /// Bytes a second.
    rate: u64,
    /// What has come and is not passed on yet.
    rest: Bytes,
    pause: Option<Pin<Box<Sleep>>>,
    rule: RuleId,
    fate: Arc<Fate>,
    counted: bool,
}

impl SlowBody {
    pub fn new(inner: AnswerBody, rate: u64, rule: RuleId, fate: Arc<Fate>) -> Self {
        Self { inner, rate, rest: Bytes::new(), pause: None, rule, fate, counted: false }
    }

    /// The next bytes, and a pause after them as long as they are to take.
    fn next(&mut self) -> Bytes {
        if !self.counted {
            self.counted = true;
            self.fate.came_about(self.rule, Kind::Bandwidth);
        }
        let step = (self.rate / SLOW_STEPS).max(1);
        let bytes = self.rest.split_to(self.rest.len().min(usize::try_from(step).unwrap_or(usize::MAX)));
        let nanos = (bytes.len() as u64).saturating_mul(1_000_000_000) / self.rate.max(1);
        self.pause = Some(Box::pin(tokio::time::sleep(Duration::from_nanos(nanos))));
        bytes
    }
}

impl Body for SlowBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = self.get_mut();
        loop {
            if let Some(pause) = &mut this.pause {
                ready!(pause.as_mut().poll(context));
                this.pause = None;
            }
            if !this.rest.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(this.next()))));
            }
            let Some(frame) = ready!(Pin::new(&mut this.inner).poll_frame(context)) else { return Poll::Ready(None) };
            match frame?.into_data() {
                Ok(data) => this.rest = data,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
    }
}

/// A body that ends early, if it is long enough.
pub(crate) struct CutBody<B> {
    inner: B,
    left: u64,
    kind: Kind,
    rule: RuleId,
    fate: Arc<Fate>,
    state: State,
}

enum State {
    Passing,
    /// The last byte that passes has passed, and there are more.
    Cutting,
    Dropping(Pin<Box<Sleep>>),
    Over,
}

impl<B> CutBody<B> {
    pub fn new(inner: B, cut: Cut, rule: RuleId, fate: Arc<Fate>) -> Self {
        Self { inner, left: cut.after, kind: cut.kind, rule, fate, state: State::Passing }
    }
}

impl<B> Body for CutBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = self.get_mut();
        loop {
            match &mut this.state {
                State::Over => return Poll::Ready(None),
                State::Dropping(pause) => {
                    ready!(pause.as_mut().poll(context));
                    this.state = State::Over;
                    return Poll::Ready(Some(Err(Broken::asked_for())));
                }
                State::Cutting => {
                    this.fate.came_about(this.rule, this.kind);
                    if this.kind == Kind::Truncate {
                        this.state = State::Over;
                    } else {
                        this.state = State::Dropping(Box::pin(tokio::time::sleep(DROP_PAUSE)));
                    }
                }
                State::Passing => {
                    let Some(frame) = ready!(Pin::new(&mut this.inner).poll_frame(context)) else {
                        this.state = State::Over;
                        return Poll::Ready(None);
                    };
                    let mut data = match frame.map_err(Broken::new)?.into_data() {
                        Ok(data) => data,
                        Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                    };
                    let length = data.len() as u64;
                    if length <= this.left {
                        this.left -= length;
                        return Poll::Ready(Some(Ok(Frame::data(data))));
                    }
                    this.state = State::Cutting;
                    if this.left > 0 {
                        data.truncate(usize::try_from(this.left).unwrap_or(usize::MAX));
                        return Poll::Ready(Some(Ok(Frame::data(data))));
                    }
                }
            }
        }
    }
}
