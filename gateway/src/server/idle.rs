//! Whether anybody still moves on an HTTP/2 connection: the HTTP library asks only whether its client still lives.

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::BoxError;
use axum::body::{Body, HttpBody};
use axum::response::Response;
use bytes::Bytes;
use http::Request;
use http_body::{Frame, SizeHint};
use hyper::service::{Service, service_fn};
use tokio::sync::Notify;
use tokio::time::sleep;

use super::door::Door;

/// The most of an answer that is handed to the HTTP library at once. What it was handed it keeps for the client, and
/// doesn't tell when that is taken; so less of it makes better known how far a client is.
const PIECE: usize = 16 << 10;

/// How long nobody may move on a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// With a client that asked for nothing yet.
    pub(super) fresh: Duration,
    /// With a client whose answers are handed over: the last pieces may still be on their way.
    pub(super) answered: Duration,
    /// With a client that has not yet taken what is ready for it.
    pub(super) stalled: Duration,
}

/// What happens on one connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Activity(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// Requests that wait for the server.
    waiting: AtomicUsize,
    /// Requests whose answer is not handed over to its end.
    open: AtomicUsize,
    /// Grows with each request, and each piece of an answer.
    steps: AtomicU64,
    /// Told of the first request.
    asked: Notify,
}

impl Activity {
    /// The service of this connection.
    pub(super) fn of<B>(
        &self,
        door: Door,
    ) -> impl Service<Request<B>, Response = Response, Error = Infallible, Future: Send> + Send + use<B>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let activity = self.clone();
        service_fn(move |request: Request<B>| {
            let turn = Turn::begin(&activity);
            let answered = door.answer(request);
            async move {
                let response = answered.await;
                Ok(response.map(|body| {
                    Body::new(Watched {
                        body,
                        rest: Bytes::new(),
                        turn,
                    })
                }))
            }
        })
    }

    /// Completes when the client has asked for something. One may wait for it.
    pub(super) async fn asked(&self) {
        if self.0.steps.load(Ordering::Acquire) == 0 {
            self.0.asked.notified().await;
        }
    }

    /// Whether an answer is not handed over to its end.
    pub(super) fn is_open(&self) -> bool {
        self.0.open.load(Ordering::Acquire) > 0
    }

    /// Completes when no request waits for the server, and the client did nothing that counts for as long as that may be.
    pub(super) async fn ends(&self, patience: Patience) {
        let counts = &*self.0;
        // Which of them counts may change before the longest one is over.
        let between_looks = patience.fresh.min(patience.answered).min(patience.stalled);
        let mut steps = counts.steps.load(Ordering::Acquire);
        let mut still = Duration::ZERO;
        loop {
            sleep(between_looks).await;
            let waits = counts.waiting.load(Ordering::Acquire) > 0;
            let now = counts.steps.load(Ordering::Acquire);
            if waits || now != steps {
                (steps, still) = (now, Duration::ZERO);
                continue;
            }
            still += between_looks;
            let most = match (counts.open.load(Ordering::Acquire), now) {
                (0, 0) => patience.fresh,
                (0, _) => patience.answered,
                (_, _) => patience.stalled,
            };
            if still >= most {
                return;
            }
        }
    }
}

/// Whose turn it is with one request, until its answer is handed over.
struct Turn {
    counts: Arc<Counts>,
    is_servers: bool,
}

impl Turn {
    fn begin(activity: &Activity) -> Turn {
        let counts = activity.0.clone();
        counts.open.fetch_add(1, Ordering::AcqRel);
        counts.waiting.fetch_add(1, Ordering::AcqRel);
        if counts.steps.fetch_add(1, Ordering::AcqRel) == 0 {
            counts.asked.notify_one();
        }
        Turn {
            counts,
            is_servers: true,
        }
    }

    fn set(&mut self, is_servers: bool) {
        if self.is_servers != is_servers {
            self.is_servers = is_servers;
            match is_servers {
                true => self.counts.waiting.fetch_add(1, Ordering::AcqRel),
                false => self.counts.waiting.fetch_sub(1, Ordering::AcqRel),
            };
            self.counts.steps.fetch_add(1, Ordering::AcqRel);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.set(false);
        self.counts.open.fetch_sub(1, Ordering::AcqRel);
        self.counts.steps.fetch_add(1, Ordering::AcqRel);
    }
}

/// An answer in pieces. It is the client's turn from one piece until the next is asked for.
struct Watched {
    body: Body,
    rest: Bytes,
    turn: Turn,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        this.turn.set(true);
        if this.rest.is_empty() {
            let frame = match ready!(Pin::new(&mut this.body).poll_frame(context)) {
                Some(Ok(frame)) => frame,
                end => return Poll::Ready(end),
            };
            match frame.into_data() {
                Ok(data) => this.rest = data,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
        let piece = this.rest.split_to(this.rest.len().min(PIECE));
        this.turn.set(false);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (inner, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower().saturating_add(rest));
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint
    }
}
