//! The one pass over a text that checks its grammar and writes its tape.

use super::fault::{Fault, Mistake};
use super::index::{Index, Node, Piece};
use super::names::{self, NameFilter};
use super::scan::{self, byte};
use super::{Duplicates, JsonError};

/// How deep arrays and objects may nest.
pub const MAX_DEPTH: usize = 128;

/// How many characters of a name an error shows.
const SHOWN_NAME: usize = 80;

/// What is known of a text before it is read: values that were there.
pub(super) trait Before {
    /// What a container held.
    type Held: Copy;

    /// What the text held.
    fn all(&self) -> Self::Held;

    /// What the container held that begins at this position, if it was in the one around it.
    fn held_at(&mut self, position: usize, around: Self::Held) -> Self::Held;

    /// The nodes of the value at this position, if it was in the container around it and nothing of it has changed. Whether it
    /// ends by itself, as a string does and a number doesn't, its first byte tells.
    fn value_at(&mut self, position: usize, around: Self::Held, ends_by_itself: bool) -> Option<Piece<'_>>;
}

/// Nothing is.
struct Nothing;

impl Before for Nothing {
    type Held = ();

    #[inline(always)]
    fn all(&self) {}

    #[inline(always)]
    fn held_at(&mut self, _: usize, (): ()) {}

    #[inline(always)]
    fn value_at(&mut self, _: usize, (): (), _: bool) -> Option<Piece<'_>> {
        None
    }
}

/// Indexes a whole text.
pub(super) fn index(text: &str, duplicates: Duplicates) -> Result<Index, JsonError> {
    index_after(text, duplicates, Nothing)
}

/// Indexes a text of which something is known.
pub(super) fn index_after(text: &str, duplicates: Duplicates, before: impl Before) -> Result<Index, JsonError> {
    if u32::try_from(text.len()).is_err() {
        return Err(JsonError::TooLarge { length: text.len() });
    }
    if text.starts_with('\u{feff}') {
        return Err(JsonError::ByteOrderMark);
    }
    // Small documents have about a node for every eight bytes; large ones are mostly long strings.
    let nodes = Vec::with_capacity((text.len() / 8).min(8192 + text.len() / 32) + 8);
    let mut lexer = Lexer {
        text,
        nodes,
        around: Vec::with_capacity(8),
        duplicates,
        repeated: false,
        before,
    };
    match lexer.document() {
        Ok(()) => Ok(Index {
            nodes: lexer.nodes,
            duplicates: lexer.repeated,
        }),
        Err(fault) => Err(fault.explain(text, |offset| lexer.shown_name(offset))),
    }
}

/// A container whose end has not been reached.
struct Open<H> {
    node: usize,
    count: u32,
    /// The bracket that will end it; 0 around the root.
    end: u8,
    /// What it held before. Of that alone something is taken over, as it can't be deeper now.
    held: H,
    names: NameFilter,
}

struct Lexer<'t, B: Before> {
    text: &'t str,
    nodes: Vec<Node>,
    /// The containers around the innermost one, first the one around the root.
    around: Vec<Open<B::Held>>,
    duplicates: Duplicates,
    repeated: bool,
    before: B,
}

impl<B: Before> Lexer<'_, B> {
    fn document(&mut self) -> Result<(), Fault> {
        let text = self.text.as_bytes();
        let start = scan::whitespace(text, 0);
        let end = scan::whitespace(text, self.root(text, start)?);
        if end == text.len() {
            Ok(())
        } else {
            Err(Mistake::Trailing.at(end))
        }
    }

    /// Reads the value at `position` with all that lies in it: one after its last byte.
    ///
    /// The innermost container is a variable of its own, and positions are handed around as values, so that both stay in
    /// registers.
    fn root(&mut self, text: &[u8], mut position: usize) -> Result<usize, Fault> {
        let mut container = Open {
            node: 0,
            count: 0,
            end: 0,
            held: self.before.all(),
            names: NameFilter::default(),
        };
        loop {
            let first = byte(text, position);
            position = match first {
                _ if let Some(end) = self.known(&container, first, position) => end,
                b'"' => self.string(text, position)?.0,
                b'{' | b'[' => {
                    let end = if first == b'{' { b'}' } else { b']' };
                    self.open(&mut container, position, end)?;
                    position = scan::whitespace(text, position + 1);
                    let next = byte(text, position);
                    if next == end {
                        self.close(&mut container, position)?
                    } else if first == b'{' {
                        position = self.name(text, position, &mut container.names, Mistake::NameOrEnd)?;
                        continue;
                    } else {
                        continue;
                    }
                }
                _ => self.plain(text, position)?,
            };
            position = loop {
                if container.end == 0 {
                    return Ok(position);
                }
                container.count += 1;
                position = scan::whitespace(text, position);
                let next = byte(text, position);
                if next == b',' {
                    break scan::whitespace(text, position + 1);
                } else if next == container.end {
                    position = self.close(&mut container, position)?;
                } else {
                    let mistake = if container.end == b'}' {
                        Mistake::MemberEnd
                    } else {
                        Mistake::ElementEnd
                    };
                    return Err(mistake.at(position));
                }
            };
            if container.end == b'}' {
                position = self.name(text, position, &mut container.names, Mistake::Name)?;
            }
        }
    }

    /// Takes over what is known of the value at `position`: one after its last byte.
    #[inline(always)]
    fn known(&mut self, container: &Open<B::Held>, first: u8, position: usize) -> Option<usize> {
        let ends_by_itself = matches!(first, b'"' | b'{' | b'[');
        let piece = self.before.value_at(position, container.held, ends_by_itself)?;
        let value = self.nodes.len();
        self.nodes.extend(piece.moved());
        self.nodes.get(value).map(|node| node.end as usize)
    }

    /// Makes the container at `position` the innermost one.
    #[inline(always)]
    fn open(&mut self, container: &mut Open<B::Held>, position: usize, end: u8) -> Result<(), Fault> {
        if self.around.len() == MAX_DEPTH {
            return Err(Mistake::Depth.at(position));
        }
        let inner = Open {
            node: self.nodes.len(),
            count: 0,
            end,
            held: self.before.held_at(position, container.held),
            names: NameFilter::default(),
        };
        self.around.push(std::mem::replace(container, inner));
        self.push(position, position + 1, 0);
        Ok(())
    }

    /// Completes the innermost container, whose end stands at `position`, and goes back to the one around it.
    #[inline(always)]
    fn close(&mut self, container: &mut Open<B::Held>, position: usize) -> Result<usize, Fault> {
        let span = self.nodes.len() - container.node;
        if let Some(node) = self.nodes.get_mut(container.node) {
            node.end = position as u32 + 1;
            node.span = span as u32;
            node.count = container.count;
        }
        if container.names.may_repeat() {
            self.check_names(container.node)?;
        }
        if let Some(outer) = self.around.pop() {
            *container = outer;
        }
        Ok(position + 1)
    }

    #[inline(never)]
    fn check_names(&mut self, object: usize) -> Result<(), Fault> {
        match names::repeated(self.text, &self.nodes, object) {
            None => Ok(()),
            Some(name) if self.duplicates == Duplicates::Refuse => Err(Mistake::RepeatedName.at(name)),
            Some(_) => {
                self.repeated = true;
                Ok(())
            }
        }
    }

    /// Reads a member's name at `position`, its colon, and the whitespace around that.
    #[inline(always)]
    fn name(&mut self, text: &[u8], start: usize, names: &mut NameFilter, other: Mistake) -> Result<usize, Fault> {
        if byte(text, start) != b'"' {
            return Err(other.at(start));
        }
        let (end, escaped) = self.string(text, start)?;
        names.add(text, start + 1..end - 1, escaped);
        let colon = scan::whitespace(text, end);
        if byte(text, colon) != b':' {
            return Err(Mistake::Colon.at(colon));
        }
        Ok(scan::whitespace(text, colon + 1))
    }

    #[inline(always)]
    fn string(&mut self, text: &[u8], start: usize) -> Result<(usize, bool), Fault> {
        let (end, escaped) = scan::string(text, start)?;
        self.push(start, end, u32::from(escaped));
        Ok((end, escaped))
    }

    /// Reads a number, a truth value, or `null`.
    #[inline(always)]
    fn plain(&mut self, text: &[u8], start: usize) -> Result<usize, Fault> {
        let end = match byte(text, start) {
            b'-' | b'0'..=b'9' => scan::number(text, start)?,
            b't' => literal(text, start, b"true")?,
            b'f' => literal(text, start, b"false")?,
            b'n' => literal(text, start, b"null")?,
            _ => return Err(Mistake::Value.at(start)),
        };
        self.push(start, end, 0);
        Ok(end)
    }

    #[inline(always)]
    fn push(&mut self, start: usize, end: usize, count: u32) {
        self.nodes.push(Node {
            start: start as u32,
            end: end as u32,
            span: 1,
            count,
        });
    }

    /// The name at a place of the text, cut to what a message can show.
    fn shown_name(&self, offset: usize) -> String {
        let at = self.nodes.partition_point(|node| (node.start as usize) < offset);
        names::name(self.text, &self.nodes, at)
            .chars()
            .take(SHOWN_NAME)
            .collect()
    }
}

#[inline(always)]
fn literal(text: &[u8], start: usize, word: &[u8]) -> Result<usize, Fault> {
    let end = start + word.len();
    if text.get(start..end) == Some(word) {
        Ok(end)
    } else {
        Err(wrong_literal(text, start, word))
    }
}

#[cold]
fn wrong_literal(text: &[u8], start: usize, word: &[u8]) -> Fault {
    let right = word
        .iter()
        .enumerate()
        .take_while(|&(at, &letter)| byte(text, start + at) == letter)
        .count();
    Mistake::Literal.at(start + right)
}
