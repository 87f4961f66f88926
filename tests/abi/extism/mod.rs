//! Extism.

mod calls;
mod host_functions;
mod kernel;
mod lifecycle;
mod manifest;
mod requests;
mod surroundings;

use heimdall_host::failure::Cause;
use heimdall_host::functions::{CallCause, CallError, Callable, HostFunctions};
use heimdall_host::loader::PluginSettings;

use crate::support::{guest, load};

/// Guests of each kit that have the functions that all of them have.
pub const KITS: [&str; 6] = [
    "extism/rust/plugin.wasm",
    "extism/rust/wasi.wasm",
    "extism/go/plugin.wasm",
    "extism/assemblyscript/plugin.wasm",
    "extism/c/plugin.wasm",
    "extism/c/old.wasm",
];

/// What some of the guests can't be linked without.
pub fn greeting() -> HostFunctions {
    let greet = async |name: String| Ok(format!("Hello, {name}!"));
    HostFunctions::new().function("extism:host/user", "greet", greet)
}

pub async fn load_guest(path: &str, change: impl FnOnce(&mut PluginSettings)) -> Callable {
    let loaded = load(guest(path), |settings| {
        settings.host_functions = greeting();
        change(settings);
    });
    loaded.await.unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The C guest, which does what no kit does.
pub async fn by_hand() -> Callable {
    load_guest("extism/c/plugin.wasm", |_| {}).await
}

/// The guest's own error.
pub fn returned(error: &CallError) -> String {
    match &error.cause {
        CallCause::Failed(Cause::Returned(error)) => error.to_string(),
        cause => panic!("{cause:?}"),
    }
}
