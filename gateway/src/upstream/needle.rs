//! Where a key stands in a text, as it is or as JSON may write it: found in time that depends on the text's length alone.

use std::ops::Range;

use memchr::{memchr, memmem};

/// The shortest key that is looked for in what comes back: a shorter one would be found in anything.
const SHORTEST: usize = 8;

/// How long a byte of a key may be where JSON was put into JSON a few times.
const LONGEST_ESCAPE: usize = 24;

/// A byte that no text in UTF-8 has: in the place of half a character.
const NO_BYTE: u8 = 0xff;

/// A key that is looked for.
pub(super) struct Needle {
    raw: Sought,
    /// As it is without escapes, so that it is found however a text has it: `\/` and `\u002f` are both a `/`, however often
    /// JSON was put into JSON. None: too little is left of it then.
    plain: Option<Sought>,
}

impl Needle {
    /// None: it is too short to be looked for.
    pub(super) fn new(key: &str) -> Option<Needle> {
        let mut plain = Vec::with_capacity(key.len());
        without_escapes(key.as_bytes(), |byte, _| plain.push(byte));
        Some(Needle {
            raw: Sought::new(key.as_bytes())?,
            plain: Sought::new(&plain),
        })
    }

    pub(super) fn is_in(&self, text: &[u8]) -> bool {
        self.raw.finder.find(text).is_some() || !self.escaped_in(text).is_empty()
    }

    /// The text with these bytes wherever the key was; none: it is not in it.
    pub(super) fn replaced_in(&self, text: &[u8], with: &[u8]) -> Option<Vec<u8>> {
        // First, so that no backslash is left of an escape which the key begins with.
        let once = replaced(text, &self.escaped_in(text), with);
        let left = once.as_deref().unwrap_or(text);
        let starts = self.raw.finder.find_iter(left);
        let as_it_is: Vec<Range<usize>> = starts.map(|start| start..start + self.raw.key.len()).collect();
        replaced(left, &as_it_is, with).or(once)
    }

    /// How many bytes at the end of these may be the start of the key.
    pub(super) fn begun_at_the_end_of(&self, bytes: &[u8]) -> usize {
        let end = tail(bytes, self.raw.key.len().saturating_sub(1));
        let as_it_is = end.iter().fold(0, |length, byte| self.raw.next(length, *byte));
        as_it_is.max(self.begun_in_escapes_at_the_end_of(bytes))
    }

    fn begun_in_escapes_at_the_end_of(&self, bytes: &[u8]) -> usize {
        let Some(plain) = &self.plain else { return 0 };
        let end = tail(bytes, plain.key.len().saturating_mul(LONGEST_ESCAPE));
        if memchr(b'\\', end).is_none() {
            return 0;
        }
        let (mut starts, mut length) = (Vec::new(), 0);
        let open = without_escapes(end, |byte, place| {
            starts.push(place.start);
            length = plain.next(length, byte);
        });
        let begin = starts.len().checked_sub(length).and_then(|first| starts.get(first));
        end.len() - begin.copied().unwrap_or(open)
    }

    /// Where the key stands in a text that has escapes.
    fn escaped_in(&self, text: &[u8]) -> Vec<Range<usize>> {
        let Some(sought) = self.plain.as_ref().filter(|_| memchr(b'\\', text).is_some()) else {
            return Vec::new();
        };
        let mut plain = Vec::with_capacity(text.len());
        without_escapes(text, |byte, _| plain.push(byte));
        let found: Vec<usize> = sought.finder.find_iter(&plain).collect();
        if found.is_empty() {
            return Vec::new();
        }
        // Where in the text a place of the plain one is, another walk tells: it is needed only where there is a key.
        let mut places = Vec::with_capacity(found.len());
        let (mut found, mut at, mut start) = (found.into_iter().peekable(), 0, 0);
        without_escapes(text, |_, place| {
            if let Some(first) = found.peek().copied() {
                if at == first {
                    start = place.start;
                }
                if at + 1 == first + sought.key.len() {
                    places.push(start..place.end);
                    found.next();
                }
            }
            at += 1;
        });
        places
    }
}

fn tail(bytes: &[u8], length: usize) -> &[u8] {
    bytes.get(bytes.len().saturating_sub(length)..).unwrap_or_default()
}

/// The text with these bytes in these places; none: there are none.
fn replaced(text: &[u8], places: &[Range<usize>], with: &[u8]) -> Option<Vec<u8>> {
    if places.is_empty() {
        return None;
    }
    let mut out = Vec::with_capacity(text.len());
    let mut end = 0;
    for place in places {
        out.extend_from_slice(text.get(end..place.start).unwrap_or_default());
        out.extend_from_slice(with);
        end = place.end;
    }
    out.extend_from_slice(text.get(end..).unwrap_or_default());
    Some(out)
}

/// Gives each byte of a text without its escapes, and where it stands with its own. A backslash is always taken for the start
/// of one: how many of them a backslash of the text has become, nobody can tell. So a key that begins like `u12ab`, stands
/// after a backslash, and has something in it escaped is not found.
///
/// Returns where an escape begins that the text ends within, or the text's length.
fn without_escapes(text: &[u8], mut each: impl FnMut(u8, Range<usize>)) -> usize {
    let (mut start, mut at, mut is_escaped) = (0, 0, false);
    loop {
        match text.get(at..).unwrap_or_default() {
            [] => return if is_escaped { start } else { text.len() },
            [b'\\', ..] => {
                at += 1;
                is_escaped = true;
                continue;
            }
            [b'u', digits @ ..] if is_escaped => match code_unit(digits) {
                // A backslash that is escaped itself, as where JSON was put into JSON.
                Some(0x5c) => {
                    at += 5;
                    continue;
                }
                Some(unit) => {
                    at += 5;
                    let mut bytes = [0; 4];
                    let character = char::from_u32(unit).map(|character| character.encode_utf8(&mut bytes));
                    let bytes = character.map_or(&[NO_BYTE][..], |character| character.as_bytes());
                    bytes.iter().for_each(|byte| each(*byte, start..at));
                }
                None if digits.len() < 4 && digits.iter().all(u8::is_ascii_hexdigit) => return start,
                None => {
                    at += 1;
                    each(b'u', start..at);
                }
            },
            [byte, ..] => {
                at += 1;
                each(*byte, start..at);
            }
        }
        (start, is_escaped) = (at, false);
    }
}

/// What four hexadecimal digits stand for.
fn code_unit(digits: &[u8]) -> Option<u32> {
    digits
        .get(..4)?
        .iter()
        .try_fold(0, |value, digit| Some(value * 16 + char::from(*digit).to_digit(16)?))
}

/// Bytes that are looked for.
struct Sought {
    key: Box<[u8]>,
    finder: memmem::Finder<'static>,
    /// For each start of the key, the next shorter one that it ends with (Knuth, Morris and Pratt).
    shorter: Box<[usize]>,
}

impl Sought {
    fn new(key: &[u8]) -> Option<Sought> {
        if key.len() < SHORTEST {
            return None;
        }
        let mut shorter = Vec::with_capacity(key.len());
        let mut length = 0;
        for (index, byte) in key.iter().enumerate() {
            if index > 0 {
                length = next(key, &shorter, length, *byte);
            }
            shorter.push(length);
        }
        Some(Sought {
            key: key.into(),
            finder: memmem::Finder::new(key).into_owned(),
            shorter: shorter.into(),
        })
    }

    /// How much of the key is there after this byte, if this much was before.
    fn next(&self, length: usize, byte: u8) -> usize {
        next(&self.key, &self.shorter, length, byte)
    }
}

fn next(key: &[u8], shorter: &[usize], mut length: usize, byte: u8) -> usize {
    loop {
        if key.get(length) == Some(&byte) {
            return length + 1;
        }
        let Some(last) = length.checked_sub(1) else { return 0 };
        length = shorter.get(last).copied().unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn replaced(key: &str, text: &str) -> Option<String> {
        let replaced = Needle::new(key)?.replaced_in(text.as_bytes(), b"[key]")?;
        Some(String::from_utf8(replaced).unwrap())
    }

    #[test]
    fn a_key_with_backslashes_of_its_own_is_found_in_every_form() {
        let key = r"a\u0041\n\bcdefgh\";
        let json = |text: &str| serde_json::to_string(text).unwrap();
        for text in [key.to_owned(), json(key), json(&json(key)), json(&json(&json(key)))] {
            let found = replaced(key, &text).unwrap();
            assert!(found.contains("[key]") && !found.contains("cdefgh"), "{text}: {found}");
        }
    }

    #[test]
    fn a_key_that_is_short_without_its_backslashes_is_found_as_it_is_alone() {
        let key = r"\\\\\\\\a";
        assert_eq!(replaced(key, r"an \a \\\\\\\\a"), Some(r"an \a [key]".to_owned()));
        assert_eq!(replaced(r"\\\\\\\\", r"an \a"), None);
        assert_eq!(Needle::new("1234567").map(|_| ()), None);
    }

    #[test]
    fn the_longest_start_of_a_key_counts_at_an_end() {
        let needle = Needle::new("abcabcabd").unwrap();
        for (text, begun) in [
            ("", 0),
            ("x", 0),
            ("abcabcab", 8),
            ("abcabcabcab", 8),
            ("xabca", 4),
            ("abcabx", 0),
        ] {
            assert_eq!(needle.begun_at_the_end_of(text.as_bytes()), begun, "{text}");
        }
    }

    /// Each of these would take hours if a key were compared at every place of a text, or the rest of a text were searched
    /// anew after every key.
    #[test]
    fn what_a_text_and_a_key_are_made_of_does_not_matter_for_the_time_it_takes() {
        let half = 4 << 20;
        let long = "a".repeat(64 << 10);
        let almost = (long[1..].to_owned() + r"\n").repeat(half / long.len());
        assert_eq!(replaced(&long, &almost), None);
        assert_eq!(replaced(&long, &("\\".repeat(half) + &almost)), None);
        let many = "12345678".repeat(half / 8) + "\\";
        assert_eq!(replaced("12345678", &many).unwrap().len(), half / 8 * 5 + 1);
        let escaped = r"\12345678".repeat(half / 9);
        assert_eq!(replaced("12345678", &escaped).unwrap().len(), half / 9 * 5);
        let needle = Needle::new(&long).unwrap();
        for _ in 0..1000 {
            assert_eq!(
                needle.begun_at_the_end_of(&almost.as_bytes()[..long.len() - 1]),
                long.len() - 1
            );
        }
    }

    #[test]
    fn a_key_with_letters_of_any_alphabet_is_found_where_they_are_escaped() {
        let text = r#""passw\u00f6rt12345 and \ud83d\ude00""#;
        assert_eq!(
            replaced("passwört12345", text).as_deref(),
            Some(r#""[key] and \ud83d\ude00""#)
        );
    }

    proptest! {
        #[test]
        fn a_key_is_found_wherever_json_has_it(
            before in "[ab\\\\\"/\n]{0,8}",
            key in "[ab/0][ab/0u\\\\]{7,12}",
            after in "[ab\\\\\"/\n]{0,8}",
            twice in any::<bool>(),
        ) {
            let json = |text: &str| serde_json::to_string(text).unwrap().replace('/', r"\/");
            let told = format!("{before}{key}{after}");
            let text = if twice { json(&json(&told)) } else { json(&told) };
            let Some(needle) = Needle::new(&key).filter(|needle| needle.plain.is_some()) else { return Ok(()) };
            let found = String::from_utf8(needle.replaced_in(text.as_bytes(), b"[key]").unwrap()).unwrap();
            let once: String = serde_json::from_str(&found).unwrap();
            let left = if twice { serde_json::from_str(&once).unwrap() } else { once };
            prop_assert!(left.contains("[key]") && !left.contains(&key), "{left}");
            // Wherever it is cut, nothing of it goes out before it is known.
            for cut in 1..text.len() {
                let (first, second) = text.as_bytes().split_at(cut);
                let first = needle.replaced_in(first, b"[key]").unwrap_or(first.to_vec());
                let (shown, kept) = first.split_at(first.len() - needle.begun_at_the_end_of(&first));
                let rest = [kept, second].concat();
                let rest = needle.replaced_in(&rest, b"[key]").unwrap_or(rest);
                let all = [shown, &rest].concat();
                prop_assert!(!needle.is_in(&all), "cut at {}: {}", cut, String::from_utf8_lossy(&all));
            }
        }
    }
}
