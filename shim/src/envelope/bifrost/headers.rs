//! Headers as a map of names and values.

use std::borrow::Cow;

use heimdall_host::json::{Kind, Value};
use heimdall_host::model::is_framing;
use http::HeaderMap;

use super::super::EnvelopeError;
use super::super::write::ObjectWriter;
use super::http::{object, plain_text};

/// Writes `headers`: names in lower case, several values of one name joined, but for `set-cookie`, of which a map has
/// place for the first alone.
pub(super) fn write(out: &mut ObjectWriter, headers: &HeaderMap) {
    out.object("headers", |out| {
        for name in headers.keys() {
            out.string(name.as_str(), &joined(headers, name.as_str()));
        }
    });
}

fn joined<'a>(headers: &'a HeaderMap, name: &str) -> Cow<'a, str> {
    let mut values = headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()));
    let first = values.next().unwrap_or_default();
    if name == "set-cookie" {
        return first;
    }
    values.fold(first, |joined, value| Cow::Owned(format!("{joined}, {value}")))
}

/// A header's name, and its values or none where it is removed.
pub(super) type HeaderChange = (String, Option<Vec<String>>);

/// What becomes of each header that a guest changed: its values, or none where it is removed.
pub(super) fn changes(sent: &HeaderMap, answer: Value<'_>) -> Result<Vec<HeaderChange>, EnvelopeError> {
    let mut changes = Vec::new();
    for (name, value) in object(answer, "headers")?
        .into_iter()
        .flat_map(|headers| headers.members())
    {
        let name = name.to_ascii_lowercase();
        // What a plugin sets of the host's own is left out: the host sets it again when it sends.
        if is_framing(&name) {
            continue;
        }
        let there = sent.contains_key(name.as_str());
        if value.is_null() {
            if there {
                changes.push((name, None));
            }
            continue;
        }
        let values = values(&name, value)?;
        let old = joined(sent, &name);
        let unchanged = match values.as_slice() {
            [] => true,
            [only] if there => *only == old,
            [only] => only.is_empty(),
            several => there && several.join(", ") == old,
        };
        if !unchanged {
            changes.push((name, Some(values)));
        }
    }
    Ok(changes)
}

/// All headers of a response of the guest's own.
pub(super) fn all(answer: Value<'_>) -> Result<Vec<(String, String)>, EnvelopeError> {
    let nothing = HeaderMap::new();
    let added = changes(&nothing, answer)?.into_iter();
    Ok(added
        .flat_map(|(name, values)| values.into_iter().flatten().map(move |value| (name.clone(), value)))
        .collect())
}

fn values(name: &str, value: Value<'_>) -> Result<Vec<String>, EnvelopeError> {
    match value.kind() {
        Kind::Array => value.elements().map(|value| plain_text(name, value)).collect(),
        _ => Ok(vec![plain_text(name, value)?]),
    }
}
