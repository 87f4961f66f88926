//! Members of one name in one object: found cheaply where there are none, and surely where there are.

use std::borrow::Cow;
use std::collections::HashMap;

use super::index::Node;
use super::text;

/// Remembers the names of one object so roughly that it costs next to nothing, and never misses a repetition.
#[derive(Clone, Copy, Default)]
pub(super) struct NameFilter {
    seen: u64,
    may_repeat: bool,
}

impl NameFilter {
    /// Takes the next name, as it stands between its quotes.
    #[inline]
    pub fn add(&mut self, name: &[u8], escaped: bool) {
        let first = name.first().map_or(0, |&byte| u64::from(byte));
        let last = name.last().map_or(0, |&byte| u64::from(byte));
        let middle = name.get(name.len() / 2).map_or(0, |&byte| u64::from(byte));
        let mixed = (first | last << 8 | middle << 16 | (name.len() as u64) << 24).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let bit = 1u64 << (mixed >> 58);
        // An escaped name may equal one that is written without escapes.
        self.may_repeat |= escaped || self.seen & bit != 0;
        self.seen |= bit;
    }

    /// Whether the names need a closer look.
    pub fn may_repeat(&self) -> bool {
        self.may_repeat
    }
}

/// The names of an object's members: each name's node and its value's, as positions on the tape.
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

/// A name that occurs again.
pub(super) struct Repeated<'a> {
    pub name: Cow<'a, str>,
    /// Where its second occurrence stands.
    pub offset: usize,
}

/// Up to this many members, comparing all pairs is faster than hashing.
const FEW: u32 = 16;

/// The first name of an object that occurs again.
pub(super) fn repeated<'a>(text: &'a str, nodes: &[Node], object: usize) -> Option<Repeated<'a>> {
    let few = nodes.get(object)?.count <= FEW;
    let again = if few {
        repeated_of_few(text, nodes, object)
    } else {
        repeated_of_many(text, nodes, object)
    }?;
    let offset = nodes.get(again)?.start as usize;
    Some(Repeated {
        name: name(text, nodes, again),
        offset,
    })
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
