//! Merging the deltas of a stream into one value.

use std::collections::BTreeMap;

use crate::json::{Document, Kind, Value};
use crate::model::write::{ObjectWriter, array};

/// A value that grows with each delta.
#[derive(Debug)]
pub(super) enum Merged {
    /// What is not put together from pieces.
    Whole(Document),
    Text(String),
    Object(BTreeMap<String, Merged>),
    /// Elements that belong together by their `index`, as the pieces of tool calls do.
    Numbered(BTreeMap<u64, Merged>),
    List(Vec<Document>),
}

/// Members that are said once, or again and again, but never piece by piece.
const NOT_IN_PIECES: [&str; 4] = ["role", "id", "type", "name"];

impl Merged {
    pub fn new(first: Value<'_>) -> Merged {
        match first.kind() {
            Kind::String => Merged::Text(first.as_str().unwrap_or_default().into_owned()),
            Kind::Object => {
                let mut object = Merged::Object(BTreeMap::new());
                object.add(first);
                object
            }
            Kind::Array
                if first
                    .elements()
                    .next()
                    .is_some_and(|element| number_of(element).is_some()) =>
            {
                let mut list = Merged::Numbered(BTreeMap::new());
                list.add(first);
                list
            }
            Kind::Array => Merged::List(first.elements().map(|element| element.to_document()).collect()),
            Kind::Null | Kind::Bool | Kind::Number => Merged::Whole(first.to_document()),
        }
    }

    /// Adds a delta: strings and lists are appended, objects merged member by member; null adds nothing.
    pub fn add(&mut self, delta: Value<'_>) {
        match (self, delta.kind()) {
            (Merged::Text(text), Kind::String) => text.push_str(&delta.as_str().unwrap_or_default()),
            (Merged::Object(members), Kind::Object) => {
                for (name, value) in delta.members() {
                    add_member(members, &name, value);
                }
            }
            (Merged::Numbered(elements), Kind::Array) => {
                for element in delta.elements() {
                    add_to(elements, number_of(element).unwrap_or(0), element);
                }
            }
            (Merged::List(elements), Kind::Array) => {
                elements.extend(delta.elements().map(|element| element.to_document()));
            }
            (_, Kind::Null) => {}
            (merged, _) => *merged = Merged::new(delta),
        }
    }

    /// The merged value's JSON. Elements that belonged together by `index` stand in that order, without it.
    pub fn text(&self) -> String {
        match self {
            Merged::Whole(document) => document.as_str().to_owned(),
            Merged::Text(text) => Document::string(text).as_str().to_owned(),
            Merged::Object(members) => object_text(members, ""),
            Merged::Numbered(elements) => array(elements.values().map(|element| match element {
                Merged::Object(members) => object_text(members, "index"),
                other => other.text(),
            })),
            Merged::List(elements) => array(elements.iter().map(Document::as_str)),
        }
    }
}

fn number_of(element: Value<'_>) -> Option<u64> {
    element.get("index")?.as_u64()
}

fn add_to<K: Ord>(merged: &mut BTreeMap<K, Merged>, key: K, delta: Value<'_>) {
    match merged.get_mut(&key) {
        Some(so_far) => so_far.add(delta),
        None => {
            merged.insert(key, Merged::new(delta));
        }
    }
}

fn add_member(members: &mut BTreeMap<String, Merged>, name: &str, delta: Value<'_>) {
    let repeated = NOT_IN_PIECES.contains(&name) && members.contains_key(name);
    match delta.as_str() {
        Some(text) if repeated && text.is_empty() => {}
        Some(_) if repeated => {
            members.insert(name.to_owned(), Merged::new(delta));
        }
        _ => add_to(members, name.to_owned(), delta),
    }
}

fn object_text(members: &BTreeMap<String, Merged>, without: &str) -> String {
    let kept = members.iter().filter(|(name, _)| *name != without);
    kept.fold(ObjectWriter::new(), |object, (name, value)| {
        object.raw(name, &value.text())
    })
    .text()
}
