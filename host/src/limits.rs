//! The budgets of one plugin: memory, time, payload.
//!
//! ```
//! use std::time::Duration;
//! use heimdall_host::limits::Limits;
//! use heimdall_host::loader::PluginSettings;
//!
//! let mut settings = PluginSettings::new("guard.wasm");
//! settings.limits = Limits { memory: 32 << 20, hook_timeout: Duration::from_millis(200), ..Limits::default() };
//! ```

use std::time::Duration;

/// What one plugin may use. Every value is a cap; none can be switched off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of linear memory of one instance, the sum over all its memories.
    pub memory: usize,
    /// Elements of one instance's tables, the sum over all of them.
    pub table_elements: usize,
    /// Resources of the host (requests, responses, chunks, streams) that one instance may hold at once.
    pub handles: usize,
    /// Time for compiled code to become a plugin: start functions, `_initialize`, `describe`, `init`.
    pub init_timeout: Duration,
    /// Time for one hook, waiting for an instance included.
    pub hook_timeout: Duration,
    /// Time for `cleanup`.
    pub cleanup_timeout: Duration,
    /// Bytes that one hook may return, and that one value given to the host may have.
    pub output: usize,
    /// Bytes of keys and values that a request's context may hold.
    pub context: usize,
    /// Log lines that one call may write; more are counted and dropped.
    pub log_lines: u32,
    /// Bytes of one log line; the rest is cut off.
    pub log_line: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            memory: 256 << 20,
            table_elements: 100_000,
            handles: 10_000,
            init_timeout: Duration::from_secs(10),
            hook_timeout: Duration::from_secs(1),
            cleanup_timeout: Duration::from_secs(1),
            output: 16 << 20,
            context: 1 << 20,
            log_lines: 100,
            log_line: 4096,
        }
    }
}
