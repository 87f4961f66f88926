//! Finding the end of a string, a number, a run of whitespace: the inner loops of the index.
//!
//! They look at many bytes at a time, in ways that the compiler turns into vector instructions by itself.

use super::fault::{Fault, Mistake};

/// The low bits of the eight bytes of a word.
const ONES: u64 = 0x0101_0101_0101_0101;
/// Their high bits.
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// How many bytes of a long string are looked at together.
const BLOCK: usize = 64;

/// The byte at a position; 0, which no JSON text has outside of a mistake, behind the end.
#[inline(always)]
pub(super) fn byte(text: &[u8], position: usize) -> u8 {
    text.get(position).copied().unwrap_or(0)
}

/// The eight bytes from a position on, the first one lowest; 0 for those behind the end.
#[inline(always)]
fn word(text: &[u8], position: usize) -> u64 {
    match text.get(position..).and_then(|rest| rest.first_chunk()) {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => last_word(text, position),
    }
}

#[cold]
fn last_word(text: &[u8], position: usize) -> u64 {
    text.iter()
        .skip(position)
        .rev()
        .fold(0, |word, &byte| word << 8 | u64::from(byte))
}

/// The position of the first byte from `position` on that `hits` marks in a word. Of the marked bytes it must have the
/// lowest right, and it must mark 0, so that the search ends with the text.
#[inline(always)]
fn find(text: &[u8], mut position: usize, hits: impl Fn(u64) -> u64) -> usize {
    loop {
        let hits = hits(word(text, position));
        if hits != 0 {
            return position + (hits.trailing_zeros() / 8) as usize;
        }
        position += 8;
    }
}

/// Marks what ends the plain part of a string: a quote, a backslash, a control character.
#[inline(always)]
fn special(word: u64) -> u64 {
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let found = quote.wrapping_sub(ONES) & !quote
        | backslash.wrapping_sub(ONES) & !backslash
        | word.wrapping_sub(ONES * 0x20) & !word;
    found & HIGHS
}

/// Marks what is no digit.
#[inline(always)]
fn no_digit(word: u64) -> u64 {
    const ROW: u64 = ONES * 0xF0;
    const DIGITS: u64 = ONES * 0x30;
    (word & ROW ^ DIGITS) | (word.wrapping_add(ONES * 6) & ROW ^ DIGITS)
}

/// Marks what is no whitespace.
#[inline(always)]
fn no_whitespace(word: u64) -> u64 {
    let other_than = |byte: u8| {
        let difference = word ^ (ONES * u64::from(byte));
        ((difference & !HIGHS) + !HIGHS) | difference
    };
    other_than(b' ') & other_than(b'\n') & other_than(b'\r') & other_than(b'\t') & HIGHS
}

/// The position of the first special byte from `position` on, or the end of the text.
#[inline(always)]
fn find_special(text: &[u8], position: usize) -> usize {
    for step in [position, position + 8] {
        let hits = special(word(text, step));
        if hits != 0 {
            return step + (hits.trailing_zeros() / 8) as usize;
        }
    }
    find_special_far(text, position + 16)
}

/// [`find_special`] for what is long: most of it is passed in blocks.
fn find_special_far(text: &[u8], position: usize) -> usize {
    let (blocks, _) = text.get(position..).unwrap_or_default().as_chunks::<BLOCK>();
    let plain = blocks.iter().take_while(|block| {
        // Without a way out in the middle, so that the comparisons become vector instructions.
        !block.iter().fold(false, |found, &byte| {
            found | (byte == b'"') | (byte == b'\\') | (byte < 0x20)
        })
    });
    find(text, position + plain.count() * BLOCK, special)
}

/// Reads a string whose opening quote stands at `start`: one after its closing quote, and whether it has escapes.
#[inline(always)]
pub(super) fn string(text: &[u8], start: usize) -> Result<(usize, bool), Fault> {
    let end = find_special(text, start + 1);
    if byte(text, end) == b'"' {
        Ok((end + 1, false))
    } else {
        string_with_escapes(text, end).map(|end| (end, true))
    }
}

/// Goes on with a string at its first byte that is special and no quote.
fn string_with_escapes(text: &[u8], mut position: usize) -> Result<usize, Fault> {
    loop {
        match text.get(position) {
            Some(b'"') => return Ok(position + 1),
            Some(b'\\') => position = find_special(text, position + escape(text, position)?),
            Some(_) => return Err(Mistake::ControlCharacter.at(position)),
            None => return Err(Mistake::StringEnd.at(position)),
        }
    }
}

/// The length of the escape whose backslash stands at `start`.
#[inline(always)]
fn escape(text: &[u8], start: usize) -> Result<usize, Fault> {
    match byte(text, start + 1) {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(2),
        b'u' => match (2..6).find(|&digit| !byte(text, start + digit).is_ascii_hexdigit()) {
            None => Ok(6),
            Some(digit) if start + digit >= text.len() => Err(Mistake::EscapeEnd.at(text.len())),
            Some(_) => Err(Mistake::Escape.at(start)),
        },
        _ if start + 1 >= text.len() => Err(Mistake::EscapeEnd.at(text.len())),
        _ => Err(Mistake::Escape.at(start)),
    }
}

/// Reads a number that starts at `start`: one after its last byte.
#[inline(always)]
pub(super) fn number(text: &[u8], start: usize) -> Result<usize, Fault> {
    let first = start + usize::from(byte(text, start) == b'-');
    let end = digits(text, first)?;
    if byte(text, first) == b'0' && end > first + 1 {
        return Err(Mistake::Number.at(first + 1));
    }
    match byte(text, end) {
        0..=b' ' | b',' | b']' | b'}' => Ok(end),
        _ => fraction_and_exponent(text, end),
    }
}

/// Goes on with a number behind its integer.
#[inline(always)]
fn fraction_and_exponent(text: &[u8], mut end: usize) -> Result<usize, Fault> {
    if byte(text, end) == b'.' {
        end = digits(text, end + 1)?;
    }
    if matches!(byte(text, end), b'e' | b'E') {
        let sign = matches!(byte(text, end + 1), b'+' | b'-');
        end = digits(text, end + 1 + usize::from(sign))?;
    }
    match byte(text, end) {
        b'a'..=b'z' | b'A'..=b'Z' | b'.' | b'+' | b'-' | b'_' => Err(Mistake::Number.at(end)),
        _ => Ok(end),
    }
}

/// Reads one digit or more.
#[inline(always)]
fn digits(text: &[u8], start: usize) -> Result<usize, Fault> {
    let end = find(text, start, no_digit);
    if end > start {
        Ok(end)
    } else {
        Err(Mistake::Digit.at(start))
    }
}

/// The position of the first byte from `position` on that is no whitespace.
#[inline(always)]
pub(super) fn whitespace(text: &[u8], position: usize) -> usize {
    // Mostly there is none, or one space.
    let first = byte(text, position);
    if first > b' ' {
        position
    } else if first == b' ' && byte(text, position + 1) > b' ' {
        position + 1
    } else {
        whitespace_far(text, position)
    }
}

fn whitespace_far(text: &[u8], position: usize) -> usize {
    find(text, position, no_whitespace)
}
