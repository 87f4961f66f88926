//! The most that settings may be, for the checks and for the schema.

/// More headers than this are no map of headers any more.
pub(super) const MAX_HEADERS: usize = 10_000;

/// In KiB: half of what the server's HTTP library counts a header's bytes up to without running out of headers.
pub(super) const MAX_HEADER_KIB: usize = 256;

/// Requests of one client in a minute, or at once: what they stand for is a time, which has to be countable.
pub(super) const MAX_REQUESTS: u32 = 1_000_000;

/// Retries of one upstream: a call that fails that often is not helped by more.
pub(super) const MAX_RETRIES: u32 = 20;

/// Instances of one plugin. The engine has fewer for all of them, and a place for each is kept free from the start.
pub(super) const MAX_INSTANCES: usize = 4096;

/// In MiB: the most memory that the engine gives any instance, which is all that 32 bits address.
pub(super) const MAX_MEMORY_MIB: usize = 4096;

/// The most elements that the engine gives all tables of an instance.
pub(super) const MAX_TABLE_ELEMENTS: usize = 100_000;

/// In KiB: less stack than this is none for a guest of any language.
pub(super) const MIN_STACK_KIB: usize = 64;

/// In KiB: each running call has a stack of its own.
pub(super) const MAX_STACK_KIB: usize = 8192;
