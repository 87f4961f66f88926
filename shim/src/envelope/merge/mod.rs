//! Taking over what a guest changed, and nothing else.
//!
//! Guests parse a document into structs and print those again. What comes back is compared with what was sent, member by
//! member and by value; what is equal, missing, or empty where nothing was, keeps the bytes that it had.

mod align;
mod object;
mod unchanged;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

use heimdall_host::json::{Change, Document, Duplicates, JsonError, Kind, Value};

use super::read::is_blank;
use unchanged::{Budget, same_scalar};

pub(super) use unchanged::{Guesses, unchanged};

/// What a null in an answer does to a member that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnNull {
    /// Nothing: a struct that lacks a member's content prints null.
    Keep,
    /// The member goes.
    Delete,
    /// The member becomes null, which its place allows.
    Null,
    /// Nothing, nor does any other value: the member is not the guest's to change in this place.
    Fixed,
}

/// Which members of an object, and of the elements of a list, a guest may delete.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) members: &'static [(&'static str, OnNull, &'static Shape)],
    pub(super) elements: Option<&'static Shape>,
    /// Its members are counts: 0 where nothing was is what a struct prints of a count that it was not given.
    pub(super) counts: bool,
}

/// A value about which nothing is known.
pub(super) static FREE: Shape = Shape {
    members: &[],
    elements: None,
    counts: false,
};

impl Shape {
    /// The name as this shape has it, what null does there, and the shape of the member.
    fn member(&self, name: &str) -> (Option<&'static str>, OnNull, &'static Shape) {
        let known = self.members.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name));
        known.map_or((None, OnNull::Keep, &FREE), |(name, on_null, shape)| {
            (Some(*name), *on_null, *shape)
        })
    }

    /// Whether a value in a place where nothing was leaves it so.
    fn says_nothing(&self, value: Value<'_>) -> bool {
        match value.kind() {
            Kind::Number => self.counts && value.as_f64() == Some(0.0),
            Kind::Object => value.members().all(|(_, member)| self.says_nothing(member)),
            _ => is_blank(value),
        }
    }

    fn elements(&self) -> &'static Shape {
        self.elements.unwrap_or(&FREE)
    }
}

/// Changes of one document's text, collected before any is made.
#[derive(Debug, Default)]
pub(super) struct Edits {
    changes: Vec<Change>,
    budget: Budget,
}

impl Edits {
    /// Replaces a part of the text.
    pub(super) fn replace(&mut self, range: Range<usize>, text: impl Into<String>) {
        let text = text.into();
        self.changes.push(Change { range, text });
    }

    /// Takes over into `old` what a guest changed in it.
    pub(super) fn merge(&mut self, old: Value<'_>, new: Value<'_>, shape: &'static Shape) {
        match (old.kind(), new.kind()) {
            _ if self.budget.guesses.are_equal(old, new) => {}
            (Kind::Object, Kind::Object) => object::merge(self, old, new, shape),
            (Kind::Array, Kind::Array) => align::merge(self, old, new, shape),
            (Kind::Null, _) if shape.says_nothing(new) => {}
            _ if same_scalar(old, new) => {}
            _ => self.replace(old.range(), new.raw()),
        }
    }

    /// Deletes the members of these names.
    pub(super) fn delete_members(&mut self, object: Value<'_>, doomed: impl Fn(&str) -> bool) {
        object::delete(self, object, doomed);
    }

    /// The document with the changes, or none where there are no changes.
    pub(super) fn apply(self, document: &Document) -> Result<Option<Document>, JsonError> {
        if self.changes.is_empty() {
            return Ok(None);
        }
        let changes = sorted(self.changes);
        match document.changed(&changes) {
            Err(JsonError::DuplicateMember { .. }) => {
                without_repeated(Change::all(document.as_str(), 0, &changes)).map(Some)
            }
            changed => changed.map(Some),
        }
    }

    /// The text of `old` with what a guest changed in it.
    fn merged_text<'a>(&mut self, old: Value<'a>, new: Value<'_>, shape: &'static Shape) -> Cow<'a, str> {
        let outer = std::mem::take(&mut self.changes);
        self.merge(old, new, shape);
        let changes = std::mem::replace(&mut self.changes, outer);
        if changes.is_empty() {
            Cow::Borrowed(old.raw())
        } else {
            Cow::Owned(Change::all(old.raw(), old.range().start, &sorted(changes)))
        }
    }
}

/// What a guest's value makes of a document; none where it changed nothing.
pub(super) fn merged(old: &Document, new: Value<'_>, shape: &'static Shape) -> Result<Option<Document>, JsonError> {
    let mut edits = Edits::default();
    edits.merge(old.root(), new, shape);
    edits.apply(old)
}

fn sorted(mut changes: Vec<Change>) -> Vec<Change> {
    changes.sort_by_key(|change| (change.range.start, change.range.end));
    changes
}

/// An upstream's document with repeated members, of which only the last stay, as after any edit.
fn without_repeated(text: String) -> Result<Document, JsonError> {
    let mut document = Document::parse_with(text, Duplicates::LastWins)?;
    // Any edit drops the members that the last one of their name overrules.
    const SCRATCH: &str = "/heimdall-scratch";
    let edited = document.set(SCRATCH, &Document::null()).is_ok();
    if edited {
        let _removed = document.remove(SCRATCH);
    }
    Ok(document)
}
