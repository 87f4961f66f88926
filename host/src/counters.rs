//! What a plugin did so far, in numbers: calls by hook and outcome, failures by cause, how long they took, and which of its
//! limits it ran over.
//!
//! They are counted where they happen, without a lock, and read whenever somebody looks.
//!
//! ```
//! use std::time::Duration;
//! use heimdall_host::counters::{CauseKind, Counters, Hook, Limit, Outcome};
//!
//! let counters = Counters::default();
//! counters.called(Hook::BeforeCall, Outcome::Proceeded, Duration::from_micros(3));
//! counters.failed(Hook::BeforeCall, CauseKind::Trap, Duration::from_micros(7));
//! counters.over(Limit::LogLines, 2);
//!
//! let hook = counters.hook(Hook::BeforeCall);
//! assert_eq!(hook.calls(), 2);
//! assert_eq!(hook.outcome(Outcome::Failed), 1);
//! assert_eq!(hook.failure(CauseKind::Trap), 1);
//! assert_eq!(hook.time.sum(), Duration::from_micros(10));
//! assert_eq!(counters.overruns(Limit::LogLines), 2);
//! ```

mod histogram;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use histogram::{Histogram, Times};

/// An enumeration whose members are counted: each has a place and a name.
macro_rules! counted {
    ($(#[$about:meta])* $name:ident { $($(#[$says:meta])* $member:ident = $text:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$says])* $member),+ }

        impl $name {
            /// All of them, in order.
            pub const ALL: &[$name] = &[$($name::$member),+];
            const COUNT: usize = $name::ALL.len();

            /// As metrics, logs and documents have it.
            pub fn name(self) -> &'static str {
                match self { $($name::$member => $text),+ }
            }
        }
    };
}

counted! {
    /// A hook, whatever a plugin's kind calls it.
    Hook {
        /// Before anything is routed.
        OnRequest = "on-request",
        /// Before an upstream is called.
        BeforeCall = "before-call",
        /// After an upstream answered.
        AfterCall = "after-call",
        /// Before a response is sent.
        OnResponse = "on-response",
        /// For each chunk, the post hooks of legacy plugins.
        AfterChunk = "after-chunk",
        /// For each chunk.
        OnChunk = "on-chunk",
        /// Before the end of a stream is sent.
        OnEnd = "on-end",
    }
}

counted! {
    /// What a hook came to.
    Outcome {
        /// The request, answer or chunk goes on.
        Proceeded = "proceeded",
        /// The plugin answered in another's place.
        Answered = "answered",
        /// The plugin refused.
        Refused = "refused",
        /// Chunks in a chunk's place.
        Replaced = "replaced",
        /// Nothing in a chunk's place.
        Dropped = "dropped",
        /// The plugin ended the stream.
        Aborted = "aborted",
        /// The hook could not be carried out: see [`CauseKind`].
        Failed = "failed",
    }
}

counted! {
    /// Why a hook failed: the kind of a [`Cause`](crate::failure::Cause).
    CauseKind {
        /// The guest returned an error.
        Returned = "returned",
        /// It trapped.
        Trap = "trap",
        /// It ended itself.
        Exited = "exited",
        /// The host panicked while it served the guest.
        Panicked = "panicked",
        /// It did not return in time.
        Deadline = "deadline",
        /// The request's plugins together took too long.
        RequestDeadline = "request-deadline",
        /// It needed more than its memory.
        OutOfMemory = "out-of-memory",
        /// It used up its fuel.
        OutOfFuel = "out-of-fuel",
        /// What it would have been given is over its cap.
        InputTooLarge = "input-too-large",
        /// What it returned is over its cap.
        OutputTooLarge = "output-too-large",
        /// It broke its ABI.
        AbiViolation = "abi-violation",
        /// It returned what can't be used.
        InvalidOutput = "invalid-output",
        /// All of its instances are busy.
        Busy = "busy",
        /// The host has no room for one more instance.
        Exhausted = "exhausted",
        /// No instance of it could be made.
        Instantiate = "instantiate",
        /// It failed too often, and is not called for a while.
        CircuitOpen = "circuit-open",
        /// It was retired.
        Retired = "retired",
    }
}

counted! {
    /// A limit, by the name of its setting. Running over one is counted whether or not the guest lives on.
    Limit {
        /// Bytes of a file.
        Module = "module",
        /// Functions in it.
        Functions = "functions",
        /// Bytes of one function.
        Function = "function",
        /// Locals of one function.
        Locals = "locals",
        /// Segments of data and elements.
        Segments = "segments",
        /// Time to compile.
        CompileTimeout = "compile_timeout",
        /// Bytes of memory to compile in.
        CompileMemory = "compile_memory",
        /// Bytes of linear memory.
        Memory = "memory",
        /// Bytes of memory that one call adds.
        MemoryGrowth = "memory_growth",
        /// Elements of tables.
        TableElements = "table_elements",
        /// Resources of the host.
        Handles = "handles",
        /// The depth of calls.
        Stack = "stack",
        /// Steps of a call.
        Fuel = "fuel",
        /// Time to instantiate.
        StartTimeout = "start_timeout",
        /// Time for `init`.
        InitTimeout = "init_timeout",
        /// Time for a hook.
        HookTimeout = "hook_timeout",
        /// Time for all hooks of a request.
        RequestTimeout = "request_timeout",
        /// Time for `cleanup`.
        CleanupTimeout = "cleanup_timeout",
        /// Bytes that a hook is given.
        Input = "input",
        /// Bytes that a hook returns.
        Output = "output",
        /// Log lines of a request.
        LogLines = "log_lines",
        /// Bytes of log lines of a request.
        LogBytes = "log_bytes",
        /// Log lines of a second.
        LogLinesPerSecond = "log_lines_per_second",
        /// Bytes of log lines of a second.
        LogBytesPerSecond = "log_bytes_per_second",
        /// Instances at once.
        Instances = "instances",
        /// Calls that wait for an instance.
        Waiting = "waiting",
    }
}

counted! {
    /// Why an instance made way for a fresh one before it would have failed.
    Wear {
        /// It had served as many calls as it may.
        Calls = "calls",
        /// It was as old as it may be.
        Age = "age",
        /// It had more memory than it should.
        Memory = "memory",
        /// Its heap, which only rises, was nearly used up.
        Heap = "heap",
    }
}

/// What one plugin did so far, whatever its version.
#[derive(Debug, Default)]
pub struct Counters {
    hooks: [HookCounters; Hook::COUNT],
    overruns: [AtomicU64; Limit::COUNT],
    instances_made: AtomicU64,
    instances_recycled: [AtomicU64; Wear::COUNT],
    instances_discarded: AtomicU64,
}

#[derive(Debug, Default)]
struct HookCounters {
    outcomes: [AtomicU64; Outcome::COUNT],
    failures: [AtomicU64; CauseKind::COUNT],
    time: Histogram,
}

impl Counters {
    /// A hook returned, and this came of it. One that failed: see [`Counters::failed`].
    pub fn called(&self, hook: Hook, outcome: Outcome, took: Duration) {
        let hook = at(&self.hooks, hook as usize);
        at(&hook.outcomes, outcome as usize).fetch_add(1, Ordering::Relaxed);
        hook.time.record(took);
    }

    /// A hook failed.
    pub fn failed(&self, hook: Hook, cause: CauseKind, took: Duration) {
        self.called(hook, Outcome::Failed, took);
        at(&at(&self.hooks, hook as usize).failures, cause as usize).fetch_add(1, Ordering::Relaxed);
    }

    /// The plugin ran over a limit, this often.
    pub fn over(&self, limit: Limit, times: u64) {
        at(&self.overruns, limit as usize).fetch_add(times, Ordering::Relaxed);
    }

    /// How often it ran over a limit.
    pub fn overruns(&self, limit: Limit) -> u64 {
        at(&self.overruns, limit as usize).load(Ordering::Relaxed)
    }

    /// An instance was made.
    pub fn instance_made(&self) {
        self.instances_made.fetch_add(1, Ordering::Relaxed);
    }

    /// An instance made way for a fresh one.
    pub fn instance_recycled(&self, wear: Wear) {
        at(&self.instances_recycled, wear as usize).fetch_add(1, Ordering::Relaxed);
    }

    /// An instance was thrown away, as a call of it did not return.
    pub fn instance_discarded(&self) {
        self.instances_discarded.fetch_add(1, Ordering::Relaxed);
    }

    /// How many instances were made.
    pub fn instances_made(&self) -> u64 {
        self.instances_made.load(Ordering::Relaxed)
    }

    /// How many made way for a fresh one for this.
    pub fn instances_recycled(&self, wear: Wear) -> u64 {
        at(&self.instances_recycled, wear as usize).load(Ordering::Relaxed)
    }

    /// How many were thrown away after a call that did not return.
    pub fn instances_discarded(&self) -> u64 {
        self.instances_discarded.load(Ordering::Relaxed)
    }

    /// What one hook came to so far.
    pub fn hook(&self, hook: Hook) -> HookCounts {
        let hook = at(&self.hooks, hook as usize);
        HookCounts {
            outcomes: read(&hook.outcomes),
            failures: read(&hook.failures),
            time: hook.time.read(),
        }
    }
}

/// What one hook of a plugin came to, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookCounts {
    outcomes: [u64; Outcome::COUNT],
    failures: [u64; CauseKind::COUNT],
    /// How long its calls took, waiting for an instance included.
    pub time: Times,
}

impl HookCounts {
    /// All calls, however they ended.
    pub fn calls(&self) -> u64 {
        self.outcomes.iter().sum()
    }

    /// Calls that came to this.
    pub fn outcome(&self, outcome: Outcome) -> u64 {
        *at(&self.outcomes, outcome as usize)
    }

    /// Calls that failed for this.
    pub fn failure(&self, cause: CauseKind) -> u64 {
        *at(&self.failures, cause as usize)
    }
}

#[expect(
    clippy::indexing_slicing,
    reason = "places are those of an enumeration's members, and the arrays have one for each"
)]
fn at<T, const N: usize>(all: &[T; N], place: usize) -> &T {
    &all[place]
}

fn read<const N: usize>(all: &[AtomicU64; N]) -> [u64; N] {
    std::array::from_fn(|place| at(all, place).load(Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_has_a_name_of_its_own() {
        let all: [Vec<&str>; 5] = [
            Hook::ALL.iter().map(|it| it.name()).collect(),
            Outcome::ALL.iter().map(|it| it.name()).collect(),
            CauseKind::ALL.iter().map(|it| it.name()).collect(),
            Limit::ALL.iter().map(|it| it.name()).collect(),
            Wear::ALL.iter().map(|it| it.name()).collect(),
        ];
        for mut names in all {
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count);
        }
    }
}
