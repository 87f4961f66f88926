//! Changes of a document's text: what they leave alone is not read again.

use std::iter::zip;
use std::ops::Range;

use super::index::{Node, Piece};
use super::lex::{self, Before};
use super::{Document, Duplicates, JsonError};

/// Bytes that are compared at a time.
const BLOCK: usize = 64;

/// A part of a text, and what takes its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which bytes; none are where something comes in.
    pub range: Range<usize>,
    /// What they become.
    pub text: String,
}

impl Change {
    /// The text with these changes, which stand in the order of the text and don't overlap. Their ranges count from `base` before
    /// the text's first byte.
    ///
    /// ```
    /// use heimdall_host::json::Change;
    ///
    /// let change = Change { range: 11..12, text: "2,".into() };
    /// assert_eq!(Change::all("[1]", 10, &[change]), "[2,]");
    /// ```
    pub fn all(text: &str, base: usize, changes: &[Change]) -> String {
        let added: usize = changes.iter().map(|change| change.text.len()).sum();
        let mut out = String::with_capacity(text.len() + added);
        let mut done = 0;
        for Change { range, text: new } in changes {
            out.push_str(text.get(done..range.start.saturating_sub(base)).unwrap_or_default());
            out.push_str(new);
            done = range.end.saturating_sub(base);
        }
        out.push_str(text.get(done..).unwrap_or_default());
        out
    }
}

impl Document {
    /// The document with changes of its text, which stand in the order of the text and don't overlap. Values that they leave
    /// alone keep their part of the index.
    ///
    /// # Errors
    /// Any [`JsonError`]: the text is no JSON value after them, or has repeated names.
    pub fn changed(&self, changes: &[Change]) -> Result<Document, JsonError> {
        let text = Change::all(self.as_str(), 0, changes);
        if self.has_duplicates() || !are_in_order(self.as_str(), changes) {
            return Document::parse(text);
        }
        let parts = unchanged_parts(self.as_str(), &text, changes);
        let before = Tape::new(self.nodes(), &parts);
        let index = lex::index_after(&text, Duplicates::Refuse, before)?;
        Ok(Document {
            text: text.into(),
            index: index.into(),
        })
    }
}

/// Whether the changes are as they are to be, and none cuts a character apart.
fn are_in_order(text: &str, changes: &[Change]) -> bool {
    let ends = std::iter::once(0).chain(changes.iter().map(|change| change.range.end));
    zip(ends, changes).all(|(done, change)| done <= change.range.start && text.get(change.range.clone()).is_some())
}

/// A part of a text that was there before.
#[derive(Debug, Clone, Copy)]
struct Part {
    /// Where it began.
    from: usize,
    /// Where it begins now.
    to: usize,
    length: usize,
}

/// What of a text is as before, in its order.
fn unchanged_parts(before: &str, after: &str, changes: &[Change]) -> Vec<Part> {
    let mut parts = Vec::with_capacity(2 * changes.len() + 1);
    let (mut from, mut to) = (0, 0);
    let mut push = |from: usize, to: usize, length: usize| parts.push(Part { from, to, length });
    for Change { range, text } in changes {
        // A list is given whole that has one more element than before: most of what is new is what was there.
        let old = before.as_bytes().get(range.clone()).unwrap_or_default();
        let (begin, end) = alike(old, text.as_bytes());
        let kept = range.start.saturating_sub(from);
        push(from, to, kept + begin);
        let behind = to + kept + text.len();
        push(range.end - end, behind - end, end);
        (from, to) = (range.end, behind);
    }
    push(from, to, after.len().saturating_sub(to));
    parts
}

/// How many bytes two texts have in common at their beginning and at their end. The end is looked at first: what comes in comes
/// most often before all others.
fn alike(old: &[u8], new: &[u8]) -> (usize, usize) {
    let end = end_alike(old, new);
    let rest = |text: &'_ [u8]| text.len() - end;
    let (old, new) = (old.get(..rest(old)), new.get(..rest(new)));
    (begin_alike(old.unwrap_or_default(), new.unwrap_or_default()), end)
}

fn end_alike(old: &[u8], new: &[u8]) -> usize {
    let blocks = zip(
        old.as_rchunks::<BLOCK>().1.iter().rev(),
        new.as_rchunks::<BLOCK>().1.iter().rev(),
    );
    let blocks = blocks.take_while(|(old, new)| old == new).count() * BLOCK;
    let bytes = zip(old.iter().rev().skip(blocks), new.iter().rev().skip(blocks));
    blocks + bytes.take_while(|(old, new)| old == new).count()
}

fn begin_alike(old: &[u8], new: &[u8]) -> usize {
    let blocks = zip(old.as_chunks::<BLOCK>().0, new.as_chunks::<BLOCK>().0);
    let blocks = blocks.take_while(|(old, new)| old == new).count() * BLOCK;
    let bytes = zip(old.iter().skip(blocks), new.iter().skip(blocks));
    blocks + bytes.take_while(|(old, new)| old == new).count()
}

/// A tape, and what of its text is there still.
struct Tape<'a> {
    nodes: &'a [Node],
    parts: &'a [Part],
    /// The first node that may stand at the next position.
    next: usize,
}

impl<'a> Tape<'a> {
    fn new(nodes: &'a [Node], parts: &'a [Part]) -> Self {
        Tape { nodes, parts, next: 0 }
    }

    /// The node that began where `position` is now, and its part of the text. Positions only rise.
    fn at(&mut self, position: usize) -> Option<(&'a Node, Part)> {
        while let [part, rest @ ..] = self.parts
            && part.to + part.length <= position
        {
            self.parts = rest;
        }
        let part = *self.parts.first()?;
        let was = part.from + position.checked_sub(part.to)?;
        loop {
            let node = self.nodes.get(self.next)?;
            if node.range().start >= was {
                return (node.range().start == was).then_some((node, part));
            }
            // It may hold the position, or be passed with all that lies in it.
            self.next += if node.range().end > was { 1 } else { node.span as usize };
        }
    }
}

impl<'a> Before<'a> for Tape<'a> {
    fn was_at(&mut self, position: usize) -> bool {
        self.at(position).is_some()
    }

    fn value_at(&mut self, position: usize, delimits_itself: bool) -> Option<Piece<'a>> {
        let (node, part) = self.at(position)?;
        let (end, part_end) = (node.range().end, part.from + part.length);
        // What comes behind a number might be more of it.
        if end > part_end || (end == part_end && !delimits_itself) {
            return None;
        }
        let nodes = self.nodes.get(self.next..self.next + node.span as usize)?;
        self.next += nodes.len();
        Some(Piece {
            nodes,
            from: node.start,
            to: position as u32,
        })
    }
}
