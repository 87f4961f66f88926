//! How a plugin's call fails: who, where, why, and what to do about it.
//!
//! ```
//! use std::time::Duration;
//! use heimdall_host::failure::{Cause, Failure};
//!
//! let failure = Failure {
//!     plugin: "guard".into(),
//!     file: "plugins/guard.wasm".into(),
//!     hook: "before-call",
//!     cause: Cause::Deadline(Duration::from_millis(500)),
//! };
//! assert_eq!(
//!     failure.to_string(),
//!     "plugin `guard` (plugins/guard.wasm) failed in `before-call`: it did not return within 500ms \
//!      (raise `limits.hook_timeout_ms`, or report it to the plugin's author)"
//! );
//! assert!(!failure.cause.keeps_instance());
//! ```

use std::sync::Arc;
use std::time::Duration;

use crate::counters::CauseKind;
use crate::model::EditError;

/// A hook that could not be carried out. Whether the request goes on is the operator's policy for this plugin.
#[derive(Debug, Clone, thiserror::Error)]
#[error("plugin `{plugin}` ({file}) failed in `{hook}`: {cause} ({})", cause.remedy(hook))]
pub struct Failure {
    /// The plugin's name.
    pub plugin: Arc<str>,
    /// Its file, as the operator wrote it.
    pub file: Arc<str>,
    /// The hook, by the name that the plugin's author knows.
    pub hook: &'static str,
    /// Why.
    pub cause: Cause,
}

/// Why a call into a guest failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Cause {
    /// The guest returned an error. The only cause that keeps the instance.
    #[error("it returned an error: {0}")]
    Returned(EditError),
    /// The guest trapped.
    #[error("it trapped: {0}")]
    Trap(String),
    /// The guest ended itself.
    #[error("it exited with status {0}")]
    Exited(i32),
    /// The guest ended itself, and had not answered yet.
    #[error("it exited {}without an answer{said}", with_status(*.status))]
    Unanswered {
        /// The status that it exited with.
        status: i32,
        /// What it said before, in words that go on from there; empty: nothing.
        said: String,
    },
    /// The host panicked while it served the guest.
    #[error("the host panicked: {0}")]
    Panicked(String),
    /// The guest did not return in time.
    #[error("it did not return within {0:?}")]
    Deadline(Duration),
    /// The request's plugins together took all the time that they may.
    #[error("the plugins of this request together took more than {0:?}")]
    RequestDeadline(Duration),
    /// The guest trapped after it was denied memory.
    #[error("it needed more than its {} of memory", size(*.0))]
    OutOfMemory(usize),
    /// The guest took more steps than it may.
    #[error("it took more than the {0} steps that one call may take")]
    OutOfFuel(u64),
    /// What the guest would have been given is over its cap; it was not called.
    #[error("it would be given {size} bytes, {limit} are allowed")]
    InputTooLarge {
        /// Bytes that there are.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// What the guest returned is over its cap.
    #[error("it returned {size} bytes, {limit} are allowed")]
    OutputTooLarge {
        /// Bytes returned.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The guest broke the rules of its ABI.
    #[error("it broke the ABI: {0}")]
    AbiViolation(String),
    /// The guest returned something that can't be used (no JSON, a bad status, a bad header).
    #[error("it returned something that can't be used: {0}")]
    InvalidOutput(String),
    /// Every instance was busy until the deadline, or too many calls were waiting already.
    #[error("all of its {0} instances are busy")]
    Busy(usize),
    /// Every instance was busy until the deadline, and none was given back in all that time.
    #[error("all of its {0} instances are busy, and none came back while the call waited")]
    Stuck(usize),
    /// The host has no room for one more instance, of any plugin.
    #[error("the host has no room for one more instance: {0}")]
    Exhausted(String),
    /// It failed too often, and is not called for a while.
    #[error("it is not called for {:?} more, as it failed {failures} times in a row", left)]
    CircuitOpen {
        /// Failures, one after the other.
        failures: u32,
        /// Until it is tried again.
        left: Duration,
    },
    /// A new instance could not be made.
    #[error("no instance of it could be made: {0}")]
    Instantiate(String),
    /// The plugin was retired while the request was on its way.
    #[error("it was retired")]
    Retired,
}

impl Cause {
    /// Whether the instance may serve another call: only when the guest itself returned.
    pub fn keeps_instance(&self) -> bool {
        matches!(self, Cause::Returned(_))
    }

    /// Its kind, by which failures are counted.
    pub fn kind(&self) -> CauseKind {
        match self {
            Cause::Returned(_) => CauseKind::Returned,
            Cause::Trap(_) => CauseKind::Trap,
            Cause::Exited(_) | Cause::Unanswered { .. } => CauseKind::Exited,
            Cause::Panicked(_) => CauseKind::Panicked,
            Cause::Deadline(_) => CauseKind::Deadline,
            Cause::RequestDeadline(_) => CauseKind::RequestDeadline,
            Cause::OutOfMemory(_) => CauseKind::OutOfMemory,
            Cause::OutOfFuel(_) => CauseKind::OutOfFuel,
            Cause::InputTooLarge { .. } => CauseKind::InputTooLarge,
            Cause::OutputTooLarge { .. } => CauseKind::OutputTooLarge,
            Cause::AbiViolation(_) => CauseKind::AbiViolation,
            Cause::InvalidOutput(_) => CauseKind::InvalidOutput,
            Cause::Busy(_) | Cause::Stuck(_) => CauseKind::Busy,
            Cause::Exhausted(_) => CauseKind::Exhausted,
            Cause::Instantiate(_) => CauseKind::Instantiate,
            Cause::CircuitOpen { .. } => CauseKind::CircuitOpen,
            Cause::Retired => CauseKind::Retired,
        }
    }

    /// In a few words that are the host's own: what a guest said is for its operator's log.
    pub fn in_short(&self) -> &'static str {
        match self {
            Cause::Returned(_) => "it returned an error",
            Cause::Trap(_) => "it trapped",
            Cause::Exited(_) | Cause::Unanswered { .. } => "it exited",
            Cause::Panicked(_) => "the host panicked",
            Cause::Deadline(_) => "it did not return in time",
            Cause::RequestDeadline(_) => "the plugins of this request took too long",
            Cause::OutOfMemory(_) => "it needed more than its memory",
            Cause::OutOfFuel(_) => "it took too many steps",
            Cause::InputTooLarge { .. } => "it would be given more than is allowed",
            Cause::OutputTooLarge { .. } => "it returned more than is allowed",
            Cause::AbiViolation(_) => "it broke its ABI",
            Cause::InvalidOutput(_) => "it returned something that can't be used",
            Cause::Busy(_) | Cause::Stuck(_) => "all of its instances are busy",
            Cause::Exhausted(_) => "the host has no room for one more instance",
            Cause::CircuitOpen { .. } => "it failed too often and is not called for a while",
            Cause::Instantiate(_) => "no instance of it could be made",
            Cause::Retired => "it was retired",
        }
    }

    /// What the one who operates the plugin can do about a failure in this hook.
    pub fn remedy(&self, hook: &str) -> &'static str {
        match self {
            Cause::Returned(EditError::InvalidConfig(_)) => "correct its `config`",
            Cause::Returned(_) => "see the plugin's documentation for this error",
            Cause::Trap(_) | Cause::Exited(_) | Cause::Unanswered { .. } => {
                "report it to the plugin's author, with the log lines before it"
            }
            Cause::Deadline(_) => match hook {
                "start" | "describe" | "get_name" => {
                    "raise `limits.start_timeout_ms`, or report it to the plugin's author"
                }
                "init" => "raise `limits.init_timeout_ms`, or report it to the plugin's author",
                "cleanup" => "raise `limits.cleanup_timeout_ms`, or report it to the plugin's author",
                _ => "raise `limits.hook_timeout_ms`, or report it to the plugin's author",
            },
            Cause::Panicked(_) => "report it to Heimdall's authors, with the log lines before it",
            Cause::RequestDeadline(_) => "raise `plugins_timeout_ms`, or find out which plugin is slow",
            Cause::InputTooLarge { .. } => "raise `limits.input_mib`, or lower `max_body_mib`",
            Cause::OutOfMemory(_) => "raise `limits.memory_mib`, or report it to the plugin's author",
            Cause::OutOfFuel(_) => "raise `limits.fuel`, or report it to the plugin's author",
            Cause::OutputTooLarge { .. } => "raise `limits.output_mib`, or report it to the plugin's author",
            Cause::AbiViolation(_) | Cause::InvalidOutput(_) => "report it to the plugin's author",
            Cause::Busy(_) => "raise `instances` if the plugin keeps no state, or lower the load",
            Cause::Stuck(_) => "see what its calls do; raise `instances` if it keeps no state",
            Cause::Exhausted(_) => "lower the `instances` of plugins, or the load",
            Cause::CircuitOpen { .. } => "see the failures before it",
            Cause::Instantiate(_) => "lower `instances`, or give the host more memory",
            Cause::Retired => "send the request again",
        }
    }
}

/// That it went well says nothing.
fn with_status(status: i32) -> String {
    match status {
        0 => String::new(),
        _ => format!("with status {status} "),
    }
}

/// Bytes, in MiB where that is a whole number.
fn size(bytes: usize) -> String {
    const MIB: usize = 1 << 20;
    match bytes % MIB {
        0 => format!("{} MiB", bytes / MIB),
        _ => format!("{bytes} bytes"),
    }
}
