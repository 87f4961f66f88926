//! The engine: what WebAssembly it takes, where instances get their memory, and how a busy guest is interrupted.

use std::time::Duration;

use bitflags::bitflags;
use wasmtime::{
    Config, Engine, EngineWeak, InstanceAllocationStrategy, PoolingAllocationConfig, WasmBacktraceDetails, WasmFeatures,
};

use super::cache::CacheSettings;
use super::compiler::Compiler;

/// How often a busy guest gives way, and so by how much a deadline may be exceeded.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// Bytes of a fibre's stack that functions of the host may take while a guest has called them.
const HOST_STACK: usize = 2 << 20;

/// Bytes of a table that are overwritten for the next instance in its place rather than given back, which costs a system call, and
/// two page faults of the next one.
const KEPT_TABLE: usize = 16 << 10;

/// Stacks beside two for each instance: for the calls within calls of one plugin with a fresh instance for each request.
const NESTED_STACKS: u32 = 256;

/// What an engine may use, and where it keeps compiled code.
#[derive(Debug, Clone)]
pub struct RuntimeSettings {
    /// Instances that may live at once, over all plugins.
    pub instances: u32,
    /// Bytes of the largest memory that any plugin may have; each plugin's own cap is in its limits.
    pub max_memory: usize,
    /// Bytes of stack that a guest's calls may take, of every plugin alike: the engine has one size for all.
    pub stack: usize,
    /// The cache of compiled code; none: every start compiles anew.
    pub cache: Option<CacheSettings>,
    /// Where what is not in the cache is compiled.
    pub compiler: Compiler,
    /// What lets busy guests be interrupted.
    pub ticks: Ticks,
    /// What it has beside what every plugin gets; plugins that need more have an engine beside this one.
    pub extras: Extras,
}

bitflags! {
    /// What an engine has beside what every plugin gets. Each is more of an engine for a guest to get lost in, or costs every
    /// step of it, so plugins that need one have an engine of their own.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
    pub struct Extras: u8 {
        /// Garbage-collected types and references to functions.
        const GC = 1;
        /// Steps are counted: see [`Limits::fuel`](crate::limits::Limits::fuel).
        const FUEL = 1 << 1;
    }
}

/// What lets busy guests be interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ticks {
    /// A thread, every 10 ms.
    #[default]
    Thread,
    /// Whoever embeds the host, by `engine().increment_epoch()`: for tests, which count them. Without it a guest that
    /// never returns blocks its thread for ever.
    Manual,
}

impl Default for RuntimeSettings {
    fn default() -> Self {
        RuntimeSettings {
            instances: 1000,
            max_memory: 4 << 30,
            // Recursion in interpreters is deep.
            stack: 1 << 20,
            cache: None,
            compiler: Compiler::InProcess,
            ticks: Ticks::Thread,
            extras: Extras::empty(),
        }
    }
}

pub(super) fn build(settings: &RuntimeSettings) -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool(settings)))
        .epoch_interruption(true)
        // Concurrent calls into one instance: not needed where an instance serves one call at a time, and it makes
        // every call three times as expensive.
        .concurrency_support(false)
        // What is left of the fibre's stack is for functions of the host.
        .max_wasm_stack(settings.stack)
        .async_stack_size(settings.stack.saturating_add(HOST_STACK))
        // A backtrace only names the function that trapped.
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .wasm_features(REFUSED, false)
        .consume_fuel(settings.extras.contains(Extras::FUEL));
    if settings.extras.contains(Extras::GC) {
        config.wasm_features(WasmFeatures::GC.union(WasmFeatures::FUNCTION_REFERENCES), true);
    }
    Engine::new(&config)
}

/// What no plugin gets; garbage-collected types only those whose kind may have them.
const REFUSED: WasmFeatures = WasmFeatures::THREADS
    .union(WasmFeatures::SHARED_EVERYTHING_THREADS)
    .union(WasmFeatures::GC)
    .union(WasmFeatures::EXCEPTIONS)
    .union(WasmFeatures::LEGACY_EXCEPTIONS)
    .union(WasmFeatures::STACK_SWITCHING)
    .union(WasmFeatures::MEMORY64);

fn pool(settings: &RuntimeSettings) -> PoolingAllocationConfig {
    let instances = settings.instances;
    let mut pool = PoolingAllocationConfig::new();
    pool
        // A component takes one of these, a core module none.
        .total_component_instances(instances)
        // A Python component is made of about 20 core modules; the average plugin of one or three.
        .total_core_instances(instances.saturating_mul(8))
        .max_core_instances_per_component(40)
        // Nearly every plugin has one memory and one table, those of Extism a second memory; these are reservations of address space, not of memory.
        .total_memories(instances.saturating_mul(3))
        .max_memories_per_component(4)
        .max_memories_per_module(4)
        .total_tables(instances.saturating_mul(4))
        .max_tables_per_component(20)
        .max_tables_per_module(4)
        // Twice what interpreters have been seen with; the limits of a plugin cap it before this does.
        .table_elements(100_000)
        // Functions and globals: interpreters that were compiled whole have tens of thousands.
        .max_core_instance_size(4 << 20)
        .max_component_instance_size(4 << 20)
        .max_memory_size(settings.max_memory)
        // Of those that have one at all.
        .total_gc_heaps(instances)
        // One per running call, since an instance serves one at a time, and more where functions of the host's call back into
        // their guest. These are reservations too, but each costs a system call at the start, for the page that guards it.
        .total_stacks(instances.saturating_mul(2).saturating_add(NESTED_STACKS));
    // Of a memory nothing is kept resident: `pagemap_scan` of wasmtime 48 passes over pages that are swapped out, neither overwritten
    // nor given back, and the next instance would read them; without it, the first bytes of a memory would be overwritten each time,
    // and those are rarely the ones that were written to. A table's are.
    pool.table_keep_resident(KEPT_TABLE);
    pool
}

/// One thread per engine. It holds the engine weakly and ends soon after the engine is gone.
pub(super) fn start_ticker(engine: &Engine) -> std::io::Result<()> {
    let engine = engine.weak();
    std::thread::Builder::new()
        .name("heimdall-ticker".into())
        .spawn(move || tick(&engine))?;
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a thread of its own, on which nothing else waits"
)]
fn tick(engine: &EngineWeak) {
    while let Some(engine) = engine.upgrade() {
        engine.increment_epoch();
        drop(engine);
        std::thread::sleep(TICK);
    }
}
