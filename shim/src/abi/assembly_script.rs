//! What AssemblyScript's runtime imports, whatever ABI a guest of it has.

use heimdall_host::failure::Cause;
use heimdall_host::runtime::{HasTenant, escape_line};
use wasmtime::{Caller, Extern, Linker};

/// Whether a function of this name is offered.
pub(super) fn offers(module: &str, name: &str) -> bool {
    module == "env" && ["abort", "seed", "trace"].contains(&name)
}

pub(super) fn add_to_linker<T: HasTenant>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    linker.func_wrap("env", "abort", abort::<T>)?;
    linker.func_wrap("env", "seed", seed)?;
    linker.func_wrap("env", "trace", trace::<T>)?;
    Ok(())
}

/// AssemblyScript's way to trap.
fn abort<T: HasTenant>(
    mut caller: Caller<'_, T>,
    message: u32,
    file: u32,
    line: u32,
    column: u32,
) -> wasmtime::Result<()> {
    let message = managed_string(&mut caller, message).unwrap_or_else(|| "abort".to_owned());
    let file = managed_string(&mut caller, file).unwrap_or_else(|| "unknown file".to_owned());
    let text = format!("{message}, at {file}:{line}:{column}");
    // It stands in log lines of the host's.
    let text = escape_line(&text, caller.data_mut().tenant().limits().log_line);
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
fn trace<T: HasTenant>(mut caller: Caller<'_, T>, message: u32, count: u32, a: f64, b: f64, c: f64, d: f64, e: f64) {
    let message = managed_string(&mut caller, message).unwrap_or_default();
    let numbers = [a, b, c, d, e].into_iter().zip(1_u32..);
    let fields: Vec<(String, String)> = numbers
        .filter(|(_, place)| *place <= count)
        .map(|(number, place)| (format!("arg{place}"), number.to_string()))
        .collect();
    caller.data_mut().tenant().log(tracing::Level::INFO, &message, &fields);
}

/// A string of AssemblyScript's runtime: UTF-16, with its length in bytes in front of it. Cut after 1,000 characters.
fn managed_string<T: HasTenant>(caller: &mut Caller<'_, T>, address: u32) -> Option<String> {
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
