//! Texts from outside, made fit for a log line or a message.

use std::borrow::Cow;

/// Characters that are shown of a text.
const SHOWN: usize = 200;

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
    fn only_a_long_text_is_cut_and_never_within_a_character() {
        assert_eq!(shortened("ä"), "ä");
        assert_eq!(shortened(&"ä".repeat(SHOWN)), "ä".repeat(SHOWN));
        assert_eq!(shortened(&"ä".repeat(SHOWN + 1)), format!("{}…", "ä".repeat(SHOWN)));
    }
}
