//! RFC 6901 pointers: taking one apart.

use std::borrow::Cow;

/// The parts of a pointer, or `None` if it is none. The whole document's pointer is empty and has no parts.
pub(super) fn tokens(pointer: &str) -> Option<Tokens<'_>> {
    let rest = match pointer.strip_prefix('/') {
        Some(rest) => Some(rest),
        None if pointer.is_empty() => None,
        None => return None,
    };
    let mut escapes = pointer.split('~').skip(1);
    let valid = !is_escaped(pointer) || escapes.all(|behind| behind.starts_with(['0', '1']));
    valid.then_some(Tokens { rest })
}

/// The parts of a pointer.
pub(super) struct Tokens<'p> {
    /// From the next part on; none: there is none.
    rest: Option<&'p str>,
}

impl Tokens<'_> {
    /// Whether none is left.
    pub fn is_done(&self) -> bool {
        self.rest.is_none()
    }
}

impl<'p> Iterator for Tokens<'p> {
    type Item = Cow<'p, str>;

    fn next(&mut self) -> Option<Cow<'p, str>> {
        let rest = self.rest.take()?;
        // Byte by byte, as parts are so short that a search takes longer to begin.
        let token = match rest.bytes().position(|byte| byte == b'/') {
            Some(end) => {
                self.rest = rest.get(end + 1..);
                rest.get(..end)?
            }
            None => rest,
        };
        Some(unescape(token))
    }
}

fn is_escaped(text: &str) -> bool {
    text.bytes().any(|byte| byte == b'~')
}

/// `~1` stands for `/`, `~0` for `~`; in this order, so that `~01` is `~1`.
fn unescape(token: &str) -> Cow<'_, str> {
    match is_escaped(token) {
        true => Cow::Owned(token.replace("~1", "/").replace("~0", "~")),
        false => Cow::Borrowed(token),
    }
}

/// A part that is an array's index: digits without leading zeros.
pub(super) fn array_index(token: &str) -> Option<usize> {
    let well_formed = token.bytes().all(|byte| byte.is_ascii_digit()) && (token == "0" || !token.starts_with('0'));
    if well_formed { token.parse().ok() } else { None }
}

/// The pointer to what the first `parts` parts of a pointer lead to.
pub(super) fn first_parts(pointer: &str, parts: usize) -> &str {
    let end = pointer
        .match_indices('/')
        .nth(parts)
        .map_or(pointer.len(), |(slash, _)| slash);
    pointer.get(..end).unwrap_or_default()
}
