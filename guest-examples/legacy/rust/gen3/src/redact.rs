//! Finds secrets in texts and in streams of texts: the first one first, and of several at one place the longest.

/// A whole text with the mark in each secret's place.
pub fn whole(secrets: &[String], mark: &str, text: &str) -> String {
    scan(secrets, mark, text, false).0
}

/// The next piece of a text that comes in pieces: what can be sent of it and of what is held. `held` is then the tail
/// that could begin a secret; nothing of it is left once the text `ends`.
pub fn next(secrets: &[String], mark: &str, held: &mut String, piece: &str, ends: bool) -> String {
    let text = std::mem::take(held) + piece;
    let (ready, rest) = scan(secrets, mark, &text, !ends);
    *held = rest.to_owned();
    ready
}

/// The redacted text, and behind it what must wait where the text goes on.
fn scan<'a>(secrets: &[String], mark: &str, text: &'a str, goes_on: bool) -> (String, &'a str) {
    let mut ready = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let begins = |secret: &String| secret.len() > rest.len() && secret.starts_with(rest);
        if goes_on && secrets.iter().any(begins) {
            break;
        }
        let found = secrets.iter().filter(|secret| rest.starts_with(secret.as_str()));
        let length = match found.map(String::len).max() {
            Some(length) => {
                ready.push_str(mark);
                length
            }
            None => {
                ready.push(first);
                first.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    (ready, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| word.to_string()).collect()
    }

    #[test]
    fn every_secret_of_a_text_is_redacted() {
        let secrets = words(&["ab", "abc", "é"]);
        assert_eq!(whole(&secrets, "*", "abc ab é aab x"), "* * * a* x");
        assert_eq!(whole(&secrets, "*", "a b"), "a b");
    }

    #[test]
    fn only_a_tail_that_could_begin_a_secret_is_held() {
        let cases = [
            ("plain", "plain", ""),
            ("a TOP", "a ", "TOP"),
            ("TOP-SECRET", "*", ""),
            ("T TO", "T ", "TO"),
        ];
        for (text, ready, held) in cases {
            let mut rest = String::new();
            let sent = next(&words(&["TOP-SECRET"]), "*", &mut rest, text, false);
            assert_eq!((sent.as_str(), rest.as_str()), (ready, held), "{text}");
        }
    }

    #[test]
    fn a_text_is_redacted_wherever_it_is_cut() {
        let secrets = words(&["TOP-SECRET", "TOP-SECRETARY", "schlüssel"]);
        let text = "TOTOP-SECRET is TOP-SECRETARY, the schlüssel; TOP-";
        let expected = "TO* is *, the *; TOP-";
        let cuts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        for &a in &cuts {
            for &b in cuts.iter().filter(|b| **b >= a) {
                let mut held = String::new();
                let pieces = [(&text[..a], false), (&text[a..b], false), (&text[b..], true)];
                let sent = pieces.map(|(piece, ends)| next(&secrets, "*", &mut held, piece, ends));
                assert_eq!(sent.concat(), expected, "cut at {a} and {b}");
            }
        }
    }
}
