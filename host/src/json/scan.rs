//! Finding the end of a string, a number, a run of whitespace, and where two texts differ: the inner loops of the index.
//!
//! They look at many bytes at a time: in vectors, in words, or in ways that the compiler turns into vector instructions.

use std::iter::zip;

use wide::u8x16;

use super::fault::{Fault, Mistake};

/// The low bits of the eight bytes of a word.
const ONES: u64 = 0x0101_0101_0101_0101;
/// Their high bits.
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// How many bytes of a string are looked at together.
pub(super) const CHUNK: usize = 16;

/// The same of a long one.
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
pub(super) fn find_special(text: &[u8], position: usize) -> usize {
    let chunk = text.get(position..).and_then(|rest| rest.first_chunk());
    match chunk.map(special_of) {
        Some(0) => find_special_far(text, position + CHUNK),
        Some(hits) => position + hits.trailing_zeros() as usize,
        None => find(text, position, special),
    }
}

/// Marks what [`special`] marks, one bit a byte, the first one lowest.
#[inline(always)]
pub(super) fn special_of(chunk: &[u8; CHUNK]) -> u32 {
    let bytes = u8x16::new(*chunk);
    let is = |byte| bytes.simd_eq(u8x16::splat(byte));
    let control = bytes.min(u8x16::splat(0x1f)).simd_eq(bytes);
    (is(b'"') | is(b'\\') | control).to_bitmask()
}

/// Marks backslashes, one bit a byte, the first one lowest.
#[inline(always)]
pub(super) fn backslashes_of(chunk: &[u8; CHUNK]) -> u32 {
    u8x16::new(*chunk).simd_eq(u8x16::splat(b'\\')).to_bitmask()
}

/// How many bytes two texts begin alike with.
pub(super) fn alike_at_start(a: &[u8], b: &[u8]) -> usize {
    let blocks = zip(a.as_chunks::<BLOCK>().0, b.as_chunks::<BLOCK>().0);
    let blocks = blocks.take_while(|(a, b)| a == b).count() * BLOCK;
    let bytes = zip(a.iter().skip(blocks), b.iter().skip(blocks));
    blocks + bytes.take_while(|(a, b)| a == b).count()
}

/// How many bytes two texts end alike with.
pub(super) fn alike_at_end(a: &[u8], b: &[u8]) -> usize {
    let blocks = zip(
        a.as_rchunks::<BLOCK>().1.iter().rev(),
        b.as_rchunks::<BLOCK>().1.iter().rev(),
    );
    let blocks = blocks.take_while(|(a, b)| a == b).count() * BLOCK;
    let bytes = zip(a.iter().rev().skip(blocks), b.iter().rev().skip(blocks));
    blocks + bytes.take_while(|(a, b)| a == b).count()
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
    let mut position = position + plain.count() * BLOCK;
    while let Some(chunk) = text.get(position..).and_then(|rest| rest.first_chunk()) {
        match special_of(chunk) {
            0 => position += CHUNK,
            hits => return position + hits.trailing_zeros() as usize,
        }
    }
    find(text, position, special)
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
    let mut is_escaped = false;
    while let Some(block) = text.get(position..).and_then(|rest| rest.first_chunk()) {
        let marks = Marks::of(block);
        let (escaped, carried) = marks.escaped(is_escaped);
        let ends = marks.quotes & !escaped;
        let before_end = ends.wrapping_sub(1) & !ends;
        let letters = escaped & before_end;
        if marks.controls & before_end != 0 || !bits(letters).all(|at| is_escape(text, position + at)) {
            break;
        }
        if ends != 0 {
            return Ok(position + ends.trailing_zeros() as usize + 1);
        }
        (position, is_escaped) = (position + BLOCK, carried);
    }
    // Short of a block, or with a mistake in it, whose place is to be told.
    string_stepwise(text, position - usize::from(is_escaped))
}

/// The same, one escape after the other.
fn string_stepwise(text: &[u8], mut position: usize) -> Result<usize, Fault> {
    position = find_special(text, position);
    loop {
        match text.get(position) {
            Some(b'"') => return Ok(position + 1),
            Some(b'\\') => position = find_special(text, position + escape(text, position)?),
            Some(_) => return Err(Mistake::ControlCharacter.at(position)),
            None => return Err(Mistake::StringEnd.at(position)),
        }
    }
}

/// What is special in a block, one bit a byte, the first one lowest.
struct Marks {
    quotes: u64,
    backslashes: u64,
    controls: u64,
}

impl Marks {
    #[inline(always)]
    fn of(block: &[u8; BLOCK]) -> Marks {
        let (mut quotes, mut backslashes, mut controls) = (0, 0, 0);
        for (at, chunk) in block.as_chunks::<CHUNK>().0.iter().enumerate() {
            let bytes = u8x16::new(*chunk);
            let is = |byte| u64::from(bytes.simd_eq(u8x16::splat(byte)).to_bitmask());
            let control = bytes.min(u8x16::splat(0x1f)).simd_eq(bytes);
            quotes |= is(b'"') << (at * CHUNK);
            backslashes |= is(b'\\') << (at * CHUNK);
            controls |= u64::from(control.to_bitmask()) << (at * CHUNK);
        }
        Marks {
            quotes,
            backslashes,
            controls,
        }
    }

    /// The bytes behind a backslash that is not escaped itself, and whether the first byte behind the block is one. Without a
    /// step for each: of a run of backslashes every second one is escaped, and a sum carries through the whole run.
    #[inline(always)]
    fn escaped(&self, is_first: bool) -> (u64, bool) {
        const EVEN: u64 = 0x5555_5555_5555_5555;
        let first = u64::from(is_first);
        let starts = self.backslashes & !first;
        let follows = starts << 1 | first;
        let odd_starts = starts & !EVEN & !follows;
        let (even, carried) = odd_starts.overflowing_add(starts);
        ((EVEN ^ (even << 1)) & follows, carried)
    }
}

/// The places of the bits that are set.
#[inline(always)]
fn bits(mut marks: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = marks.trailing_zeros();
        marks &= marks.checked_sub(1)?;
        Some(at as usize)
    })
}

/// Whether the letter at `position`, behind a backslash, makes an escape.
#[inline(always)]
fn is_escape(text: &[u8], position: usize) -> bool {
    let letter = byte(text, position);
    is_whole_escape(letter) || letter == b'u' && (1..5).all(|digit| byte(text, position + digit).is_ascii_hexdigit())
}

/// Whether a letter behind a backslash is an escape by itself.
#[inline(always)]
fn is_whole_escape(letter: u8) -> bool {
    matches!(letter, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't')
}

/// The length of the escape whose backslash stands at `start`.
#[inline(always)]
fn escape(text: &[u8], start: usize) -> Result<usize, Fault> {
    let letter = byte(text, start + 1);
    match letter {
        _ if is_whole_escape(letter) => Ok(2),
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
