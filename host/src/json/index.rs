//! The tape: one flat node for every value and every member's name, in the order of the text.

use std::ops::Range;

/// One value or one member's name. What kind of value it is, its first byte in the text tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Node {
    /// The first byte of the text.
    pub start: u32,
    /// One after the last byte.
    pub end: u32,
    /// The nodes of this value: itself and all that lie in it. Relative, so that an edit elsewhere leaves it alone.
    pub span: u32,
    /// Of an array its elements, of an object its members, of a string 1 if it has escapes, else 0.
    pub count: u32,
}

impl Node {
    /// The bytes of the text.
    pub fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// The nodes of one document. The first is the root; an object's members are a name's node and the value's nodes in turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Index {
    pub nodes: Vec<Node>,
    /// An object has several members of one name; the last one counts.
    pub duplicates: bool,
}

/// One edit of text and tape: `bytes` of the text become others, `nodes` of the tape become `replacement`.
pub(super) struct Splice<'a> {
    pub bytes: Range<usize>,
    pub nodes: Range<usize>,
    /// The new nodes, counted in the text that they come from.
    pub replacement: &'a [Piece<'a>],
    /// The containers around the place, from the root down.
    pub ancestors: &'a [usize],
    /// By how many the innermost container's children grow.
    pub children: Growth,
}

/// How the number of a container's children changes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Growth {
    Same,
    One,
    LessOne,
}

/// Nodes of another document that come in, with the offset of their text there and in this one.
pub(super) struct Piece<'a> {
    pub nodes: &'a [Node],
    pub from: u32,
    pub to: u32,
}

impl Index {
    /// Follows an edit of the text, which puts `length` bytes in the place of the old ones, without reading it again.
    ///
    /// The caller has made sure that the new text is at most `u32::MAX` long, so the wrapping sums below never wrap as a
    /// whole: they only let one addition stand for growing and shrinking.
    pub fn splice(&mut self, edit: Splice<'_>, length: usize) {
        let grown = (length as u32).wrapping_sub((edit.bytes.end - edit.bytes.start) as u32);
        let added: usize = edit.replacement.iter().map(|piece| piece.nodes.len()).sum();
        let nodes_grown = (added as u32).wrapping_sub((edit.nodes.end - edit.nodes.start) as u32);
        for &ancestor in edit.ancestors {
            if let Some(node) = self.nodes.get_mut(ancestor) {
                node.end = node.end.wrapping_add(grown);
                node.span = node.span.wrapping_add(nodes_grown);
            }
        }
        if let Some(parent) = edit.ancestors.last().and_then(|&parent| self.nodes.get_mut(parent)) {
            match edit.children {
                Growth::Same => {}
                Growth::One => parent.count += 1,
                Growth::LessOne => parent.count -= 1,
            }
        }
        for node in self.nodes.iter_mut().skip(edit.nodes.end) {
            node.start = node.start.wrapping_add(grown);
            node.end = node.end.wrapping_add(grown);
        }
        self.nodes
            .splice(edit.nodes, edit.replacement.iter().flat_map(Piece::moved));
    }
}

impl Piece<'_> {
    /// The nodes with the offsets that they have in this text.
    pub fn moved(&self) -> impl Iterator<Item = Node> {
        let by = self.to.wrapping_sub(self.from);
        self.nodes.iter().map(move |node| Node {
            start: node.start.wrapping_add(by),
            end: node.end.wrapping_add(by),
            ..*node
        })
    }
}
