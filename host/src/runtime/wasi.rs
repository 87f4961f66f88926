//! WASI for guests that were built with a standard library: clocks, random and log lines work; there are no files, no
//! network, no arguments and no environment.

use wasmtime::Linker;
use wasmtime::component;
use wasmtime_wasi::{WasiView, p0, p1, p2};

use super::tenant::HasTenant;

/// Offers WASI 0.2 to a component.
pub fn add_wasi_to_component_linker<T: HasTenant + WasiView>(
    linker: &mut component::Linker<T>,
) -> wasmtime::Result<()> {
    p2::add_to_linker_async(linker)
}

/// Offers WASI preview 1, and `wasi_unstable` before it, to a core module.
pub fn add_wasi_to_module_linker<T: HasTenant>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    p1::add_to_linker_async(linker, |data| data.tenant().wasi_preview1())?;
    p0::add_to_linker_async(linker, |data| data.tenant().wasi_preview1())
}
