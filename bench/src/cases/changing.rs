//! `before-call` of plugins that change nothing, and of those that edit: through the host, by the engine alone, and natively.

use bytes::Bytes;
use heimdall_host::model::Context;
use heimdall_shim::Input;
use heimdall_shim::envelope::Envelope;
use heimdall_shim::envelope::bifrost::{Generation1, Generations2And3};

use super::guards::{CHANGES_NOTHING, RUST_GENERATION_3};
use crate::Error;
use crate::case::{Case, Ready, ensure};
use crate::documents::SIZES;
use crate::guests::{Does, Generation, Hook, example, packed, typed};
use crate::hooks::{Effect, before_call, llm_request};
use crate::native::Native;
use crate::raw::RawModule;
use crate::world::{World, pipeline};

/// The table of those that change nothing.
pub const NOTHING: &str = "before-call: nothing is changed";

pub(super) fn cases() -> Vec<Case> {
    SIZES.into_iter().flat_map(nothing).collect()
}

/// The row of a guest that parses and prints everything, as real ones do.
pub const RUST: &str = "packed, generation 3, Rust: prints all anew";

fn nothing(size: usize) -> Vec<Case> {
    let mut cases = vec![
        Case::new(NOTHING, "no plugin", size, move |world| {
            before_call(world, pipeline(Vec::new())?, size, Effect::Unchanged)
        }),
        Case::new(NOTHING, "native, in the same pipeline", size, move |world| {
            before_call(
                world,
                pipeline(vec![Native::loaded(Does::Nothing)])?,
                size,
                Effect::Unchanged,
            )
        }),
        Case::new(NOTHING, "typed", size, move |world| {
            before_call(
                world,
                world.alone(typed(Hook::BeforeCall, Does::Nothing)?)?,
                size,
                Effect::Unchanged,
            )
        }),
        Case::new(NOTHING, RUST, size, move |world| {
            let pipeline = world.configured(example(RUST_GENERATION_3)?, CHANGES_NOTHING)?;
            before_call(world, pipeline, size, Effect::Unchanged)
        }),
        Case::new(NOTHING, format!("floor: {RUST}"), size, move |world| {
            raw_configured(
                world,
                example(RUST_GENERATION_3)?,
                Generation::Three,
                size,
                CHANGES_NOTHING,
            )
        }),
    ];
    for generation in [Generation::One, Generation::Three] {
        for (does, how) in [(Does::Nothing, "no answer"), (Does::Echo, "echo")] {
            let who = format!("{}: {how}", generation.name());
            cases.push(Case::new(NOTHING, &who, size, move |world| {
                before_call(world, world.alone(guest(generation, does)?)?, size, Effect::Unchanged)
            }));
            cases.push(Case::new(NOTHING, format!("floor: {who}"), size, move |world| {
                raw(world, guest(generation, does)?, generation, size)
            }));
        }
    }
    cases
}

/// A packed guest with `before-call`.
pub(super) fn guest(generation: Generation, does: Does) -> Result<Bytes, Error> {
    let guest = packed(generation, Hook::BeforeCall, does)?;
    guest.ok_or_else(|| Error::did(format!("{} can't do {does:?}", generation.name())))
}

/// The same guest and the same bytes, by the engine alone.
pub(super) fn raw(world: &World, guest: Bytes, generation: Generation, size: usize) -> Result<Ready, Error> {
    raw_configured(world, guest, generation, size, "")
}

fn raw_configured(
    world: &World,
    guest: Bytes,
    generation: Generation,
    size: usize,
    config: &str,
) -> Result<Ready, Error> {
    let module = RawModule::link(world.host().runtime().engine(), &guest)?;
    let start = RawModule::start(&module, "pre_hook", config.as_bytes());
    let mut raw = world.runtime().block_on(start)?;
    let inputs = raw_inputs(generation, size)?;
    let call = async move || raw.call(&inputs).await;
    Ok(Ready::asynchronous(world, call, move |output| {
        ensure(output.is_empty() || output.len() >= size / 2, || {
            format!("{} bytes came back", output.len())
        })
    }))
}

/// What the host gives to `before-call` of this generation.
pub(super) fn raw_inputs(generation: Generation, size: usize) -> Result<Vec<Bytes>, Error> {
    let (context, request) = (Context::new("bench-request", 1 << 20), llm_request(size)?);
    let inputs = match generation {
        Generation::One => Generation1.pre(&context, &request),
        Generation::Two | Generation::Three => Generations2And3.pre(&context, &request),
    };
    Ok(inputs.iter().map(Input::to_bytes).collect())
}
