//! Whether two values say the same, however they are written.

use std::borrow::Cow;
use std::collections::HashMap;

use super::{Kind, Value, text};

/// How numbers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// By their text: `1` and `1.0` differ.
    Exact,
    /// As the doubles that a reader makes of them: `1` equals `1.0`, and 2^53 equals 2^53 + 1. Numbers beyond the range
    /// of doubles are compared by their text.
    AsDouble,
}

/// Whether two values are the same: strings without their escapes (half of a surrogate pair as U+FFFD), objects without
/// the order of their members, numbers as `numbers` says.
pub fn same(a: Value<'_>, b: Value<'_>, numbers: Numbers) -> bool {
    // What is still to be compared; the order does not matter.
    let mut pairs = vec![(a, b)];
    while let Some((a, b)) = pairs.pop() {
        if a.raw() == b.raw() {
            continue;
        }
        let kind = a.kind();
        let equal = kind == b.kind()
            && match kind {
                // They are written in one way only, and so were compared above.
                Kind::Null | Kind::Bool => false,
                Kind::Number => numbers == Numbers::AsDouble && same_double(a, b),
                Kind::String => text::same_string(a.document().as_str(), a.node(), b.document().as_str(), b.node()),
                Kind::Array => {
                    pairs.extend(a.elements().zip(b.elements()));
                    a.len() == b.len()
                }
                Kind::Object => match_members(a, b, &mut pairs),
            };
        if !equal {
            return false;
        }
    }
    true
}

fn same_double(a: Value<'_>, b: Value<'_>) -> bool {
    a.as_f64().zip(b.as_f64()).is_some_and(|(a, b)| a == b)
}

/// Up to this many members, looking through all of them is faster than hashing.
const FEW: usize = 16;

/// Pairs the members of two objects by name; false if the names differ.
fn match_members<'a, 'b>(a: Value<'a>, b: Value<'b>, pairs: &mut Vec<(Value<'a>, Value<'b>)>) -> bool {
    if a.document().has_duplicates() || b.document().has_duplicates() || a.len() > FEW || b.len() > FEW {
        return match_many_members(a, b, pairs);
    }
    if a.len() != b.len() {
        return false;
    }
    for (name, value) in a.members() {
        let Some(other) = b.get(&name) else { return false };
        pairs.push((value, other));
    }
    true
}

fn match_many_members<'a, 'b>(a: Value<'a>, b: Value<'b>, pairs: &mut Vec<(Value<'a>, Value<'b>)>) -> bool {
    // Of several members of one name, the last stays in the map.
    let left: HashMap<Cow<'a, str>, Value<'a>> = a.members().collect();
    let right: HashMap<Cow<'b, str>, Value<'b>> = b.members().collect();
    if left.len() != right.len() {
        return false;
    }
    for (name, &value) in &left {
        let Some(&other) = right.get(name.as_ref()) else {
            return false;
        };
        pairs.push((value, other));
    }
    true
}
