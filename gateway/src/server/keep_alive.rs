//! A word to the client now and then while a model thinks.

use std::io;
use std::task::{Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use tokio::time::{Instant, sleep};

/// How long a stream may be silent: half of what load balancers commonly wait before they end a connection.
pub(super) const SILENCE: Duration = Duration::from_secs(30);

/// A comment, which clients of server-sent events pass over.
const COMMENT: &[u8] = b": keep-alive\n\n";

/// The frames of a stream, and a comment after each `silence` between them. It comes between events only: a frame holds
/// whole ones.
pub(super) fn kept_alive(
    frames: impl Stream<Item = io::Result<Bytes>> + Send,
    silence: Duration,
) -> impl Stream<Item = io::Result<Bytes>> + Send + Unpin {
    let mut frames = Box::pin(frames);
    let mut timer = Box::pin(sleep(silence));
    let mut last = Instant::now();
    stream::poll_fn(move |context| {
        if let Poll::Ready(frame) = frames.as_mut().poll_next(context) {
            // Setting the timer anew for each frame would take the timers' lock for each.
            last = Instant::now();
            return Poll::Ready(frame);
        }
        loop {
            ready!(timer.as_mut().poll(context));
            let due = last + silence;
            let now = Instant::now();
            if now >= due {
                last = now;
            }
            timer.as_mut().reset(last + silence);
            if now >= due {
                return Poll::Ready(Some(Ok(Bytes::from_static(COMMENT))));
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::StreamExt;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn a_silent_stream_sends_comments_until_its_next_frame() {
        let (send, receive) = oneshot::channel();
        let frames = stream::once(async { Ok(receive.await.unwrap()) });
        let mut stream = pin!(kept_alive(frames, Duration::from_millis(1)));
        for _ in 0..3 {
            assert_eq!(stream.next().await.unwrap().unwrap(), COMMENT);
        }
        send.send(Bytes::from_static(b"data: 1\n\n")).unwrap();
        assert_eq!(stream.next().await.unwrap().unwrap(), "data: 1\n\n");
        assert!(stream.next().await.is_none());
    }

    #[tokio::test]
    async fn a_stream_that_is_not_silent_sends_none() {
        let frames = stream::iter(["a", "b"]).map(|frame| Ok(Bytes::from_static(frame.as_bytes())));
        let all: Vec<_> = kept_alive(frames, SILENCE).map(Result::unwrap).collect().await;
        assert_eq!(all, ["a", "b"]);
    }
}
