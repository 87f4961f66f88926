//! The attempts of one call: which upstream is next, after which pause, and until when.

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use heimdall_host::json::{Document, Kind};
use heimdall_host::model::LlmError;
use http::StatusCode;
use tokio::time::Instant;

use crate::upstream::{Again, AttemptsEnd, Choice, Fault, Member, Place, Target, UpstreamError, Upstreams};

/// The longest pause before a retry. An upstream that asks for a longer one is not tried again.
const MAX_PAUSE: Duration = Duration::from_secs(10);

/// The longest pause without what makes it vary, which at most doubles it.
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// Why an attempt came to no answer.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cause {
    /// A plugin decided so, or failed.
    Plugin,
    /// The upstream failed. `wait`: how long it asked to be left alone.
    Upstream { again: Again, wait: Option<Duration> },
}

impl Cause {
    /// An upstream that failed without a word of when to come again.
    pub(super) fn upstream(again: Again) -> Cause {
        Cause::Upstream { again, wait: None }
    }

    /// What may be tried after it. `error` is what the post hooks left: its `allow_fallbacks` counts, whoever set it.
    fn again(self, error: &LlmError) -> Again {
        match (error.allow_fallbacks, self) {
            (Some(false), _) => Again::Nowhere,
            (Some(true), Cause::Upstream { again: Again::Here, .. }) => Again::Here,
            (Some(true), _) => Again::Elsewhere,
            (None, Cause::Upstream { again, .. }) if error.plugin.is_none() => again,
            (None, _) => Again::Nowhere,
        }
    }
}

/// The error that an upstream tells of where its answer should be, with a status of success. It comes to the same as
/// one that is told by a stream's first event.
pub(crate) fn told_with_success(body: &Document) -> Option<LlmError> {
    let root = body.root();
    let has = |member: &str| root.get(member).is_some_and(|value| !value.is_null());
    let told = root.get("error")?;
    let is_told = told.kind() == Kind::Object || told.as_str().is_some_and(|words| !words.is_empty());
    if !is_told || ["choices", "output", "data"].into_iter().any(has) {
        return None;
    }
    Some(LlmError {
        status: None,
        ..LlmError::from_upstream(StatusCode::OK.as_u16(), body.bytes())
    })
}

/// The attempts of one call. The first one's upstream bounds the time of all.
pub(super) struct Attempts<'a> {
    upstreams: &'a Upstreams,
    target: Target,
    /// How many attempts there were before this one.
    number: u32,
    /// What is left of the retries at this target; none: no upstream was asked for it yet.
    retries: Option<Retries>,
    fallbacks: Arc<[Place]>,
    next_fallback: usize,
    model: Arc<str>,
    total: Duration,
    end: Instant,
}

struct Retries {
    left: u32,
    pauses: ExponentialBackoff,
}

impl<'a> Attempts<'a> {
    pub(super) fn new(upstreams: &'a Upstreams, choice: Choice) -> Attempts<'a> {
        let Choice { target, fallbacks } = choice;
        let total = upstreams
            .get(&target.upstream)
            .map_or(Duration::ZERO, |member| member.total);
        Attempts {
            upstreams,
            number: 0,
            retries: None,
            fallbacks: fallbacks.unwrap_or_else(|| upstreams.fallbacks(&target.upstream)),
            next_fallback: 0,
            model: target.model.clone(),
            target,
            total,
            end: Instant::now() + total,
        }
    }

    /// Where the configuration sends this attempt.
    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// 0 for the first.
    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// This upstream is asked now: the target's, unless a plugin chose another one. Gives back when the attempt has to
    /// be over; the first has no other bound than the upstream's own.
    pub(super) fn asks(&mut self, name: &str, member: &Member) -> Option<AttemptsEnd> {
        let pauses = ExponentialBuilder::new()
            .with_min_delay(member.backoff.min(MAX_BACKOFF))
            .with_max_delay(MAX_BACKOFF)
            .with_jitter()
            .without_max_times();
        self.retries.get_or_insert_with(|| Retries {
            left: member.retries,
            pauses: pauses.build(),
        });
        if self.number == 0 {
            self.total = member.total;
            self.end = Instant::now() + member.total;
            if *self.target.upstream != *name {
                self.fallbacks = self.upstreams.fallbacks(name);
            }
            return None;
        }
        Some(AttemptsEnd {
            end: self.end,
            error: UpstreamError {
                upstream: name.into(),
                fault: Fault::AttemptsTimeout(self.total),
            },
        })
    }

    /// Whether there may be another attempt after this one.
    pub(super) fn is_last(&self) -> bool {
        self.retries.as_ref().is_none_or(|retries| retries.left == 0) && !self.has_fallback()
    }

    /// Whether another upstream may be asked after this one.
    pub(super) fn has_fallback(&self) -> bool {
        self.next_fallback < self.fallbacks.len()
    }

    /// Goes on to the next attempt, which is due after this pause; none: there is no other.
    pub(super) fn next(&mut self, cause: Cause, error: &LlmError) -> Option<Duration> {
        let again = cause.again(error);
        if again == Again::Nowhere || Instant::now() >= self.end {
            return None;
        }
        let number = self.number.checked_add(1)?;
        let pause = self.pause(cause).filter(|_| again == Again::Here);
        if pause.is_none() {
            let place = self.fallbacks.get(self.next_fallback)?;
            self.next_fallback += 1;
            self.target = place.target(&self.model);
            self.retries = None;
        }
        self.number = number;
        Some(pause.unwrap_or_default())
    }

    /// The pause before another attempt at the same target; none: there is no such attempt.
    fn pause(&mut self, cause: Cause) -> Option<Duration> {
        let retries = self.retries.as_mut()?;
        retries.left = retries.left.checked_sub(1)?;
        let backoff = retries.pauses.next()?;
        let pause = match cause {
            Cause::Upstream { wait: Some(wait), .. } if wait > MAX_PAUSE => None,
            // Many calls are asked to come back at the same moment: the pause after it is what keeps them apart.
            Cause::Upstream { wait: Some(wait), .. } => Some(wait.saturating_add(backoff)),
            _ => Some(backoff),
        };
        pause
            .map(|pause| pause.min(MAX_PAUSE))
            .filter(|pause| *pause < self.end.saturating_duration_since(Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, UpstreamConfig, UpstreamKind};

    /// The pauses of a call that fails each time like this.
    fn pauses(retry_backoff_ms: u64, wait: Option<Duration>) -> Vec<Duration> {
        let echo = UpstreamConfig {
            kind: UpstreamKind::Echo,
            retries: 8,
            retry_backoff_ms,
            ..UpstreamConfig::default()
        };
        let config = Config {
            upstreams: [("e".to_owned(), echo)].into(),
            ..Config::default()
        };
        let upstreams = Upstreams::new(&config, None).unwrap();
        let mut attempts = Attempts::new(&upstreams, upstreams.choose("m").unwrap());
        attempts.asks("e", upstreams.get("e").unwrap());
        let again = Again::Here;
        std::iter::from_fn(|| attempts.next(Cause::Upstream { again, wait }, &LlmError::default())).collect()
    }

    #[test]
    fn a_pause_is_as_long_as_was_asked_and_something_that_varies_but_never_over_the_maximum() {
        let seconds = Duration::from_secs;
        // (the first pause in ms, what was asked, the bounds of the first and the last pause)
        let cases = [
            (1_000, None, [(1, 2), (5, 10)]),
            (60_000, None, [(5, 10), (5, 10)]),
            (1_000, Some(3), [(4, 5), (8, 10)]),
            (1_000, Some(10), [(10, 10), (10, 10)]),
        ];
        for (backoff, wait, bounds) in cases {
            let all = pauses(backoff, wait.map(seconds));
            assert_eq!(all.len(), 8, "{all:?}");
            for (pause, (least, most)) in [all[0], all[7]].into_iter().zip(bounds) {
                assert!(
                    (seconds(least)..=seconds(most)).contains(&pause),
                    "{backoff}, {wait:?}: {all:?}"
                );
            }
        }
        assert_ne!(
            pauses(1_000, Some(seconds(3))),
            pauses(1_000, Some(seconds(3))),
            "chance decides"
        );
        assert!(pauses(1_000, Some(seconds(11))).is_empty());
    }
}
