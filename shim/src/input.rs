//! One text on its way into a guest: pieces that are written into its memory one behind the other.
//!
//! Most of such a text is JSON that the host holds already. It is not copied on its way: its only copy is the guest's.
//!
//! ```
//! use bytes::Bytes;
//! use heimdall_shim::Input;
//!
//! let mut input = Input::from(Bytes::from_static(b"{\"request\":"));
//! input.push(Bytes::from_static(b"{}}"));
//! assert_eq!((input.len(), input.to_bytes()), (14, Bytes::from_static(b"{\"request\":{}}")));
//! ```

use bytes::Bytes;

/// One text for a guest, in pieces.
#[derive(Debug, Clone, Default)]
pub struct Input {
    pieces: Vec<Bytes>,
    length: usize,
}

impl Input {
    /// What comes next.
    pub fn push(&mut self, piece: Bytes) {
        self.length = self.length.saturating_add(piece.len());
        self.pieces.push(piece);
    }

    /// Bytes of all pieces.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The pieces in order.
    pub fn pieces(&self) -> &[Bytes] {
        &self.pieces
    }

    /// Whether it is this text.
    pub fn is(&self, text: &[u8]) -> bool {
        let mut rest = text;
        let mut pieces = self.pieces.iter();
        self.length == text.len()
            && pieces.all(|piece| match rest.split_at_checked(piece.len()) {
                Some((start, behind)) => {
                    rest = behind;
                    start == piece
                }
                None => false,
            })
    }

    /// The text in one piece, which copies it if it is in several.
    pub fn to_bytes(&self) -> Bytes {
        match self.pieces.as_slice() {
            [piece] => piece.clone(),
            pieces => pieces.concat().into(),
        }
    }
}

impl From<Bytes> for Input {
    fn from(bytes: Bytes) -> Input {
        Input {
            length: bytes.len(),
            pieces: vec![bytes],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn it_is_the_text_of_its_pieces_and_no_other(pieces: Vec<Vec<u8>>, other: Vec<u8>) {
            let mut input = Input::default();
            for piece in &pieces {
                input.push(piece.clone().into());
            }
            let text = pieces.concat();
            assert!(input.is(&text));
            assert_eq!(input.is(&other), other == text);
            for at in 0..text.len() {
                let mut changed = text.clone();
                changed[at] ^= 1;
                assert!(!input.is(&changed));
            }
        }
    }
}
