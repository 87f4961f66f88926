//! The port of who wants to know each hook of a request, as a tracer does.

use std::time::{Duration, Instant};

use crate::counters::{CauseKind, Hook, Outcome};

/// A hook that came to its end.
#[derive(Debug, Clone, Copy)]
pub struct HookDone<'a> {
    /// The plugin's name.
    pub plugin: &'a str,
    /// The hook.
    pub hook: Hook,
    /// When it began.
    pub started: Instant,
    /// How long it took, waiting for an instance included.
    pub took: Duration,
    /// What it came to.
    pub outcome: Outcome,
    /// Why it failed, if it did.
    pub cause: Option<CauseKind>,
}

/// Is told each hook of one request. It is dropped when the request's last hook is over.
pub trait Observer: Send + Sync + 'static {
    /// A hook came to its end, whether it was called or refused. The request waits for this to return.
    fn hook_done(&mut self, done: HookDone<'_>);
}
