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
