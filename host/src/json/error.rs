//! What can be wrong with a JSON text, and with an edit.

use thiserror::Error;

use super::MAX_DEPTH;

/// Why a text is not a JSON document that this host takes.
///
/// Every variant that points into the text carries the byte offset, counted from 0.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum JsonError {
    /// The bytes are no UTF-8.
    #[error("the text is not UTF-8 from byte {offset} on")]
    NotUtf8 {
        /// The first byte that belongs to no valid character.
        offset: usize,
    },
    /// The text starts with a byte order mark.
    #[error("the text starts with a byte order mark, which JSON does not allow")]
    ByteOrderMark,
    /// Something else stands where the grammar wants `expected`.
    #[error("expected {expected} at byte {offset}, found {}", shown(*found))]
    Unexpected {
        /// What the grammar allows there, in words.
        expected: &'static str,
        /// What stands there.
        found: char,
        /// Where it stands.
        offset: usize,
    },
    /// The text ends where the grammar wants `expected`.
    #[error("expected {expected} at byte {offset}, but the text ends there")]
    UnexpectedEnd {
        /// What the grammar allows there, in words.
        expected: &'static str,
        /// The length of the text.
        offset: usize,
    },
    /// The document is complete, and something else follows it.
    #[error("the document is complete, yet more text follows at byte {offset}")]
    TrailingData {
        /// Where the surplus starts.
        offset: usize,
    },
    /// Arrays and objects nest deeper than [`MAX_DEPTH`].
    #[error("arrays and objects nest deeper than {MAX_DEPTH} levels at byte {offset}")]
    TooDeep {
        /// Where the first container too many opens.
        offset: usize,
    },
    /// An object has two members of one name, so that two readers may see two different values.
    #[error("an object has more than one member {name:?}, again at byte {offset}")]
    DuplicateMember {
        /// The name without its escapes, cut after 80 characters.
        name: String,
        /// Where the name stands for the second time.
        offset: usize,
    },
    /// The text is longer than the index can address.
    #[error("the text has {length} bytes; a document has at most {}", u32::MAX)]
    TooLarge {
        /// The length of the text.
        length: usize,
    },
    /// A control character stands in a string without an escape.
    #[error("a string holds the bare control character U+{code:04X} at byte {offset}; JSON wants it escaped")]
    ControlCharacter {
        /// The character's code, below 0x20.
        code: u8,
        /// Where it stands.
        offset: usize,
    },
    /// A backslash in a string starts no escape that JSON has.
    #[error("a string has an escape at byte {offset} that JSON does not have")]
    BadEscape {
        /// Where the backslash stands.
        offset: usize,
    },
    /// A number is not written as JSON wants it.
    #[error("a number is malformed at byte {offset}")]
    BadNumber {
        /// The first byte that does not fit.
        offset: usize,
    },
}

impl JsonError {
    /// Where in the text the mistake is, in bytes from 0; `None` where the text as a whole is refused.
    pub fn offset(&self) -> Option<usize> {
        match self {
            Self::ByteOrderMark => Some(0),
            Self::TooLarge { .. } => None,
            Self::NotUtf8 { offset }
            | Self::Unexpected { offset, .. }
            | Self::UnexpectedEnd { offset, .. }
            | Self::TrailingData { offset }
            | Self::TooDeep { offset }
            | Self::DuplicateMember { offset, .. }
            | Self::ControlCharacter { offset, .. }
            | Self::BadEscape { offset }
            | Self::BadNumber { offset } => Some(*offset),
        }
    }

    /// Where in `text` (the bytes that were parsed) the mistake is: line and column, both from 1, the column in bytes.
    pub fn line_and_column(&self, text: &[u8]) -> Option<(usize, usize)> {
        let before = text.get(..self.offset()?)?;
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        let column = before.len() - memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1) + 1;
        Some((line, column))
    }
}

/// A character as a message shows it: `}` as it is, what does not print by its code.
fn shown(found: char) -> String {
    if found.is_ascii_graphic() {
        format!("`{found}`")
    } else {
        format!("U+{:04X}", u32::from(found))
    }
}

/// Why an edit is not possible. The document is as it was before.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EditError {
    /// The pointer is no RFC 6901 pointer: it is not empty and does not start with `/`, or has a `~` without 0 or 1.
    #[error("`{pointer}` is no JSON pointer: it is empty or starts with `/`, and `~` stands only in `~0` and `~1`")]
    BadPointer {
        /// The pointer as it was given.
        pointer: String,
    },
    /// A part of the pointer's path is not there.
    #[error("the document has nothing at `{pointer}`")]
    NotFound {
        /// The pointer up to and including the part that is missing.
        pointer: String,
    },
    /// A part of the pointer's path is there but holds neither an array nor an object.
    #[error("the value at `{pointer}` is neither an array nor an object")]
    NotAContainer {
        /// The pointer to that value.
        pointer: String,
    },
    /// The last part of the pointer is no place of its array.
    #[error(
        "`{token}` is no place of an array of {length}: an index from 0 to {length}, without leading zeros, or `-`"
    )]
    BadIndex {
        /// The last part of the pointer.
        token: String,
        /// The number of the array's elements.
        length: usize,
    },
    /// A document without a value does not exist: the whole can be replaced, not removed.
    #[error("the whole document cannot be removed")]
    WholeDocument,
    /// The edited document would nest deeper than [`MAX_DEPTH`].
    #[error("arrays and objects would nest deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// The edited document would be longer than the index can address.
    #[error("the document would be longer than {} bytes", u32::MAX)]
    TooLarge,
}
