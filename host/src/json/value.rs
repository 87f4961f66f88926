//! Views into a document.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

use super::index::Node;
use super::{Document, names, pointer, text};

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number of any size and precision.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// One value of a [`Document`], borrowed from it. Looking at one allocates nothing.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    document: &'a Document,
    at: usize,
}

impl<'a> Value<'a> {
    /// The value whose node stands at `at` on the document's tape.
    pub(super) fn new(document: &'a Document, at: usize) -> Self {
        Self { document, at }
    }

    /// The place of this value's node on its document's tape.
    pub(super) fn at_node(&self) -> usize {
        self.at
    }

    pub(super) fn document(&self) -> &'a Document {
        self.document
    }

    pub(super) fn node(&self) -> &'a Node {
        const NOTHING: &Node = &Node {
            start: 0,
            end: 0,
            span: 1,
            count: 0,
        };
        self.document.nodes().get(self.at).unwrap_or(NOTHING)
    }

    /// What this value is.
    pub fn kind(&self) -> Kind {
        match self.document.as_str().as_bytes().get(self.node().start as usize) {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'-' | b'0'..=b'9') => Kind::Number,
            _ => Kind::Null,
        }
    }

    /// The value's own text, as the sender wrote it.
    pub fn raw(&self) -> &'a str {
        self.document.as_str().get(self.range()).unwrap_or_default()
    }

    /// The value's own text, shared with the document.
    pub fn bytes(&self) -> Bytes {
        self.document.bytes().slice_ref(self.raw().as_bytes())
    }

    /// Where [`raw`](Self::raw) stands in the document's bytes.
    pub fn range(&self) -> Range<usize> {
        self.node().range()
    }

    /// The member of this object that has this name; of several, the last.
    pub fn get(&self, name: &str) -> Option<Value<'a>> {
        let (text, nodes) = (self.document.as_str(), self.document.nodes());
        let mut found = None;
        for (at, value) in self.member_nodes() {
            if nodes.get(at).is_some_and(|node| text::says(text, node, name)) {
                found = Some(value);
                if !self.document.has_duplicates() {
                    break;
                }
            }
        }
        Some(Value::new(self.document, found?))
    }

    /// The element of this array that has this index, from 0.
    pub fn at(&self, index: usize) -> Option<Value<'a>> {
        self.elements().nth(index)
    }

    /// How many elements this array or members this object has; 0 for anything else.
    pub fn len(&self) -> usize {
        match self.kind() {
            Kind::Array | Kind::Object => self.node().count as usize,
            _ => 0,
        }
    }

    /// Whether there are no elements and no members in this value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements of this array; none for anything else.
    pub fn elements(&self) -> Elements<'a> {
        let left = if self.kind() == Kind::Array { self.len() } else { 0 };
        Elements {
            document: self.document,
            next: self.at + 1,
            left,
        }
    }

    /// The members of this object with their names, in the order of the text; none for anything else.
    ///
    /// Of several members of one name each is there: the last one counts.
    pub fn members(&self) -> Members<'a> {
        Members {
            raw: self.raw_members(),
        }
    }

    /// The members of this object with their names as they are written, quotes and escapes included.
    pub fn raw_members(&self) -> RawMembers<'a> {
        let left = if self.kind() == Kind::Object { self.len() } else { 0 };
        RawMembers {
            document: self.document,
            next: self.at + 1,
            left,
        }
    }

    /// Of each member of this object the places of its name and its value on the tape.
    #[inline]
    pub(super) fn member_nodes(&self) -> impl Iterator<Item = (usize, usize)> + use<'a> {
        let count = if self.kind() == Kind::Object { usize::MAX } else { 0 };
        names::members(self.document.nodes(), self.at).take(count)
    }

    /// This string without quotes and escapes. Half of a surrogate pair on its own becomes U+FFFD.
    pub fn as_str(&self) -> Option<Cow<'a, str>> {
        (self.kind() == Kind::String).then(|| text::unquoted(self.document.as_str(), self.node()))
    }

    /// This truth value.
    pub fn as_bool(&self) -> Option<bool> {
        match self.raw() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// This number, if it is written as an integer and fits.
    pub fn as_u64(&self) -> Option<u64> {
        self.parsed()
    }

    /// This number, if it is written as an integer and fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.parsed()
    }

    /// The double that is nearest to this number, unless that would be infinite.
    pub fn as_f64(&self) -> Option<f64> {
        self.parsed().filter(|double: &f64| double.is_finite())
    }

    fn parsed<T: std::str::FromStr>(&self) -> Option<T> {
        if self.kind() == Kind::Number {
            self.raw().parse().ok()
        } else {
            None
        }
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        self.kind() == Kind::Null
    }

    /// The value at an RFC 6901 pointer that starts here.
    pub fn pointer(&self, pointer: &str) -> Option<Value<'a>> {
        pointer::tokens(pointer)?.try_fold(*self, |value, token| match value.kind() {
            Kind::Object => value.get(&token),
            Kind::Array => value.at(pointer::array_index(&token)?),
            _ => None,
        })
    }

    /// This value as a document of its own. The text is shared, not copied.
    pub fn to_document(&self) -> Document {
        Document::part_of(*self)
    }
}

impl std::fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.raw())
    }
}

/// The elements of an array.
#[derive(Debug, Clone)]
pub struct Elements<'a> {
    document: &'a Document,
    next: usize,
    left: usize,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        self.left = self.left.checked_sub(1)?;
        let value = Value::new(self.document, self.next);
        self.next += value.node().span as usize;
        Some(value)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Elements<'_> {}

/// The members of an object, each with its name.
#[derive(Debug, Clone)]
pub struct Members<'a> {
    raw: RawMembers<'a>,
}

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, value) = self.raw.advance()?;
        Some((text::unquoted(name.document.as_str(), name.node()), value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.raw.size_hint()
    }
}

impl ExactSizeIterator for Members<'_> {}

/// The members of an object, each with its name as it is written.
#[derive(Debug, Clone)]
pub struct RawMembers<'a> {
    document: &'a Document,
    next: usize,
    left: usize,
}

impl<'a> RawMembers<'a> {
    /// The next member: its name, which is a string, and its value.
    fn advance(&mut self) -> Option<(Value<'a>, Value<'a>)> {
        self.left = self.left.checked_sub(1)?;
        let name = Value::new(self.document, self.next);
        let value = Value::new(self.document, self.next + 1);
        self.next += 1 + value.node().span as usize;
        Some((name, value))
    }
}

impl<'a> Iterator for RawMembers<'a> {
    type Item = (&'a str, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().map(|(name, value)| (name.raw(), value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for RawMembers<'_> {}
