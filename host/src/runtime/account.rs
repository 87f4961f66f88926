//! What all Stores of one plugin have in common: whose they are, what they may use, and where it is counted.

use std::num::NonZeroU32;
use std::sync::Arc;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use crate::counters::{Counters, Limit};
use crate::failure::Cause;
use crate::limits::Limits;

/// What all Stores of one plugin have in common. Clones share it.
#[derive(Debug, Clone)]
pub struct Account {
    plugin: Arc<str>,
    limits: Arc<Limits>,
    counters: Arc<Counters>,
    /// Its log lines of the last second, and their bytes.
    lines: Arc<DefaultDirectRateLimiter>,
    bytes: Arc<DefaultDirectRateLimiter>,
}

/// What a guest was doing when its time was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Starting, and telling who it is.
    Start,
    /// `init`.
    Init,
    /// A hook.
    Hook,
    /// `cleanup`, or freeing what it returned.
    Cleanup,
}

impl Account {
    /// A plugin of this name with these limits.
    pub fn new(plugin: Arc<str>, limits: Limits, counters: Arc<Counters>) -> Account {
        let rate = |per_second: u32| {
            let quota = Quota::per_second(NonZeroU32::new(per_second).unwrap_or(NonZeroU32::MIN));
            Arc::new(RateLimiter::direct(quota))
        };
        Account {
            plugin,
            lines: rate(limits.log_lines_per_second),
            bytes: rate(limits.log_bytes_per_second),
            limits: Arc::new(limits),
            counters,
        }
    }

    /// The same under another name: the one that its guest has told.
    pub fn renamed(&self, plugin: Arc<str>) -> Account {
        Account { plugin, ..self.clone() }
    }

    /// The plugin's name.
    pub fn plugin(&self) -> &Arc<str> {
        &self.plugin
    }

    /// What it may use.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Where it is counted what it does.
    pub fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// Counts the limit that ended a call, if one did. What is counted where it happens is not counted again.
    pub fn ran_over(&self, cause: &Cause, stage: Stage) {
        let limit = match cause {
            Cause::Deadline(_) => match stage {
                Stage::Start => Limit::StartTimeout,
                Stage::Init => Limit::InitTimeout,
                Stage::Hook => Limit::HookTimeout,
                Stage::Cleanup => Limit::CleanupTimeout,
            },
            Cause::RequestDeadline(_) => Limit::RequestTimeout,
            Cause::OutOfFuel(_) => Limit::Fuel,
            Cause::InputTooLarge { .. } => Limit::Input,
            Cause::OutputTooLarge { .. } => Limit::Output,
            _ => return,
        };
        self.counters.over(limit, 1);
    }

    /// Whether one more log line of this size fits into this second; if not, what it is too much for.
    pub(super) fn admit_line(&self, bytes: usize) -> Result<(), Limit> {
        self.lines.check().map_err(|_| Limit::LogLinesPerSecond)?;
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let Some(bytes) = NonZeroU32::new(bytes) else {
            return Ok(());
        };
        match self.bytes.check_n(bytes) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Limit::LogBytesPerSecond),
        }
    }
}
