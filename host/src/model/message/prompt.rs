//! Text completion and embeddings: one member that is a string, a list of strings, or tokens.
//!
//! Each string is a message of role user. A list of tokens is one message with a part `other`; there may be a list of
//! those too. Edits keep to that shape as long as they can: a string becomes a list when a second message comes in.

use super::{Content, Message, Shape, members, no_message};
use crate::json::{Document, Kind, Value};
use crate::model::write::array;
use crate::model::{EditError, value};

/// The messages of a text completion or an embedding.
pub(super) struct Prompt {
    /// The member that holds them.
    pub member: &'static str,
}

const USER: &str = "user";

impl Prompt {
    fn pointer(&self) -> String {
        format!("/{}", self.member)
    }

    fn held<'a>(&self, document: &'a Document) -> Option<Value<'a>> {
        value::present(document.root(), self.member)
    }

    /// The list of messages; none where there is no more than one.
    fn list<'a>(&self, document: &'a Document) -> Option<Value<'a>> {
        self.held(document).filter(|held| is_list(*held))
    }

    fn elements<'a>(&self, document: &'a Document) -> impl Iterator<Item = Value<'a>> {
        let held = self.held(document);
        let single = held.filter(|held| !is_list(*held));
        let list = held.filter(|held| is_list(*held));
        single
            .into_iter()
            .chain(list.into_iter().flat_map(|list| list.elements()))
    }

    fn place(&self, document: &Document, index: usize) -> Result<String, EditError> {
        if index >= self.count(document) {
            return Err(no_message(index));
        }
        Ok(match self.list(document) {
            Some(_) => format!("/{}/{index}", self.member),
            None => self.pointer(),
        })
    }
}

impl Shape for Prompt {
    fn members(&self) -> &'static [&'static str] {
        match self.member {
            "prompt" => &["prompt"],
            _ => &["input"],
        }
    }

    fn count(&self, document: &Document) -> usize {
        let Some(held) = self.held(document) else { return 0 };
        if is_list(held) { held.len() } else { 1 }
    }

    fn get(&self, document: &Document, index: usize) -> Option<Message> {
        self.elements(document).nth(index).map(read)
    }

    fn all(&self, document: &Document) -> Vec<Message> {
        self.elements(document).map(read).collect()
    }

    fn text(&self, document: &Document, index: usize) -> Option<String> {
        self.elements(document)
            .nth(index)?
            .as_str()
            .map(|text| text.into_owned())
    }

    fn set(&self, document: &mut Document, index: usize, message: &Message) -> Result<(), EditError> {
        let place = self.place(document, index)?;
        let unchanged = self
            .elements(document)
            .nth(index)
            .map(read)
            .is_some_and(|before| before == *message);
        if !unchanged {
            document.set(&place, &write(message)?)?;
        }
        Ok(())
    }

    fn insert(&self, document: &mut Document, index: usize, message: &Message) -> Result<(), EditError> {
        if index > self.count(document) {
            return Err(no_message(index));
        }
        let new = write(message)?;
        if self.list(document).is_some() {
            document.insert(&format!("/{}/{index}", self.member), &new)?;
            return Ok(());
        }
        let whole = match self.held(document) {
            None if new.root().kind() == Kind::String => new,
            None => Document::parse(array([new.as_str()]))?,
            Some(held) if index == 0 => Document::parse(array([new.as_str(), held.raw()]))?,
            Some(held) => Document::parse(array([held.raw(), new.as_str()]))?,
        };
        document.set(&self.pointer(), &whole)?;
        Ok(())
    }

    fn remove(&self, document: &mut Document, index: usize) -> Result<(), EditError> {
        let place = self.place(document, index)?;
        if self.list(document).is_some() {
            document.remove(&place)?;
        } else {
            document.set(&place, &Document::array())?;
        }
        Ok(())
    }
}

/// Whether a value is a list of messages, not one list of tokens.
fn is_list(held: Value<'_>) -> bool {
    held.kind() == Kind::Array && held.at(0).is_none_or(|first| first.kind() != Kind::Number)
}

fn read(element: Value<'_>) -> Message {
    match element.as_str() {
        Some(text) => Message::plain(USER, text.into_owned()),
        None => Message::other(USER, element.to_document()),
    }
}

fn write(message: &Message) -> Result<Document, EditError> {
    let plain = message.role == USER && members::members_of(message.extra.as_ref()).next().is_none();
    let written = match &message.content {
        _ if !plain => None,
        Content::Parts(_) if message.whole().is_some() => message.whole().cloned(),
        _ => message.plain_text().map(Document::string),
    };
    written.ok_or_else(|| {
        EditError::NoSuchPlace("this kind of call holds messages of role user that are a text or tokens".into())
    })
}
