//! The embeddable host of AI-gateway plugins in WebAssembly.
//!
//! A [`Host`](loader::Host) makes plugins of files; a [`Pipeline`](pipeline::Pipeline) has them in order; each request is an
//! [`Exchange`](pipeline::Exchange) that passes them. Typed components are supported from the start; legacy modules come
//! with the crate `heimdall-shim`, further kinds with any other implementation of [`Abi`](loader::Abi). Upstreams and HTTP
//! are the embedder's business.
//!
//! ```no_run
//! use std::sync::Arc;
//! use heimdall_host::loader::{Host, PluginSettings};
//! use heimdall_host::pipeline::{Pipeline, PipelineSettings};
//!
//! # async fn start() -> Result<(), Box<dyn std::error::Error>> {
//! let host = Host::builder().build()?;
//! let guard = host.load(std::fs::read("guard.wasm")?.into(), PluginSettings::new("guard.wasm")).await?;
//! let pipeline = Arc::new(Pipeline::new(vec![guard], PipelineSettings::default())?);
//! # Ok(())
//! # }
//! ```
//!
//! `examples/embed.rs` goes on from here: one request through the pipeline.

#![deny(missing_docs)]

pub mod component;
pub mod counters;
pub mod failure;
pub mod functions;
pub mod json;
pub mod limits;
pub mod loader;
pub mod model;
pub mod pipeline;
pub mod plugin;
pub mod runtime;
