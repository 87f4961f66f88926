//! A body that came in pieces.

use bytes::{Bytes, BytesMut};

/// Pieces put together. A single one is not copied.
#[derive(Default)]
pub(crate) struct Joined {
    first: Bytes,
    more: BytesMut,
}

impl Joined {
    /// Bytes so far.
    pub(crate) fn len(&self) -> usize {
        self.first.len().max(self.more.len())
    }

    pub(crate) fn push(&mut self, piece: Bytes) {
        if self.len() == 0 {
            self.first = piece;
            return;
        }
        if self.more.is_empty() {
            self.more.extend_from_slice(&std::mem::take(&mut self.first));
        }
        self.more.extend_from_slice(&piece);
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        if self.more.is_empty() {
            self.first
        } else {
            self.more.freeze()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_piece_is_not_copied_and_several_are_put_together() {
        let piece = Bytes::from_static(b"whole");
        let mut joined = Joined::default();
        joined.push(piece.clone());
        assert_eq!(joined.into_bytes().as_ptr(), piece.as_ptr());

        let mut joined = Joined::default();
        for text in ["", "a ", "", "whole", ""] {
            joined.push(text.into());
        }
        assert_eq!(joined.len(), 7);
        assert_eq!(joined.into_bytes(), "a whole");
    }
}
