//! What the host has to free when a call has returned.

use std::collections::BTreeMap;

/// As many blocks are remembered; a guest that passes more on in one call keeps the rest.
const MOST: usize = 1 << 16;

/// A piece of the guest's memory, as its `deallocate` takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) address: u32,
    pub(super) size: u32,
}

/// The blocks of a call: each address once, however often and for whatever reason it came up.
#[derive(Debug, Default)]
pub(super) struct Lent {
    sizes: BTreeMap<u32, u32>,
    /// What the host wrote and gave away.
    written: BTreeMap<u32, u32>,
    is_overfull: bool,
}

impl Lent {
    /// The guest has this from the host. It is the guest's, unless it gives it back: then its size is known better.
    pub(super) fn wrote(&mut self, block: Block) {
        if self.written.len() < MOST {
            self.written.insert(block.address, block.size);
        }
    }

    /// One more to free. What was said first of an address counts, and nothing is at 0.
    pub(super) fn add(&mut self, block: Block) {
        let Block { address, size } = block;
        if address == 0 || self.sizes.contains_key(&address) {
            return;
        }
        // The NUL was written too, and the guest may have put something else there since.
        let written = self.written.get(&address).copied();
        let size = written
            .filter(|written| size.checked_add(1) == Some(*written))
            .unwrap_or(size);
        match self.sizes.len() < MOST {
            true => drop(self.sizes.insert(address, size)),
            false => self.is_overfull = true,
        }
    }

    /// The last address first: a heap that takes only its last block back gets all of them.
    pub(super) fn next(&mut self) -> Option<Block> {
        let (address, size) = self.sizes.pop_last()?;
        Some(Block { address, size })
    }

    /// Whether there were too many, so that some stay in the guest for good.
    pub(super) fn is_overfull(&self) -> bool {
        self.is_overfull
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drained(lent: &mut Lent) -> Vec<(u32, u32)> {
        std::iter::from_fn(|| lent.next().map(|block| (block.address, block.size))).collect()
    }

    #[test]
    fn each_address_is_freed_once_with_what_was_first_said_of_it() {
        let mut lent = Lent::default();
        for (address, size) in [(8, 3), (16, 4), (8, 2), (0, 7)] {
            lent.add(Block { address, size });
        }
        assert_eq!(drained(&mut lent), [(16, 4), (8, 3)]);
        assert_eq!(drained(&mut lent), []);
    }

    #[test]
    fn what_the_host_wrote_is_freed_with_its_nul_if_it_comes_back() {
        let mut lent = Lent::default();
        for address in [8, 16, 24] {
            lent.wrote(Block { address, size: 5 });
        }
        lent.add(Block { address: 8, size: 4 });
        lent.add(Block { address: 16, size: 3 });
        assert_eq!(drained(&mut lent), [(16, 3), (8, 5)]);
    }

    #[test]
    fn it_has_a_bound() {
        let mut lent = Lent::default();
        for address in 1..=MOST as u32 {
            lent.add(Block { address, size: 1 });
        }
        lent.add(Block { address: 1, size: 1 });
        assert!(!lent.is_overfull());
        lent.add(Block {
            address: u32::MAX,
            size: 1,
        });
        assert!(lent.is_overfull());
        assert_eq!(drained(&mut lent).len(), MOST);
    }
}
