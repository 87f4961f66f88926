//! The program `heimdall`.

use std::process::ExitCode;

/// It gives memory back that was needed once, where the system's allocator keeps it: a gateway lives for months.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    heimdall::run()
}
