//! How long something takes.
//!
//! ```
//! use heimdall_bench::clock::Clock;
//!
//! let before = Clock::Thread.now();
//! assert!(Clock::Thread.now() >= before);
//! ```

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::case::Meter;

/// What runs while something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// What this thread has of a processor: for what waits for nothing, as what else the machine does is no part of it.
    Thread,
    /// What passes.
    Wall,
}

impl Clock {
    /// What it shows: the difference of two is a time.
    pub fn now(self) -> Duration {
        let id = match self {
            Clock::Thread => ClockId::ThreadCPUTime,
            Clock::Wall => ClockId::Monotonic,
        };
        let shown = clock_gettime(id);
        // It counts up from zero.
        Duration::new(shown.tv_sec.unsigned_abs(), shown.tv_nsec.unsigned_abs() as u32)
    }
}

/// Adds up how long things take.
pub(crate) struct Timed {
    pub(crate) clock: Clock,
    pub(crate) took: Duration,
}

impl Meter for Timed {
    fn measure(&mut self, act: &mut dyn FnMut()) {
        let started = self.clock.now();
        act();
        self.took += self.clock.now().saturating_sub(started);
    }
}
