//! The time that a call may take.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::Instant;

use crate::failure::Cause;

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
        let now = Instant::now();
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

    /// From now, within what is left for all hooks of a request.
    pub fn within(total: Duration, left: Option<Duration>) -> Self {
        match left {
            Some(left) if left < total => Deadline {
                is_shared: true,
                ..Deadline::after(left)
            },
            _ => Deadline::after(total),
        }
    }

    fn missed(&self) -> Cause {
        match self.is_shared {
            true => Cause::RequestDeadline(self.total),
            false => Cause::Deadline(self.total),
        }
    }

    /// Carries out one step of the call. A panic of the host in it fails the call, and only this call.
    pub async fn run<T>(&self, step: impl Future<Output = Result<T, Cause>>) -> Result<T, Cause> {
        let mut step = pin!(AssertUnwindSafe(step).catch_unwind());
        let mut timer = pin!(tokio::time::sleep_until(self.at));
        std::future::poll_fn(|context| {
            if let Poll::Ready(outcome) = step.as_mut().poll(context) {
                return Poll::Ready(outcome.unwrap_or_else(|panic| Err(panicked(&*panic))));
            }
            // A runtime whose workers are all busy with guests that yield and go on looks at its timers too rarely.
            if Instant::now() >= self.at || timer.as_mut().poll(context).is_ready() {
                return Poll::Ready(Err(self.missed()));
            }
            Poll::Pending
        })
        .await
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
            let outcome = Deadline::within(total, left)
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
