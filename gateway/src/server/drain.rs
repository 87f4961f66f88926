//! Whether clients are to go elsewhere: requests are answered as ever, and connections end after their next answer.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Whether clients are to go elsewhere.
#[derive(Debug, Default)]
pub(crate) struct Drain {
    is_on: AtomicBool,
    began: Notify,
}

impl Drain {
    /// Gives back whether that changes anything.
    pub(crate) fn begin(&self) -> bool {
        let changes = !self.is_on.swap(true, Ordering::AcqRel);
        self.began.notify_waiters();
        changes
    }

    /// Gives back whether that changes anything.
    pub(crate) fn end(&self) -> bool {
        self.is_on.swap(false, Ordering::AcqRel)
    }

    pub(crate) fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Acquire)
    }

    /// Completes when it is.
    pub(super) async fn on(&self) {
        loop {
            let mut began = pin!(self.began.notified());
            // Before the look, so that no beginning falls between the two.
            began.as_mut().enable();
            if self.is_on() {
                return;
            }
            began.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn who_waits_for_the_drain_waits_until_it_begins_and_no_longer() {
        let drain = Drain::default();
        let mut on = pin!(drain.on());
        assert_eq!(on.as_mut().now_or_never(), None);
        assert!(drain.begin() && !drain.begin());
        assert_eq!(on.now_or_never(), Some(()));
        assert_eq!(drain.on().now_or_never(), Some(()));
        assert!(drain.end() && !drain.end());
        assert_eq!(drain.on().now_or_never(), None);
    }
}
