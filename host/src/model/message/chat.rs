//! Chat: the list `messages`.

use super::content::Dialect;
use super::object::{self, List};
use super::{Message, Shape};
use crate::json::Document;
use crate::model::EditError;

/// The messages of a chat request.
pub(super) struct Chat;

const MESSAGES: List = List {
    member: "messages",
    dialect: Dialect::Chat,
};

impl Shape for Chat {
    fn members(&self) -> &'static [&'static str] {
        &["messages"]
    }

    fn count(&self, document: &Document) -> usize {
        MESSAGES.count(document)
    }

    fn get(&self, document: &Document, index: usize) -> Option<Message> {
        MESSAGES
            .elements(document)
            .nth(index)
            .map(|element| object::read(element, Dialect::Chat))
    }

    fn all(&self, document: &Document) -> Vec<Message> {
        MESSAGES
            .elements(document)
            .map(|element| object::read(element, Dialect::Chat))
            .collect()
    }

    fn text(&self, document: &Document, index: usize) -> Option<String> {
        object::text(MESSAGES.elements(document).nth(index)?, Dialect::Chat)
    }

    fn set(&self, document: &mut Document, index: usize, message: &Message) -> Result<(), EditError> {
        MESSAGES.set(document, index, message, index)
    }

    fn insert(&self, document: &mut Document, index: usize, message: &Message) -> Result<(), EditError> {
        MESSAGES.insert(document, index, message, index)
    }

    fn remove(&self, document: &mut Document, index: usize) -> Result<(), EditError> {
        MESSAGES.remove(document, index, index)
    }
}
