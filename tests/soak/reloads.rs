//! Reloads, evenly over the time that there is.

use std::ops::AddAssign;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::gateway::Soaked;
use super::plugins;

/// One in so many finds a file that is no plugin.
const BROKEN_EVERY: u64 = 100;

/// What reloads came to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reloads {
    /// A new version serves.
    pub done: u64,
    /// Refused, as they had to be: the version before serves.
    pub refused: u64,
    /// Neither of the two.
    pub unexpected: u64,
}

impl AddAssign for Reloads {
    fn add_assign(&mut self, other: Reloads) {
        self.done += other.done;
        self.refused += other.refused;
        self.unexpected += other.unexpected;
    }
}

/// Carries out so many within that time, one after the other; more slowly where the gateway takes longer.
pub async fn run(soaked: &Soaked, count: u64, within: Duration) -> Reloads {
    let mut reloads = Reloads::default();
    if count == 0 {
        return reloads;
    }
    let period = within.div_f64(count as f64).max(Duration::from_nanos(1));
    let mut ticks = interval_at(Instant::now() + period, period);
    // What was late is caught up with.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for number in 1..=count {
        ticks.tick().await;
        if number % BROKEN_EVERY == 0 {
            plugins::write_broken(soaked.folder());
            match soaked.reload().await {
                (409 | 422, words) if words.contains("tag.wasm") => reloads.refused += 1,
                (status, words) => {
                    println!("a broken file came to {status}: {words}");
                    reloads.unexpected += 1;
                }
            }
        }
        let version = soaked.versions.next();
        plugins::write_version(soaked.folder(), soaked.head(), version);
        match soaked.reload().await {
            (200, _) => {
                soaked.versions.serves(version);
                reloads.done += 1;
            }
            (status, words) => {
                println!("version {version} came to {status}: {words}");
                reloads.unexpected += 1;
            }
        }
    }
    reloads
}
