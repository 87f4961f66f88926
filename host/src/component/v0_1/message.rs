//! Messages on their way between the contract's types and the host's own.

use super::bindings::heimdall::plugin::llm_types as wit;
use super::convert::{object, text_of};
use crate::component::State;
use crate::json::Document;
use crate::model::{Content, EditError, Message, Part, PartContent};

impl From<Message> for wit::Message {
    fn from(message: Message) -> Self {
        wit::Message {
            role: message.role,
            content: match message.content {
                Content::Text(text) => wit::Content::Text(text),
                Content::Parts(parts) => wit::Content::Parts(parts.into_iter().map(wit::Part::from).collect()),
                Content::Empty => wit::Content::Empty,
            },
            extra: message.extra.as_ref().map(text_of),
        }
    }
}

impl From<Part> for wit::Part {
    fn from(part: Part) -> Self {
        wit::Part {
            content: match part.content {
                PartContent::Text(text) => wit::PartContent::Text(text),
                PartContent::ImageUrl(url) => wit::PartContent::ImageUrl(url),
                PartContent::Other(whole) => wit::PartContent::Other(text_of(&whole)),
            },
            extra: part.extra.as_ref().map(text_of),
        }
    }
}

impl State {
    /// A message that a guest gives, and its weight in bytes.
    pub(super) fn message(&self, message: wit::Message) -> Result<(Message, usize), EditError> {
        let weight = weight(&message);
        self.admit_value(weight)?;
        let content = match message.content {
            wit::Content::Text(text) => Content::Text(text),
            wit::Content::Parts(parts) => Content::Parts(parts.into_iter().map(part).collect::<Result<_, _>>()?),
            wit::Content::Empty => Content::Empty,
        };
        let message = Message {
            role: message.role,
            content,
            extra: message.extra.map(object).transpose()?,
        };
        Ok((message, weight))
    }
}

fn part(part: wit::Part) -> Result<Part, EditError> {
    let content = match part.content {
        wit::PartContent::Text(text) => PartContent::Text(text),
        wit::PartContent::ImageUrl(url) => PartContent::ImageUrl(url),
        wit::PartContent::Other(whole) => PartContent::Other(Document::parse(whole)?),
    };
    Ok(Part {
        content,
        extra: part.extra.map(object).transpose()?,
    })
}

/// What a message adds to a request, names of members and punctuation left out.
fn weight(message: &wit::Message) -> usize {
    let content = match &message.content {
        wit::Content::Text(text) => text.len(),
        wit::Content::Parts(parts) => parts.iter().map(part_weight).sum(),
        wit::Content::Empty => 0,
    };
    message.role.len() + content + message.extra.as_ref().map_or(0, String::len)
}

fn part_weight(part: &wit::Part) -> usize {
    let content = match &part.content {
        wit::PartContent::Text(text) | wit::PartContent::ImageUrl(text) | wit::PartContent::Other(text) => text.len(),
    };
    // The braces and names that the host writes around a part count too: a million empty parts weigh something.
    PART_FRAME + content + part.extra.as_ref().map_or(0, String::len)
}

/// Bytes of `{"type":"text","text":""},`.
const PART_FRAME: usize = 26;
