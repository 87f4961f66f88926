//! A path in the one form that is compared with patterns and sent on.
//!
//! A path can be written in many ways that some server or other takes for the same: `/v1/x/../y`, `//`, `%2e%2e`, `%2F`.
//! What is passed on is compared with patterns as it is sent, so none of them may mean another path to the upstream than
//! it does here. Most of them are refused; what is left is decoded once, and encoded once when it is sent.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// A path in the spelling that every hook and every rule sees: what needs no escape has none. A client could write past a
/// plugin that compares paths otherwise.
pub(super) fn spelled_plainly(path: &str) -> Cow<'_, str> {
    let mut pieces = path.split('%');
    let first = pieces.next().unwrap_or_default();
    if first.len() == path.len() {
        return path.into();
    }
    let mut plain = first.to_owned();
    for piece in pieces {
        match escaped(piece) {
            Some((byte, rest)) if is_plain(char::from(byte)) => {
                plain.push(char::from(byte));
                plain.push_str(rest);
            }
            Some((byte, rest)) => {
                plain.push_str(&format!("%{byte:02X}"));
                plain.push_str(rest);
            }
            // As the sign itself: what follows could become an escape with it.
            None => {
                plain.push_str("%25");
                plain.push_str(piece);
            }
        }
    }
    plain.into()
}

/// The byte that follows a percent sign, and what is behind it.
fn escaped(text: &str) -> Option<(u8, &str)> {
    let digits = text.get(..2)?;
    // A number could have a sign.
    let are_digits = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let byte = are_digits.then(|| u8::from_str_radix(digits, 16).ok())??;
    Some((byte, text.get(2..)?))
}

/// A path below `/v1/`, decoded.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PlainPath {
    text: String,
}

impl PlainPath {
    /// None: nobody knows for sure what the path means.
    pub(super) fn of(path: &str) -> Option<PlainPath> {
        let mut text = String::with_capacity(path.len());
        let mut segments = path.strip_prefix('/')?.split('/');
        if segments.next() != Some("v1") {
            return None;
        }
        text.push_str("/v1");
        for segment in segments {
            let segment = percent_decode_str(segment).decode_utf8().ok()?;
            if matches!(&*segment, "" | "." | "..") || !segment.chars().all(is_plain) {
                return None;
            }
            text.push('/');
            text.push_str(&segment);
        }
        (text.len() > "/v1".len()).then_some(PlainPath { text })
    }

    /// The whole path.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// What stands between the slashes behind `/v1/`.
    pub(super) fn segments(&self) -> impl Iterator<Item = &str> {
        self.text.split('/').skip(2)
    }
}

/// Whether a character means itself wherever it stands between two slashes: not to be decoded once more, no separator to
/// any server, and the same letter to all.
fn is_plain(character: char) -> bool {
    character.is_ascii_graphic() && !matches!(character, '%' | '/' | '\\' | ';' | '?' | '#')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_decoded_once() {
        let cases = [
            ("/v1/files", "/v1/files"),
            ("/v1/files/file-1/content", "/v1/files/file-1/content"),
            ("/v1/%66iles/a%3Ab", "/v1/files/a:b"),
            ("/v1/ft:gpt-4o@x", "/v1/ft:gpt-4o@x"),
        ];
        for (path, expected) in cases {
            assert_eq!(PlainPath::of(path).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn what_needs_no_escape_has_none() {
        let cases = [
            ("/v1/files", "/v1/files"),
            ("/v1/%66iles/a%3ab", "/v1/files/a:b"),
            ("/v1/a%2fb%2Fc", "/v1/a%2Fb%2Fc"),
            ("/v1/%252e", "/v1/%252e"),
            ("/v1/%2E%2e/x", "/v1/../x"),
            ("/v1/%c3%A4%20", "/v1/%C3%A4%20"),
            ("/v1/%zz%+1%", "/v1/%25zz%25+1%25"),
            ("/v1/%ä1", "/v1/%25ä1"),
            ("/v1/%6%36iles", "/v1/%2566iles"),
            ("/v1/%2%35", "/v1/%2525"),
        ];
        for (path, expected) in cases {
            assert_eq!(spelled_plainly(path), expected);
            assert_eq!(spelled_plainly(expected), expected, "once is enough");
        }
    }

    #[test]
    fn what_may_mean_another_path_to_another_server_is_none() {
        let paths = [
            "",
            "/",
            "/v1",
            "/v1/",
            "v1/files",
            "/V1/files",
            "/v2/files",
            "//v1/files",
            "/v1//files",
            "/v1/files/",
            "/v1/./files",
            "/v1/x/../files",
            "/v1/%2e/files",
            "/v1/x/%2E%2e/files",
            "/v1/x%2ffiles",
            "/v1/x%5cfiles",
            "/v1/x\\files",
            "/v1/%252e%252e/files",
            "/v1/files;x=1",
            "/v1/files%3bx",
            "/v1/files%3fx",
            "/v1/files%23",
            "/v1/files%00",
            "/v1/files%0a",
            "/v1/f%20les",
            "/v1/%ff",
            "/v1/%c3%a4",
            "/v1/files%",
            "/v1/files%zz",
        ];
        for path in paths {
            assert_eq!(PlainPath::of(path), None, "{path}");
        }
    }

    #[test]
    fn its_segments_are_those_behind_the_start() {
        let path = PlainPath::of("/v1/files/a%3Ab").unwrap();
        assert_eq!(path.segments().collect::<Vec<_>>(), ["files", "a:b"]);
    }
}
