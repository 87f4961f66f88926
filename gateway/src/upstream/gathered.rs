//! Pieces of a stream that came at the same time, together.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _};
use tokio::time::Instant;

use super::Fault;

/// Bytes that are gathered at most before they go on.
const MOST: usize = 16 << 10;

/// Pieces that are gathered at most: a small one may be part of a large buffer.
const MOST_PIECES: usize = 16;

/// How long the first piece waits at most for those that come behind it.
const PATIENCE: Duration = Duration::from_millis(2);

/// Turns of others that the next piece may need to come: the HTTP client's connection takes one to see that a piece was taken,
/// and one to bring the next.
const TURNS: u8 = 2;

/// The same pieces. Those that have come already are all there before the first of them goes on, so that what becomes of them
/// is sent at once: the HTTP library takes its time over each piece, and what waited for the next one would be written for
/// each, which costs more than all else that is done with it (of 50 pieces that came in two reads each was written alone).
/// One that comes alone goes on when others had two turns.
pub(super) fn gathered<S>(pieces: S) -> impl Stream<Item = Result<Bytes, Fault>> + Send
where
    S: Stream<Item = Result<Bytes, Fault>> + Send + Unpin,
{
    let mut pieces = pieces.fuse();
    let mut there = VecDeque::new();
    let mut bytes = 0;
    let mut began = Instant::now();
    let mut is_gathering = true;
    let mut turns = 0;
    stream::poll_fn(move |context| {
        loop {
            if !is_gathering {
                match there.pop_front() {
                    Some(piece) => return Poll::Ready(Some(piece)),
                    None => (is_gathering, turns, bytes) = (true, 0, 0),
                }
            }
            match Pin::new(&mut pieces).poll_next(context) {
                Poll::Ready(Some(piece)) => {
                    let now = Instant::now();
                    if there.is_empty() {
                        began = now;
                    }
                    bytes += piece.as_ref().map_or(MOST, Bytes::len);
                    there.push_back(piece);
                    is_gathering = bytes < MOST && there.len() < MOST_PIECES && now - began < PATIENCE;
                    turns = 0;
                }
                Poll::Ready(None) if there.is_empty() => return Poll::Ready(None),
                Poll::Ready(None) => is_gathering = false,
                Poll::Pending if there.is_empty() => return Poll::Pending,
                Poll::Pending if turns == TURNS => is_gathering = false,
                Poll::Pending => {
                    turns += 1;
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::FutureExt as _;
    use tokio::sync::mpsc;

    use super::*;

    fn piece(text: &'static str) -> Result<Bytes, Fault> {
        Ok(Bytes::from_static(text.as_bytes()))
    }

    /// Gives a piece whenever its task had another turn, as a connection does.
    fn one_a_turn(texts: &'static [&'static str]) -> impl Stream<Item = Result<Bytes, Fault>> + Send + Unpin {
        let mut texts = texts.iter();
        let mut is_turn = false;
        stream::poll_fn(move |context| {
            is_turn = !is_turn;
            if is_turn {
                return Poll::Ready(texts.next().map(|text| piece(text)));
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
    }

    #[tokio::test]
    async fn pieces_that_come_one_after_the_other_are_all_there_when_the_first_goes_on() {
        let mut gathered = pin!(gathered(one_a_turn(&["a", "b", "c"])));
        assert_eq!(gathered.next().await.unwrap().unwrap(), "a");
        for text in ["b", "c"] {
            let next = gathered.next().now_or_never();
            assert_eq!(next.unwrap().unwrap().unwrap(), text);
        }
        assert!(gathered.next().await.is_none());
    }

    #[tokio::test]
    async fn no_piece_waits_for_one_that_has_not_come() {
        let (sender, mut receiver) = mpsc::channel(1);
        let mut gathered = pin!(gathered(stream::poll_fn(move |context| receiver.poll_recv(context))));
        for text in ["a", "b"] {
            sender.send(piece(text)).await.unwrap();
            assert_eq!(gathered.next().await.unwrap().unwrap(), text);
        }
        drop(sender);
        assert!(gathered.next().await.is_none());
    }

    #[tokio::test]
    async fn no_more_is_gathered_than_it_may() {
        let large: &'static str = "x".repeat(MOST / 2).leak();
        let taken = AtomicUsize::new(0);
        let pieces = stream::iter([large, large, large]).inspect(|_| {
            taken.fetch_add(1, Ordering::Relaxed);
        });
        let mut gathered = gathered(pieces.map(piece));
        assert_eq!(gathered.next().await.unwrap().unwrap(), large);
        assert_eq!(taken.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_piece_does_not_wait_long_for_those_behind_it() {
        let mut turns = 0;
        let pieces = stream::poll_fn(move |context| {
            turns += 1;
            if turns % 2 == 1 {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(Some(piece("a")))
        });
        let slow = pieces.then(|piece| async {
            tokio::time::advance(PATIENCE / 2).await;
            piece
        });
        let mut gathered = pin!(gathered(Box::pin(slow)));
        let began = Instant::now();
        assert!(gathered.next().await.is_some());
        assert_eq!(began.elapsed(), PATIENCE / 2 * 3);
    }

    #[tokio::test]
    async fn what_came_before_an_error_goes_on_first() {
        let pieces = stream::iter([piece("a"), Err(Fault::BrokeOff)]);
        let gathered: Vec<_> = gathered(pieces).collect().await;
        assert!(matches!(gathered.as_slice(), [Ok(first), Err(Fault::BrokeOff)] if first == "a"));
    }
}
