//! An upstream's key: it goes into one header and nowhere else.

use std::fmt;

use bytes::Bytes;
use http::HeaderValue;
use memchr::memmem;

/// The shortest key that is looked for in what comes back: a shorter one would be found in anything.
const SEARCHED_FROM: usize = 8;

/// A key. It has no way to be printed.
#[derive(Clone)]
pub(super) struct Secret {
    key: String,
    header: HeaderValue,
}

impl Secret {
    /// Reads a key from an environment variable.
    ///
    /// # Errors
    /// In words, why there is no key.
    pub(super) fn from_environment(name: &str) -> Result<Secret, String> {
        let key = std::env::var(name)
            .map_err(|_| format!("the environment variable `{name}` is not set, or is not UTF-8"))?;
        Secret::new(key.trim()).map_err(|problem| format!("the environment variable `{name}` {problem}"))
    }

    fn new(key: &str) -> Result<Secret, &'static str> {
        if key.is_empty() {
            return Err("is empty");
        }
        let mut header = HeaderValue::from_str(&format!("Bearer {key}"))
            .map_err(|_| "holds a character that no header can carry")?;
        header.set_sensitive(true);
        Ok(Secret {
            key: key.to_owned(),
            header,
        })
    }

    /// The value of the header `authorization`.
    pub(super) fn header(&self) -> HeaderValue {
        self.header.clone()
    }

    pub(super) fn is_in(&self, text: &[u8]) -> bool {
        self.key.len() >= SEARCHED_FROM && memmem::find(text, self.key.as_bytes()).is_some()
    }

    /// The bytes without the key: upstreams tend to repeat a key that they refuse.
    pub(super) fn removed_from(&self, bytes: Bytes) -> Bytes {
        if !self.is_in(&bytes) {
            return bytes;
        }
        String::from_utf8_lossy(&bytes).replace(&self.key, "[key]").into()
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
        let secret = Secret::new("sk-1234567890").unwrap();
        assert!(!format!("{secret:?} {:?}", secret.header()).contains("1234"));
    }

    #[test]
    fn a_key_that_an_upstream_repeats_is_taken_out() {
        let secret = Secret::new("sk-1234567890").unwrap();
        let body = secret.removed_from(Bytes::from_static(b"wrong key: sk-1234567890!"));
        assert_eq!(body, "wrong key: [key]!");
    }

    #[test]
    fn a_key_that_no_header_can_carry_is_refused_without_being_shown() {
        assert_eq!(
            Secret::new("sk-\n12345").unwrap_err(),
            "holds a character that no header can carry"
        );
    }
}
