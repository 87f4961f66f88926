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
    /// Bytes of its file, unpacked.
    pub module: usize,
    /// Functions in it, over all of its core modules.
    pub functions: u32,
    /// Bytes of the largest body of a function.
    pub function: usize,
    /// Locals of one function.
    pub locals: u32,
    /// Segments of data and of elements in its file.
    pub segments: u32,
    /// Time to compile it, in a child process.
    pub compile_timeout: Duration,
    /// Bytes of memory that the child process may take.
    pub compile_memory: usize,
    /// Bytes of linear memory of one instance, the sum over all its memories.
    pub memory: usize,
    /// Bytes by which one call may make them grow.
    pub memory_growth: usize,
    /// Elements of one instance's tables, the sum over all of them.
    pub table_elements: usize,
    /// Resources of the host (requests, responses, chunks, streams) that one instance may hold at once.
    pub handles: usize,
    /// Steps that one call may take, counted by the engine; none: as many as its time allows. Counting them makes each call
    /// slower by a third or so.
    pub fuel: Option<u64>,
    /// Time for compiled code to become an instance: start functions, `_initialize`, `describe`.
    pub start_timeout: Duration,
    /// Time for `init`.
    pub init_timeout: Duration,
    /// Time for one hook, waiting for an instance included.
    pub hook_timeout: Duration,
    /// Time for `cleanup`.
    pub cleanup_timeout: Duration,
    /// Calls that may wait for an instance at once.
    pub waiting: usize,
    /// Bytes that one hook is given, or that what is lent to it has.
    pub input: usize,
    /// Bytes that one hook may return, and that one value given to the host may have.
    pub output: usize,
    /// Bytes of keys and values that a request's context may hold.
    pub context: usize,
    /// Log lines that it may write for one request; more are counted and dropped.
    pub log_lines: u32,
    /// Bytes of these lines.
    pub log_bytes: usize,
    /// Log lines that it may write in a second, all of its instances together.
    pub log_lines_per_second: u32,
    /// Bytes of these lines.
    pub log_bytes_per_second: u32,
    /// Bytes of one log line; the rest is cut off.
    pub log_line: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            module: 64 << 20,
            functions: 80_000,
            function: 4 << 20,
            locals: 10_000,
            segments: 80_000,
            compile_timeout: Duration::from_secs(120),
            compile_memory: 2 << 30,
            memory: 256 << 20,
            memory_growth: 256 << 20,
            table_elements: 100_000,
            handles: 10_000,
            fuel: None,
            start_timeout: Duration::from_secs(10),
            init_timeout: Duration::from_secs(10),
            hook_timeout: Duration::from_secs(1),
            cleanup_timeout: Duration::from_secs(1),
            waiting: 1024,
            input: 64 << 20,
            output: 16 << 20,
            context: 1 << 20,
            log_lines: 1000,
            log_bytes: 256 << 10,
            log_lines_per_second: 1000,
            log_bytes_per_second: 1 << 20,
            log_line: 4096,
        }
    }
}
