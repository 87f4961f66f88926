//! JSON into the tree: strictly JSON, without comments, trailing commas or two members of one name.

use std::sync::Arc;

use heimdall_host::json::{self, Document, Duplicates, JsonError, Kind};

use super::Format;
use crate::config::ConfigError;
use crate::config::tree::{self, Entry, Node, Place, Text, Value};

pub(super) fn read(source: &Arc<Text>) -> Result<Node, ConfigError> {
    let syntax = |place, message: String| ConfigError::Syntax {
        place,
        format: Format::Json,
        message,
    };
    let document = parse(&source.text).map_err(|error| {
        let place = error
            .offset()
            .map_or_else(|| Place::whole(source), |offset| Place::byte(source, offset));
        // The place is told in lines.
        let byte = error.offset().map(|offset| format!(" at byte {offset}"));
        syntax(place, error.to_string().replace(&byte.unwrap_or_default(), ""))
    })?;
    let mut root = node(document.root(), &|offset| Place::byte(source, offset))?;
    root.place = Place::whole(source);
    Ok(root)
}

/// The value of an environment variable: everything in it stands at its place. None if it is no JSON, or has two members
/// of one name.
pub(in crate::config) fn value(text: &str, place: &Place) -> Option<Node> {
    node(parse(text).ok()?.root(), &|_| place.clone()).ok()
}

/// Two members of one name are told later, with both places.
fn parse(text: &str) -> Result<Document, JsonError> {
    Document::parse_with(text.to_owned(), Duplicates::LastWins)
}

fn node(value: json::Value<'_>, place_of: &dyn Fn(usize) -> Place) -> Result<Node, ConfigError> {
    let place = place_of(value.range().start);
    let read = match value.kind() {
        Kind::Null => Value::Null,
        Kind::Bool => Value::Truth(value.as_bool() == Some(true)),
        Kind::Number => number(value).ok_or_else(|| ConfigError::Syntax {
            place: place.clone(),
            format: Format::Json,
            message: format!("the number {} is too large", crate::text::shortened(value.raw())),
        })?,
        Kind::String => Value::Text(value.as_str().unwrap_or_default().into_owned()),
        Kind::Array => Value::List(
            value
                .elements()
                .map(|value| node(value, place_of))
                .collect::<Result<_, _>>()?,
        ),
        Kind::Object => Value::Table(entries(value, place_of)?),
    };
    Ok(Node::new(place, read))
}

fn number(value: json::Value<'_>) -> Option<Value> {
    value
        .as_i64()
        .map(Value::Integer)
        .or_else(|| value.as_u64().map(Value::Unsigned))
        .or_else(|| value.as_f64().map(Value::Float))
}

fn entries(object: json::Value<'_>, place_of: &dyn Fn(usize) -> Place) -> Result<Vec<Entry>, ConfigError> {
    let mut entries = tree::Entries::default();
    // A name stands before its value, and ends a colon and spaces before it; where it begins, its own text tells.
    let start = object.raw().as_ptr() as usize;
    for ((raw, value), (key, _)) in object.raw_members().zip(object.members()) {
        let offset = (raw.as_ptr() as usize).saturating_sub(start);
        entries.insert(Entry {
            key: key.into_owned(),
            place: place_of(object.range().start + offset),
            node: node(value, place_of)?,
        })?;
    }
    Ok(entries.into_list())
}
