//! What every guest exports of its memory, and how texts and bytes pass through it. Each of these calls runs guest code, be it at the
//! beginning of a call or while the guest waits for a function of the host.

use heimdall_host::failure::Cause;
use heimdall_host::runtime::HasTenant as _;
use wasmtime::{AsContextMut, Error, Extern, Memory, Result, TypedFunc, WasmParams, WasmResults};

use super::lent::Block;
use super::memory::{self, PREFIX};
use super::{ALLOCATE, DEALLOCATE, GET_STRING_SIZE, Guest, MEMORY};
use crate::Input;

/// How something lies in a guest's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Ended by a NUL; the guest says how long it is.
    Text,
    /// After its length.
    Bytes,
}

/// What the host needs of a guest to pass it anything.
pub(super) struct Exports {
    memory: Memory,
    allocate: TypedFunc<u32, u32>,
    get_string_size: TypedFunc<u32, i32>,
    deallocate: Option<TypedFunc<(u32, u32), ()>>,
}

/// A Store of a guest, or what is given to a function of the host of it.
pub(super) trait Access: AsContextMut<Data = Guest> + Send {}

impl<S: AsContextMut<Data = Guest> + Send> Access for S {}

impl Exports {
    /// Those that `export` finds.
    pub(super) fn find<S: Access>(store: &mut S, export: impl Fn(&mut S, &str) -> Option<Extern>) -> Result<Exports> {
        let memory = export(store, MEMORY).and_then(Extern::into_memory);
        Ok(Exports {
            memory: memory.ok_or_else(|| missing(MEMORY))?,
            allocate: typed(store, &export, ALLOCATE)?.ok_or_else(|| missing(ALLOCATE))?,
            get_string_size: typed(store, &export, GET_STRING_SIZE)?.ok_or_else(|| missing(GET_STRING_SIZE))?,
            deallocate: typed(store, &export, DEALLOCATE)?,
        })
    }

    /// Writes a text or bytes to where the guest says.
    pub(super) async fn give<S: Access>(&self, store: &mut S, form: Form, input: &Input) -> Result<Block> {
        let too_many = || violation(format!("{} bytes are too many for its addresses", input.len()));
        let length = u32::try_from(input.len()).map_err(|_| too_many())?;
        let prefix = length.to_le_bytes();
        let (before, behind): (&[u8], &[u8]) = match form {
            Form::Text => (&[], &[0]),
            Form::Bytes => (&prefix, &[]),
        };
        let size = input.len().saturating_add(before.len()).saturating_add(behind.len());
        let size = u32::try_from(size).map_err(|_| too_many())?;
        let address = self.allocate.call_async(&mut *store, size).await?;
        if address == 0 {
            return Err(no_room(store, size));
        }
        let pieces = std::iter::once(before).chain(input.pieces().iter().map(|piece| &**piece));
        let room = usize::try_from(size).ok();
        let room = room.and_then(|size| memory::room_at(self.memory.data_mut(&mut *store), address, size));
        match room.is_some_and(|room| memory::fill(room, pieces.chain([behind]))) {
            true => Ok(Block { address, size }),
            false => Err(violation(format!(
                "its `{ALLOCATE}` gave {size} bytes at {address}, outside of its memory"
            ))),
        }
    }

    /// Copies a text or bytes out of the guest, and tells what is to be freed of it. Over the cap of one value nothing is copied. None
    /// at 0, where nothing is.
    pub(super) async fn take<S: Access>(
        &self,
        store: &mut S,
        form: Form,
        address: u32,
    ) -> Result<Option<(Vec<u8>, Block)>> {
        if address == 0 {
            return Ok(None);
        }
        let (length, start, around) = match form {
            Form::Text => (self.text_size(store, address).await?, address, 0),
            Form::Bytes => {
                let found = memory::prefixed(self.memory.data(&mut *store), address);
                let (length, start) = found.ok_or_else(|| outside(address, PREFIX))?;
                (length, start, PREFIX)
            }
        };
        let limit = store.as_context_mut().data_mut().tenant().limits().output;
        if length > limit {
            return Err(Error::new(Cause::OutputTooLarge { size: length, limit }));
        }
        let taken = memory::at(self.memory.data(&mut *store), start, length).map(<[u8]>::to_vec);
        let taken = taken.ok_or_else(|| outside(start, length))?;
        let size = u32::try_from(length.saturating_add(around)).unwrap_or(u32::MAX);
        let taken = match form {
            Form::Text => memory::without_nul(taken),
            Form::Bytes => taken,
        };
        Ok(Some((taken, Block { address, size })))
    }

    async fn text_size<S: Access>(&self, store: &mut S, address: u32) -> Result<usize> {
        let size = self.get_string_size.call_async(&mut *store, address).await?;
        usize::try_from(size).map_err(|_| violation(format!("its `{GET_STRING_SIZE}` gave {size} for {address}")))
    }

    /// Whether anything can be freed at all.
    pub(super) fn can_free(&self) -> bool {
        self.deallocate.is_some()
    }

    /// Has the guest free a block.
    pub(super) async fn free<S: Access>(&self, store: &mut S, block: Block) -> Result<()> {
        match &self.deallocate {
            Some(deallocate) => deallocate.call_async(store, (block.address, block.size)).await,
            None => Ok(()),
        }
    }
}

fn typed<S: Access, P: WasmParams, R: WasmResults>(
    store: &mut S,
    export: impl Fn(&mut S, &str) -> Option<Extern>,
    name: &str,
) -> Result<Option<TypedFunc<P, R>>> {
    let Some(found) = export(store, name) else {
        return Ok(None);
    };
    let function = found.into_func().ok_or_else(|| missing(name))?;
    let typed = function.typed(&mut *store);
    typed
        .map(Some)
        .map_err(|error| violation(format!("its export `{name}` has another type: {error}")))
}

/// What a guest did against its ABI.
pub(super) fn violation(what: String) -> Error {
    Error::new(Cause::AbiViolation(what))
}

fn missing(name: &str) -> Error {
    violation(format!("it has no `{name}`"))
}

fn outside(address: u32, length: usize) -> Error {
    violation(format!("it gave {length} bytes at {address}, outside of its memory"))
}

/// An allocator that gives nothing says why only where the host denied it memory.
fn no_room(store: &mut impl Access, size: u32) -> Error {
    let mut store = store.as_context_mut();
    let tenant = store.data_mut().tenant();
    match tenant.memory_denied() {
        true => Error::new(Cause::OutOfMemory(tenant.limits().memory)),
        false => violation(format!("its `{ALLOCATE}` gave no room for {size} bytes")),
    }
}
