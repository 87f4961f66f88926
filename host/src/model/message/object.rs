//! Messages that are objects with a role and a content, and the lists of them.

use super::content::{self, Dialect};
use super::members::{self, token};
use super::{Content, Message, no_message};
use crate::json::{Document, Kind, Value};
use crate::model::write::{ObjectWriter, array};
use crate::model::{EditError, value};

/// Whether an element is a message.
pub(super) fn is_message(element: Value<'_>, dialect: Dialect) -> bool {
    match dialect {
        Dialect::Chat => element.kind() == Kind::Object,
        Dialect::Responses => match element.get("type") {
            Some(kind) => kind.as_str().is_some_and(|kind| kind == "message"),
            None => element.get("role").is_some(),
        },
    }
}

/// Reads an element: a message, or the whole of it as a part.
pub(super) fn read(element: Value<'_>, dialect: Dialect) -> Message {
    if !is_message(element, dialect) {
        return Message::other("", element.to_document());
    }
    Message {
        role: value::string(element, "role").unwrap_or_default(),
        content: content::read(element.get("content"), dialect),
        extra: members::extra(
            element
                .members()
                .filter(|(name, _)| name != "role" && name != "content"),
        ),
    }
}

/// The text of an element.
pub(super) fn text(element: Value<'_>, dialect: Dialect) -> Option<String> {
    if !is_message(element, dialect) {
        return None;
    }
    content::text(element.get("content")?, dialect)
}

/// The JSON of a message that is new.
pub(super) fn write(message: &Message, dialect: Dialect) -> Result<Document, EditError> {
    members::check(message.extra.as_ref(), &["role", "content"])?;
    if let Some(whole) = message.whole().filter(|_| is_whole(message)) {
        return Ok(whole.clone());
    }
    let content = content::write(&message.content, dialect, &message.role)?;
    let object = ObjectWriter::new()
        .string("role", &message.role)
        .raw("content", content.as_str());
    let object = members::members_of(message.extra.as_ref())
        .fold(object, |object, (name, value)| object.raw(&name, value.raw()));
    Ok(object.checked()?)
}

/// Whether a message stands for an element that is none.
fn is_whole(message: &Message) -> bool {
    message.role.is_empty() && members::members_of(message.extra.as_ref()).next().is_none()
}

/// An element's JSON with what differs from it in a message; none where nothing does.
fn edited(element: Value<'_>, message: &Message, dialect: Dialect) -> Result<Option<Document>, EditError> {
    let before = read(element, dialect);
    if before == *message {
        return Ok(None);
    }
    let becomes_whole = dialect == Dialect::Responses && is_whole(message) && message.whole().is_some();
    if !is_message(element, dialect) || becomes_whole {
        return write(message, dialect).map(Some);
    }
    members::check(message.extra.as_ref(), &["role", "content"])?;
    let mut edited = element.to_document();
    if before.role != message.role {
        edited.set("/role", &Document::string(&message.role))?;
    }
    content::edit(&mut edited, &message.content, dialect, &message.role)?;
    members::edit(&mut edited, before.extra.as_ref(), message.extra.as_ref(), |name| {
        format!("/{}", token(name))
    })?;
    Ok(Some(edited))
}

/// The text of a message that differs in nothing else from an element, if it differs at all. Most edits are of that kind,
/// and one splice so.
fn other_text<'m>(element: Value<'_>, message: &'m Message, dialect: Dialect) -> Option<&'m str> {
    let is_plain = is_message(element, dialect)
        && element.get("content")?.kind() == Kind::String
        && element.get("role")?.as_str().as_deref() == Some(&message.role)
        && element.len() == 2
        && message.extra.is_none();
    match &message.content {
        Content::Text(text) if is_plain => Some(text),
        _ => None,
    }
}

/// A member of the root that is a list of messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct List {
    pub member: &'static str,
    pub dialect: Dialect,
}

impl List {
    /// The list's elements.
    pub fn elements(self, document: &Document) -> impl Iterator<Item = Value<'_>> {
        document
            .root()
            .get(self.member)
            .into_iter()
            .flat_map(|list| list.elements())
    }

    /// How many elements the list has.
    pub fn count(self, document: &Document) -> usize {
        let list = document.root().get(self.member);
        list.filter(|list| list.kind() == Kind::Array)
            .map_or(0, |list| list.len())
    }

    /// Replaces an element; `shown` is its index to the plugin.
    pub fn set(self, document: &mut Document, place: usize, message: &Message, shown: usize) -> Result<(), EditError> {
        let element = self.elements(document).nth(place).ok_or_else(|| no_message(shown))?;
        if let Some(text) = other_text(element, message, self.dialect) {
            document.set(&format!("{}/content", self.pointer(place)), &Document::string(text))?;
        } else if let Some(edited) = edited(element, message, self.dialect)? {
            document.set(&self.pointer(place), &edited)?;
        }
        Ok(())
    }

    /// Puts a message before an element, or behind all; makes the list where there is none.
    pub fn insert(
        self,
        document: &mut Document,
        place: usize,
        message: &Message,
        shown: usize,
    ) -> Result<(), EditError> {
        if place > self.count(document) {
            return Err(no_message(shown));
        }
        let element = write(message, self.dialect)?;
        match value::present(document.root(), self.member).map(|list| list.kind()) {
            Some(Kind::Array) => document.insert(&self.pointer(place), &element)?,
            None => {
                let list = Document::parse(array([element.as_str()]))?;
                document.set(&format!("/{}", self.member), &list)?;
            }
            Some(_) => return Err(EditError::NoSuchPlace(format!("`{}` is no list", self.member))),
        }
        Ok(())
    }

    /// Removes an element.
    pub fn remove(self, document: &mut Document, place: usize, shown: usize) -> Result<(), EditError> {
        if place >= self.count(document) {
            return Err(no_message(shown));
        }
        document.remove(&self.pointer(place))?;
        Ok(())
    }

    fn pointer(self, place: usize) -> String {
        format!("/{}/{place}", self.member)
    }
}
