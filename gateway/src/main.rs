//! The program `heimdall`.

use std::process::ExitCode;

/// It gives memory back that was needed once, where the system's allocator keeps it: a gateway lives for months.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// How it looks for memory that threads keep and need no more: as it did up to its version 5.3.0, one size at a time. The newer way is
/// 4 % of the instructions that a request takes.
#[expect(
    unsafe_code,
    reason = "the name is one that jemalloc looks for, and nothing else has it"
)]
#[unsafe(export_name = "_rjem_malloc_conf")]
pub static ALLOCATOR_SETTINGS: &[u8; 29] = b"experimental_tcache_gc:false\0";

fn main() -> ExitCode {
    heimdall::run()
}
