//! Where a key stands in a text, as it is or as JSON may write it: found in one pass, whatever both are made of.

use std::ops::Range;

use memchr::{memchr, memchr2, memmem};

/// The shortest key that is looked for in what comes back: a shorter one would be found in anything.
const SHORTEST: usize = 8;

/// What a text is made of when nothing in it is escaped: bytes, and code units that are no single byte.
type Unit = u16;

/// A code unit that no byte of a key is.
const OTHER: Unit = Unit::MAX;

/// A key that is looked for.
pub(super) struct Needle {
    key: Box<[u8]>,
    raw: Automaton,
    /// As it is without escapes, so that it is found however a text has it: `\/` and `\u002f` are both a `/`, however often
    /// JSON was put into JSON.
    plain: Automaton,
}

impl Needle {
    /// None: it is too short to be looked for.
    pub(super) fn new(key: &str) -> Option<Needle> {
        let key = key.as_bytes();
        (key.len() >= SHORTEST).then(|| Needle {
            key: key.into(),
            raw: Automaton::new(key.iter().copied().map(Unit::from)),
            plain: Automaton::new(Plain::of(key).map(|(unit, _)| unit)),
        })
    }

    pub(super) fn is_in(&self, text: &[u8]) -> bool {
        memmem::find(text, &self.key).is_some() || self.escaped_in(text).next().is_some()
    }

    /// The text with these bytes wherever the key was; none: it is not in it.
    pub(super) fn replaced_in(&self, text: &[u8], with: &[u8]) -> Option<Vec<u8>> {
        let length = self.key.len();
        // First, so that no backslash is left of an escape which the key begins with.
        let once = replaced(text, self.escaped_in(text), with);
        let left = once.as_deref().unwrap_or(text);
        let as_it_is = memmem::find_iter(left, &self.key).map(|start| start..start + length);
        replaced(left, as_it_is, with).or(once)
    }

    /// How many bytes at the end of these may be the start of the key.
    pub(super) fn begun_at_the_end_of(&self, bytes: &[u8]) -> usize {
        let start = bytes.len().saturating_sub(self.key.len().saturating_sub(1));
        let end = bytes.get(start..).unwrap_or_default();
        end.iter()
            .fold(0, |length, byte| self.raw.next(length, Unit::from(*byte)))
    }

    /// Where the key stands in a text that has escapes, from the first place to the last.
    fn escaped_in<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = Range<usize>> + 't {
        let whole = self.plain.units.len();
        let is_looked_for = whole >= SHORTEST && memchr(b'\\', text).is_some();
        let mut plain = Plain::of(if is_looked_for { text } else { &[] });
        let mut length = 0;
        // Where each of the last units stood.
        let mut starts = vec![0; if is_looked_for { whole } else { 0 }];
        let mut number = 0_usize;
        std::iter::from_fn(move || {
            loop {
                if length == 0 {
                    plain.skip_to(*self.plain.units.first()?);
                }
                let (unit, range) = plain.next()?;
                *starts.get_mut(number % whole)? = range.start;
                number += 1;
                length = self.plain.next(length, unit);
                if length == whole {
                    length = 0;
                    return Some(*starts.get(number % whole)?..range.end);
                }
            }
        })
    }
}

/// The text with these bytes in these places; none: there are none.
fn replaced(text: &[u8], places: impl Iterator<Item = Range<usize>>, with: &[u8]) -> Option<Vec<u8>> {
    let mut places = places.peekable();
    places.peek()?;
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

/// How much of a sequence is there at the end of what was read, after each unit (Knuth, Morris and Pratt).
struct Automaton {
    units: Box<[Unit]>,
    /// For each start of it, the next shorter one that it ends with.
    shorter: Box<[usize]>,
}

impl Automaton {
    fn new(units: impl Iterator<Item = Unit>) -> Automaton {
        let mut automaton = Automaton {
            units: units.collect(),
            shorter: Box::default(),
        };
        let mut shorter = Vec::with_capacity(automaton.units.len());
        let mut length = 0;
        for (index, unit) in automaton.units.iter().enumerate() {
            if index > 0 {
                length = next(&automaton.units, &shorter, length, *unit);
            }
            shorter.push(length);
        }
        automaton.shorter = shorter.into();
        automaton
    }

    /// How much of it is there after this unit, if this much was before.
    fn next(&self, length: usize, unit: Unit) -> usize {
        next(&self.units, &self.shorter, length, unit)
    }
}

fn next(units: &[Unit], shorter: &[usize], mut length: usize, unit: Unit) -> usize {
    loop {
        if units.get(length) == Some(&unit) {
            return length + 1;
        }
        let Some(last) = length.checked_sub(1) else { return 0 };
        length = shorter.get(last).copied().unwrap_or_default();
    }
}

/// A text's units without escapes, and where each stands with its own. A backslash is always taken for the start of one:
/// how many of them a backslash of the text has become, nobody can tell. So a key that begins like `u12ab`, stands after
/// a backslash, and has something in it escaped is not found.
struct Plain<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Plain<'t> {
    fn of(text: &'t [u8]) -> Plain<'t> {
        Plain { text, at: 0 }
    }

    /// Goes on to where this unit may be next.
    fn skip_to(&mut self, unit: Unit) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let Ok(byte) = u8::try_from(unit) else { return };
        self.at += memchr2(byte, b'\\', rest).unwrap_or(rest.len());
    }
}

impl Iterator for Plain<'_> {
    type Item = (Unit, Range<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.at;
        let mut is_escaped = false;
        loop {
            let rest = self.text.get(self.at..)?;
            let (unit, length) = match rest {
                [b'u', digits @ ..] if is_escaped => code_unit(digits).map_or((Unit::from(b'u'), 1), |unit| (unit, 5)),
                [byte, ..] => (Unit::from(*byte), 1),
                [] => return None,
            };
            self.at += length;
            if unit != Unit::from(b'\\') {
                return Some((unit, start..self.at));
            }
            is_escaped = true;
        }
    }
}

/// What four hexadecimal digits stand for.
fn code_unit(digits: &[u8]) -> Option<Unit> {
    let digits = digits.get(..4)?;
    let value = digits.iter().try_fold(0_u32, |value, digit| {
        Some(value * 16 + char::from(*digit).to_digit(16)?)
    })?;
    Some(if value < 0x80 {
        Unit::try_from(value).unwrap_or(OTHER)
    } else {
        OTHER
    })
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

    proptest! {
        #[test]
        fn a_key_is_found_wherever_json_has_it(before in "[ab\\\\\"/\n]{0,8}", key in "[ab/0]{8,12}", after in "[ab\\\\\"/\n]{0,8}") {
            let text = serde_json::to_string(&format!("{before}{key}{after}")).unwrap().replace('/', r"\/");
            let found = replaced(&key, &text);
            prop_assert!(found.is_some_and(|found| serde_json::from_str::<String>(&found).is_ok()));
        }
    }
}
