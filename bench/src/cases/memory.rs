//! Memory of one instance: what the process has more of when there are many.
//!
//! ```no_run
//! use heimdall_bench::cases::memory;
//! use heimdall_bench::world::{World, target_directory};
//!
//! let world = World::new(&target_directory()?)?;
//! for row in memory::rows(&world)? {
//!     println!("{}: {:?}", row.who, row.measures["memory"].samples.spread());
//! }
//! # Ok::<(), heimdall_bench::Error>(())
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use heimdall_host::loader::Isolation;
use heimdall_host::pipeline::Pipeline;
use heimdall_measure::results::{Measure, Row, Unit};
use heimdall_measure::sample::Samples;

use super::Load;
use super::changing::guest;
use super::guards::RUST_GENERATION_3;
use super::requests::isolated;
use crate::Error;
use crate::guests::{Does, Generation, Hook, example, typed};
use crate::hooks::{http_request, llm_request, proceeded};
use crate::world::World;

/// Its table.
pub const MEMORY: &str = "memory of an instance after a call";

const ROUNDS: usize = 3;

/// So many at once, each with a request of its own.
const INSTANCES: usize = 32;

const GUESTS: [(&str, Load); 9] = [
    ("typed", || typed(Hook::BeforeCall, Does::Read)),
    ("typed, Rust", || example("typed/rust/guard.wasm")),
    ("typed, C", || example("typed/c/guard.wasm")),
    ("typed, TinyGo", || example("typed/go/guard.wasm")),
    ("packed", || guest(Generation::Three, Does::Echo)),
    ("packed, Rust", || example(RUST_GENERATION_3)),
    ("packed, C", || example("legacy/c/gen3.wasm")),
    ("packed, TinyGo", || example("legacy/tinygo/bump/gen3.wasm")),
    ("packed, Go", || example("legacy/go/gen3.wasm")),
];

/// A row for each guest.
///
/// # Errors
/// Where one can't be loaded, or the system does not tell what the process has.
pub fn rows(world: &World) -> Result<Vec<Row>, Error> {
    GUESTS.into_iter().map(|(who, load)| row(world, who, load()?)).collect()
}

fn row(world: &World, who: &str, bytes: Bytes) -> Result<Row, Error> {
    let pipeline = isolated(world, bytes, Isolation::Request)?;
    // The first time the process takes memory that it keeps.
    taken(world, &pipeline)?;
    let samples: Vec<f64> = (0..ROUNDS).map(|_| taken(world, &pipeline)).collect::<Result<_, _>>()?;
    let memory = Measure {
        unit: Unit::Bytes,
        samples: Samples::new(samples),
    };
    Ok(Row {
        what: MEMORY.to_owned(),
        who: who.to_owned(),
        size: 1024,
        measures: BTreeMap::from([("memory".to_owned(), memory)]),
    })
}

fn taken(world: &World, pipeline: &Arc<Pipeline>) -> Result<f64, Error> {
    world.runtime().block_on(async {
        let (http, request) = (http_request(1024), llm_request(1024)?);
        let before = resident()?;
        let mut under_way = Vec::with_capacity(INSTANCES);
        for _ in 0..INSTANCES {
            let mut exchange = pipeline.begin("bench-request", http.clone());
            proceeded(exchange.before_call(request.clone()).await)?;
            under_way.push(exchange);
        }
        let more = resident()?.saturating_sub(before);
        drop(under_way);
        // Their instances are retired in tasks of their own.
        while pipeline.plugins().iter().any(|loaded| loaded.plugin.usage().live > 0) {
            tokio::task::yield_now().await;
        }
        Ok(more as f64 / INSTANCES as f64)
    })
}

fn resident() -> Result<u64, Error> {
    let told = metrics_process::collector::collect().resident_memory_bytes;
    told.ok_or_else(|| Error::did("the system does not tell how much memory the process has"))
}
