//! Something that many look at for each request and that rarely changes: whether clients are to go elsewhere, whether
//! requests may go on.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use tokio::sync::Notify;

/// On or off; at first it is off.
#[derive(Debug, Default)]
pub(crate) struct Switch {
    is_on: AtomicBool,
    turned_on: Notify,
}

impl Switch {
    /// Gives back whether that changes anything.
    pub(crate) fn turn_on(&self) -> bool {
        let changes = !self.is_on.swap(true, Ordering::AcqRel);
        self.turned_on.notify_waiters();
        changes
    }

    /// Gives back whether that changes anything.
    pub(crate) fn turn_off(&self) -> bool {
        self.is_on.swap(false, Ordering::AcqRel)
    }

    pub(crate) fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Acquire)
    }

    /// Completes when it is on.
    pub(super) async fn on(&self) {
        loop {
            let mut turned_on = pin!(self.turned_on.notified());
            // Before the look, so that no turn falls between the two.
            turned_on.as_mut().enable();
            if self.is_on() {
                return;
            }
            turned_on.await;
        }
    }

    /// What this comes to; none: it was turned on before. It is one task that waits.
    pub(super) async fn unless_on<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let (mut work, mut on) = (pin!(work), pin!(self.on()));
        let mut waits = false;
        poll_fn(|context| {
            if let Poll::Ready(done) = work.as_mut().poll(context) {
                return Poll::Ready(Some(done));
            }
            // Whoever waits is woken. To ask each time takes a lock that all requests share.
            if (self.is_on() || !waits) && on.as_mut().poll(context).is_ready() {
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
    fn who_waits_waits_until_it_is_on_and_no_longer() {
        let switch = Switch::default();
        let mut on = pin!(switch.on());
        assert_eq!(on.as_mut().now_or_never(), None);
        assert!(switch.turn_on() && !switch.turn_on());
        assert_eq!(on.now_or_never(), Some(()));
        assert_eq!(switch.on().now_or_never(), Some(()));
        assert!(switch.turn_off() && !switch.turn_off());
        assert_eq!(switch.on().now_or_never(), None);
    }

    #[tokio::test]
    async fn work_ends_when_it_is_done_or_when_it_is_turned_on() {
        let switch = Switch::default();
        assert_eq!(switch.unless_on(ready(1)).await, Some(1));
        // Polled several times before that.
        let turns = async {
            for _ in 0..3 {
                yield_now().await;
            }
            2
        };
        assert_eq!(switch.unless_on(turns).await, Some(2));
        let turned = async {
            yield_now().await;
            switch.turn_on();
        };
        let (ended, ()) = tokio::join!(switch.unless_on(pending::<u8>()), turned);
        assert_eq!(ended, None);
        assert_eq!(switch.unless_on(pending::<u8>()).await, None);
        assert_eq!(switch.unless_on(ready(3)).await, Some(3), "what is done counts");
    }
}
