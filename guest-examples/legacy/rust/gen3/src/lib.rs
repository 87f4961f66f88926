//! A guard on generation 3 of the packed ABI: generation 2, with hooks for HTTP responses and stream chunks, and
//! `http_intercept` called `http_pre_hook`.

pub mod guard;
pub mod hooks;
pub mod model;
pub mod redact;
pub mod stream;

#[cfg(target_family = "wasm")]
mod abi;
