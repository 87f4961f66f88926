//! JSON strings: reading them without their escapes, and writing them.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use bytestring::ByteString;

use super::index::Node;
use super::{JsonError, scan};

/// Bytes of the longest escape: two halves of a surrogate pair.
const LONGEST_ESCAPE: usize = 12;

/// Bytes of a string's quotes.
const QUOTES: usize = 2;

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
    resolved(between_quotes(text, node), node)
}

/// A part of what stands between a string's quotes, without escapes.
fn resolved<'a>(part: &'a str, node: &Node) -> Cow<'a, str> {
    match node.count {
        0 => Cow::Borrowed(part),
        _ => Cow::Owned(unescape(part)),
    }
}

/// Whether a string's node says this. Its length nearly always tells: a member is found by looking at many names.
#[inline]
pub(super) fn says(text: &str, node: &Node, said: &str) -> bool {
    match node.count {
        0 => node.range().len() == said.len() + QUOTES && text.as_bytes().get(inside(node)) == Some(said.as_bytes()),
        _ => unescape(between_quotes(text, node)) == said,
    }
}

/// Whether two strings' nodes say the same, however they are written. A text that was edited is mostly written as it was
/// before, up to the edit; what both begin with is not resolved.
pub(super) fn same_string(a_text: &str, a: &Node, b_text: &str, b: &Node) -> bool {
    let (a_text, b_text) = (between_quotes(a_text, a), between_quotes(b_text, b));
    if a.count == 0 && b.count == 0 {
        return a_text == b_text;
    }
    let start = safe_cut(a_text, scan::alike_at_start(a_text.as_bytes(), b_text.as_bytes()));
    let rest_of = |text| str::get(text, start..).unwrap_or_default();
    resolved(rest_of(a_text), a) == resolved(rest_of(b_text), b)
}

/// The last position up to this one of an escaped text where neither an escape nor a character is cut apart.
fn safe_cut(text: &str, mut position: usize) -> usize {
    loop {
        let near = position.saturating_sub(LONGEST_ESCAPE);
        let before = text.as_bytes().get(near..position).unwrap_or_default();
        match before.iter().position(|&byte| byte == b'\\') {
            Some(at) => position = near + at,
            None => return text.floor_char_boundary(position),
        }
    }
}

/// The text between a string's quotes as it is written.
fn between_quotes<'a>(text: &'a str, node: &Node) -> &'a str {
    text.get(inside(node)).unwrap_or_default()
}

/// Where a string's node is, without its quotes.
fn inside(node: &Node) -> Range<usize> {
    node.start as usize + 1..(node.end as usize).saturating_sub(1)
}

/// Resolves the escapes of a text that is known to be well formed.
fn unescape(escaped: &str) -> String {
    let mut out = Vec::with_capacity(escaped.len());
    let mut rest = escaped.as_bytes();
    loop {
        let escape = push_plain(&mut out, rest, scan::backslashes_of, |end| {
            end.iter().position(|&byte| byte == b'\\').unwrap_or(end.len())
        });
        if escape.is_empty() {
            break;
        }
        let length = push_resolved(&mut out, escape);
        rest = escape.get(length..).unwrap_or_default();
    }
    String::from_utf8(out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Appends a text up to the first byte that is marked, and gives the rest. What is copied is as long as what is looked at: to copy
/// by a function for any length took a good part of the time where escapes are close together, as in code and in JSON within JSON.
#[inline(always)]
fn push_plain<'a>(
    out: &mut Vec<u8>,
    mut text: &'a [u8],
    marks: impl Fn(&[u8; scan::CHUNK]) -> u32,
    find_near_end: impl Fn(&[u8]) -> usize,
) -> &'a [u8] {
    while let Some((chunk, behind)) = text.split_first_chunk() {
        out.extend_from_slice(chunk);
        let hits = marks(chunk);
        if hits != 0 {
            let plain = hits.trailing_zeros() as usize;
            out.truncate(out.len() - scan::CHUNK + plain);
            return text.get(plain..).unwrap_or_default();
        }
        text = behind;
    }
    let (plain, rest) = text.split_at_checked(find_near_end(text)).unwrap_or((text, &[]));
    out.extend_from_slice(plain);
    rest
}

/// Appends what the escape at the start of a text stands for, and gives the escape's length.
#[inline(always)]
fn push_resolved(out: &mut Vec<u8>, escape: &[u8]) -> usize {
    let byte = match escape.get(1) {
        Some(b'b') => 0x8,
        Some(b'f') => 0xc,
        Some(b'n') => b'\n',
        Some(b'r') => b'\r',
        Some(b't') => b'\t',
        Some(b'u') | None => {
            let (character, length) = resolve_unit(escape);
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            return length;
        }
        Some(&other) => other,
    };
    out.push(byte);
    2
}

/// Resolves `\uXXXX`, with its other half if it is the first half of a surrogate pair.
fn resolve_unit(escape: &[u8]) -> (char, usize) {
    let high = unit(escape);
    let low = escape
        .get(6..)
        .filter(|second| second.starts_with(b"\\u"))
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
fn unit(escape: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(escape.get(2..6)?).ok()?;
    u32::from_str_radix(digits, 16).ok()
}

/// Appends `text` as a JSON string: in quotes, with only those characters escaped that must be.
pub fn push_string(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) =
        push_plain(out, rest, scan::special_of, |text| scan::find_special(text, 0)).split_first()
    {
        push_escape(out, byte);
        rest = behind;
    }
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
