//! What of WASI preview 1 nearly every guest asks for when it starts: arguments, its environment, and random bytes for its
//! hash tables. They are answered here, as the library's own are part of a context that takes longer to make than a small
//! guest to start.

use rand::Rng as _;
use wasmtime::{Caller, Extern, Linker, Memory};

use super::tenant::{HasTenant, RANDOM_BYTES};

const SUCCESS: i32 = 0;
const FAULT: i32 = 21;
const INVALID: i32 = 28;

/// Puts them in the place of the library's.
pub(super) fn add_to_linker<T: HasTenant>(linker: &mut Linker<T>, module: &str) -> wasmtime::Result<()> {
    linker.func_wrap(module, "args_sizes_get", |mut caller: Caller<'_, T>, count, bytes| {
        write(&mut caller, &[(count, &[0; 4]), (bytes, &[0; 4])])
    })?;
    linker.func_wrap(module, "args_get", |_: u32, _: u32| SUCCESS)?;
    linker.func_wrap(module, "environ_sizes_get", environ_sizes_get::<T>)?;
    linker.func_wrap(module, "environ_get", environ_get::<T>)?;
    linker.func_wrap(module, "random_get", random_get::<T>)?;
    Ok(())
}

fn environ_sizes_get<T: HasTenant>(mut caller: Caller<'_, T>, count: u32, bytes: u32) -> i32 {
    let variables = caller.data_mut().tenant().environment().clone();
    let length: usize = variables.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
    let sizes = [variables.len(), length].map(|size| u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes());
    let [many, long] = &sizes;
    write(&mut caller, &[(count, many), (bytes, long)])
}

fn environ_get<T: HasTenant>(mut caller: Caller<'_, T>, mut pointers: u32, mut texts: u32) -> i32 {
    let variables = caller.data_mut().tenant().environment().clone();
    for variable in variables.iter() {
        let line = line(variable);
        if write(&mut caller, &[(pointers, &texts.to_le_bytes()), (texts, &line)]) != SUCCESS {
            return FAULT;
        }
        pointers = pointers.saturating_add(4);
        texts = texts.saturating_add(u32::try_from(line.len()).unwrap_or(u32::MAX));
    }
    SUCCESS
}

/// As a guest reads it: `NAME=value` and a NUL.
fn line((name, value): &(String, String)) -> Vec<u8> {
    [name.as_bytes(), b"=", value.as_bytes(), b"\0"].concat()
}

fn random_get<T: HasTenant>(mut caller: Caller<'_, T>, place: u32, length: u32) -> i32 {
    if u64::from(length) > RANDOM_BYTES {
        return INVALID;
    }
    let Some(memory) = memory(&mut caller) else {
        return FAULT;
    };
    let place = usize::try_from(place).unwrap_or(usize::MAX);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let bytes = memory.data_mut(&mut caller).get_mut(place..);
    match bytes.and_then(|bytes| bytes.get_mut(..length)) {
        Some(bytes) => {
            rand::rng().fill_bytes(bytes);
            SUCCESS
        }
        None => FAULT,
    }
}

/// Each at its address.
fn write<T>(caller: &mut Caller<'_, T>, pieces: &[(u32, &[u8])]) -> i32 {
    let Some(memory) = memory(caller) else {
        return FAULT;
    };
    for (address, bytes) in pieces {
        let address = usize::try_from(*address).unwrap_or(usize::MAX);
        if memory.write(&mut *caller, address, bytes).is_err() {
            return FAULT;
        }
    }
    SUCCESS
}

fn memory<T>(caller: &mut Caller<'_, T>) -> Option<Memory> {
    caller.get_export("memory").and_then(Extern::into_memory)
}
