//! WASI for guests that were built with a standard library: clocks, random and log lines work; there is no network, there are
//! no arguments, and neither files nor an environment but what a guest is given of them.

use std::sync::Arc;

use wasmtime::Linker;
use wasmtime::component;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder, WasiView, p0, p1, p2};

use super::process;
use super::tenant::HasTenant;
use crate::failure::Cause;
use crate::loader::{Directory, PluginSettings};

/// What a guest sees of the world around it.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// Environment variables.
    pub environment: Arc<[(String, String)]>,
    /// Directories.
    pub directories: Vec<Directory>,
}

impl World {
    /// What an operator grants.
    pub fn granted(settings: &PluginSettings) -> World {
        let variables = settings.environment.iter();
        World {
            environment: variables.map(|(name, value)| (name.clone(), value.clone())).collect(),
            directories: settings.directories.clone(),
        }
    }

    /// With its directories; what else it has the Store's owner knows.
    pub(super) fn wasi(&self) -> Result<WasiCtxBuilder, Cause> {
        let mut wasi = WasiCtx::builder();
        for Directory { host, guest, read_only } in &self.directories {
            let permissions = match read_only {
                true => FsPerms::ReadOnly,
                false => FsPerms::ReadWrite,
            };
            let opened = wasi.preopened_dir(host, guest, permissions);
            opened.map_err(|error| {
                let host = host.display();
                Cause::Instantiate(format!("its directory {host} can't be opened: {error:#}"))
            })?;
        }
        Ok(wasi)
    }
}

/// Offers WASI 0.2 to a component.
pub fn add_wasi_to_component_linker<T: HasTenant + WasiView>(
    linker: &mut component::Linker<T>,
) -> wasmtime::Result<()> {
    p2::add_to_linker_async(linker)
}

/// Offers WASI preview 1, and `wasi_unstable` before it, to a core module.
pub fn add_wasi_to_module_linker<T: HasTenant>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    p1::add_to_linker_async(linker, |data| data.tenant().wasi_preview1())?;
    p0::add_to_linker_async(linker, |data| data.tenant().wasi_preview1())?;
    linker.allow_shadowing(true);
    for module in ["wasi_snapshot_preview1", "wasi_unstable"] {
        process::add_to_linker(linker, module)?;
        // The library's own refuses statuses from 126 on, which guests use like any other.
        linker.func_wrap(module, "proc_exit", |status: i32| -> wasmtime::Result<()> {
            Err(wasmtime::Error::new(Cause::Exited(status)))
        })?;
    }
    linker.allow_shadowing(false);
    Ok(())
}
