//! Calls that wait for an instance.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

use tokio::time::Instant;

use super::permits::{Closed, Got};
use super::{Factory, Held, Shared};
use crate::counters::Limit;
use crate::failure::Cause;
use crate::loader::Isolation;
use crate::runtime::Deadline;

/// One of the bounded number of calls that wait.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(count: &'a AtomicUsize, most: usize) -> Option<Self> {
        let guard = Waiting(count);
        (count.fetch_add(1, Ordering::SeqCst) < most).then_some(guard)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<F: Factory> Shared<F> {
    /// An instance for a call where none was idle, or room for one that stands by or is to be made: as soon as there is some.
    pub(super) async fn permit(self: &Arc<Self>, deadline: &Deadline) -> Result<Got<Held<F::Instance>>, Cause> {
        if let Some(permit) = self.permits.try_take().map_err(|Closed| Cause::Retired)? {
            return Ok(Got::Permit(permit));
        }
        let cap = self.settings.cap;
        let Some(_waiting) = Waiting::enter(&self.waiting, self.settings.waiting) else {
            // One may have come back since.
            if let Some(held) = self.idle.pop() {
                return Ok(Got::Found(held));
            }
            let free = self.permits.try_take().ok().flatten();
            return free.map(Got::Permit).ok_or_else(|| {
                self.settings.counters.over(Limit::Waiting, 1);
                Cause::Busy(cap)
            });
        };
        // One that came back before it saw this call wait is idle.
        fence(Ordering::SeqCst);
        let (began, before) = (Instant::now(), self.returned.load(Ordering::Relaxed));
        // A request's own instance is its own for as long as an upstream takes, and one that is being made comes yet.
        let may_be_stuck = self.settings.isolation == Isolation::Warm && self.making.load(Ordering::Relaxed) == 0;
        let next = async {
            self.permits
                .wait(|| self.idle.pop())
                .await
                .map_err(|Closed| Cause::Retired)
        };
        let got = deadline.run(next).await;
        // What it was told of may be another one.
        if got.is_ok() && !self.idle.is_empty() {
            self.tell();
            self.retire_late();
        }
        match got {
            Err(Cause::Deadline(total))
                if may_be_stuck && self.returned.load(Ordering::Relaxed) == before && began.elapsed() >= total / 2 =>
            {
                Err(Cause::Stuck(cap))
            }
            Err(Cause::Deadline(_)) => Err(Cause::Busy(cap)),
            got => got,
        }
    }
}
