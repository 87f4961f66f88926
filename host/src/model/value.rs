//! Small readings of JSON values that several parts of the model share.

use crate::json::{Document, Kind, Numbers, Value, same};

/// Whether two documents say the same, numbers by their text.
pub(super) fn same_document(a: &Document, b: &Document) -> bool {
    same(a.root(), b.root(), Numbers::Exact)
}

/// Whether two documents that may be missing are both missing or say the same.
pub(super) fn same_optional(a: Option<&Document>, b: Option<&Document>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => same_document(a, b),
        (None, None) => true,
        _ => false,
    }
}

/// A member that is a string.
pub(super) fn string(object: Value<'_>, name: &str) -> Option<String> {
    object.get(name)?.as_str().map(|text| text.into_owned())
}

/// Whether a member is a string with this very text.
pub(super) fn is(object: Value<'_>, name: &str, text: &str) -> bool {
    object
        .get(name)
        .and_then(|value| value.as_str())
        .is_some_and(|value| value == text)
}

/// A member that is a number, or 0; at most `u32::MAX`.
pub(super) fn count(object: Value<'_>, name: &str) -> Option<u32> {
    let number = object.get(name)?.as_u64()?;
    Some(u32::try_from(number).unwrap_or(u32::MAX))
}

/// A member that is neither missing nor null.
pub(super) fn present<'a>(object: Value<'a>, name: &str) -> Option<Value<'a>> {
    object.get(name).filter(|value| value.kind() != Kind::Null)
}

/// The length of a document in the contract's unit.
pub(super) fn size(document: &Document) -> u32 {
    u32::try_from(document.len()).unwrap_or(u32::MAX)
}
