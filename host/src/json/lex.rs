//! The one pass over a text that checks its grammar and writes its tape.

use super::index::{Index, Node};
use super::names::NameFilter;
use super::{Duplicates, JsonError, names, scan};

/// How deep arrays and objects may nest.
pub const MAX_DEPTH: usize = 128;

/// Indexes a whole text.
pub(super) fn index(text: &str, duplicates: Duplicates) -> Result<Index, JsonError> {
    if u32::try_from(text.len()).is_err() {
        return Err(JsonError::TooLarge { length: text.len() });
    }
    if text.starts_with('\u{feff}') {
        return Err(JsonError::ByteOrderMark);
    }
    let mut lexer = Lexer {
        text,
        bytes: text.as_bytes(),
        position: 0,
        nodes: Vec::with_capacity(text.len() / 16 + 8),
        open: Vec::with_capacity(8),
        names: Names {
            duplicates,
            found: false,
        },
    };
    lexer.document()?;
    Ok(Index {
        nodes: lexer.nodes,
        duplicates: lexer.names.found,
    })
}

/// What the object that closes does about members of one name.
struct Names {
    duplicates: Duplicates,
    found: bool,
}

/// A container whose end has not been reached.
struct Open {
    node: usize,
    count: u32,
    /// The names so far, of an object.
    names: Option<NameFilter>,
}

/// What comes next.
enum Next {
    Value,
    /// A value is complete: a comma or the end of its container follows.
    After,
    Done,
}

struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    position: usize,
    nodes: Vec<Node>,
    open: Vec<Open>,
    names: Names,
}

impl Lexer<'_> {
    fn document(&mut self) -> Result<(), JsonError> {
        self.skip_whitespace();
        let mut next = self.value("a value")?;
        loop {
            next = match next {
                Next::Value => self.value("a value")?,
                Next::After => self.after_value()?,
                Next::Done => break,
            };
        }
        self.skip_whitespace();
        if self.position == self.bytes.len() {
            Ok(())
        } else {
            Err(JsonError::TrailingData { offset: self.position })
        }
    }

    /// Reads a scalar as a whole, of a container the opening and what must follow it.
    #[inline]
    fn value(&mut self, expected: &'static str) -> Result<Next, JsonError> {
        let start = self.position;
        match self.peek() {
            Some(b'"') => self.string()?,
            Some(b'-' | b'0'..=b'9') => self.scalar(scan::number(self.bytes, start)?, 0),
            Some(b'{') => return self.open_object(),
            Some(b'[') => return self.open_array(),
            Some(b't') => self.literal(b"true")?,
            Some(b'f') => self.literal(b"false")?,
            Some(b'n') => self.literal(b"null")?,
            _ => return Err(self.unexpected(expected)),
        }
        Ok(Next::After)
    }

    /// Reads what follows a complete value.
    #[inline]
    fn after_value(&mut self) -> Result<Next, JsonError> {
        let Some(container) = self.open.last_mut() else {
            return Ok(Next::Done);
        };
        container.count += 1;
        let is_object = container.names.is_some();
        self.skip_whitespace();
        match (self.peek(), is_object) {
            (Some(b','), false) => {
                self.position += 1;
                self.skip_whitespace();
                Ok(Next::Value)
            }
            (Some(b','), true) => {
                self.position += 1;
                self.skip_whitespace();
                self.name("a member's name in quotes")?;
                Ok(Next::Value)
            }
            (Some(b']'), false) | (Some(b'}'), true) => self.close(),
            (_, true) => Err(self.unexpected("`,` or `}` after a member's value")),
            (_, false) => Err(self.unexpected("`,` or `]` after an array's element")),
        }
    }

    fn open_object(&mut self) -> Result<Next, JsonError> {
        self.open(Some(NameFilter::default()))?;
        if self.peek() == Some(b'}') {
            return self.close();
        }
        self.name("a member's name in quotes or `}`")?;
        Ok(Next::Value)
    }

    fn open_array(&mut self) -> Result<Next, JsonError> {
        self.open(None)?;
        if self.peek() == Some(b']') {
            return self.close();
        }
        self.value("a value or `]`")
    }

    fn open(&mut self, names: Option<NameFilter>) -> Result<(), JsonError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(JsonError::TooDeep { offset: self.position });
        }
        self.open.push(Open {
            node: self.nodes.len(),
            count: 0,
            names,
        });
        self.scalar(self.position + 1, 0);
        self.skip_whitespace();
        Ok(())
    }

    /// Completes the node of the innermost container, whose closing bracket stands here.
    fn close(&mut self) -> Result<Next, JsonError> {
        self.position += 1;
        let Some(container) = self.open.pop() else {
            return Ok(Next::Done);
        };
        let span = self.nodes.len() - container.node;
        if let Some(node) = self.nodes.get_mut(container.node) {
            node.end = self.position as u32;
            node.span = span as u32;
            node.count = container.count;
        }
        if container.names.is_some_and(|names| names.may_repeat()) {
            self.check_names(container.node)?;
        }
        Ok(if self.open.is_empty() { Next::Done } else { Next::After })
    }

    #[cold]
    fn check_names(&mut self, object: usize) -> Result<(), JsonError> {
        let Some(repeated) = names::repeated(self.text, &self.nodes, object) else {
            return Ok(());
        };
        self.names.found = true;
        match self.names.duplicates {
            Duplicates::LastWins => Ok(()),
            Duplicates::Refuse => Err(JsonError::DuplicateMember {
                name: repeated.name.chars().take(80).collect(),
                offset: repeated.offset,
            }),
        }
    }

    /// Reads a member's name, its colon, and the whitespace around it.
    #[inline]
    fn name(&mut self, expected: &'static str) -> Result<(), JsonError> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected(expected));
        }
        let start = self.position;
        let (end, escaped) = scan::string(self.bytes, start)?;
        if let Some(names) = self.open.last_mut().and_then(|object| object.names.as_mut()) {
            names.add(self.bytes.get(start + 1..end - 1).unwrap_or_default(), escaped);
        }
        self.scalar(end, u32::from(escaped));
        self.skip_whitespace();
        if self.peek() != Some(b':') {
            return Err(self.unexpected("`:` after a member's name"));
        }
        self.position += 1;
        self.skip_whitespace();
        Ok(())
    }

    #[inline]
    fn string(&mut self) -> Result<(), JsonError> {
        let (end, escaped) = scan::string(self.bytes, self.position)?;
        self.scalar(end, u32::from(escaped));
        Ok(())
    }

    fn literal(&mut self, word: &'static [u8]) -> Result<(), JsonError> {
        for (distance, &letter) in word.iter().enumerate() {
            if self.bytes.get(self.position + distance) != Some(&letter) {
                self.position += distance;
                return Err(self.unexpected("one of `true`, `false` and `null`"));
            }
        }
        self.scalar(self.position + word.len(), 0);
        Ok(())
    }

    /// Writes the node of the text from here to `end` and goes there.
    #[inline]
    fn scalar(&mut self, end: usize, count: u32) {
        self.nodes.push(Node {
            start: self.position as u32,
            end: end as u32,
            span: 1,
            count,
        });
        self.position = end;
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.position).copied()
    }

    #[inline]
    fn skip_whitespace(&mut self) {
        self.position = scan::whitespace(self.bytes, self.position);
    }

    #[cold]
    fn unexpected(&self, expected: &'static str) -> JsonError {
        match self.text.get(self.position..).and_then(|rest| rest.chars().next()) {
            Some(found) => JsonError::Unexpected {
                expected,
                found,
                offset: self.position,
            },
            None => JsonError::UnexpectedEnd {
                expected,
                offset: self.text.len(),
            },
        }
    }
}
