//! The kernel's allocator and registers. What moves bytes is in the guest (`rewrite/`), and works on the same memory.

use std::collections::{BTreeMap, HashMap};

use heimdall_host::failure::Cause;
use wasmtime::{AsContext, AsContextMut, Global, Memory, Val};

use super::Guest;

/// Where the first block lies: what the original has before it, a guest may not write to either.
const FIRST: u64 = 80;
/// Blocks are apart by as much, so that what the host knows of each is never more than the guest's memory pays for.
const GRAIN: u64 = 64;
const PAGE: u64 = 1 << 16;
/// A call with more blocks than this leaves no room for as many to the next.
const KEPT: usize = 4096;

/// Which pieces of the kernel's memory are whose.
#[derive(Debug, Default)]
struct Blocks {
    /// By address: length, and room.
    used: HashMap<u64, (u64, u64)>,
    /// By room: addresses.
    free: BTreeMap<u64, Vec<u64>>,
    /// Behind the last block.
    end: u64,
    /// Up to where something was ever written.
    dirty: u64,
}

/// A place for a block, and what of it has to be cleared.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    address: u64,
    /// Where its room ends.
    end: u64,
    is_dirty: bool,
}

impl Blocks {
    fn place(&mut self, length: u64) -> Option<Place> {
        let room = length.checked_next_multiple_of(GRAIN)?;
        let fitting = self.free.range(room..).next().map(|(room, _)| *room);
        if let Some(found) = fitting.filter(|found| *found <= room.saturating_mul(2)) {
            let addresses = self.free.get_mut(&found)?;
            let address = addresses.pop()?;
            if addresses.is_empty() {
                self.free.remove(&found);
            }
            let end = address.checked_add(found)?;
            return Some(Place {
                address,
                end,
                is_dirty: true,
            });
        }
        let address = self.end.max(FIRST);
        let end = address.checked_add(room)?;
        let is_dirty = address < self.dirty;
        Some(Place { address, end, is_dirty })
    }

    fn take(&mut self, place: &Place, length: u64) {
        self.end = self.end.max(place.end);
        self.dirty = self.dirty.max(place.end);
        self.used.insert(place.address, (length, place.end - place.address));
    }

    fn release(&mut self, address: u64) {
        if let Some((_, room)) = self.used.remove(&address) {
            self.free.entry(room).or_default().push(address);
        }
    }

    fn length(&self, address: u64) -> u64 {
        self.used.get(&address).map_or(0, |(length, _)| *length)
    }

    fn reset(&mut self) {
        match self.used.capacity() > KEPT {
            true => self.used = HashMap::new(),
            false => self.used.clear(),
        }
        self.free.clear();
        self.end = 0;
    }
}

/// The kernel of one instance.
pub(super) struct Kernel {
    pub(super) memory: Memory,
    input_offset: Global,
    input_length: Global,
    /// What these two are: to set one takes as long as a small allocation.
    input: (u64, u64),
    blocks: Blocks,
    output: (u64, u64),
    error: u64,
}

impl Kernel {
    pub(super) fn new(memory: Memory, input_offset: Global, input_length: Global) -> Kernel {
        Kernel {
            memory,
            input_offset,
            input_length,
            input: (0, 0),
            blocks: Blocks::default(),
            output: (0, 0),
            error: 0,
        }
    }

    /// Forgets every block, and what was said of them: a call begins. Its input is still to be set.
    pub(super) fn reset(&mut self) {
        self.blocks.reset();
        self.output = (0, 0);
        self.error = 0;
    }

    /// A block of so many bytes, all 0; 0 where there is no room for it.
    pub(super) fn alloc(&mut self, mut store: impl AsContextMut, length: u64) -> u64 {
        let Some(place) = self.room(&mut store, length) else {
            return 0;
        };
        if place.is_dirty {
            let data = self.memory.data_mut(&mut store);
            if let Some(block) = range(place.address, length).and_then(|range| data.get_mut(range)) {
                block.fill(0);
            }
        }
        place.address
    }

    /// A block with these pieces, one behind the other; 0 for nothing, and where there is no room.
    pub(super) fn write<'a>(
        &mut self,
        mut store: impl AsContextMut,
        length: usize,
        pieces: impl Iterator<Item = &'a [u8]>,
    ) -> u64 {
        let Some(place) = self.room(&mut store, length as u64) else {
            return 0;
        };
        let data = self.memory.data_mut(&mut store);
        let mut rest = range(place.address, length as u64)
            .and_then(|range| data.get_mut(range))
            .unwrap_or_default();
        for piece in pieces {
            let Some((this, behind)) = rest.split_at_mut_checked(piece.len()) else {
                break;
            };
            this.copy_from_slice(piece);
            rest = behind;
        }
        place.address
    }

    fn room(&mut self, mut store: impl AsContextMut, length: u64) -> Option<Place> {
        if length == 0 {
            return None;
        }
        let place = self.blocks.place(length)?;
        let size = self.memory.data_size(&store) as u64;
        if place.end > size {
            let pages = (place.end - size).div_ceil(PAGE);
            self.memory.grow(&mut store, pages).ok()?;
        }
        self.blocks.take(&place, length);
        Some(place)
    }

    pub(super) fn free(&mut self, handle: u64) {
        self.blocks.release(handle);
    }

    pub(super) fn length(&self, handle: u64) -> u64 {
        self.blocks.length(handle)
    }

    pub(super) fn set_input(&mut self, mut store: impl AsContextMut, offset: u64, length: u64) {
        let (was_offset, was_length) = std::mem::replace(&mut self.input, (offset, length));
        for (global, was, is) in [
            (self.input_offset, was_offset, offset),
            (self.input_length, was_length, length),
        ] {
            if was != is {
                let set = global.set(&mut store, Val::I64(is.cast_signed()));
                debug_assert!(set.is_ok(), "the globals are of this type, and mutable");
            }
        }
    }

    /// The guest says what its input is. What lies outside of the memory is none, and changes nothing.
    pub(super) fn give_input(&mut self, store: impl AsContextMut, offset: u64, length: u64) {
        let end = offset.checked_add(length);
        if end.is_some_and(|end| end <= self.memory.data_size(&store) as u64) {
            self.set_input(store, offset, length);
        }
    }

    /// What lies outside of the memory is no output, and changes nothing.
    pub(super) fn set_output(&mut self, store: impl AsContext, offset: u64, length: u64) {
        let end = offset.checked_add(length);
        if offset != 0 && end.is_some_and(|end| end <= self.memory.data_size(store) as u64) {
            self.output = (offset, length);
        }
    }

    pub(super) fn output(&self) -> (u64, u64) {
        self.output
    }

    pub(super) fn set_error(&mut self, handle: u64) {
        self.error = handle;
    }

    pub(super) fn error(&self) -> u64 {
        self.error
    }

    /// A block's bytes; none where there is no such block.
    pub(super) fn block<'a, T: 'static>(
        &self,
        store: &'a wasmtime::StoreContext<'_, T>,
        handle: u64,
    ) -> Option<&'a [u8]> {
        let length = self.length(handle);
        if length == 0 {
            return None;
        }
        self.memory.data(store).get(range(handle, length)?)
    }
}

/// The kernel is taken out of the Store while it works on the Store.
pub(super) fn with_kernel<C, T>(context: &mut C, work: impl FnOnce(&mut Kernel, &mut C) -> T) -> T
where
    C: AsContextMut<Data = Guest>,
    T: WithoutKernel,
{
    let Some(mut kernel) = context.as_context_mut().data_mut().kernel.take() else {
        return T::without_kernel();
    };
    let done = work(&mut kernel, context);
    context.as_context_mut().data_mut().kernel = Some(kernel);
    done
}

/// What comes of a call while there is no kernel: of what a module starts by itself when it is instantiated.
pub(super) trait WithoutKernel {
    fn without_kernel() -> Self;
}

impl WithoutKernel for () {
    fn without_kernel() -> Self {}
}

impl WithoutKernel for u64 {
    fn without_kernel() -> Self {
        0
    }
}

impl<T> WithoutKernel for Option<T> {
    fn without_kernel() -> Self {
        None
    }
}

impl<T> WithoutKernel for Result<T, Cause> {
    fn without_kernel() -> Self {
        Err(Cause::Instantiate("it has no kernel".into()))
    }
}

pub(super) fn range(start: u64, length: u64) -> Option<std::ops::Range<usize>> {
    let end = start.checked_add(length)?;
    Some(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(blocks: &mut Blocks, length: u64) -> u64 {
        let place = blocks.place(length).unwrap();
        blocks.take(&place, length);
        place.address
    }

    proptest::proptest! {
        #[test]
        fn blocks_never_overlap(steps: Vec<(bool, u16)>) {
            let mut blocks = Blocks::default();
            let mut live: Vec<(u64, u64)> = Vec::new();
            for (frees, number) in steps {
                if frees && !live.is_empty() {
                    let (address, _) = live.remove(usize::from(number) % live.len());
                    blocks.release(address);
                    continue;
                }
                let length = u64::from(number) + 1;
                let address = take(&mut blocks, length);
                assert!(address >= FIRST);
                assert!(live.iter().all(|(other, size)| address + length <= *other || other + size <= address));
                assert_eq!(blocks.length(address), length);
                live.push((address, length));
            }
        }
    }

    #[test]
    fn what_is_freed_is_used_again_and_told_to_be_dirty() {
        let mut blocks = Blocks::default();
        let first = take(&mut blocks, 100);
        blocks.release(first);
        blocks.release(first);
        let again = blocks.place(100).unwrap();
        assert_eq!((again.address, again.is_dirty), (first, true));
    }

    #[test]
    fn after_a_reset_no_block_is_known_and_the_room_is_dirty() {
        let mut blocks = Blocks::default();
        let first = take(&mut blocks, 100);
        blocks.reset();
        assert_eq!(blocks.length(first), 0);
        assert!(blocks.place(100).unwrap().is_dirty);
    }

    #[test]
    fn lengths_that_overflow_find_no_place() {
        assert_eq!(Blocks::default().place(u64::MAX), None);
        assert_eq!(Blocks::default().place(u64::MAX - GRAIN), None);
    }
}
