//! Something that many look at for each request and that rarely changes: whether clients are to go elsewhere, whether
//! requests may go on.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use tokio::sync::Notify;

/// Raised or not; at first it is not.
#[derive(Debug, Default)]
pub(crate) struct Flag {
    is_raised: AtomicBool,
    was_raised: Notify,
}

impl Flag {
    /// Gives back whether that changes anything.
    pub(crate) fn raise(&self) -> bool {
        let changes = !self.is_raised.swap(true, Ordering::AcqRel);
        self.was_raised.notify_waiters();
        changes
    }

    /// Gives back whether that changes anything.
    pub(crate) fn lower(&self) -> bool {
        self.is_raised.swap(false, Ordering::AcqRel)
    }

    pub(crate) fn is_raised(&self) -> bool {
        self.is_raised.load(Ordering::Acquire)
    }

    /// Completes when it is raised.
    pub(super) async fn raised(&self) {
        loop {
            let mut was_raised = pin!(self.was_raised.notified());
            // Before the look, so that no raising falls between the two.
            was_raised.as_mut().enable();
            if self.is_raised() {
                return;
            }
            was_raised.await;
        }
    }

    /// What this comes to; none: it was raised before. It is one task that waits.
    pub(super) async fn unless_raised<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let (mut work, mut raised) = (pin!(work), pin!(self.raised()));
        let mut waits = false;
        poll_fn(|context| {
            if let Poll::Ready(done) = work.as_mut().poll(context) {
                return Poll::Ready(Some(done));
            }
            // Whoever waits is woken. To ask each time takes a lock that all requests share.
            if (self.is_raised() || !waits) && raised.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            waits = true;
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures_util::FutureExt as _;
    use tokio::task::yield_now;

    use super::*;

    #[test]
    fn who_waits_waits_until_it_is_raised_and_no_longer() {
        let flag = Flag::default();
        let mut raised = pin!(flag.raised());
        assert_eq!(raised.as_mut().now_or_never(), None);
        assert!(flag.raise() && !flag.raise());
        assert_eq!(raised.now_or_never(), Some(()));
        assert_eq!(flag.raised().now_or_never(), Some(()));
        assert!(flag.lower() && !flag.lower());
        assert_eq!(flag.raised().now_or_never(), None);
    }

    #[tokio::test]
    async fn work_ends_when_it_is_done_or_when_it_is_was_raised() {
        let flag = Flag::default();
        assert_eq!(flag.unless_raised(ready(1)).await, Some(1));
        // Polled several times before that.
        let turns = async {
            for _ in 0..3 {
                yield_now().await;
            }
            2
        };
        assert_eq!(flag.unless_raised(turns).await, Some(2));
        let turned = async {
            yield_now().await;
            flag.raise();
        };
        let (ended, ()) = tokio::join!(flag.unless_raised(pending::<u8>()), turned);
        assert_eq!(ended, None);
        assert_eq!(flag.unless_raised(pending::<u8>()).await, None);
        assert_eq!(flag.unless_raised(ready(3)).await, Some(3), "what is done counts");
    }
}
