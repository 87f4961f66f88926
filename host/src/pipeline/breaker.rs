//! Whether a plugin that keeps failing is called at all.
//!
//! It is until it has failed so often in a row; then its policy applies without a call for a while. After that one call
//! tries it: it works again, or it is left alone for twice as long. No lock is taken: this stands before every hook.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::failure::Cause;

/// When a plugin that fails is left alone, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakerSettings {
    /// After so many failures in a row; 0: never.
    pub failures: u32,
    /// For so long the first time; each time in a row twice as long.
    pub pause: Duration,
    /// But never longer.
    pub max_pause: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        BreakerSettings {
            failures: 5,
            pause: Duration::from_secs(1),
            max_pause: Duration::from_secs(60),
        }
    }
}

/// Whether a plugin is called, at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// It is.
    Closed {
        /// How often it has failed since it last did not.
        failures: u32,
    },
    /// It is not.
    Open {
        /// For how long yet.
        left: Duration,
    },
    /// One call tries it, or the next one will.
    HalfOpen,
}

/// Counts a plugin's failures in a row.
#[derive(Debug)]
pub struct Breaker {
    settings: BreakerSettings,
    born: Instant,
    /// In a row. From the settings' number on it is open.
    failures: AtomicU32,
    /// When the next call may try it, in milliseconds of [`now`](Self::now).
    until: AtomicU64,
    /// How often in a row it was opened.
    pauses: AtomicU32,
    trips: AtomicU64,
}

/// A call that may be made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass {
    /// Whether it is the one that tries a plugin after a pause.
    is_trial: bool,
}

/// What the end of a call has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing.
    None,
    /// From now on the plugin is not called, for so long.
    Opened(Duration),
    /// It is called again.
    Closed,
}

/// How long a call that tries a plugin keeps the others from doing so, should it never come to an end.
const TRIAL: Duration = Duration::from_secs(10);

impl Breaker {
    /// Closed.
    pub fn new(settings: BreakerSettings) -> Breaker {
        Breaker {
            settings,
            born: Instant::now(),
            failures: AtomicU32::new(0),
            until: AtomicU64::new(0),
            pauses: AtomicU32::new(0),
            trips: AtomicU64::new(0),
        }
    }

    /// How it stands.
    pub fn state(&self) -> BreakerState {
        let failures = self.failures.load(Ordering::Relaxed);
        if !self.is_open(failures) {
            return BreakerState::Closed { failures };
        }
        match self.until.load(Ordering::Relaxed).checked_sub(self.now()) {
            None | Some(0) => BreakerState::HalfOpen,
            Some(left) => BreakerState::Open {
                left: Duration::from_millis(left),
            },
        }
    }

    /// How often it was opened.
    pub fn trips(&self) -> u64 {
        self.trips.load(Ordering::Relaxed)
    }

    fn is_open(&self, failures: u32) -> bool {
        self.settings.failures > 0 && failures >= self.settings.failures
    }

    /// Whether a call may be made now. Of those that ask when a pause is over, one may.
    pub(super) fn admit(&self) -> Result<Pass, Cause> {
        let failures = self.failures.load(Ordering::Relaxed);
        if !self.is_open(failures) {
            return Ok(Pass { is_trial: false });
        }
        let (until, now) = (self.until.load(Ordering::Relaxed), self.now());
        let trial = now.saturating_add(millis(TRIAL));
        let swap = || {
            self.until
                .compare_exchange(until, trial, Ordering::Relaxed, Ordering::Relaxed)
        };
        if until <= now && swap().is_ok() {
            return Ok(Pass { is_trial: true });
        }
        Err(Cause::CircuitOpen {
            failures,
            left: Duration::from_millis(until.saturating_sub(now)),
        })
    }

    /// A call came to its end as it should.
    pub(super) fn succeeded(&self, pass: Pass) -> Change {
        // Written seldom: what is only read is not fought over by the workers.
        let failures = self.failures.load(Ordering::Relaxed);
        if failures == 0 {
            return Change::None;
        }
        if !self.is_open(failures) {
            self.failures.store(0, Ordering::Relaxed);
            return Change::None;
        }
        // What began before it opened says nothing of how it is now.
        if !pass.is_trial {
            return Change::None;
        }
        self.pauses.store(0, Ordering::Relaxed);
        self.failures.store(0, Ordering::Relaxed);
        Change::Closed
    }

    /// A call ended without telling anything of the plugin: it was busy, or the request's time was over. Of a trial, another
    /// one may follow at once.
    pub(super) fn told_nothing(&self, pass: Pass) {
        if pass.is_trial {
            self.until.store(self.now(), Ordering::Relaxed);
        }
    }

    /// A call failed, in a way that another one may too.
    pub(super) fn failed(&self, pass: Pass) -> Change {
        let counted = self
            .failures
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |it| it.checked_add(1));
        let before = counted.unwrap_or(u32::MAX);
        let opens = pass.is_trial || !self.is_open(before);
        if !opens || !self.is_open(before.saturating_add(1)) {
            return Change::None;
        }
        let pauses = self.pauses.fetch_add(1, Ordering::Relaxed);
        let times = 1_u32.checked_shl(pauses).unwrap_or(u32::MAX);
        let pause = self.settings.pause.saturating_mul(times).min(self.settings.max_pause);
        self.until
            .store(self.now().saturating_add(millis(pause)), Ordering::Relaxed);
        self.trips.fetch_add(1, Ordering::Relaxed);
        Change::Opened(pause)
    }

    /// Milliseconds since it was made, by the clock that deadlines have too.
    fn now(&self) -> u64 {
        // From 1 on: 0 is when nothing was opened yet.
        millis(self.born.elapsed()).saturating_add(1)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(1);

    fn breaker(failures: u32) -> Breaker {
        Breaker::new(BreakerSettings {
            failures,
            pause: PAUSE,
            max_pause: PAUSE * 3,
        })
    }

    fn fail(breaker: &Breaker) -> Change {
        breaker.failed(breaker.admit().unwrap())
    }

    fn succeed(breaker: &Breaker) -> Change {
        breaker.succeeded(breaker.admit().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn it_opens_after_so_many_failures_in_a_row() {
        let breaker = breaker(3);
        for change in [
            fail(&breaker),
            fail(&breaker),
            succeed(&breaker),
            fail(&breaker),
            fail(&breaker),
        ] {
            assert_eq!(change, Change::None);
        }
        assert_eq!(breaker.state(), BreakerState::Closed { failures: 2 });
        assert_eq!(fail(&breaker), Change::Opened(PAUSE));
        assert_eq!(breaker.state(), BreakerState::Open { left: PAUSE });
        let refused = breaker.admit().unwrap_err();
        assert!(
            matches!(refused, Cause::CircuitOpen { failures: 3, left } if left == PAUSE),
            "{refused}"
        );
        assert_eq!(breaker.trips(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_pause_one_call_tries_it_and_closes_it() {
        let breaker = breaker(1);
        fail(&breaker);
        tokio::time::advance(PAUSE).await;
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        let trial = breaker.admit().unwrap();
        assert!(breaker.admit().is_err());
        assert_eq!(breaker.succeeded(trial), Change::Closed);
        assert_eq!(breaker.state(), BreakerState::Closed { failures: 0 });
        assert!(breaker.admit().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_that_fails_doubles_the_pause_up_to_its_cap() {
        let breaker = breaker(1);
        for pause in [PAUSE, PAUSE * 2, PAUSE * 3, PAUSE * 3] {
            assert_eq!(fail(&breaker), Change::Opened(pause));
            tokio::time::advance(pause - Duration::from_millis(1)).await;
            assert!(breaker.admit().is_err());
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        succeed(&breaker);
        assert_eq!(fail(&breaker), Change::Opened(PAUSE));
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_began_before_it_opened_change_nothing() {
        let breaker = breaker(1);
        let (first, second, third) = (
            breaker.admit().unwrap(),
            breaker.admit().unwrap(),
            breaker.admit().unwrap(),
        );
        assert_eq!(breaker.failed(first), Change::Opened(PAUSE));
        assert_eq!(breaker.failed(second), Change::None);
        assert_eq!(breaker.succeeded(third), Change::None);
        assert_eq!(breaker.state(), BreakerState::Open { left: PAUSE });
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_that_never_ends_gives_way_to_another() {
        let breaker = breaker(1);
        fail(&breaker);
        tokio::time::advance(PAUSE).await;
        let _never_ends = breaker.admit().unwrap();
        assert!(breaker.admit().is_err());
        tokio::time::advance(TRIAL).await;
        assert!(breaker.admit().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_that_told_nothing_is_followed_by_another() {
        let breaker = breaker(1);
        fail(&breaker);
        tokio::time::advance(PAUSE).await;
        breaker.told_nothing(breaker.admit().unwrap());
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        assert_eq!(succeed(&breaker), Change::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_switched_off_never_opens() {
        let breaker = breaker(0);
        for _ in 0..1000 {
            assert_eq!(fail(&breaker), Change::None);
        }
    }
}
