//! Texts from outside, made fit for a log line or a message.

use std::borrow::Cow;

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
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()).into(),
        None => text.into(),
    }
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
    fn only_a_long_text_is_cut_and_never_within_a_character() {
        assert_eq!(shortened("ä"), "ä");
        assert_eq!(shortened(&"ä".repeat(SHOWN)), "ä".repeat(SHOWN));
        assert_eq!(shortened(&"ä".repeat(SHOWN + 1)), format!("{}…", "ä".repeat(SHOWN)));
    }
}
