//! A guard on generation 1 of the packed ABI: each argument of `http_transport_intercept`, `pre_hook` and `post_hook`
//! is a JSON text of its own. The context can't be changed, so what must survive between hooks is in globals.

pub mod guard;
pub mod hooks;
pub mod model;
pub mod redact;
pub mod stream;

#[cfg(target_family = "wasm")]
mod abi;
