//! What a module gets from the host: WASI preview 1 and what it was before, and what AssemblyScript's runtime imports.

use heimdall_host::failure::Cause;
use heimdall_host::runtime::{HasTenant as _, add_wasi_to_module_linker, escape_line};
use wasmtime::{Caller, Extern, Linker};

use super::Guest;

/// The modules of WASI.
const WASI: [&str; 2] = ["wasi_snapshot_preview1", "wasi_unstable"];

/// What is offered, in words.
pub const OFFERED: [&str; 3] = [
    "wasi_snapshot_preview1",
    "wasi_unstable",
    "env.abort, env.seed and env.trace",
];

/// The functions of WASI preview 1.
const WASI_FUNCTIONS: [&str; 46] = [
    "args_get",
    "args_sizes_get",
    "clock_res_get",
    "clock_time_get",
    "environ_get",
    "environ_sizes_get",
    "fd_advise",
    "fd_allocate",
    "fd_close",
    "fd_datasync",
    "fd_fdstat_get",
    "fd_fdstat_set_flags",
    "fd_fdstat_set_rights",
    "fd_filestat_get",
    "fd_filestat_set_size",
    "fd_filestat_set_times",
    "fd_pread",
    "fd_prestat_dir_name",
    "fd_prestat_get",
    "fd_pwrite",
    "fd_read",
    "fd_readdir",
    "fd_renumber",
    "fd_seek",
    "fd_sync",
    "fd_tell",
    "fd_write",
    "path_create_directory",
    "path_filestat_get",
    "path_filestat_set_times",
    "path_link",
    "path_open",
    "path_readlink",
    "path_remove_directory",
    "path_rename",
    "path_symlink",
    "path_unlink_file",
    "poll_oneoff",
    "proc_exit",
    "proc_raise",
    "random_get",
    "sched_yield",
    "sock_accept",
    "sock_recv",
    "sock_send",
    "sock_shutdown",
];

/// Whether a function of this name is offered.
pub fn offers(module: &str, name: &str) -> bool {
    match module {
        "env" => ["abort", "seed", "trace"].contains(&name),
        "wasi_unstable" => name != "sock_accept" && WASI_FUNCTIONS.contains(&name),
        _ => WASI.contains(&module) && WASI_FUNCTIONS.contains(&name),
    }
}

pub(super) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    add_wasi_to_module_linker(linker)?;
    linker.func_wrap("env", "abort", abort)?;
    linker.func_wrap("env", "seed", seed)?;
    linker.func_wrap("env", "trace", trace)?;
    Ok(())
}

/// AssemblyScript's way to trap.
fn abort(mut caller: Caller<'_, Guest>, message: u32, file: u32, line: u32, column: u32) -> wasmtime::Result<()> {
    let message = managed_string(&mut caller, message).unwrap_or_else(|| "abort".to_owned());
    let file = managed_string(&mut caller, file).unwrap_or_else(|| "unknown file".to_owned());
    let text = format!("{message}, at {file}:{line}:{column}");
    // It stands in log lines of the host's.
    let text = escape_line(&text, caller.data().tenant.limits().log_line);
    Err(wasmtime::Error::new(Cause::Trap(text)))
}

/// What AssemblyScript's `Math.random` starts from.
fn seed() -> f64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0.0, |now| {
        f64::from(now.subsec_nanos()) + f64::from(now.as_secs() as u32)
    })
}

/// AssemblyScript's `trace`: a message and up to five numbers.
#[expect(clippy::too_many_arguments, reason = "the import has these parameters")]
fn trace(mut caller: Caller<'_, Guest>, message: u32, count: u32, a: f64, b: f64, c: f64, d: f64, e: f64) {
    let message = managed_string(&mut caller, message).unwrap_or_default();
    let numbers = [a, b, c, d, e].into_iter().zip(1_u32..);
    let fields: Vec<(String, String)> = numbers
        .filter(|(_, place)| *place <= count)
        .map(|(number, place)| (format!("arg{place}"), number.to_string()))
        .collect();
    caller.data_mut().tenant().log(tracing::Level::INFO, &message, &fields);
}

/// A string of AssemblyScript's runtime: UTF-16, with its length in bytes in front of it. Cut after 1,000 characters.
fn managed_string(caller: &mut Caller<'_, Guest>, address: u32) -> Option<String> {
    const SHOWN: usize = 2000;
    let memory = caller.get_export("memory").and_then(Extern::into_memory)?;
    let data = memory.data(&caller);
    let start = usize::try_from(address).ok().filter(|start| *start >= 4)?;
    let length = data.get(start - 4..start)?.try_into().map(u32::from_le_bytes).ok()?;
    let length = usize::try_from(length).ok()?.min(SHOWN);
    let bytes = data.get(start..start.checked_add(length)?)?;
    let units: Vec<u16> = bytes
        .as_chunks()
        .0
        .iter()
        .map(|unit| u16::from_le_bytes(*unit))
        .collect();
    Some(String::from_utf16_lossy(&units))
}
