//! A new instance: what the engine takes for it, and with the host's own part.

use crate::case::{Case, Ready};
use crate::guests::{Does, Generation, Hook, example, typed};
use crate::raw::{RawComponent, RawModule};
use crate::world::World;

use super::Load;
use super::changing::guest;
use super::guards::RUST_GENERATION_3;

/// Its table.
pub const INSTANCES: &str = "an instance is made: the engine alone";

pub(super) fn cases() -> Vec<Case> {
    let components: [(&str, Load); 4] = [
        ("typed", || typed(Hook::BeforeCall, Does::Read)),
        ("typed, Rust", || example("typed/rust/guard.wasm")),
        ("typed, C", || example("typed/c/guard.wasm")),
        ("typed, TinyGo", || example("typed/go/guard.wasm")),
    ];
    let modules: [(&str, Load); 3] = [
        ("packed", || guest(Generation::Three, Does::Echo)),
        ("packed, Rust", || example(RUST_GENERATION_3)),
        ("packed, TinyGo", || example("legacy/tinygo/bump/gen3.wasm")),
    ];
    let components = components.map(|(who, load)| {
        Case::new(INSTANCES, who, 0, move |world| {
            let component = RawComponent::link(world.host().runtime().engine(), load()?)?;
            let act = async move || RawComponent::instantiate(&component).await;
            Ok(Ready::asynchronous(world, act, |_| Ok(())))
        })
    });
    let modules = modules.map(|(who, load)| {
        Case::new(INSTANCES, who, 0, move |world: &World| {
            let module = RawModule::link(world.host().runtime().engine(), &load()?)?;
            let act = async move || RawModule::instantiate(&module).await;
            Ok(Ready::asynchronous(world, act, |_| Ok(())))
        })
    });
    components.into_iter().chain(modules).collect()
}
