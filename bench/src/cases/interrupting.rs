//! What it costs that guests can be interrupted.

use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::changing::raw_inputs;
use super::guards::{INSERTS, RUST_GENERATION_3};
use super::reading;
use crate::Error;
use crate::case::{Case, Ready, ensure};
use crate::guests::{Does, Generation, Hook, example, typed};
use crate::hooks::{Effect, before_call};
use crate::raw::RawModule;
use crate::world::World;

/// Its table.
pub const INTERRUPTING: &str = "interruptible or not";

pub(super) fn cases() -> Vec<Case> {
    let of_size = |size| {
        [
            Case::new(
                INTERRUPTING,
                "JSON in a Rust guest, interruptible",
                size,
                move |world| json(world, world.host().runtime().engine(), size),
            ),
            Case::new(INTERRUPTING, "JSON in a Rust guest, not", size, move |world| {
                json(world, &uninterruptible()?, size)
            }),
        ]
    };
    let calls = [
        Case::new(
            INTERRUPTING,
            "a typed call by the engine alone, interruptible",
            375,
            reading::floor,
        ),
        Case::new(INTERRUPTING, "a typed call by the engine alone, not", 375, |world| {
            reading::floor_of(world, &uninterruptible()?)
        }),
        Case::new(
            INTERRUPTING,
            "a typed call through the host, with ticks",
            375,
            typed_call,
        ),
        Case::new(INTERRUPTING, "a typed call through the host, without", 375, |world| {
            typed_call(&world.without_ticks()?)
        }),
    ];
    [4_700, 65_536].into_iter().flat_map(of_size).chain(calls).collect()
}

fn typed_call(world: &World) -> Result<Ready, Error> {
    before_call(
        world,
        world.alone(typed(Hook::BeforeCall, Does::Read)?)?,
        375,
        Effect::Unchanged,
    )
}

/// The Rust guard, whose time is spent reading and writing JSON.
fn json(world: &World, engine: &Engine, size: usize) -> Result<Ready, Error> {
    let module = RawModule::link(engine, &example(RUST_GENERATION_3)?)?;
    let start = RawModule::start(&module, "pre_hook", INSERTS.as_bytes());
    let mut raw = world.runtime().block_on(start)?;
    let inputs = raw_inputs(Generation::Three, size)?;
    let call = async move || raw.call(&inputs).await;
    Ok(Ready::asynchronous(world, call, |output| {
        let is_edited = String::from_utf8_lossy(&output).contains("Be kind.");
        ensure(is_edited, || "the message is not there".to_owned())
    }))
}

/// The host's engine in all that a call meets, but that nothing can interrupt a guest.
fn uninterruptible() -> Result<Engine, Error> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(10)
        .total_core_instances(10)
        .total_memories(10)
        .total_tables(20)
        .total_stacks(10)
        .max_memory_size(4 << 30);
    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .concurrency_support(false)
        .max_wasm_stack(1 << 20)
        .async_stack_size(3 << 20);
    Ok(Engine::new(&config)?)
}
