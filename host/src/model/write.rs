//! Writing new JSON texts, member by member.

use crate::json::{Document, Duplicates, JsonError, push_string};

/// An object that is being written. The names must differ from each other.
pub(super) struct ObjectWriter {
    text: Vec<u8>,
}

impl ObjectWriter {
    /// An object without members.
    pub fn new() -> Self {
        Self { text: vec![b'{'] }
    }

    /// Adds a member whose value is JSON text.
    pub fn raw(mut self, name: &str, json: &str) -> Self {
        self.name(name);
        self.text.extend_from_slice(json.as_bytes());
        self
    }

    /// Adds a member that is a string.
    pub fn string(mut self, name: &str, text: &str) -> Self {
        self.name(name);
        push_string(&mut self.text, text);
        self
    }

    /// Adds a member that is a string or null.
    pub fn optional_string(self, name: &str, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.string(name, text),
            None => self.raw(name, "null"),
        }
    }

    /// Adds a member that is a number.
    pub fn number(self, name: &str, number: impl Into<u64>) -> Self {
        let number: u64 = number.into();
        self.raw(name, &number.to_string())
    }

    /// Adds a member, if there is one.
    pub fn maybe(self, name: &str, json: Option<&str>) -> Self {
        match json {
            Some(json) => self.raw(name, json),
            None => self,
        }
    }

    /// The object's text.
    pub fn text(mut self) -> String {
        self.text.push(b'}');
        // What was put in is text throughout.
        String::from_utf8(self.text).unwrap_or_default()
    }

    /// The object as a document; `{}` where its parts nest too deep together.
    pub fn document(self) -> Document {
        self.checked().unwrap_or_else(|_| Document::object())
    }

    /// The object as a document, where its parts may nest too deep together.
    pub fn checked(self) -> Result<Document, JsonError> {
        // Parts of a document in which the last of several members of one name counts may bring their like along.
        Document::parse_with(self.text(), Duplicates::LastWins)
    }

    fn name(&mut self, name: &str) {
        if self.text.len() > 1 {
            self.text.push(b',');
        }
        push_string(&mut self.text, name);
        self.text.push(b':');
    }
}

/// The text of an array of JSON texts.
pub(super) fn array<T: AsRef<str>>(elements: impl IntoIterator<Item = T>) -> String {
    let mut text = String::from("[");
    for (position, element) in elements.into_iter().enumerate() {
        if position > 0 {
            text.push(',');
        }
        text.push_str(element.as_ref());
    }
    text.push(']');
    text
}
