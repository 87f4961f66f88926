//! The hooks, as verbs tell of them.

use heimdall_host::plugin::HookSet;

/// What of an answer a hook is called with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// What there is of it, whole.
    Whole,
    Chunk,
    /// The whole answer, once it was streamed.
    Streamed,
}

/// One way in which a hook is called.
#[derive(Debug)]
pub(super) struct HookRow {
    /// The contract's name.
    pub(super) name: &'static str,
    pub(super) part: Part,
    /// What the port calls it.
    pub(super) set: HookSet,
    /// Whether plugins are called from the last to the first.
    pub(super) reverse: bool,
}

const fn row(name: &'static str, part: Part, set: HookSet, reverse: bool) -> HookRow {
    HookRow {
        name,
        part,
        set,
        reverse,
    }
}

/// All of them, in the order in which a request meets them.
pub(super) const HOOKS: [HookRow; 8] = [
    row("on-request", Part::Whole, HookSet::HTTP_REQUEST, false),
    row("before-call", Part::Whole, HookSet::PRE_LLM, false),
    row("after-call", Part::Whole, HookSet::POST_LLM, true),
    row("after-call", Part::Chunk, HookSet::POST_LLM_CHUNK, true),
    row("on-chunk", Part::Whole, HookSet::CHUNK, true),
    row("on-end", Part::Whole, HookSet::END, true),
    row("after-call", Part::Streamed, HookSet::POST_LLM_STREAMED, true),
    row("on-response", Part::Whole, HookSet::HTTP_RESPONSE, true),
];

/// What the port calls a hook of the contract, in any of the ways in which it is called.
pub(super) fn set_of(name: &str) -> HookSet {
    let rows = HOOKS.iter().filter(|row| row.name == name);
    rows.fold(HookSet::empty(), |all, row| all | row.set)
}
