//! Finds secrets in texts and in streams of texts.

/// Stands in a secret's place.
pub const MARK: &str = "[redacted]";

/// What of a text can be sent now, and what could be the beginning of a secret.
#[derive(Debug, PartialEq, Eq)]
pub struct Split {
    pub ready: String,
    pub held: String,
}

/// Redacts a whole text. None: there is no secret in it.
pub fn whole(secrets: &[String], text: &str) -> Option<String> {
    secrets
        .iter()
        .any(|secret| text.contains(secret.as_str()))
        .then(|| scan(secrets, text, false).ready)
}

/// Redacts a text that goes on: holds back the longest tail that could begin a secret.
pub fn beginning(secrets: &[String], text: &str) -> Split {
    scan(secrets, text, true)
}

/// Redacts what is left of a text once it is known to be at its end.
pub fn end(secrets: &[String], text: &str) -> String {
    scan(secrets, text, false).ready
}

fn scan(secrets: &[String], text: &str, goes_on: bool) -> Split {
    let mut ready = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        let mut chars = rest.chars();
        let Some(next) = chars.next() else { break };
        if goes_on
            && secrets
                .iter()
                .any(|secret| secret.len() > rest.len() && secret.starts_with(rest))
        {
            break;
        }
        // The longest, where one secret begins another.
        let found = secrets
            .iter()
            .filter_map(|secret| rest.strip_prefix(secret.as_str()))
            .min_by_key(|after| after.len());
        match found {
            Some(after) => {
                ready.push_str(MARK);
                rest = after;
            }
            None => {
                ready.push(next);
                rest = chars.as_str();
            }
        }
    }
    Split {
        ready,
        held: rest.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| word.to_string()).collect()
    }

    /// Sends the pieces one by one, as a stream does.
    fn stream(secrets: &[String], pieces: &[&str]) -> String {
        let (mut out, mut held) = (String::new(), String::new());
        for piece in pieces {
            let split = beginning(secrets, &(held + piece));
            out.push_str(&split.ready);
            held = split.held;
        }
        out + &end(secrets, &held)
    }

    #[test]
    fn a_text_without_a_secret_is_left_alone() {
        assert_eq!(whole(&words(&["TOP-SECRET"]), "TOP-SECRE"), None);
    }

    #[test]
    fn every_secret_of_a_text_is_redacted() {
        let secrets = words(&["ab", "abc", "é"]);
        assert_eq!(
            whole(&secrets, "abc ab é x").as_deref(),
            Some("[redacted] [redacted] [redacted] x")
        );
    }

    #[test]
    fn only_a_tail_that_could_begin_a_secret_is_held() {
        let cases = [
            ("plain", "plain", ""),
            ("a TOP", "a ", "TOP"),
            ("TOP-SECRET", "[redacted]", ""),
            ("T TO", "T ", "TO"),
        ];
        for (text, ready, held) in cases {
            let expected = Split {
                ready: ready.into(),
                held: held.into(),
            };
            assert_eq!(beginning(&words(&["TOP-SECRET"]), text), expected, "{text}");
        }
    }

    #[test]
    fn a_stream_is_redacted_wherever_it_is_cut() {
        let secrets = words(&["TOP-SECRET", "TOP-SECRETARY", "schlüssel"]);
        let text = "TOTOP-SECRET is TOP-SECRETARY, the schlüssel; TOP-";
        let expected = "TO[redacted] is [redacted], the [redacted]; TOP-";
        let cuts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        for &a in &cuts {
            for &b in cuts.iter().filter(|b| **b >= a) {
                assert_eq!(
                    stream(&secrets, &[&text[..a], &text[a..b], &text[b..]]),
                    expected,
                    "cut at {a} and {b}"
                );
            }
        }
    }
}
