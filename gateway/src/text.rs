//! Texts from outside, made fit for a log line or a message.

use std::borrow::Cow;
use std::fmt::Write as _;

use heimdall_host::runtime::is_shown;

/// Characters that are shown of a text.
const SHOWN: usize = 200;

/// How alike two names have to be for a suggestion (1: equal).
const ALIKE: f64 = 0.75;

/// The name that a misspelt one was probably meant to be.
pub(crate) fn closest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(written, name), name))
        // Of a short one nearly every letter may differ and it still count as alike.
        .filter(|(score, name)| *score >= ALIKE && strsim::levenshtein(written, name) < written.chars().count())
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

/// The start of a text, with an ellipsis where more came.
pub(crate) fn shortened(text: &str) -> Cow<'_, str> {
    if text.len() <= SHOWN {
        return text.into();
    }
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()).into(),
        None => text.into(),
    }
}

/// Appends the bytes as hexadecimal digits, in small letters.
pub(crate) fn write_hex(text: &mut String, bytes: &[u8]) {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    text.extend(digits.filter_map(|digit| char::from_digit(digit.into(), 16)));
}

/// JSON that a terminal only prints: in its texts JSON leaves some characters as they are that a terminal acts on. Line
/// feeds are between values, since none is in a text.
pub(crate) fn plain_json(json: &str) -> Cow<'_, str> {
    let is_plain = |character| is_shown(character) || character == '\n';
    if json.chars().all(is_plain) {
        return json.into();
    }
    let mut plain = String::with_capacity(json.len() + 16);
    for character in json.chars() {
        if is_plain(character) {
            plain.push(character);
        } else {
            // Writing to a string does not fail.
            let _ = write!(plain, "\\u{:04x}", u32::from(character));
        }
    }
    plain.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_suggested_that_is_alike_enough() {
        let names = ["listen", "limits", "upstreams"];
        for (written, expected) in [
            ("lisen", Some("listen")),
            ("upstream", Some("upstreams")),
            ("x", None),
            ("l", None),
        ] {
            assert_eq!(closest(written, names), expected, "{written}");
        }
    }

    #[test]
    fn bytes_are_written_with_two_digits_each() {
        let mut text = "x".to_owned();
        write_hex(&mut text, &[0, 0x0a, 0xf0, 0xff]);
        assert_eq!(text, "x000af0ff");
    }

    #[test]
    fn json_for_a_terminal_says_the_same() {
        let value = serde_json::json!({"a\u{9b}": "\u{7f}\u{1b}\r\n\u{202e}ä", "b": []});
        let json = serde_json::to_string_pretty(&value).unwrap();
        let plain = plain_json(&json);
        assert!(plain.chars().all(|character| is_shown(character) || character == '\n'));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&plain).unwrap(), value);
    }

    #[test]
    fn only_a_long_text_is_cut_and_never_within_a_character() {
        assert_eq!(shortened("ä"), "ä");
        assert_eq!(shortened(&"ä".repeat(SHOWN)), "ä".repeat(SHOWN));
        assert_eq!(shortened(&"ä".repeat(SHOWN + 1)), format!("{}…", "ä".repeat(SHOWN)));
    }
}
