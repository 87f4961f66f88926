//! The content of a message: a text or a list of parts.

use super::members::{self, token};
use super::{Content, Part, PartContent};
use crate::json::{Document, Kind, Value};
use crate::model::write::{ObjectWriter, array};
use crate::model::{EditError, value};

/// How an API writes the parts of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `text`, and `image_url` with an object.
    Chat,
    /// `input_text` or `output_text`, and `input_image` with the address itself.
    Responses,
}

impl Dialect {
    /// The types that are read as text.
    fn text_types(self) -> &'static [&'static str] {
        match self {
            Dialect::Chat => &["text"],
            Dialect::Responses => &["input_text", "output_text", "text"],
        }
    }

    /// The type of a new text.
    fn text_type(self, role: &str) -> &'static str {
        match self {
            Dialect::Chat => "text",
            Dialect::Responses if role == "assistant" => "output_text",
            Dialect::Responses => "input_text",
        }
    }

    /// Where a member of an image's `extra` stands, from the part.
    fn image_member(self, name: &str) -> String {
        match (self, name) {
            (Dialect::Chat, "detail") => "/image_url/detail".to_owned(),
            _ => format!("/{}", token(name)),
        }
    }
}

/// Reads the `content` of a message.
pub(super) fn read(content: Option<Value<'_>>, dialect: Dialect) -> Content {
    let Some(content) = content.filter(|content| !content.is_null()) else {
        return Content::Empty;
    };
    match content.as_str() {
        Some(text) => Content::Text(text.into_owned()),
        None if content.kind() == Kind::Array => {
            Content::Parts(content.elements().map(|part| read_part(part, dialect)).collect())
        }
        None => Content::Parts(vec![other(content)]),
    }
}

/// The text of a `content`: its text parts, joined with line feeds; none where it has no text.
pub(super) fn text(content: Value<'_>, dialect: Dialect) -> Option<String> {
    if let Some(text) = content.as_str() {
        return Some(text.into_owned());
    }
    let texts: Vec<_> = content
        .elements()
        .filter_map(|part| text_of(part, dialect)?.as_str())
        .collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

fn text_of(part: Value<'_>, dialect: Dialect) -> Option<Value<'_>> {
    let is_text = dialect.text_types().iter().any(|kind| value::is(part, "type", kind));
    part.get("text").filter(|text| is_text && text.kind() == Kind::String)
}

fn other(whole: Value<'_>) -> Part {
    Part {
        content: PartContent::Other(whole.to_document()),
        extra: None,
    }
}

fn read_part(part: Value<'_>, dialect: Dialect) -> Part {
    if let Some(text) = text_of(part, dialect).and_then(|text| text.as_str()) {
        return Part {
            content: PartContent::Text(text.into_owned()),
            extra: members::extra(part.members().filter(|(name, _)| name != "type" && name != "text")),
        };
    }
    read_image(part, dialect).unwrap_or_else(|| other(part))
}

/// An image, if `extra` can hold all that is not its address without leaving open where it belongs.
fn read_image(part: Value<'_>, dialect: Dialect) -> Option<Part> {
    let image = part.get("image_url")?;
    let unnamed = part.members().filter(|(name, _)| name != "type" && name != "image_url");
    let (url, extra) = match dialect {
        Dialect::Chat if value::is(part, "type", "image_url") => {
            let known = image.members().all(|(name, _)| name == "url" || name == "detail");
            if !known || part.get("detail").is_some() {
                return None;
            }
            let detail = image.members().filter(|(name, _)| name == "detail");
            (value::string(image, "url")?, members::extra(detail.chain(unnamed)))
        }
        Dialect::Responses if value::is(part, "type", "input_image") => {
            (image.as_str()?.into_owned(), members::extra(unnamed))
        }
        _ => return None,
    };
    Some(Part {
        content: PartContent::ImageUrl(url),
        extra,
    })
}

/// The JSON of a content that is new.
pub(super) fn write(content: &Content, dialect: Dialect, role: &str) -> Result<Document, EditError> {
    match content {
        Content::Text(text) => Ok(Document::string(text)),
        Content::Empty => Ok(Document::null()),
        Content::Parts(parts) => {
            let parts: Result<Vec<Document>, EditError> =
                parts.iter().map(|part| write_part(part, dialect, role)).collect();
            Ok(Document::parse(array(parts?.iter().map(Document::as_str)))?)
        }
    }
}

fn write_part(part: &Part, dialect: Dialect, role: &str) -> Result<Document, EditError> {
    check_part(part)?;
    let mut written = match &part.content {
        PartContent::Text(text) => ObjectWriter::new()
            .string("type", dialect.text_type(role))
            .string("text", text)
            .document(),
        PartContent::ImageUrl(url) if dialect == Dialect::Chat => {
            let image = ObjectWriter::new().string("url", url).text();
            ObjectWriter::new()
                .string("type", "image_url")
                .raw("image_url", &image)
                .document()
        }
        PartContent::ImageUrl(url) => ObjectWriter::new()
            .string("type", "input_image")
            .string("image_url", url)
            .document(),
        PartContent::Other(whole) => return Ok(whole.clone()),
    };
    edit_extra(&mut written, "", None, part, dialect)?;
    Ok(written)
}

fn check_part(part: &Part) -> Result<(), EditError> {
    match part.content {
        PartContent::Text(_) => members::check(part.extra.as_ref(), &["type", "text"]),
        PartContent::ImageUrl(_) => members::check(part.extra.as_ref(), &["type", "image_url"]),
        PartContent::Other(_) if members::members_of(part.extra.as_ref()).next().is_some() => Err(
            EditError::InvalidJson("a part `other` is the whole part: it has no `extra`".into()),
        ),
        PartContent::Other(_) => Ok(()),
    }
}

fn edit_extra(
    document: &mut Document,
    pointer: &str,
    before: Option<&Document>,
    part: &Part,
    dialect: Dialect,
) -> Result<(), EditError> {
    let is_image = matches!(part.content, PartContent::ImageUrl(_));
    members::edit(document, before, part.extra.as_ref(), |name| {
        let member = if is_image {
            dialect.image_member(name)
        } else {
            format!("/{}", token(name))
        };
        format!("{pointer}{member}")
    })
}

/// Brings a message's `content` to what it should be and touches only what differs.
pub(super) fn edit(message: &mut Document, content: &Content, dialect: Dialect, role: &str) -> Result<(), EditError> {
    let held = message.root().get("content");
    let is_list = held.is_some_and(|held| held.kind() == Kind::Array);
    let before = read(held, dialect);
    match (&before, content) {
        (before, after) if before == after => Ok(()),
        (Content::Parts(before), Content::Parts(after)) if is_list => edit_parts(message, before, after, dialect, role),
        _ => {
            message.set("/content", &write(content, dialect, role)?)?;
            Ok(())
        }
    }
}

/// Edits the parts between the first and the last that differ.
fn edit_parts(
    message: &mut Document,
    before: &[Part],
    after: &[Part],
    dialect: Dialect,
    role: &str,
) -> Result<(), EditError> {
    let start = before
        .iter()
        .zip(after)
        .take_while(|(before, after)| before == after)
        .count();
    let shorter = before.len().min(after.len()) - start;
    let ends = before.iter().rev().zip(after.iter().rev()).take(shorter);
    let end = ends.take_while(|(before, after)| before == after).count();
    let old = before.get(start..before.len() - end).unwrap_or_default();
    let new = after.get(start..after.len() - end).unwrap_or_default();
    for (place, (old, new)) in (start..).zip(old.iter().zip(new)) {
        edit_part(message, &format!("/content/{place}"), old, new, dialect, role)?;
    }
    for (place, part) in (start..).zip(new).skip(old.len()) {
        message.insert(&format!("/content/{place}"), &write_part(part, dialect, role)?)?;
    }
    for place in (start + new.len()..start + old.len()).rev() {
        message.remove(&format!("/content/{place}"))?;
    }
    Ok(())
}

fn edit_part(
    message: &mut Document,
    pointer: &str,
    before: &Part,
    after: &Part,
    dialect: Dialect,
    role: &str,
) -> Result<(), EditError> {
    let (place, text) = match (&before.content, &after.content) {
        (PartContent::Text(_), PartContent::Text(text)) => ("/text", text),
        (PartContent::ImageUrl(_), PartContent::ImageUrl(url)) if dialect == Dialect::Chat => ("/image_url/url", url),
        (PartContent::ImageUrl(_), PartContent::ImageUrl(url)) => ("/image_url", url),
        _ => {
            message.set(pointer, &write_part(after, dialect, role)?)?;
            return Ok(());
        }
    };
    check_part(after)?;
    message.set(&format!("{pointer}{place}"), &Document::string(text))?;
    edit_extra(message, pointer, before.extra.as_ref(), after, dialect)
}
