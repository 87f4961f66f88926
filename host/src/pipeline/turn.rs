//! Where every hook is called: whether it may be, for how long, and what is counted of it.

use std::time::Duration;

use tokio::time::Instant;

use super::breaker::{Change, Pass};
use super::observer::{HookDone, Observer};
use crate::counters::{CauseKind, Hook, Limit, Outcome};
use crate::failure::{Cause, Failure};
use crate::json::Document;
use crate::loader::Loaded;
use crate::plugin::{ChunkOutcome, HookTime, PostOutcome, PreOutcome};

/// The turns of one request's hooks: how much time they have left together.
pub(super) struct Turns {
    total: Duration,
    left: Duration,
    observer: Option<Box<dyn Observer>>,
}

/// Turns that follow each other at once: one ends when the next begins, so that the clock is read once for each.
pub(super) struct Row<'a> {
    turns: &'a mut Turns,
    /// None before the first turn: where no plugin has the hook, the clock is not read.
    now: Option<Instant>,
}

/// What a hook came to, or why it failed.
type Ended = Result<Outcome, CauseKind>;

/// One hook's turn, from its call to its end. Of one that is dropped before, nothing is counted.
pub(super) struct Turn {
    hook: Hook,
    pass: Pass,
    started: Instant,
}

impl Turns {
    pub(super) fn new(total: Duration) -> Turns {
        Turns {
            total,
            left: total,
            observer: None,
        }
    }

    /// From here on each hook is told to this one.
    pub(super) fn observe(&mut self, observer: Box<dyn Observer>) {
        self.observer = Some(observer);
    }

    /// Turns of hooks, from now on, between which nothing is waited for.
    pub(super) fn row(&mut self) -> Row<'_> {
        Row { turns: self, now: None }
    }

    fn tell(&mut self, loaded: &Loaded, (hook, started): (Hook, Instant), took: Duration, ended: Ended) {
        if let Some(observer) = &mut self.observer {
            observer.hook_done(HookDone {
                plugin: &loaded.plugin.manifest().name,
                hook,
                started: started.into_std(),
                took,
                outcome: ended.unwrap_or(Outcome::Failed),
                cause: ended.err(),
            });
        }
    }
}

impl Row<'_> {
    /// Whether the hook may be called. If not, it has failed.
    pub(super) fn begin(&mut self, loaded: &Loaded, hook: Hook) -> Result<(Turn, HookTime), Failure> {
        let Row { turns, now } = self;
        let began = *now.get_or_insert_with(Instant::now);
        let admitted = match turns.left {
            Duration::ZERO => {
                loaded.counters.over(Limit::RequestTimeout, 1);
                Err(Cause::RequestDeadline(turns.total))
            }
            _ => loaded.breaker.admit(),
        };
        match admitted {
            Ok(pass) => {
                let left = turns.left;
                let turn = Turn {
                    hook,
                    pass,
                    started: began,
                };
                Ok((turn, HookTime { began, left }))
            }
            Err(cause) => {
                turns.tell(loaded, (hook, began), Duration::ZERO, Err(cause.kind()));
                Err(refused(loaded, hook, cause))
            }
        }
    }

    /// The hook has come to this.
    pub(super) fn end<T: Decided>(
        &mut self,
        loaded: &Loaded,
        turn: Turn,
        result: Result<T, Failure>,
    ) -> Result<T, Failure> {
        let Turn { hook, pass, started } = turn;
        let now = Instant::now();
        self.now = Some(now);
        let took = now.saturating_duration_since(started);
        let turns = &mut *self.turns;
        turns.left = turns.left.saturating_sub(took);
        match &result {
            Ok(decided) => {
                let outcome = decided.outcome();
                loaded.counters.called(hook, outcome, took);
                turns.tell(loaded, (hook, started), took, Ok(outcome));
                told(loaded, loaded.breaker.succeeded(pass), None);
            }
            Err(failure) => {
                let kind = failure.cause.kind();
                loaded.counters.failed(hook, kind, took);
                turns.tell(loaded, (hook, started), took, Err(kind));
                match is_the_plugins(&failure.cause) {
                    true => told(loaded, loaded.breaker.failed(pass), Some(failure)),
                    false => loaded.breaker.told_nothing(pass),
                }
            }
        }
        result
    }
}

/// A hook that was not called, as the breaker is open or no time was left.
#[cold]
fn refused(loaded: &Loaded, hook: Hook, cause: Cause) -> Failure {
    loaded.counters.failed(hook, cause.kind(), Duration::ZERO);
    let manifest = loaded.plugin.manifest();
    Failure {
        plugin: manifest.name.clone(),
        file: manifest.file.clone(),
        hook: hook.name(),
        cause,
    }
}

/// Whether a failure tells something of the plugin, and not of the load or of others.
fn is_the_plugins(cause: &Cause) -> bool {
    !matches!(
        cause,
        Cause::Busy(_)
            | Cause::Exhausted(_)
            | Cause::Retired
            | Cause::RequestDeadline(_)
            | Cause::InputTooLarge { .. }
            | Cause::CircuitOpen { .. }
    )
}

/// What the breaker does is told once, when it does it.
fn told(loaded: &Loaded, change: Change, failure: Option<&Failure>) {
    let plugin = &*loaded.plugin.manifest().name;
    match change {
        Change::None => {}
        Change::Opened(pause) => {
            // What a guest says is quoted and escaped, so that it can't forge a line.
            let cause = failure.map(|failure| failure.cause.to_string());
            tracing::warn!(
                target: "heimdall::pipeline",
                plugin, ?pause, ?cause,
                "it keeps failing and is not called for this long; its `on_failure` applies meanwhile"
            );
        }
        Change::Closed => {
            tracing::info!(target: "heimdall::pipeline", plugin, "it works again, and is called as before")
        }
    }
}

/// What a hook decided, in the words of the counters.
pub(super) trait Decided {
    fn outcome(&self) -> Outcome;
}

impl Decided for PreOutcome {
    fn outcome(&self) -> Outcome {
        match self {
            PreOutcome::Proceed => Outcome::Proceeded,
            PreOutcome::Answer(_) => Outcome::Answered,
            PreOutcome::Refuse(_) => Outcome::Refused,
        }
    }
}

impl Decided for PostOutcome {
    fn outcome(&self) -> Outcome {
        match self {
            PostOutcome::Proceed => Outcome::Proceeded,
            PostOutcome::Replace(_) => Outcome::Answered,
            PostOutcome::Refuse(_) => Outcome::Refused,
        }
    }
}

impl Decided for ChunkOutcome {
    fn outcome(&self) -> Outcome {
        match self {
            ChunkOutcome::Proceed => Outcome::Proceeded,
            ChunkOutcome::Drop => Outcome::Dropped,
            ChunkOutcome::Replace(_) => Outcome::Replaced,
            ChunkOutcome::Abort(_) => Outcome::Aborted,
        }
    }
}

/// `on_response` decides nothing.
impl Decided for () {
    fn outcome(&self) -> Outcome {
        Outcome::Proceeded
    }
}

/// `on_end`, with what was held back.
impl Decided for Vec<Document> {
    fn outcome(&self) -> Outcome {
        match self.is_empty() {
            true => Outcome::Proceeded,
            false => Outcome::Replaced,
        }
    }
}

/// One hook: its turn begins, it is called within what is left of the request's time, its turn ends. A macro, because each
/// call borrows the exchange and one more draft across an await, which no closure's type can say and stay `Send`.
macro_rules! take_turn {
    ($row:expr, $loaded:ident, $hook:expr, $call:ident, $run:expr) => {
        match $row.begin($loaded, $hook) {
            Ok((turn, time)) => {
                $call.time = Some(time);
                let result = $run.await;
                $row.end($loaded, turn, result)
            }
            Err(failure) => Err(failure),
        }
    };
}
pub(super) use take_turn;
