//! Addresses that a guest gives, none of which is trusted.

use bytes::Bytes;
use heimdall_host::failure::Cause;
use wasmtime::{AsContext, AsContextMut, Memory};

use crate::Input;

/// A piece of a guest's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) address: u32,
    pub(super) length: u32,
}

impl Span {
    pub(super) const NOTHING: Span = Span { address: 0, length: 0 };

    /// What a packed result says.
    pub(super) fn unpack(packed: u64) -> Span {
        let half = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).unwrap_or_default();
        Span {
            address: half(packed >> 32),
            length: half(packed),
        }
    }

    /// Behind its last byte, which may lie behind the 32-bit address space.
    pub(super) fn end(self) -> u64 {
        u64::from(self.address) + u64::from(self.length)
    }

    pub(super) fn overlaps(self, other: Span) -> bool {
        self.length > 0
            && other.length > 0
            && u64::from(self.address) < other.end()
            && u64::from(other.address) < self.end()
    }

    fn range(self) -> Option<std::ops::Range<usize>> {
        Some(usize::try_from(self.address).ok()?..usize::try_from(self.end()).ok()?)
    }

    pub(super) fn fits(self, memory: Memory, store: impl AsContext) -> bool {
        let size = memory.data_size(store);
        self.range().is_some_and(|range| range.end <= size)
    }
}

/// Copies an input into the guest; false if it doesn't fit there.
pub(super) fn write(memory: Memory, mut store: impl AsContextMut, span: Span, input: &Input) -> bool {
    let place = span
        .range()
        .and_then(|range| memory.data_mut(&mut store).get_mut(range));
    let Some(mut place) = place.filter(|place| place.len() == input.len()) else {
        return false;
    };
    for piece in input.pieces() {
        let Some((this, behind)) = place.split_at_mut_checked(piece.len()) else {
            return false;
        };
        this.copy_from_slice(piece);
        place = behind;
    }
    true
}

/// Copies a result out of the guest: over its cap it is refused before anything is copied.
pub(super) fn read(memory: Memory, store: impl AsContext, span: Span, limit: usize) -> Result<Bytes, Cause> {
    let size = usize::try_from(span.length).unwrap_or(usize::MAX);
    if size > limit {
        return Err(Cause::OutputTooLarge { size, limit });
    }
    let data = memory.data(&store);
    let bytes = span.range().and_then(|range| data.get(range));
    bytes.map(Bytes::copy_from_slice).ok_or_else(|| {
        let Span { address, length } = span;
        let end = data.len();
        Cause::AbiViolation(format!(
            "its result lies at {address} with {length} bytes, its memory ends at {end}"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_upper_half_is_the_address_and_the_lower_the_length() {
        assert_eq!(Span::unpack(0x0000_0010_0000_0003), Span { address: 16, length: 3 });
        assert_eq!(
            Span::unpack(u64::MAX),
            Span {
                address: u32::MAX,
                length: u32::MAX
            }
        );
        assert_eq!(Span::unpack(0), Span::NOTHING);
    }

    #[test]
    fn the_end_of_a_span_does_not_overflow() {
        assert_eq!(
            Span {
                address: u32::MAX,
                length: u32::MAX
            }
            .end(),
            2 * u64::from(u32::MAX)
        );
    }

    #[test]
    fn neighbours_do_not_overlap() {
        let span = |address, length| Span { address, length };
        assert!(!span(0, 4).overlaps(span(4, 4)));
        assert!(span(0, 5).overlaps(span(4, 4)));
        assert!(!span(4, 0).overlaps(span(0, 8)));
    }
}
