//! A JSON text with its index.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;

use super::index::{Index, Node, Piece};
use super::{JsonError, Value, lex, push_string, text};

/// What to do about an object that has several members of one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duplicates {
    /// Refuse the text: two readers could see two different values, one that was checked and one that is used.
    Refuse,
    /// The last one counts. The text stays as it is until the first edit, which drops the others, so that an edited
    /// document says the same to every reader.
    LastWins,
}

/// A JSON text with its index. Cloning is cheap and shares both; a clone that is edited leaves the original alone.
#[derive(Clone)]
pub struct Document {
    pub(super) text: ByteString,
    pub(super) index: Arc<Index>,
}

impl Document {
    /// Indexes a text, which must be one JSON value of RFC 8259 without repeated names.
    ///
    /// # Errors
    /// Any [`JsonError`], with the place of the mistake.
    pub fn parse(bytes: impl Into<Bytes>) -> Result<Self, JsonError> {
        Self::parse_with(bytes, Duplicates::Refuse)
    }

    /// Indexes a text as [`parse`](Self::parse) does, with a choice about repeated names.
    ///
    /// # Errors
    /// Any [`JsonError`], with the place of the mistake.
    pub fn parse_with(bytes: impl Into<Bytes>, duplicates: Duplicates) -> Result<Self, JsonError> {
        let text = text::of(bytes.into())?;
        let index = Arc::new(lex::index(&text, duplicates)?);
        Ok(Self { text, index })
    }

    /// The document `"text"`.
    pub fn string(text: &str) -> Self {
        let mut quoted = Vec::new();
        push_string(&mut quoted, text);
        // What `push_string` writes is UTF-8 and has a backslash only where it escapes.
        let escaped = quoted.contains(&b'\\');
        Self::scalar(String::from_utf8(quoted).unwrap_or_default(), u32::from(escaped))
    }

    /// The document `null`.
    pub fn null() -> Self {
        Self::scalar(ByteString::from_static("null"), 0)
    }

    /// The document `{}`.
    pub fn object() -> Self {
        Self::scalar(ByteString::from_static("{}"), 0)
    }

    /// The document `[]`.
    pub fn array() -> Self {
        Self::scalar(ByteString::from_static("[]"), 0)
    }

    /// A document of one node.
    fn scalar(text: impl Into<ByteString>, count: u32) -> Self {
        let text = text.into();
        let root = Node {
            start: 0,
            end: text.len() as u32,
            span: 1,
            count,
        };
        Self {
            text,
            index: Arc::new(Index {
                nodes: vec![root],
                duplicates: false,
            }),
        }
    }

    /// The text.
    pub fn bytes(&self) -> &Bytes {
        self.text.as_bytes()
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The length of the text in bytes.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Whether the text is empty, which no document's is.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The value that the document is.
    pub fn root(&self) -> Value<'_> {
        Value::new(self, 0)
    }

    /// The value at an RFC 6901 pointer: `""` is the root, `/messages/0/content` a member of an element of a member.
    /// In a name `~1` stands for `/` and `~0` for `~`; an index has no leading zeros.
    pub fn pointer(&self, pointer: &str) -> Option<Value<'_>> {
        self.root().pointer(pointer)
    }

    pub(super) fn nodes(&self) -> &[Node] {
        &self.index.nodes
    }

    pub(crate) fn has_duplicates(&self) -> bool {
        self.index.duplicates
    }

    /// A value of a document as a document of its own.
    pub(super) fn part_of(value: Value<'_>) -> Self {
        let whole = value.document();
        let node = value.node();
        let first = value.at_node();
        let nodes = whole.nodes().get(first..first + node.span as usize).unwrap_or_default();
        let moved = Piece {
            nodes,
            from: node.start,
            to: 0,
        }
        .moved()
        .collect();
        let text = whole.text.slice_ref(value.raw());
        Self {
            text,
            index: Arc::new(Index {
                nodes: moved,
                duplicates: whole.has_duplicates(),
            }),
        }
    }
}

impl From<bool> for Document {
    fn from(value: bool) -> Self {
        Self::scalar(ByteString::from_static(if value { "true" } else { "false" }), 0)
    }
}

impl From<u64> for Document {
    fn from(value: u64) -> Self {
        Self::scalar(value.to_string(), 0)
    }
}

impl From<i64> for Document {
    fn from(value: i64) -> Self {
        Self::scalar(value.to_string(), 0)
    }
}

impl From<&str> for Document {
    fn from(text: &str) -> Self {
        Self::string(text)
    }
}

impl FromStr for Document {
    type Err = JsonError;

    fn from_str(text: &str) -> Result<Self, JsonError> {
        Self::parse(text.to_owned())
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
