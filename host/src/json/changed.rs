//! Changes of a document's text: what they leave alone is not read again.

use std::ops::Range;

use super::index::{Node, Piece};
use super::lex::{self, Before};
use super::{Document, Duplicates, JsonError, scan};

/// A part of a text, and what takes its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which bytes; none are where something comes in.
    pub range: Range<usize>,
    /// What they become.
    pub text: String,
}

impl Change {
    /// The text with these changes, in whose ranges `base` is its first byte. They stand in the order of the text: one that begins
    /// before the end of the one before it, is no part of the text, or cuts a character apart, is left out.
    ///
    /// ```
    /// use heimdall_host::json::Change;
    ///
    /// let change = Change { range: 11..12, text: "2, 3".into() };
    /// assert_eq!(Change::all("[1]", 10, &[change]), "[2, 3]");
    /// ```
    pub fn all(text: &str, base: usize, changes: &[Change]) -> String {
        let added: usize = changes.iter().map(|change| change.text.len()).sum();
        let mut out = String::with_capacity(text.len() + added);
        let mut done = 0;
        for (range, new) in in_order(text, base, changes) {
            out.push_str(text.get(done..range.start).unwrap_or_default());
            out.push_str(new);
            done = range.end;
        }
        out.push_str(text.get(done..).unwrap_or_default());
        out
    }
}

/// The changes that are made, and where in the text.
fn in_order<'c>(text: &str, base: usize, changes: &'c [Change]) -> impl Iterator<Item = (Range<usize>, &'c str)> {
    let mut done = 0;
    changes.iter().filter_map(move |Change { range, text: new }| {
        let range = range.start.checked_sub(base)?..range.end.checked_sub(base)?;
        let is_made = done <= range.start && text.get(range.clone()).is_some();
        is_made.then(|| {
            done = range.end;
            (range, new.as_str())
        })
    })
}

impl Document {
    /// The document with changes of its text, as [`Change::all`] makes them. Values that they leave alone keep their part of the
    /// index.
    ///
    /// # Errors
    /// Any [`JsonError`]: the text is no JSON value after them, or has repeated names.
    pub fn changed(&self, changes: &[Change]) -> Result<Document, JsonError> {
        let text = Change::all(self.as_str(), 0, changes);
        if self.has_duplicates() {
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
    for (range, new) in in_order(before, 0, changes) {
        // A list is given whole that has one more element than before: most of what is new is what was there.
        let old = before.as_bytes().get(range.clone()).unwrap_or_default();
        let (start, end) = alike(old, new.as_bytes());
        let kept = range.start - from;
        push(from, to, kept + start);
        let behind = to + kept + new.len();
        push(range.end - end, behind - end, end);
        (from, to) = (range.end, behind);
    }
    push(from, to, after.len().saturating_sub(to));
    parts
}

/// How many bytes two texts have in common at their start and at their end. The end is looked at first: what comes in comes most
/// often before all others.
fn alike(old: &[u8], new: &[u8]) -> (usize, usize) {
    let end = scan::alike_at_end(old, new);
    let without_end = |text: &[u8]| text.len() - end;
    let (old, new) = (old.get(..without_end(old)), new.get(..without_end(new)));
    let start = scan::alike_at_start(old.unwrap_or_default(), new.unwrap_or_default());
    (start, end)
}

/// A tape, and what of its text is there still.
struct Tape<'a> {
    nodes: &'a [Node],
    parts: &'a [Part],
    /// The first node that may stand at the next position.
    next: usize,
}

/// Nodes by their places on the tape: the first, and one after the last.
type Nodes = (usize, usize);

impl<'a> Tape<'a> {
    fn new(nodes: &'a [Node], parts: &'a [Part]) -> Self {
        Tape { nodes, parts, next: 0 }
    }

    /// The node among these that began where `position` is now, and its part of the text. Positions only rise.
    fn at(&mut self, position: usize, (first, end): Nodes) -> Option<(&'a Node, Part)> {
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
                let is_it = node.range().start == was && (first..end).contains(&self.next);
                return is_it.then_some((node, part));
            }
            // It may hold the position, or be passed with all that lies in it.
            self.next += if node.range().end > was { 1 } else { node.span as usize };
        }
    }
}

impl Before for Tape<'_> {
    type Held = Nodes;

    fn all(&self) -> Nodes {
        (0, self.nodes.len())
    }

    fn held_at(&mut self, position: usize, around: Nodes) -> Nodes {
        let found = self.at(position, around).map(|(node, _)| node.span as usize);
        found.map_or((0, 0), |span| (self.next + 1, self.next + span))
    }

    fn value_at(&mut self, position: usize, around: Nodes, ends_by_itself: bool) -> Option<Piece<'_>> {
        let (node, part) = self.at(position, around)?;
        let (end, part_end) = (node.range().end, part.from + part.length);
        // What comes behind a number might be more of it.
        if end > part_end || (end == part_end && !ends_by_itself) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::MAX_DEPTH;

    /// What a tape knows, and how many values were taken over of it.
    struct Counted<'a>(Tape<'a>, usize);

    impl Before for &mut Counted<'_> {
        type Held = Nodes;

        fn all(&self) -> Nodes {
            self.0.all()
        }

        fn held_at(&mut self, position: usize, around: Nodes) -> Nodes {
            self.0.held_at(position, around)
        }

        fn value_at(&mut self, position: usize, around: Nodes, ends_by_itself: bool) -> Option<Piece<'_>> {
            let piece = self.0.value_at(position, around, ends_by_itself);
            self.1 += usize::from(piece.is_some());
            piece
        }
    }

    fn change(range: Range<usize>, text: &str) -> Change {
        Change {
            range,
            text: text.to_owned(),
        }
    }

    /// The document with changes; fails unless its index is the one that reading all of it gives.
    fn changed(before: &str, changes: &[Change]) -> Result<Document, JsonError> {
        let changed = Document::parse(before.to_owned()).unwrap().changed(changes);
        let read = Document::parse(Change::all(before, 0, changes));
        match (&changed, read) {
            (Ok(changed), Ok(read)) => assert_eq!(changed.nodes(), read.nodes(), "{changed}"),
            (changed, read) => assert_eq!(changed.as_ref().err(), read.err().as_ref()),
        }
        changed
    }

    #[test]
    fn a_change_of_the_text_comes_to_what_reading_all_of_it_comes_to() {
        for (before, range, text, after) in [
            ("[[1], {}]", 1..4, "", None),
            ("[[1]]", 1..2, "", None),
            (r#"{"a":1,"b":[2]}"#, 5..6, "[1]", Some(r#"{"a":[1],"b":[2]}"#)),
            (r#"{"a":1,"b":[2]}"#, 4..5, ",", None),
            ("[1]", 2..2, "2", Some("[12]")),
            ("[1]", 1..1, "-", Some("[-1]")),
            ("[1]", 2..2, ",2", Some("[1,2]")),
            ("[[1]]", 0..5, "[1]", Some("[1]")),
            (r#"["a"]"#, 4..4, r#","b""#, Some(r#"["a","b"]"#)),
            (r#"{"a":1}"#, 1..1, r#""a":2,"#, None),
            ("[1]", 0..0, "\u{feff}", None),
        ] {
            let changed = changed(before, &[change(range, text)]);
            assert_eq!(
                changed.ok().map(|document| document.to_string()).as_deref(),
                after,
                "{before}"
            );
        }
    }

    #[test]
    fn what_becomes_too_deep_by_a_bracket_that_goes_is_refused() {
        let deepest = format!("[[],{}{}]", "[".repeat(MAX_DEPTH - 1), "]".repeat(MAX_DEPTH - 1));
        let end = deepest.len();
        let refused = changed(&deepest, &[change(2..4, ""), change(end..end, "]")]);
        assert!(matches!(refused, Err(JsonError::TooDeep { .. })), "{refused:?}");
    }

    #[test]
    fn changes_out_of_order_and_those_that_cut_a_character_apart_are_left_out() {
        let changes = [
            change(1..4, r#""b""#),
            change(2..3, "c"),
            change(3..9, ""),
            change(6..7, ""),
        ];
        assert_eq!(changed(r#"["a","é"]"#, &changes).unwrap().as_str(), r#"["b","é"]"#);
    }

    #[test]
    fn of_repeated_names_nothing_is_taken_over() {
        let repeated = Document::parse_with(r#"{"a":1,"a":2,"b":3}"#, Duplicates::LastWins).unwrap();
        let refused = repeated.changed(&[change(17..18, "4")]);
        assert!(matches!(refused, Err(JsonError::DuplicateMember { .. })), "{refused:?}");
    }

    #[test]
    fn values_that_no_change_touches_are_not_read_again() {
        let before = Document::parse(r#"{"a":[{"b":1},{"c":2}],"d":"e"}"#).unwrap();
        // The whole list is given, with one element more.
        let changes = [change(5..22, r#"[{"x":0},{"b":1},{"c":2}]"#)];
        let after = Change::all(before.as_str(), 0, &changes);
        let parts = unchanged_parts(before.as_str(), &after, &changes);
        let mut counted = Counted(Tape::new(before.nodes(), &parts), 0);
        let index = lex::index_after(&after, Duplicates::Refuse, &mut counted).unwrap();
        assert_eq!(index.nodes, Document::parse(after).unwrap().nodes());
        assert_eq!(counted.1, 3, "both elements, and the text behind the list");
    }
}
