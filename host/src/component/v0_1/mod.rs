//! Track 0.1 of the contract (`wit/v0.1`): its bindings, and the way to and from the host's own types.
//!
//! Bindings never leave this folder. What is around it calls [`Exports`] with values of [`crate::model`].

mod ambient;
mod convert;
mod hooks;
mod http;
mod llm;
mod message;
mod outcome;

use wasmtime::component::{HasSelf, Linker};

use super::State;

pub(super) use hooks::{Description, Exports, Fault, Indices};

mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit/v0.1",
        world: "plugin",
        imports: { default: trappable },
        exports: { default: async },
        with: {
            "heimdall:plugin/http-types.http-request": crate::model::HttpRequest,
            "heimdall:plugin/http-types.http-response": crate::model::HttpResponse,
            "heimdall:plugin/llm-types.llm-request": crate::model::LlmRequest,
            "heimdall:plugin/llm-types.llm-response": crate::model::LlmResponse,
            "heimdall:plugin/llm-types.llm-chunk": crate::model::LlmChunk,
        },
    });
}

/// The version in `wit/v0.1`: what this host offers of the track.
pub(super) const VERSION: &str = "0.1.0";

/// Gives a linker all that a guest of this track may call.
pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    bindings::Plugin::add_to_linker::<_, HasSelf<_>>(linker, |state| state)
}
