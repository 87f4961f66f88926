//! The standard streams in WASI preview 1, and what is to be as guests of this kind know it; everything else is the engine's.

use std::ops::Range;
use std::sync::LazyLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use heimdall_host::failure::Cause;
use heimdall_host::runtime::HasTenant as _;
use wasmtime::{Caller, Extern, Linker, Memory};

use super::Guest;

const SUCCESS: i32 = 0;
const AGAIN: i32 = 6;
const BAD_DESCRIPTOR: i32 = 8;
const FAULT: i32 = 21;
const INVALID: i32 = 28;

/// Reads in a row that find nothing and come back at once: enough for a guest to go on with what else it has to do. The next
/// one waits.
const EMPTY_READS: u32 = 16;
/// Vectors that one call may name.
const VECTORS: u32 = 1024;
/// What is taken of a guest before others get their turn.
const PIECE: usize = 64 << 10;
/// Signals that end nobody.
const HARMLESS: [i32; 6] = [0, 13, 16, 17, 22, 27];

type Called<'a> = Caller<'a, Guest>;

/// Puts them in the place of the engine's.
pub(super) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    for module in ["wasi_snapshot_preview1", "wasi_unstable"] {
        linker.func_wrap_async(module, "fd_read", |caller, (fd, vectors, count, read)| {
            Box::new(fd_read(caller, fd, vectors, count, read))
        })?;
        linker.func_wrap_async(module, "fd_write", |caller, (fd, vectors, count, written)| {
            Box::new(fd_write(caller, fd, vectors, count, written))
        })?;
        linker.func_wrap(module, "clock_time_get", clock_time_get)?;
        linker.func_wrap(module, "fd_close", fd_close)?;
        linker.func_wrap(module, "fd_fdstat_get", fd_fdstat_get)?;
        linker.func_wrap(module, "proc_raise", proc_raise)?;
    }
    Ok(())
}

/// What is read or written, as a guest says: places in its memory that are there.
struct Places {
    memory: Memory,
    buffers: Vec<Range<usize>>,
    /// Where it wants to know how much it was.
    count: Range<usize>,
}

impl Places {
    fn find(caller: &mut Called<'_>, vectors: u32, count: u32, result: u32) -> Result<Places, i32> {
        if count > VECTORS {
            return Err(INVALID);
        }
        let memory = memory_of(caller).ok_or(FAULT)?;
        let data = memory.data(&*caller);
        let mut places = Places {
            memory,
            buffers: Vec::with_capacity(1),
            count: range(data, result, 4)?,
        };
        let (vectors, _) = data
            .get(range(data, vectors, count.saturating_mul(8))?)
            .ok_or(FAULT)?
            .as_chunks();
        for [a, b, c, d, e, f, g, h] in vectors {
            let start = u32::from_le_bytes([*a, *b, *c, *d]);
            let length = u32::from_le_bytes([*e, *f, *g, *h]);
            places.buffers.push(range(data, start, length)?);
        }
        places.buffers.retain(|buffer| !buffer.is_empty());
        Ok(places)
    }

    fn tell(&self, caller: &mut Called<'_>, count: usize) -> i32 {
        let place = self.memory.data_mut(caller).get_mut(self.count.clone());
        let (Some(place), Ok(count)) = (place, u32::try_from(count)) else {
            return FAULT;
        };
        place.copy_from_slice(&count.to_le_bytes());
        SUCCESS
    }
}

fn memory_of(caller: &mut Called<'_>) -> Option<Memory> {
    let known = caller.data().memory;
    known.or_else(|| caller.get_export("memory").and_then(Extern::into_memory))
}

fn range(memory: &[u8], start: u32, length: u32) -> Result<Range<usize>, i32> {
    let start = usize::try_from(start).map_err(|_| FAULT)?;
    let length = usize::try_from(length).map_err(|_| FAULT)?;
    let end = start.checked_add(length).ok_or(FAULT)?;
    match end <= memory.len() {
        true => Ok(start..end),
        false => Err(FAULT),
    }
}

async fn fd_read(mut caller: Called<'_>, fd: i32, vectors: u32, count: u32, read: u32) -> wasmtime::Result<i32> {
    if fd != 0 || !is_open(&caller, fd) {
        return Ok(BAD_DESCRIPTOR);
    }
    let places = match Places::find(&mut caller, vectors, count, read) {
        Ok(places) => places,
        Err(error) => return Ok(error),
    };
    let stdin = caller.data().stdin.clone();
    if !places.buffers.is_empty() && stdin.is_empty() {
        // Whoever else has to do something for this guest does it now.
        tokio::task::yield_now().await;
        if stdin.is_empty() {
            let guest = caller.data_mut();
            if guest.empty_reads < EMPTY_READS {
                guest.empty_reads += 1;
                return Ok(AGAIN);
            }
            stdin.filled().await;
        }
    }
    let mut read = 0;
    for buffer in &places.buffers {
        let Some(buffer) = places.memory.data_mut(&mut caller).get_mut(buffer.clone()) else {
            return Ok(FAULT);
        };
        let (wanted, got) = (buffer.len(), stdin.read(buffer));
        read += got;
        if got < wanted {
            break;
        }
    }
    if read > 0 {
        caller.data_mut().empty_reads = 0;
    }
    Ok(places.tell(&mut caller, read))
}

async fn fd_write(mut caller: Called<'_>, fd: i32, vectors: u32, count: u32, written: u32) -> wasmtime::Result<i32> {
    if fd == 0 || !is_open(&caller, fd) {
        return Ok(BAD_DESCRIPTOR);
    }
    let places = match Places::find(&mut caller, vectors, count, written) {
        Ok(places) => places,
        Err(error) => return Ok(error),
    };
    let all: usize = places.buffers.iter().map(ExactSizeIterator::len).sum();
    for Range { start, end } in &places.buffers {
        let mut at = *start;
        while at < *end {
            let piece = at..(*end).min(at.saturating_add(PIECE));
            let taken = match fd {
                1 => write_out(&mut caller, &places.memory, piece).await?,
                _ => write_error(&mut caller, &places.memory, piece),
            };
            let Some(taken) = taken else {
                return Ok(FAULT);
            };
            at += taken;
            if taken == PIECE {
                tokio::task::yield_now().await;
            }
        }
    }
    Ok(places.tell(&mut caller, all))
}

/// Up to the end of a line; the guest waits there until the host can take it.
async fn write_out(caller: &mut Called<'_>, memory: &Memory, piece: Range<usize>) -> wasmtime::Result<Option<usize>> {
    let (data, guest) = memory.data_and_store_mut(&mut *caller);
    let Some(bytes) = data.get(piece) else {
        return Ok(None);
    };
    let (taken, line) = guest.stdout.take(bytes).map_err(wasmtime::Error::new)?;
    if let Some(line) = line {
        guest.empty_reads = 0;
        guest.stdout.line().send(line).await;
    }
    Ok(Some(taken))
}

fn write_error(caller: &mut Called<'_>, memory: &Memory, piece: Range<usize>) -> Option<usize> {
    let (data, guest) = memory.data_and_store_mut(caller);
    let bytes = data.get(piece)?;
    guest.said.push(bytes);
    guest.tenant().print_error(bytes);
    Some(bytes.len())
}

/// Whether this is one of the standard streams, and not closed.
fn is_open(caller: &Called<'_>, fd: i32) -> bool {
    let closed = usize::try_from(fd).ok().and_then(|fd| caller.data().closed.get(fd));
    closed.is_some_and(|closed| !closed)
}

fn fd_close(mut caller: Called<'_>, fd: i32) -> i32 {
    let closed = usize::try_from(fd).ok();
    match closed.and_then(|fd| caller.data_mut().closed.get_mut(fd)) {
        Some(closed) if !*closed => {
            *closed = true;
            SUCCESS
        }
        _ => BAD_DESCRIPTOR,
    }
}

/// The time of day, and a time that only rises; nothing of what the host's process has used.
fn clock_time_get(mut caller: Called<'_>, clock: u32, _precision: u64, place: u32) -> i32 {
    static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);
    let time = match clock {
        0 => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
        1 => STARTED.elapsed(),
        _ => return INVALID,
    };
    let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    write(&mut caller, place, &nanoseconds.to_le_bytes())
}

fn write(caller: &mut Called<'_>, place: u32, bytes: &[u8]) -> i32 {
    let Some(memory) = memory_of(caller) else {
        return FAULT;
    };
    let data = memory.data_mut(caller);
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    match range(data, place, length).map(|range| data.get_mut(range)) {
        Ok(Some(place)) => {
            place.copy_from_slice(bytes);
            SUCCESS
        }
        _ => FAULT,
    }
}

/// A character device that can be read, or written to, and nothing else.
fn fd_fdstat_get(mut caller: Called<'_>, fd: i32, place: u32) -> i32 {
    const CHARACTER_DEVICE: u64 = 2;
    const MAY_READ: u64 = 1 << 1;
    const MAY_WRITE: u64 = 1 << 6;
    if !is_open(&caller, fd) {
        return BAD_DESCRIPTOR;
    }
    let rights = if fd == 0 { MAY_READ } else { MAY_WRITE };
    // The kind and no flags, the rights, and the rights that are passed on.
    let told = [CHARACTER_DEVICE, rights, 0].map(u64::to_le_bytes);
    write(&mut caller, place, told.as_flattened())
}

fn proc_raise(signal: i32) -> wasmtime::Result<i32> {
    match HARMLESS.contains(&signal) {
        true => Ok(SUCCESS),
        false => Err(wasmtime::Error::new(Cause::Exited(128_i32.saturating_add(signal)))),
    }
}
