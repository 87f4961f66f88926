//! How long the hooks of a plugin took.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use heimdall_host::failure::Failure;
use heimdall_host::plugin::HookSet;

use crate::cli::hooks::{HOOKS, Part};
use crate::cli::observed::{Decision, Observer};
use crate::cli::times::Times;

/// What the calls of one hook came to.
#[derive(Debug, Clone, Default)]
pub(super) struct Timing {
    pub(super) times: Times,
    pub(super) failures: u64,
}

/// What a plugin's calls came to by hook.
#[derive(Default)]
pub(super) struct Timings([Mutex<Timing>; HOOKS.len()]);

impl Timings {
    /// What each hook that was called came to.
    pub(super) fn by_hook(&self) -> Vec<(String, Timing)> {
        let timings = self.0.iter().map(|timing| {
            let timing = timing.lock().unwrap_or_else(PoisonError::into_inner);
            timing.clone()
        });
        let called = HOOKS.iter().zip(timings);
        let called = called.filter(|(_, timing)| timing.times.count() > 0);
        let named = called.map(|(row, timing)| match row.part {
            Part::Chunk => (format!("{} (chunk)", row.name), timing),
            _ => (row.name.to_owned(), timing),
        });
        named.collect()
    }
}

impl Observer for Timings {
    fn called(&self, hook: HookSet, time: Duration, came: Result<Decision, &Failure>) {
        let place = HOOKS.iter().position(|row| row.set == hook);
        if let Some(timing) = place.and_then(|place| self.0.get(place)) {
            let mut timing = timing.lock().unwrap_or_else(PoisonError::into_inner);
            timing.times.add(time);
            timing.failures += u64::from(came.is_err());
        }
    }
}
