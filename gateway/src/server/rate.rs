//! How often a client may call.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};

type Limiter = RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit-requests");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining-requests");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset-requests");
/// What OpenAI's clients prefer to `retry-after`.
const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");

/// A client's allowance: requests that come back one by one, spread over the minute.
pub(super) struct Rate {
    limiter: Limiter,
    per_minute: NonZeroU32,
    burst: NonZeroU32,
    clock: DefaultClock,
}

/// What a request made of its client's allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Allowance {
    /// What `remaining` counts down from.
    limit: NonZeroU32,
    remaining: u32,
    /// Until all of the allowance is there again.
    full_in: Duration,
    /// The request is one too many: until there is room for one.
    pub(super) wait: Option<Duration>,
}

impl Rate {
    /// Without a `burst`, all requests of a minute may come at once.
    pub(super) fn new(per_minute: NonZeroU32, burst: Option<NonZeroU32>) -> Rate {
        let burst = burst.unwrap_or(per_minute);
        let quota = Quota::per_minute(per_minute).allow_burst(burst);
        Rate {
            limiter: RateLimiter::direct(quota).with_middleware(),
            per_minute,
            burst,
            clock: DefaultClock::default(),
        }
    }

    /// One request more.
    pub(super) fn take(&self) -> Allowance {
        let (remaining, wait) = match self.limiter.check() {
            Ok(state) => (state.remaining_burst_capacity(), None),
            Err(until) => (0, Some(until.wait_time_from(self.clock.now()))),
        };
        let each = Duration::from_secs(60) / self.per_minute.get();
        Allowance {
            limit: self.burst,
            remaining,
            full_in: each.saturating_mul(self.burst.get().saturating_sub(remaining)),
            wait,
        }
    }
}

impl Allowance {
    /// Tells the client, in OpenAI's headers.
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        headers.insert(LIMIT, self.limit.get().into());
        headers.insert(REMAINING, self.remaining.into());
        if let Ok(reset) = HeaderValue::from_str(&written(self.full_in)) {
            headers.insert(RESET, reset);
        }
        if let Some(wait) = self.wait {
            let ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
            headers.insert(RETRY_AFTER, ms.div_ceil(1000).into());
            headers.insert(RETRY_AFTER_MS, ms.into());
        }
    }
}

/// A time as OpenAI writes it: `6m0s`, `1.2s`, `20ms`.
fn written(time: Duration) -> String {
    let ms = time.as_millis();
    let (minutes, ms_of_minute) = (ms / 60_000, ms % 60_000);
    let (seconds, rest) = (ms_of_minute / 1000, ms_of_minute % 1000);
    let fraction = format!(".{rest:03}");
    let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
    match (minutes, ms) {
        (0, 0..1000) => format!("{ms}ms"),
        (0, _) => format!("{seconds}{fraction}s"),
        (0..60, _) => format!("{minutes}m{seconds}{fraction}s"),
        (_, _) => format!("{}h{}m{seconds}{fraction}s", minutes / 60, minutes % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    #[test]
    fn a_burst_is_let_through_and_what_is_over_it_is_told_to_wait() {
        let rate = Rate::new(number(1), Some(number(2)));
        assert_eq!((rate.take().remaining, rate.take().remaining), (1, 0));
        let refused = rate.take();
        let wait = refused.wait.unwrap();
        assert!(
            wait > Duration::from_secs(30) && wait <= Duration::from_secs(60),
            "{wait:?}"
        );
        let mut headers = HeaderMap::new();
        refused.write(&mut headers);
        let of = |name: &str| headers[name].to_str().unwrap().to_owned();
        assert_eq!(of("x-ratelimit-limit-requests"), "2");
        assert_eq!(of("x-ratelimit-remaining-requests"), "0");
        assert_eq!(of("x-ratelimit-reset-requests"), "2m0s");
        assert_eq!(
            of("retry-after").parse::<u64>().unwrap(),
            of("retry-after-ms").parse::<u64>().unwrap().div_ceil(1000)
        );
    }

    #[test]
    fn without_a_burst_all_of_a_minute_may_come_at_once() {
        for (per_minute, expected) in [(1, 0), (60, 59), (600, 599)] {
            assert_eq!(Rate::new(number(per_minute), None).take().remaining, expected);
        }
    }

    #[test]
    fn times_are_written_as_openai_writes_them() {
        let cases = [
            (0, "0ms"),
            (20, "20ms"),
            (1000, "1s"),
            (1200, "1.2s"),
            (360_000, "6m0s"),
            (86_400, "1m26.4s"),
            (3_660_005, "1h1m0.005s"),
        ];
        for (ms, expected) in cases {
            assert_eq!(written(Duration::from_millis(ms)), expected);
        }
    }
}
