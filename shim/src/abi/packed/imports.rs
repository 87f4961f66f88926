//! What a module gets from the host: WASI preview 1 and what it was before, and what AssemblyScript's runtime imports.

use heimdall_host::runtime::add_wasi_to_module_linker;
use wasmtime::Linker;

use super::Guest;
use crate::abi::{assembly_script, wasi};

/// What is offered, in words.
pub const OFFERED: [&str; 3] = [
    "wasi_snapshot_preview1",
    "wasi_unstable",
    "env.abort, env.seed and env.trace",
];

/// Whether a function of this name is offered.
pub fn offers(module: &str, name: &str) -> bool {
    assembly_script::offers(module, name) || wasi::offers(module, name)
}

pub(super) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    add_wasi_to_module_linker(linker)?;
    assembly_script::add_to_linker(linker)
}
