//! An upstream's key, or a header that is as secret: it goes into one header and nowhere else.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use http::HeaderValue;
use memchr::memmem;

/// The shortest key that is looked for in what comes back: a shorter one would be found in anything.
const SEARCHED_FROM: usize = 8;

/// How many backslashes may stand before a character of a key: four times JSON in JSON.
const MAX_ESCAPE: usize = 16;

/// What stands where a key was.
const REPLACEMENT: &[u8] = b"[key]";

/// A key. It has no way to be printed.
#[derive(PartialEq, Eq)]
pub(super) struct Secret {
    key: String,
    header: HeaderValue,
}

impl Secret {
    /// A key, as the header `authorization` carries it.
    ///
    /// # Errors
    /// In words, why it is none.
    pub(super) fn bearer(key: &str) -> Result<Secret, &'static str> {
        Secret::new(key, &format!("Bearer {key}"))
    }

    /// What is the whole of a header's value.
    ///
    /// # Errors
    /// In words, why it can be none.
    pub(super) fn plain(text: &str) -> Result<Secret, &'static str> {
        Secret::new(text, text)
    }

    /// What a client sent: the key in it is what follows the scheme, if it names one.
    pub(super) fn of_client(header: &HeaderValue) -> Secret {
        let value = String::from_utf8_lossy(header.as_bytes());
        let key = value.split_once(' ').map_or(value.as_ref(), |(_, key)| key.trim());
        let mut header = header.clone();
        header.set_sensitive(true);
        Secret {
            key: key.to_owned(),
            header,
        }
    }

    fn new(key: &str, header: &str) -> Result<Secret, &'static str> {
        if key.is_empty() {
            return Err("is empty");
        }
        let mut header = HeaderValue::from_str(header).map_err(|_| "holds a character that no header can carry")?;
        header.set_sensitive(true);
        Ok(Secret {
            key: key.to_owned(),
            header,
        })
    }

    /// The value of the header that carries it.
    pub(super) fn header(&self) -> HeaderValue {
        self.header.clone()
    }

    /// How many bytes at the end of these may be the start of the key.
    pub(super) fn begun_at_the_end_of(&self, bytes: &[u8]) -> usize {
        let key = self.key.as_bytes();
        if key.len() < SEARCHED_FROM {
            return 0;
        }
        let is_begun = |length: &usize| key.get(..*length).is_some_and(|start| bytes.ends_with(start));
        (1..key.len()).rev().find(is_begun).unwrap_or_default()
    }

    pub(super) fn is_in(&self, text: &[u8]) -> bool {
        self.next_in(text).is_some()
    }

    /// The bytes without the key: upstreams tend to repeat a key that they refuse.
    pub(super) fn removed_from(&self, bytes: Bytes) -> Bytes {
        self.cut_out_of(&bytes).map_or(bytes, Bytes::from)
    }

    /// As [`Secret::removed_from`], for a text.
    pub(super) fn removed_from_text(&self, text: String) -> String {
        match self.cut_out_of(text.as_bytes()) {
            Some(cut) => String::from_utf8_lossy(&cut).into_owned(),
            None => text,
        }
    }

    /// The bytes with another word wherever the key was; none: it is not in them.
    fn cut_out_of(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut found = Some(self.next_in(bytes)?);
        let (mut cut, mut rest) = (Vec::with_capacity(bytes.len()), bytes);
        while let Some(place) = found {
            cut.extend_from_slice(rest.get(..place.start).unwrap_or_default());
            cut.extend_from_slice(REPLACEMENT);
            rest = rest.get(place.end..).unwrap_or_default();
            found = self.next_in(rest);
        }
        cut.extend_from_slice(rest);
        Some(cut)
    }

    /// Where the key stands first, as it is or as JSON may write it.
    fn next_in(&self, text: &[u8]) -> Option<Range<usize>> {
        let key = self.key.as_bytes();
        let first = *key.first().filter(|_| key.len() >= SEARCHED_FROM)?;
        if memchr::memchr(b'\\', text).is_none() {
            let start = memmem::find(text, key)?;
            return Some(start..start + key.len());
        }
        memchr::memchr2_iter(first, b'\\', text).find_map(|start| {
            let rest = text.get(start..)?;
            let length = if rest.starts_with(key) {
                key.len()
            } else {
                written_length(rest, key)?
            };
            Some(start..start + length)
        })
    }
}

/// How many bytes at the start of a text spell this key, each character as it is or escaped: `\/` and `\u002f` are both
/// a `/`, however often a text that holds JSON was put into JSON again.
fn written_length(text: &[u8], key: &[u8]) -> Option<usize> {
    let mut rest = text;
    for wanted in key {
        let escaped = rest.iter().take(MAX_ESCAPE).take_while(|byte| **byte == b'\\').count();
        rest = rest.get(escaped..)?;
        let (byte, length) = match rest {
            [b'u', digits @ ..] if escaped > 0 => (code_unit(digits.get(..4)?)?, 5),
            _ if escaped > 0 && *wanted == b'\\' => (u32::from(*wanted), 0),
            [byte, ..] => (u32::from(*byte), 1),
            [] => return None,
        };
        if byte != u32::from(*wanted) {
            return None;
        }
        rest = rest.get(length..)?;
    }
    Some(text.len() - rest.len())
}

fn code_unit(digits: &[u8]) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_nothing_of_its_key() {
        let secret = Secret::bearer("sk-1234567890").unwrap();
        assert!(!format!("{secret:?} {:?}", secret.header()).contains("1234"));
    }

    #[test]
    fn a_key_that_an_upstream_repeats_is_taken_out() {
        let secret = Secret::bearer("sk-1234567890").unwrap();
        let body = secret.removed_from(Bytes::from_static(b"wrong key: sk-1234567890!"));
        assert_eq!(body, "wrong key: [key]!");
    }

    #[test]
    fn a_key_is_found_however_json_writes_it() {
        let secret = Secret::bearer("sk-u/12\\34567890").unwrap();
        let cases = [
            (r#"{"a":"sk-u/12\\34567890"}"#, r#"{"a":"[key]"}"#),
            (r#"{"a":"x\nsk-u\/12\\34567890"}"#, r#"{"a":"x\n[key]"}"#),
            (r#"{"a":"\u0073\u006B-u\u002f12\u005c34567890!"}"#, r#"{"a":"[key]!"}"#),
            (
                r#"{"a":"{\"b\":\"sk-u\\\/12\\\\34567890\"}"}"#,
                r#"{"a":"{\"b\":\"[key]\"}"}"#,
            ),
            (r#"{"a":"sk-u\/12 sk-u\/12\\34567890"}"#, r#"{"a":"sk-u\/12 [key]"}"#),
            (r#"{"a":"sk-u\/12\\3456789"}"#, r#"{"a":"sk-u\/12\\3456789"}"#),
            (r#"{"a":"\u00"#, r#"{"a":"\u00"#),
        ];
        for (text, expected) in cases {
            assert_eq!(secret.removed_from_text(text.to_owned()), expected);
        }
    }

    #[test]
    fn what_a_client_sent_is_its_key_without_the_scheme_and_goes_on_as_it_came() {
        for (value, key) in [
            ("Bearer sk-1234567890", "sk-1234567890"),
            ("sk-1234567890", "sk-1234567890"),
        ] {
            let secret = Secret::of_client(&HeaderValue::from_static(value));
            assert_eq!(
                (secret.header(), secret.key.as_str()),
                (HeaderValue::from_static(value), key)
            );
            assert!(secret.header().is_sensitive());
        }
    }

    #[test]
    fn a_key_that_no_header_can_carry_is_refused_without_being_shown() {
        assert_eq!(
            Secret::bearer("sk-\n12345").unwrap_err(),
            "holds a character that no header can carry"
        );
    }
}
