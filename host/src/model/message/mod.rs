//! The messages of a request, whatever member of it holds them.

mod chat;
mod content;
mod members;
mod object;
mod prompt;
mod responses;

#[cfg(test)]
mod tests;

use self::prompt::Prompt;
use super::{CallKind, EditError, value};
use crate::json::Document;

/// One message of a request.
#[derive(Debug, Clone)]
pub struct Message {
    /// Who speaks: `system`, `user`, `assistant`, ...; empty for an item that is no message.
    pub role: String,
    /// What is said.
    pub content: Content,
    /// An object with the members that have no name here (`name`, `tool_calls`, ...).
    pub extra: Option<Document>,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// A text.
    Text(String),
    /// A list of parts.
    Parts(Vec<Part>),
    /// Nothing, as in an assistant's message that has only tool calls.
    Empty,
}

/// One part of a message's content.
#[derive(Debug, Clone)]
pub struct Part {
    /// What is said or shown.
    pub content: PartContent,
    /// An object with the members that `content` does not hold (`detail`, `cache_control`, ...).
    pub extra: Option<Document>,
}

/// What a part says or shows.
#[derive(Debug, Clone)]
pub enum PartContent {
    /// A text.
    Text(String),
    /// An image by its address, which may be a `data:` URL.
    ImageUrl(String),
    /// Anything else: the whole part.
    Other(Document),
}

/// How one kind of call holds its messages. Edits may leave a document half done where they fail: they get a copy.
pub(super) trait Shape: Sync {
    /// The members of the request that hold the messages.
    fn members(&self) -> &'static [&'static str];
    /// How many messages there are.
    fn count(&self, document: &Document) -> usize;
    /// One message.
    fn get(&self, document: &Document, index: usize) -> Option<Message>;
    /// All messages.
    fn all(&self, document: &Document) -> Vec<Message>;
    /// The text of a message.
    fn text(&self, document: &Document, index: usize) -> Option<String>;
    /// Replaces a message.
    fn set(&self, document: &mut Document, index: usize, message: &Message) -> Result<(), EditError>;
    /// Puts a message before another, or behind all.
    fn insert(&self, document: &mut Document, index: usize, message: &Message) -> Result<(), EditError>;
    /// Removes a message.
    fn remove(&self, document: &mut Document, index: usize) -> Result<(), EditError>;
}

/// How a kind of call holds its messages.
pub(super) fn shape(kind: CallKind) -> &'static dyn Shape {
    match kind {
        CallKind::Chat => &chat::Chat,
        CallKind::Responses => &responses::Responses,
        CallKind::TextCompletion => &Prompt { member: "prompt" },
        CallKind::Embedding => &Prompt { member: "input" },
    }
}

impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        self.role == other.role
            && self.content == other.content
            && members::same_extra(self.extra.as_ref(), other.extra.as_ref())
    }
}

impl PartialEq for Part {
    fn eq(&self, other: &Self) -> bool {
        self.content == other.content && members::same_extra(self.extra.as_ref(), other.extra.as_ref())
    }
}

impl PartialEq for PartContent {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (PartContent::Text(a), PartContent::Text(b)) | (PartContent::ImageUrl(a), PartContent::ImageUrl(b)) => {
                a == b
            }
            (PartContent::Other(a), PartContent::Other(b)) => value::same_document(a, b),
            _ => false,
        }
    }
}

impl Message {
    /// An element that is no message, or has no text: one part that is the whole of it.
    fn other(role: &str, whole: Document) -> Message {
        let part = Part {
            content: PartContent::Other(whole),
            extra: None,
        };
        Message {
            role: role.to_owned(),
            content: Content::Parts(vec![part]),
            extra: None,
        }
    }

    /// A text of a role.
    fn plain(role: &str, text: String) -> Message {
        Message {
            role: role.to_owned(),
            content: Content::Text(text),
            extra: None,
        }
    }

    /// The text of a message that has nothing but a role and a text.
    fn plain_text(&self) -> Option<&str> {
        if members::members_of(self.extra.as_ref()).next().is_some() {
            return None;
        }
        match &self.content {
            Content::Text(text) => Some(text),
            Content::Parts(parts) => match parts.as_slice() {
                [
                    Part {
                        content: PartContent::Text(text),
                        extra,
                    },
                ] if members::members_of(extra.as_ref()).next().is_none() => Some(text),
                _ => None,
            },
            Content::Empty => None,
        }
    }

    /// The whole of an element that is no message.
    fn whole(&self) -> Option<&Document> {
        match &self.content {
            Content::Parts(parts) => match parts.as_slice() {
                [
                    Part {
                        content: PartContent::Other(whole),
                        ..
                    },
                ] => Some(whole),
                _ => None,
            },
            Content::Text(_) | Content::Empty => None,
        }
    }
}

fn no_message(index: usize) -> EditError {
    EditError::NoSuchPlace(format!("there is no message {index}"))
}
