//! Every case by itself, for daily work: `cargo bench --workspace --bench calls -- "one member is read / typed / 375"`.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion};
use heimdall_bench::Error;
use heimdall_bench::cases;
use heimdall_bench::world::{World, target_directory};

/// The gateway's, without its setting.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> Result<(), Error> {
    let world = World::new(&target_directory()?)?;
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    let mut failed = Ok(());
    for case in cases::all() {
        let mut group = criterion.benchmark_group(case.table);
        let mut ready = None;
        group.bench_function(BenchmarkId::new(case.who.as_str(), case.size), |bencher| {
            bencher.iter_custom(|times| {
                let ran = match &mut ready {
                    Some(ready) => Ok(ready),
                    None => case.prepare(&world).map(|prepared| ready.insert(prepared)),
                };
                ran.and_then(|ready| ready.run(times)).unwrap_or_else(|error| {
                    failed = Err(error);
                    Duration::from_secs(1)
                })
            });
        });
        group.finish();
    }
    criterion.final_summary();
    failed
}
