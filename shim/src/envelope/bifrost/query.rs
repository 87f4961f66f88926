//! A query as a map of names and values, decoded; of several values of one name the last.

use std::collections::HashMap;

use heimdall_host::json::Value;

use super::super::EnvelopeError;
use super::super::write::ObjectWriter;
use super::http::{object, plain_text};

/// Writes `query`.
pub(super) fn write(out: &mut ObjectWriter, query: Option<&str>) {
    let pairs = pairs(query);
    let last = last_of_each(&pairs);
    out.object("query", |out| {
        for (place, (name, value)) in pairs.iter().enumerate() {
            if last.get(name.as_str()) == Some(&place) {
                out.string(name, value);
            }
        }
    });
}

/// The query with what a guest changed in it; none where it changed nothing. Pairs that it left alone stay as they came.
pub(super) fn changed(query: Option<&str>, answer: Value<'_>) -> Result<Option<String>, EnvelopeError> {
    let Some(returned) = object(answer, "query")? else {
        return Ok(None);
    };
    let sent = pairs(query);
    let last = last_of_each(&sent);
    let mut changes: HashMap<String, Option<String>> = HashMap::new();
    let mut added = Vec::new();
    for (name, value) in returned.members() {
        let old = last.get(&*name).and_then(|place| sent.get(*place)).map(|(_, old)| old);
        if value.is_null() {
            if old.is_some() {
                changes.insert(name.into_owned(), None);
            }
            continue;
        }
        let value = plain_text(&name, value)?;
        let new = || format!("{}={}", encoded(&name), encoded(&value));
        match old {
            Some(old) if *old == value => {}
            Some(_) => drop(changes.insert(name.clone().into_owned(), Some(new()))),
            None if value.is_empty() => {}
            None => added.push(new()),
        }
    }
    if changes.is_empty() && added.is_empty() {
        return Ok(None);
    }
    // Of a changed name's pairs the first makes place for the new one, and the others go.
    let kept = raw_parts(query)
        .zip(&sent)
        .filter_map(|(raw, (name, _))| match changes.get_mut(name) {
            None => Some(raw.to_owned()),
            Some(change) => change.take(),
        });
    let parts: Vec<String> = kept.collect();
    Ok(Some([parts, added].concat().join("&")))
}

/// The place of the last pair of each name.
fn last_of_each(pairs: &[(String, String)]) -> HashMap<&str, usize> {
    let places = pairs.iter().enumerate();
    places.map(|(place, (name, _))| (name.as_str(), place)).collect()
}

fn raw_parts(query: Option<&str>) -> impl Iterator<Item = &str> {
    query
        .into_iter()
        .flat_map(|query| query.split('&'))
        .filter(|part| !part.is_empty())
}

fn pairs(query: Option<&str>) -> Vec<(String, String)> {
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (decoded(name), decoded(value))
    };
    raw_parts(query).map(pair).collect()
}

fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let hex = behind.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex
            .filter(|_| first == b'%')
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(byte.unwrap_or(if first == b'+' { b' ' } else { first }));
        rest = if byte.is_some() {
            behind.get(2..).unwrap_or_default()
        } else {
            behind
        };
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
