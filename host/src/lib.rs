//! The embeddable host of AI-gateway plugins in WebAssembly.

#![deny(missing_docs)]

pub mod component;
pub mod failure;
pub mod json;
pub mod limits;
pub mod loader;
pub mod model;
pub mod pipeline;
pub mod plugin;
pub mod runtime;
