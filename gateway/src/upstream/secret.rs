//! An upstream's key, or a header that is as secret: it goes into one header and nowhere else.

use std::fmt;

use bytes::Bytes;
use http::HeaderValue;

use super::needle::Needle;

/// The longest key of a client's that is looked for: a token fits, and what is longer is none.
const SEARCHED_TO: usize = 8 << 10;

/// What stands where a key was.
const REPLACEMENT: &[u8] = b"[key]";

/// A key. It has no way to be printed.
pub(super) struct Secret {
    header: HeaderValue,
    /// None: it is not looked for.
    needle: Option<Needle>,
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

    /// The whole of the header `authorization`, scheme and key: the key is what is looked for.
    ///
    /// # Errors
    /// In words, why it can be none.
    pub(super) fn with_scheme(text: &str) -> Result<Secret, &'static str> {
        Secret::new(behind_scheme(text), text)
    }

    /// What a client sent: the key in it is what follows the scheme, if it names one.
    pub(super) fn of_client(header: &HeaderValue) -> Secret {
        let value = String::from_utf8_lossy(header.as_bytes());
        let key = behind_scheme(&value);
        let mut header = header.clone();
        header.set_sensitive(true);
        let is_looked_for = key.len() <= SEARCHED_TO;
        let needle = if is_looked_for { Needle::new(key) } else { None };
        Secret { header, needle }
    }

    fn new(key: &str, header: &str) -> Result<Secret, &'static str> {
        if key.is_empty() {
            return Err("is empty");
        }
        let mut header = HeaderValue::from_str(header).map_err(|_| "holds a character that no header can carry")?;
        header.set_sensitive(true);
        Ok(Secret {
            header,
            needle: Needle::new(key),
        })
    }

    /// The value of the header that carries it.
    pub(super) fn header(&self) -> HeaderValue {
        self.header.clone()
    }

    /// How many bytes at the end of these may be the start of the key.
    pub(super) fn begun_at_the_end_of(&self, bytes: &[u8]) -> usize {
        let needle = self.needle.as_ref();
        needle.map_or(0, |needle| needle.begun_at_the_end_of(bytes))
    }

    pub(super) fn is_in(&self, text: &[u8]) -> bool {
        self.needle.as_ref().is_some_and(|needle| needle.is_in(text))
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
        self.needle.as_ref()?.replaced_in(bytes, REPLACEMENT)
    }
}

/// The key in a header's value: what follows the scheme, if it names one.
fn behind_scheme(value: &str) -> &str {
    value.split_once(' ').map_or(value, |(_, key)| key.trim())
}

impl PartialEq for Secret {
    fn eq(&self, other: &Secret) -> bool {
        self.header == other.header
    }
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
        for value in ["Bearer sk-1234567890", "sk-1234567890"] {
            let secret = Secret::of_client(&HeaderValue::from_static(value));
            assert_eq!(secret.header(), HeaderValue::from_static(value));
            assert!(secret.header().is_sensitive());
            assert_eq!(secret.removed_from_text("x sk-1234567890".to_owned()), "x [key]");
        }
    }

    #[test]
    fn the_scheme_of_a_header_is_no_part_of_its_key() {
        let secret = Secret::with_scheme("Bearer sk-1234567890").unwrap();
        assert_eq!(secret.header(), "Bearer sk-1234567890");
        assert_eq!(
            secret.removed_from_text("wrong: sk-1234567890".to_owned()),
            "wrong: [key]"
        );
    }

    #[test]
    fn a_clients_key_that_is_too_long_for_one_is_not_looked_for_and_an_upstreams_is() {
        let long = "a".repeat(SEARCHED_TO + 1);
        let client = Secret::of_client(&HeaderValue::from_str(&long).unwrap());
        assert_eq!(client.removed_from_text(long.clone()), long);
        assert_eq!(Secret::bearer(&long).unwrap().removed_from_text(long), "[key]");
    }

    #[test]
    fn a_key_that_no_header_can_carry_is_refused_without_being_shown() {
        assert_eq!(
            Secret::bearer("sk-\n12345").unwrap_err(),
            "holds a character that no header can carry"
        );
    }
}
