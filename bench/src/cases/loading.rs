//! A plugin is loaded: from its file to readiness, compiled anew or read from the cache.

use heimdall_host::loader::{Host, Loaded, PluginSettings};
use heimdall_host::runtime::RuntimeSettings;

use super::guards::RUST_GENERATION_3;
use crate::Error;
use crate::case::{Case, Ready, ensure};
use crate::guests::example;
use crate::world::{World, host};

/// Its table.
pub const LOADING: &str = "a plugin is loaded";

const GUESTS: [(&str, &str); 5] = [
    ("typed, Rust", "typed/rust/guard.wasm"),
    ("typed, C", "typed/c/guard.wasm"),
    ("typed, TinyGo", "typed/go/guard.wasm"),
    ("packed, Rust", RUST_GENERATION_3),
    ("packed, TinyGo", "legacy/tinygo/bump/gen3.wasm"),
];

pub(super) fn cases() -> Vec<Case> {
    let both = GUESTS.into_iter().flat_map(|(who, file)| {
        let cached = Case::new(LOADING, format!("{who}: compiled before"), 0, move |world| {
            // So that it was.
            world.load("bench", example(file)?, |_| {})?;
            load(world, world.host().clone(), file, true)
        });
        let anew = Case::new(LOADING, format!("{who}: compiled anew"), 0, move |world| {
            let without_cache = RuntimeSettings {
                // A host takes address space for each of them.
                instances: 20,
                ..RuntimeSettings::default()
            };
            load(world, host(without_cache)?, file, false)
        });
        [cached, anew]
    });
    both.collect()
}

fn load(world: &World, host: Host, file: &'static str, from_cache: bool) -> Result<Ready, Error> {
    let bytes = example(file)?;
    let load = async move || Ok(host.load(bytes.clone(), PluginSettings::new(file)).await?);
    let looks_right = move |loaded: Loaded| {
        ensure(loaded.from_cache == from_cache, || {
            format!("read from the cache: {}", loaded.from_cache)
        })
    };
    Ok(Ready::asynchronous(world, load, looks_right).waiting())
}
