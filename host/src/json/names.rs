//! Members of one name in one object: found cheaply where there are none, and surely where there are.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use super::index::Node;
use super::scan::byte;
use super::text;

/// Remembers the names of one object so roughly that it costs next to nothing, and never misses a repetition: a name
/// sets one bit in each of three words, and one that finds all its bits set may be a repetition.
#[derive(Clone, Copy, Default)]
pub(super) struct NameFilter {
    seen: [u64; 3],
    may_repeat: bool,
}

impl NameFilter {
    /// Takes the next name, which stands between its quotes at `range`.
    #[inline(always)]
    pub fn add(&mut self, text: &[u8], range: Range<usize>, escaped: bool) {
        // Of an empty name, these are its quotes.
        let first = u64::from(byte(text, range.start));
        let last = u64::from(byte(text, range.end - 1));
        let middle = u64::from(byte(text, range.start.midpoint(range.end)));
        let length = (range.end - range.start) as u64;
        let mixed = (first | last << 8 | middle << 16 | length << 24).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let bits = [1 << (mixed >> 58), 1 << (mixed >> 52 & 63), 1 << (mixed >> 46 & 63)];
        let [a, b, c] = self.seen;
        let [bit_a, bit_b, bit_c] = bits;
        // An escaped name may equal one that is written without escapes.
        self.may_repeat |= escaped | (a & bit_a != 0 && b & bit_b != 0 && c & bit_c != 0);
        self.seen = [a | bit_a, b | bit_b, c | bit_c];
    }

    /// Whether the names need a closer look.
    pub fn may_repeat(&self) -> bool {
        self.may_repeat
    }
}

/// The names of an object's members: each name's node and its value's, as positions on the tape.
#[inline]
pub(super) fn members(nodes: &[Node], object: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut name = object + 1;
    let count = nodes.get(object).map_or(0, |node| node.count);
    (0..count).map_while(move |_| {
        let value = name + 1;
        let member = (name, value);
        name = value + nodes.get(value)?.span as usize;
        Some(member)
    })
}

/// The name whose node stands at `name`, without its escapes.
pub(super) fn name<'a>(text: &'a str, nodes: &[Node], name: usize) -> Cow<'a, str> {
    nodes
        .get(name)
        .map_or(Cow::Borrowed(""), |node| text::unquoted(text, node))
}

/// Up to this many members, comparing all pairs is faster than hashing.
const FEW: u32 = 16;

/// The first name of an object that occurs again: where in the text it does.
pub(super) fn repeated(text: &str, nodes: &[Node], object: usize) -> Option<usize> {
    let few = nodes.get(object)?.count <= FEW;
    let again = if few {
        repeated_of_few(text, nodes, object)
    } else {
        repeated_of_many(text, nodes, object)
    }?;
    Some(nodes.get(again)?.start as usize)
}

fn repeated_of_few(text: &str, nodes: &[Node], object: usize) -> Option<usize> {
    let same = |a: usize, b: usize| match (nodes.get(a), nodes.get(b)) {
        (Some(a), Some(b)) => text::same_string(text, a, text, b),
        _ => false,
    };
    let mut rest = members(nodes, object).enumerate();
    rest.find_map(|(position, (name, _))| {
        members(nodes, object)
            .take(position)
            .any(|(earlier, _)| same(earlier, name))
            .then_some(name)
    })
}

fn repeated_of_many(text: &str, nodes: &[Node], object: usize) -> Option<usize> {
    let mut seen = HashMap::with_capacity(nodes.get(object)?.count as usize);
    members(nodes, object).find_map(|(at, _)| seen.insert(name(text, nodes, at), ()).map(|()| at))
}
