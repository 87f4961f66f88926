//! Wildcards, for texts and lists alike: a part of a pattern that stands for any number of items, also none.

/// Whether all items fit the pattern. `is_any` tells the parts that stand for any number of items, `fits` whether one item
/// fits another part.
pub(super) fn matches<P, T>(
    pattern: &[P],
    items: &[T],
    is_any: impl Fn(&P) -> bool,
    fits: impl Fn(&P, &T) -> bool,
) -> bool {
    let (mut part, mut next) = (0, 0);
    // Where to go on after the last wildcard, should it have to stand for one item more.
    let mut again: Option<(usize, usize)> = None;
    while let Some(item) = items.get(next) {
        match pattern.get(part) {
            Some(wanted) if is_any(wanted) => {
                part += 1;
                again = Some((part, next));
            }
            Some(wanted) if fits(wanted, item) => {
                part += 1;
                next += 1;
            }
            _ => {
                let Some((after, from)) = &mut again else {
                    return false;
                };
                *from += 1;
                (part, next) = (*after, *from);
            }
        }
    }
    pattern.iter().skip(part).all(is_any)
}

/// A character of a text's pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Any,
    One(char),
}

/// A star stands for any text; one behind a backslash for itself.
fn parts(pattern: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = pattern.chars().peekable();
    while let Some(next) = rest.next() {
        parts.push(match next {
            '*' => Part::Any,
            '\\' if rest.next_if_eq(&'*').is_some() => Part::One('*'),
            other => Part::One(other),
        });
    }
    parts
}

/// The text that a pattern without wildcards is.
pub(super) fn plain(pattern: &str) -> Option<String> {
    let one = |part| match part {
        Part::One(character) => Some(character),
        Part::Any => None,
    };
    parts(pattern).into_iter().map(one).collect()
}

/// Whether a text fits a pattern.
pub(super) fn text_matches(pattern: &str, text: &str) -> bool {
    let characters: Vec<char> = text.chars().collect();
    matches(
        &parts(pattern),
        &characters,
        |part| *part == Part::Any,
        |part, character| *part == Part::One(*character),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_star_stands_for_any_text_and_behind_a_backslash_for_itself() {
        for (pattern, text, fits) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "a\nb", true),
            ("a*c", "ac", true),
            ("a*c", "abcbc", true),
            ("a*c", "abcb", false),
            ("*äb*", "xäby", true),
            ("a**", "a", true),
            (r"a\*", "a*", true),
            (r"a\*", "ab", false),
            (r"a\b", r"a\b", true),
            (r"\\*", r"\*", true),
            (r"\\*", r"\x", false),
        ] {
            assert_eq!(text_matches(pattern, text), fits, "{pattern:?} {text:?}");
        }
    }

    #[test]
    fn only_a_pattern_without_wildcards_is_a_text() {
        assert_eq!(plain(r"a\*"), Some("a*".to_owned()));
        assert_eq!(plain("a*"), None);
    }

    /// What a pattern means, without any thought for time.
    fn meant(pattern: &[Part], text: &[char]) -> bool {
        match (pattern, text) {
            ([], text) => text.is_empty(),
            ([Part::Any, rest @ ..], _) => (0..=text.len()).any(|from| meant(rest, &text[from..])),
            ([Part::One(wanted), rest @ ..], [first, others @ ..]) => wanted == first && meant(rest, others),
            ([Part::One(_), ..], []) => false,
        }
    }

    proptest! {
        #[test]
        fn patterns_match_what_they_mean(pattern in r"[ab*\\]{0,8}", text in r"[ab*\\]{0,8}") {
            let characters: Vec<char> = text.chars().collect();
            prop_assert_eq!(text_matches(&pattern, &text), meant(&parts(&pattern), &characters));
        }

        #[test]
        fn a_text_fits_itself_with_any_part_of_it_left_out(text in r"[^\\]{0,12}", from in 0_usize..12, to in 0_usize..12) {
            let escaped: Vec<String> = text.chars().map(|it| it.to_string().replace('*', r"\*")).collect();
            let (from, to) = (from.min(escaped.len()), to.min(escaped.len()));
            let (from, to) = (from.min(to), from.max(to));
            let pattern = [&escaped[..from], &["*".to_owned()], &escaped[to..]].concat().concat();
            prop_assert!(text_matches(&pattern, &text), "{pattern:?}");
            prop_assert_eq!(plain(&escaped.concat()), Some(text));
        }
    }
}
