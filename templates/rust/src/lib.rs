//! A plugin for Heimdall.

pub mod config;

// The host's side is there in WebAssembly alone: `cargo test` runs the rest natively.
#[cfg(target_family = "wasm")]
mod plugin;
