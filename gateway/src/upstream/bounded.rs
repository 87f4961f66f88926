//! Calls that are over in time, and streams that are even while nobody asks for their next piece.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures_util::stream::{BoxStream, Stream, StreamExt};
use futures_util::task::AtomicWaker;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

use super::{UpstreamAnswer, UpstreamError};

/// A call and its answer, to the end of it, or this error when they are not over by then.
pub(super) async fn call(
    end: Instant,
    error: UpstreamError,
    call: impl Future<Output = Result<UpstreamAnswer, UpstreamError>>,
) -> Result<UpstreamAnswer, UpstreamError> {
    let answer = timeout_at(end, call).await;
    Ok(match answer.unwrap_or_else(|_| Err(error.clone()))? {
        UpstreamAnswer::Stream { headers, events } => UpstreamAnswer::Stream {
            headers,
            events: until(end, events, Err(error)).boxed(),
        },
        whole @ UpstreamAnswer::Whole { .. } => whole,
    })
}

/// Ends after `end` with this last item, and lets go of what the stream holds at that very moment.
pub(super) fn until<T>(
    end: Instant,
    stream: impl Stream<Item = T> + Send + 'static,
    last: T,
) -> impl Stream<Item = T> + Send
where
    T: Send + Unpin + 'static,
{
    let shared = Arc::new(Shared {
        stream: Mutex::new(Some(stream.boxed())),
        waker: AtomicWaker::new(),
    });
    let watched = shared.clone();
    let clock = tokio::spawn(async move {
        tokio::time::sleep_until(end).await;
        let late = watched.stream.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(late);
        watched.waker.wake();
    });
    Until {
        shared,
        last: Some(last),
        clock: clock.abort_handle(),
    }
}

struct Shared<T> {
    /// None: it was taken away, because its time was over.
    stream: Mutex<Option<BoxStream<'static, T>>>,
    waker: AtomicWaker,
}

struct Until<T> {
    shared: Arc<Shared<T>>,
    last: Option<T>,
    clock: AbortHandle,
}

impl<T: Unpin> Stream for Until<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let this = self.get_mut();
        this.shared.waker.register(context.waker());
        let mut stream = this.shared.stream.lock().unwrap_or_else(PoisonError::into_inner);
        match stream.as_mut() {
            Some(stream) => stream.poll_next_unpin(context),
            None => Poll::Ready(this.last.take()),
        }
    }
}

impl<T> Drop for Until<T> {
    fn drop(&mut self) {
        self.clock.abort();
        // The clock holds its half until it is next run.
        self.shared.stream.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::stream;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_comes_in_time_passes() {
        let end = Instant::now() + Duration::from_secs(3600);
        let items: Vec<u8> = until(end, stream::iter([1, 2]), 9).collect().await;
        assert_eq!(items, [1, 2]);
    }

    #[tokio::test]
    async fn a_stream_that_nobody_reads_is_let_go_when_its_time_is_over() {
        let (held, released) = oneshot::channel::<()>();
        let endless = stream::pending().map(move |item: u8| {
            let _held = &held;
            item
        });
        let unread = until(Instant::now() + Duration::from_millis(1), endless, 9);
        assert!(released.await.is_err());
        assert_eq!(unread.collect::<Vec<_>>().await, [9]);
    }

    #[tokio::test]
    async fn a_reader_that_waits_is_told_of_the_end() {
        let read = until(Instant::now() + Duration::from_millis(1), stream::pending(), 9);
        assert_eq!(read.collect::<Vec<u8>>().await, [9]);
    }
}
