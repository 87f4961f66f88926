//! `before-call` of a plugin that reads one member.

use std::sync::Arc;

use bytes::Bytes;
use wasmtime::Engine;

use crate::Error;
use crate::case::{Case, Ready, ensure};
use crate::documents::{MODEL, SIZES};
use crate::guests::{Does, Generation, Hook, packed, typed};
use crate::hooks::{Effect, before_call, requests};
use crate::native::Native;
use crate::raw::{RawComponent, RawRequest, Said};
use crate::world::{World, pipeline};

/// Its table.
pub const READING: &str = "before-call: one member is read";

/// The row of the typed guest.
pub const TYPED: &str = "typed";

/// The row of the engine alone.
pub const FLOOR: &str = "floor: the engine alone, one resource";

/// The same beside requests that it does not look at: they are made before each batch of calls, and what the engine needs is no
/// longer in the processor's caches. A call clones and drops one, some counts of references.
const BESIDE: &str = "floor: the engine alone, beside requests of that size";

pub(super) fn cases() -> Vec<Case> {
    SIZES.into_iter().flat_map(of_size).collect()
}

fn of_size(size: usize) -> Vec<Case> {
    let through_host = |who: &str, does| {
        Case::new(READING, who, size, move |world| {
            before_call(
                world,
                world.alone(typed(Hook::BeforeCall, does)?)?,
                size,
                Effect::Unchanged,
            )
        })
    };
    let mut cases = vec![
        through_host(TYPED, Does::Read),
        through_host("typed, a member by its name", Does::ReadByName),
        Case::new(READING, "native, in the same pipeline", size, move |world| {
            before_call(
                world,
                pipeline(vec![Native::loaded(Does::Read)])?,
                size,
                Effect::Unchanged,
            )
        }),
        Case::new(READING, FLOOR, size, floor),
        Case::new(READING, BESIDE, size, move |world| {
            let engine = world.host().runtime().engine();
            raw_call(world, engine, typed(Hook::BeforeCall, Does::Read)?, "", requests(size)?)
        }),
    ];
    cases.extend([Generation::One, Generation::Three].map(|generation| {
        Case::new(READING, generation.name(), size, move |world| {
            let guest = packed(generation, Hook::BeforeCall, Does::Read)?;
            let guest = guest.ok_or_else(|| Error::did("it has no such hook"))?;
            before_call(world, world.alone(guest)?, size, Effect::Unchanged)
        })
    }));
    cases
}

/// Whatever the document's size, a resource is one number to the guest.
pub(super) fn floor(world: &World) -> Result<Ready, Error> {
    floor_of(world, world.host().runtime().engine())
}

pub(super) fn floor_of(world: &World, engine: &Engine) -> Result<Ready, Error> {
    raw_call(world, engine, typed(Hook::BeforeCall, Does::Read)?, "", || Ok(()))
}

/// A call by the engine alone of a guest's hook, with a request of one message. Beside each request something else is made.
pub(super) fn raw_call<T: Clone + 'static>(
    world: &World,
    engine: &Engine,
    guest: Bytes,
    message: &str,
    beside: impl Fn() -> Result<T, Error> + 'static,
) -> Result<Ready, Error> {
    let component = RawComponent::link(engine, guest)?;
    let mut raw = world.runtime().block_on(RawComponent::start(&component))?;
    // Its inputs are made and let go as those of the calls that it is set against.
    let message = message.to_owned();
    let make = move || {
        let said = Said {
            model: MODEL.to_owned(),
            message: message.clone(),
        };
        Ok((RawRequest(Arc::new(said)), beside()?))
    };
    let call = async move |(request, _): (RawRequest, T)| {
        let back = raw.call(request).await?;
        Ok(back.0.model == MODEL)
    };
    Ok(Ready::with_inputs(world, make, call, |has_model| {
        ensure(has_model, || "another request came back".to_owned())
    }))
}
