//! A WASI command that is asked one thing: its input is there when it starts, and what it wrote is read when it has ended. Of
//! WASI it gets what a guest of the wasmi framework calls, and that does no more than it must.

use bytes::Bytes;
use wasmtime::{Caller, Engine, Extern, InstancePre, Linker, Memory, Module, Store};

use super::store;
use crate::Error;

const WASI: &str = "wasi_snapshot_preview1";

/// A command that is not running.
pub struct RawCommand(InstancePre<Streams>);

#[derive(Default)]
struct Streams {
    input: Bytes,
    output: Vec<u8>,
}

type Called<'a> = Caller<'a, Streams>;

impl RawCommand {
    /// Compiles and links one. What it imports beside WASI traps.
    ///
    /// # Errors
    /// Where it can't be compiled or linked.
    pub fn link(engine: &Engine, bytes: &[u8]) -> Result<RawCommand, Error> {
        let module = Module::new(engine, bytes)?;
        let mut linker = Linker::new(engine);
        for name in ["args_sizes_get", "environ_sizes_get"] {
            linker.func_wrap(WASI, name, no_sizes)?;
        }
        for name in ["args_get", "environ_get"] {
            linker.func_wrap(WASI, name, |_: u32, _: u32| 0)?;
        }
        linker.func_wrap(WASI, "random_get", random_get)?;
        linker.func_wrap(WASI, "clock_time_get", clock_time_get)?;
        linker.func_wrap(WASI, "fd_read", fd_read)?;
        linker.func_wrap(WASI, "fd_write", fd_write)?;
        linker.define_unknown_imports_as_traps(&module)?;
        Ok(RawCommand(linker.instantiate_pre(&module)?))
    }

    /// What an instance of it writes, given this input; then it is gone.
    ///
    /// # Errors
    /// Where the guest traps.
    pub async fn ask(&self, input: Bytes) -> Result<Vec<u8>, Error> {
        let output = Vec::new();
        let mut store: Store<Streams> = store(self.0.module().engine(), Streams { input, output });
        let instance = self.0.instantiate_async(&mut store).await?;
        let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
        start.call_async(&mut store, ()).await?;
        Ok(std::mem::take(&mut store.data_mut().output))
    }
}

fn memory(caller: &mut Called<'_>) -> wasmtime::Result<Memory> {
    let memory = caller.get_export("memory").and_then(Extern::into_memory);
    memory.ok_or_else(|| wasmtime::Error::msg("it exports no memory"))
}

fn write(caller: &mut Called<'_>, place: u32, bytes: &[u8]) -> wasmtime::Result<i32> {
    memory(caller)?.write(caller, place as usize, bytes)?;
    Ok(0)
}

fn no_sizes(mut caller: Called<'_>, count: u32, bytes: u32) -> wasmtime::Result<i32> {
    write(&mut caller, count, &[0; 4])?;
    write(&mut caller, bytes, &[0; 4])
}

fn random_get(mut caller: Called<'_>, place: u32, length: u32) -> wasmtime::Result<i32> {
    let data = memory(&mut caller)?.data_mut(&mut caller);
    let place = data
        .get_mut(place as usize..)
        .and_then(|data| data.get_mut(..length as usize));
    // The guest's hash tables are as good with this as with any other number.
    place.map(|place| place.fill(7)).map_or(Ok(21), |()| Ok(0))
}

fn clock_time_get(mut caller: Called<'_>, _clock: u32, _precision: u64, place: u32) -> wasmtime::Result<i32> {
    write(&mut caller, place, &1_u64.to_le_bytes())
}

/// Address and length of so many buffers.
fn vectors(memory: Memory, caller: &Called<'_>, place: u32, count: u32) -> wasmtime::Result<Vec<(usize, usize)>> {
    let mut vectors = Vec::with_capacity(count as usize);
    for number in 0..count as usize {
        let mut vector = [[0; 4]; 2];
        memory.read(caller, place as usize + 8 * number, vector.as_flattened_mut())?;
        let [address, length] = vector.map(|word| u32::from_le_bytes(word) as usize);
        vectors.push((address, length));
    }
    Ok(vectors)
}

fn fd_read(mut caller: Called<'_>, _fd: u32, place: u32, count: u32, read: u32) -> wasmtime::Result<i32> {
    let memory = memory(&mut caller)?;
    let mut all = 0;
    for (address, length) in vectors(memory, &caller, place, count)? {
        let input = &mut caller.data_mut().input;
        let piece = input.split_to(length.min(input.len()));
        memory.write(&mut caller, address, &piece)?;
        all += piece.len() as u32;
    }
    write(&mut caller, read, &all.to_le_bytes())
}

fn fd_write(mut caller: Called<'_>, _fd: u32, place: u32, count: u32, written: u32) -> wasmtime::Result<i32> {
    let memory = memory(&mut caller)?;
    let mut all = 0;
    for (address, length) in vectors(memory, &caller, place, count)? {
        let (data, streams) = memory.data_and_store_mut(&mut caller);
        let piece = data.get(address..).and_then(|data| data.get(..length));
        streams.output.extend_from_slice(piece.unwrap_or_default());
        all += length as u32;
    }
    write(&mut caller, written, &all.to_le_bytes())
}
