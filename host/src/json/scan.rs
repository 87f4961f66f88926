//! Finding the end of a string, a number, a run of whitespace: the inner loops of the index.

use super::JsonError;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Whether a byte ends the plain part of a string: a quote, a backslash, a control character.
fn is_special(byte: u8) -> bool {
    byte == b'"' || byte == b'\\' || byte < 0x20
}

/// The high bit of every byte that is special. Bits above the lowest one may be wrong, the lowest never is.
fn special_mask(word: u64) -> u64 {
    let quote = word ^ (ONES * u64::from(b'"'));
    let backslash = word ^ (ONES * u64::from(b'\\'));
    let found = quote.wrapping_sub(ONES) & !quote
        | backslash.wrapping_sub(ONES) & !backslash
        | word.wrapping_sub(ONES * 0x20) & !word;
    found & HIGHS
}

/// The position of the first special byte from `position` on, or the end of the text.
#[inline]
fn find_special(text: &[u8], mut position: usize) -> usize {
    while let Some(chunk) = text.get(position..).and_then(|rest| rest.first_chunk::<8>()) {
        let mask = special_mask(u64::from_le_bytes(*chunk));
        if mask != 0 {
            return position + (mask.trailing_zeros() / 8) as usize;
        }
        position += 8;
    }
    let rest = text.get(position..).unwrap_or_default();
    rest.iter()
        .position(|&byte| is_special(byte))
        .map_or(text.len(), |plain| position + plain)
}

/// Reads a string whose opening quote stands at `start`: one after its closing quote, and whether it has escapes.
#[inline]
pub(super) fn string(text: &[u8], start: usize) -> Result<(usize, bool), JsonError> {
    let end = find_special(text, start + 1);
    if text.get(end) == Some(&b'"') {
        Ok((end + 1, false))
    } else {
        string_with_escapes(text, end)
    }
}

/// Goes on with a string at its first byte that is special and no quote.
#[cold]
fn string_with_escapes(text: &[u8], mut position: usize) -> Result<(usize, bool), JsonError> {
    let mut escaped = false;
    loop {
        match text.get(position) {
            None => {
                return Err(JsonError::UnexpectedEnd {
                    expected: "the string's closing quote",
                    offset: text.len(),
                });
            }
            Some(b'"') => return Ok((position + 1, escaped)),
            Some(b'\\') => {
                escaped = true;
                position = find_special(text, position + escape(text, position)?);
            }
            Some(&code) => return Err(JsonError::ControlCharacter { code, offset: position }),
        }
    }
}

/// The length of the escape whose backslash stands at `offset`.
fn escape(text: &[u8], offset: usize) -> Result<usize, JsonError> {
    let cut = JsonError::UnexpectedEnd {
        expected: "the rest of an escape",
        offset: text.len(),
    };
    match text.get(offset + 1) {
        None => Err(cut),
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(2),
        Some(b'u') => {
            let digits = text.get(offset + 2..).unwrap_or_default();
            let hex = digits
                .iter()
                .take(4)
                .take_while(|digit| digit.is_ascii_hexdigit())
                .count();
            match hex {
                4 => Ok(6),
                _ if hex == digits.len() => Err(cut),
                _ => Err(JsonError::BadEscape { offset }),
            }
        }
        Some(_) => Err(JsonError::BadEscape { offset }),
    }
}

/// Reads a number that starts at `start`: one after its last byte.
#[inline]
pub(super) fn number(text: &[u8], start: usize) -> Result<usize, JsonError> {
    let mut position = start;
    if text.get(position) == Some(&b'-') {
        position += 1;
    }
    position = match text.get(position) {
        Some(b'0') => position + 1,
        _ => digits(text, position)?,
    };
    if text.get(position) == Some(&b'.') {
        position = digits(text, position + 1)?;
    }
    if matches!(text.get(position), Some(b'e' | b'E')) {
        let sign = matches!(text.get(position + 1), Some(b'+' | b'-'));
        position = digits(text, position + 1 + usize::from(sign))?;
    }
    match text.get(position) {
        Some(b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'.' | b'+' | b'-' | b'_') => {
            Err(JsonError::BadNumber { offset: position })
        }
        _ => Ok(position),
    }
}

/// Reads one digit or more.
#[inline]
fn digits(text: &[u8], start: usize) -> Result<usize, JsonError> {
    let mut position = start;
    while text.get(position).is_some_and(u8::is_ascii_digit) {
        position += 1;
    }
    match (position > start, text.get(position)) {
        (true, _) => Ok(position),
        (false, Some(_)) => Err(JsonError::BadNumber { offset: position }),
        (false, None) => Err(JsonError::UnexpectedEnd {
            expected: "a digit",
            offset: text.len(),
        }),
    }
}

/// The position of the first byte from `position` on that is no whitespace.
#[inline]
pub(super) fn whitespace(text: &[u8], mut position: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = text.get(position) {
        position += 1;
    }
    position
}
