//! A query as a map of names and values, decoded; of several values of one name the last.

use heimdall_host::json::Value;

use super::super::EnvelopeError;
use super::super::write::ObjectWriter;
use super::http::{object, plain_text};

/// Writes `query`.
pub(super) fn write(out: &mut ObjectWriter, query: Option<&str>) {
    let pairs = pairs(query);
    out.object("query", |out| {
        for (place, (name, value)) in pairs.iter().enumerate() {
            if !pairs.iter().skip(place + 1).any(|(later, _)| later == name) {
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
    let mut parts: Vec<(String, String)> = raw_parts(query)
        .zip(&sent)
        .map(|(raw, (name, _))| (name.clone(), raw.to_owned()))
        .collect();
    let mut any = false;
    for (name, value) in returned.members() {
        let old = sent
            .iter()
            .rev()
            .find(|(sent, _)| *sent == name)
            .map(|(_, value)| value);
        if value.is_null() {
            any |= old.is_some();
            parts.retain(|(part, _)| *part != name);
            continue;
        }
        let value = plain_text(&name, value)?;
        if old.is_some_and(|old| *old == value) || (old.is_none() && value.is_empty()) {
            continue;
        }
        any = true;
        let new = (
            name.clone().into_owned(),
            format!("{}={}", encoded(&name), encoded(&value)),
        );
        match parts.iter().position(|(part, _)| *part == name) {
            Some(place) => {
                let mut index = 0;
                parts.retain(|(part, _)| {
                    index += 1;
                    *part != name || index == place + 1
                });
                if let Some(part) = parts.get_mut(place) {
                    *part = new;
                }
            }
            None => parts.push(new),
        }
    }
    let joined = || parts.iter().map(|(_, raw)| raw.as_str()).collect::<Vec<_>>().join("&");
    Ok(any.then(joined))
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
