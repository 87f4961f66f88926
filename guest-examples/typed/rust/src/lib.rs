//! A guard for Heimdall that has every hook: it refuses banned words, puts a system message first, and redacts
//! secrets in answers and in streams, also where a secret is cut in two by a chunk boundary.

pub mod config;
pub mod event;
pub mod redact;

#[cfg(target_family = "wasm")]
mod hooks;
#[cfg(target_family = "wasm")]
mod stream;

#[cfg(target_family = "wasm")]
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "guard", generate_all });
}

#[cfg(target_family = "wasm")]
bindings::export!(Guard with_types_in bindings);

/// The plugin. Its hooks are in [`hooks`] and [`stream`].
#[cfg(target_family = "wasm")]
struct Guard;
