//! An answer that is sent piece by piece, only as fast as its client reads.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _};
use futures_util::task::AtomicWaker;
use heimdall_host::model::LlmError;

use super::access::Access;
use super::errors;
use crate::joined::Joined;

/// Bytes that are put together at most, and one piece more.
const MOST: usize = 16 << 10;

/// What an answer consists of that is not there at once.
pub(super) trait InPieces: Send + 'static {
    /// The next step; not asked for after the last.
    fn next(&mut self) -> impl Future<Output = Step> + Send;

    /// What is sent at once, and last, because the gateway's end makes this error.
    fn cut_off(&mut self, error: &LlmError) -> io::Result<Bytes>;
}

/// One step of an answer.
pub(super) struct Step {
    /// What is sent; an error closes the connection, so that the answer is not taken for a whole one.
    pub(super) send: Option<io::Result<Bytes>>,
    /// What went wrong, for the log.
    pub(super) error: Option<String>,
    pub(super) is_last: bool,
}

/// The pieces, until the last or until the gateway ends. Dropping it, as when the client leaves, drops them. `access` is
/// logged when it is over.
pub(super) fn sent<P: InPieces>(pieces: P, access: Access) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let cut_off = access.cut_off.clone();
    stream::unfold(
        (Some(pieces), access, cut_off),
        async |(pieces, mut access, cut_off)| {
            let mut pieces = pieces?;
            let step = cut_off.unless_raised(pieces.next()).await;
            let is_cut_off = step.is_none();
            let step = step.unwrap_or_else(|| {
                let error = errors::ended();
                Step {
                    send: Some(pieces.cut_off(&error)),
                    error: Some(error.message),
                    is_last: true,
                }
            });
            if let Some(error) = step.error {
                access.failed(error);
            }
            if step.is_last && !is_cut_off {
                access.finished();
            }
            if let Some(Err(_)) = &step.send {
                // The HTTP library would drop a head that it was given in the same turn and did not send yet.
                tokio::task::yield_now().await;
            }
            let rest = (!step.is_last).then_some(pieces);
            step.send.map(|send| (send, (rest, access, cut_off)))
        },
    )
}

/// The same bytes: what is there at the same time goes together, and waits for nothing else. The HTTP library writes each
/// piece as three buffers, and 16 buffers at once at the most: of 50 events that came in two reads it made ten writes.
pub(super) fn together(
    pieces: impl Stream<Item = io::Result<Bytes>> + Send + Unpin,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let mut pieces = pieces.fuse();
    let told = Arc::new(Told {
        is_told: AtomicBool::new(true),
        task: AtomicWaker::new(),
    });
    let waker = Waker::from(told.clone());
    let (mut error, mut is_over) = (None, false);
    stream::poll_fn(move |context| {
        told.task.register(context.waker());
        if let Some(error) = error.take() {
            return Poll::Ready(Some(Err(error)));
        }
        let mut all = Joined::default();
        while all.len() < MOST && told.is_told.swap(false, Ordering::AcqRel) {
            match pieces.poll_next_unpin(&mut Context::from_waker(&waker)) {
                Poll::Ready(Some(Ok(piece))) => all.push(piece),
                Poll::Ready(Some(Err(later))) => error = Some(later),
                Poll::Ready(None) => is_over = true,
                Poll::Pending => break,
            }
            // What comes behind it is not told of.
            told.is_told.store(true, Ordering::Release);
            if is_over || error.is_some() {
                break;
            }
        }
        match (all.len(), error.take()) {
            (0, Some(error)) => Poll::Ready(Some(Err(error))),
            (0, None) if is_over => Poll::Ready(None),
            (0, None) => Poll::Pending,
            (_, later) => {
                error = later;
                Poll::Ready(Some(Ok(all.into_bytes())))
            }
        }
    })
}

/// Whether there may be more pieces, and who is to be woken then. The HTTP library asks again at once when it got one: to pass
/// that on would have a plugin with one instance asked twice for each chunk, which costs an eighth of its chunks/s.
struct Told {
    is_told: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Told {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_told.store(true, Ordering::Release);
        self.task.wake();
    }
}

/// As [`sent`], as a body.
pub(super) fn body<P: InPieces>(pieces: P, access: Access) -> Body {
    Body::from_stream(sent(pieces, access))
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt as _;
    use tokio::sync::mpsc;

    use super::*;

    fn piece(text: &'static str) -> io::Result<Bytes> {
        Ok(Bytes::from_static(text.as_bytes()))
    }

    fn broken() -> io::Result<Bytes> {
        Err(io::ErrorKind::ConnectionReset.into())
    }

    #[tokio::test]
    async fn what_is_there_goes_together_and_waits_for_nothing() {
        let (send, mut receive) = mpsc::channel(10);
        let mut sent = pin!(together(stream::poll_fn(move |context| receive.poll_recv(context))));
        assert!(sent.next().now_or_never().is_none());
        for text in ["a", "b", "c"] {
            send.send(piece(text)).await.unwrap();
        }
        assert_eq!(sent.next().now_or_never().unwrap().unwrap().unwrap(), "abc");
        assert!(sent.next().now_or_never().is_none());
        send.send(piece("d")).await.unwrap();
        drop(send);
        assert_eq!(sent.next().await.unwrap().unwrap(), "d");
        assert!(sent.next().await.is_none());
    }

    #[tokio::test]
    async fn what_comes_while_nobody_takes_it_is_there_when_somebody_does() {
        let (send, mut receive) = mpsc::channel(10);
        let mut sent = pin!(together(stream::poll_fn(move |context| receive.poll_recv(context))));
        for text in ["a", "b", "c"] {
            send.send(piece(text)).await.unwrap();
            assert_eq!(sent.next().now_or_never().unwrap().unwrap().unwrap(), text);
        }
        drop(send);
        assert!(sent.next().now_or_never().unwrap().is_none());
    }

    #[tokio::test]
    async fn who_asked_last_is_woken() {
        let (send, mut receive) = mpsc::channel(10);
        let mut sent = Box::pin(together(stream::poll_fn(move |context| receive.poll_recv(context))));
        assert!(sent.next().now_or_never().is_none());
        let waits = tokio::spawn(async move { sent.next().await });
        tokio::task::yield_now().await;
        send.send(piece("a")).await.unwrap();
        assert_eq!(waits.await.unwrap().unwrap().unwrap(), "a");
    }

    #[tokio::test]
    async fn an_error_comes_after_what_was_before_it() {
        let pieces = stream::iter([piece("a"), piece("b"), broken()]);
        let mut sent = pin!(together(pieces));
        assert_eq!(sent.next().await.unwrap().unwrap(), "ab");
        assert!(sent.next().await.unwrap().is_err());
        assert!(sent.next().await.is_none());
        assert!(pin!(together(stream::iter([broken()]))).next().await.unwrap().is_err());
    }

    #[tokio::test]
    async fn no_more_goes_together_than_the_most_and_a_piece() {
        let large = Bytes::from(vec![b'x'; 10 << 10]);
        let pieces = stream::iter([large.clone(), large.clone(), large].map(Ok));
        let sizes: Vec<usize> = together(pieces).map(|all| all.unwrap().len()).collect().await;
        assert_eq!(sizes, [20 << 10, 10 << 10]);
    }
}
