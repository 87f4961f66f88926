//! The time that a call may take.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::failure::Cause;
use crate::plugin::HookTime;

/// When a call must have ended, waiting for an instance included.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    at: Instant,
    total: Duration,
    /// Whether it is the request's, which all of its hooks share.
    is_shared: bool,
}

impl Deadline {
    /// From now.
    pub fn after(total: Duration) -> Self {
        Deadline::from(Instant::now(), total)
    }

    fn from(now: Instant, total: Duration) -> Self {
        // What can't be added up is as good as never: a day.
        let at = now
            .checked_add(total)
            .unwrap_or_else(|| now + Duration::from_secs(86_400));
        Deadline {
            at,
            total,
            is_shared: false,
        }
    }

    /// Since the hook's turn began, within what is left for all hooks of a request; without one, from now.
    pub fn within(total: Duration, time: Option<HookTime>) -> Self {
        match time {
            Some(HookTime { began, left }) if left < total => Deadline {
                is_shared: true,
                ..Deadline::from(began, left)
            },
            Some(HookTime { began, .. }) => Deadline::from(began, total),
            None => Deadline::after(total),
        }
    }

    fn missed(&self) -> Cause {
        match self.is_shared {
            true => Cause::RequestDeadline(self.total),
            false => Cause::Deadline(self.total),
        }
    }

    /// Carries out one step of the call. A panic of the host in it fails the call, and only this call.
    pub fn run<T, F: Future<Output = Result<T, Cause>>>(
        &self,
        step: F,
    ) -> impl Future<Output = Result<T, Cause>> + use<T, F> {
        InTime {
            deadline: *self,
            step,
            timer: None,
        }
    }
}

pin_project! {
    /// A step of a call. By hand, since an `async fn` has room for the step twice, and the futures of calls are allocated; most
    /// steps are done at once, and need no timer.
    struct InTime<F> {
        deadline: Deadline,
        #[pin]
        step: F,
        #[pin]
        timer: Option<Sleep>,
    }
}

impl<T, F: Future<Output = Result<T, Cause>>> Future for InTime<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        match catch_unwind(AssertUnwindSafe(|| this.step.poll(context))) {
            Ok(Poll::Pending) => {}
            Ok(ready) => return ready,
            Err(panic) => return Poll::Ready(Err(panicked(&*panic))),
        }
        if this.timer.is_none() {
            this.timer.set(Some(sleep_until(this.deadline.at)));
        }
        let is_over = this
            .timer
            .as_pin_mut()
            .is_some_and(|timer| timer.poll(context).is_ready());
        // A runtime whose workers are all busy with guests that yield and go on looks at its timers too rarely.
        match is_over || Instant::now() >= this.deadline.at {
            true => Poll::Ready(Err(this.deadline.missed())),
            false => Poll::Pending,
        }
    }
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> Cause {
    let message = panic.downcast_ref::<&str>().copied();
    let message = message.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Cause::Panicked(message.unwrap_or("no message").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_ends_in_time_gives_its_result() {
        let deadline = Deadline::after(Duration::from_secs(1));
        assert_eq!(deadline.run(async { Ok(7) }).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn what_waits_too_long_is_ended() {
        let total = Duration::from_millis(5);
        let outcome = Deadline::after(total)
            .run(std::future::pending::<Result<(), Cause>>())
            .await;
        assert!(matches!(outcome, Err(Cause::Deadline(told)) if told == total));
    }

    #[tokio::test]
    async fn the_shorter_of_two_times_counts_and_is_told_as_what_it_is() {
        let (short, long) = (Duration::from_millis(5), Duration::from_secs(60));
        for (total, left) in [(short, Some(long)), (short, None), (long, Some(short))] {
            let time = left.map(|left| HookTime {
                began: Instant::now(),
                left,
            });
            let outcome = Deadline::within(total, time)
                .run(std::future::pending::<Result<(), Cause>>())
                .await;
            match outcome {
                Err(Cause::Deadline(told)) => assert_eq!((told, total), (short, short)),
                Err(Cause::RequestDeadline(told)) => assert_eq!((told, total), (short, long)),
                outcome => panic!("{outcome:?}"),
            }
        }
    }

    #[tokio::test]
    async fn what_never_stops_to_yield_is_ended() {
        let busy = std::future::poll_fn(|context| {
            context.waker().wake_by_ref();
            Poll::<Result<(), Cause>>::Pending
        });
        assert!(matches!(
            Deadline::after(Duration::from_millis(5)).run(busy).await,
            Err(Cause::Deadline(_))
        ));
    }

    #[tokio::test]
    async fn a_panic_fails_the_call_alone() {
        let deadline = Deadline::after(Duration::from_secs(1));
        let outcome = deadline.run(async { panic!("out of {}", "order") }).await;
        let Err::<(), _>(Cause::Panicked(text)) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(text, "out of order");
    }
}
