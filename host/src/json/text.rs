//! JSON strings: reading them without their escapes, and writing them.

use std::borrow::Cow;

use bytes::Bytes;
use bytestring::ByteString;

use super::JsonError;
use super::index::Node;

/// Bytes as a text. The standard library's check is quick for ASCII alone, and took a quarter of the time in which a document
/// in several languages is indexed.
#[expect(unsafe_code, reason = "the bytes were found to be UTF-8 the line before")]
pub(super) fn of(bytes: Bytes) -> Result<ByteString, JsonError> {
    match simdutf8::basic::from_utf8(&bytes) {
        // SAFETY: they are UTF-8, and nobody can change them.
        Ok(_) => Ok(unsafe { ByteString::from_bytes_unchecked(bytes) }),
        Err(_) => ByteString::try_from(bytes).map_err(|error| JsonError::NotUtf8 {
            offset: error.valid_up_to(),
        }),
    }
}

/// The text of a string's node, without its quotes and escapes. A lone surrogate becomes U+FFFD.
pub(super) fn unquoted<'a>(text: &'a str, node: &Node) -> Cow<'a, str> {
    let plain = between_quotes(text, node);
    if node.count == 0 {
        Cow::Borrowed(plain)
    } else {
        Cow::Owned(unescape(plain))
    }
}

/// Whether two strings' nodes say the same, however they are written.
pub(super) fn same_string(a_text: &str, a: &Node, b_text: &str, b: &Node) -> bool {
    if a.count == 0 && b.count == 0 {
        between_quotes(a_text, a) == between_quotes(b_text, b)
    } else {
        unquoted(a_text, a) == unquoted(b_text, b)
    }
}

/// The text between a string's quotes as it is written.
fn between_quotes<'a>(text: &'a str, node: &Node) -> &'a str {
    text.get(node.start as usize + 1..(node.end as usize).saturating_sub(1))
        .unwrap_or_default()
}

/// Resolves the escapes of a text that is known to be well formed.
fn unescape(escaped: &str) -> String {
    let mut out = String::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some(backslash) = memchr::memchr(b'\\', rest.as_bytes()) {
        let (plain, escape) = rest.split_at_checked(backslash).unwrap_or((rest, ""));
        out.push_str(plain);
        let (character, length) = resolve(escape);
        out.push(character);
        rest = escape.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// The character that the escape at the start of a text stands for, and the escape's length.
fn resolve(escape: &str) -> (char, usize) {
    let character = match escape.as_bytes().get(1) {
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return resolve_unit(escape),
        Some(&other) => char::from(other),
        None => char::REPLACEMENT_CHARACTER,
    };
    (character, 2)
}

/// Resolves `\uXXXX`, with its other half if it is the first half of a surrogate pair.
fn resolve_unit(escape: &str) -> (char, usize) {
    let high = unit(escape);
    let low = escape
        .get(6..)
        .filter(|second| second.starts_with("\\u"))
        .and_then(unit);
    match (high, low) {
        (Some(high @ 0xD800..=0xDBFF), Some(low @ 0xDC00..=0xDFFF)) => {
            let code = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
            (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12)
        }
        (code, _) => (code.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER), 6),
    }
}

/// The four hexadecimal digits after `\u`.
fn unit(escape: &str) -> Option<u32> {
    u32::from_str_radix(escape.get(2..6)?, 16).ok()
}

/// Appends `text` as a JSON string: in quotes, with only those characters escaped that must be.
pub fn push_string(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(position) = rest
        .iter()
        .position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20)
    {
        let (plain, special) = rest.split_at_checked(position).unwrap_or((rest, &[]));
        out.extend_from_slice(plain);
        if let Some((&byte, behind)) = special.split_first() {
            push_escape(out, byte);
            rest = behind;
        }
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Appends the shortest escape of a quote, a backslash, or a control character.
fn push_escape(out: &mut Vec<u8>, byte: u8) {
    let letter = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        0x0c => b'f',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => {
            out.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
            return;
        }
    };
    out.extend_from_slice(&[b'\\', letter]);
}
