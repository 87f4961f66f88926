//! A guard on generation 2 of the packed ABI: `http_intercept`, `pre_hook` and `post_hook` take one JSON object
//! and return one, and the request's context travels in both.

pub mod guard;
pub mod hooks;
pub mod model;
pub mod redact;
pub mod stream;

#[cfg(target_family = "wasm")]
mod abi;
