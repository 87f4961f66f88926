//! RFC 6901 pointers: taking one apart.

use std::borrow::Cow;

/// The parts of a pointer, or `None` if it is none. The whole document's pointer is empty and has no parts.
pub(super) fn tokens(pointer: &str) -> Option<impl Iterator<Item = Cow<'_, str>> + Clone> {
    let parts = match pointer.strip_prefix('/') {
        Some(parts) => Some(parts),
        None if pointer.is_empty() => None,
        None => return None,
    };
    let valid = pointer.split('~').skip(1).all(|behind| behind.starts_with(['0', '1']));
    valid.then(|| parts.into_iter().flat_map(|parts| parts.split('/')).map(unescape))
}

/// `~1` stands for `/`, `~0` for `~`; in this order, so that `~01` is `~1`.
fn unescape(token: &str) -> Cow<'_, str> {
    if token.contains('~') {
        Cow::Owned(token.replace("~1", "/").replace("~0", "~"))
    } else {
        Cow::Borrowed(token)
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
