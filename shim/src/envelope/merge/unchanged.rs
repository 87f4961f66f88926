//! Whether a guest's value leaves one that was sent as it was.

use heimdall_host::json::{Kind, Numbers, Value, same};

use super::super::read::is_blank;
use super::object::{Members, kin};
use super::{OnNull, Shape};

/// Bytes that may be compared to find out which elements of lists belong together. Where a guest's answer would cost
/// more, elements are taken to belong together by their place.
#[derive(Debug)]
pub(super) struct Budget {
    left: usize,
    pub(super) guesses: Guesses,
}

impl Default for Budget {
    fn default() -> Self {
        Budget {
            left: 64 << 20,
            guesses: Guesses::default(),
        }
    }
}

/// Bytes of lists and objects that may be compared without reading them. Of those around a change each one is compared in
/// vain: without an end to it, that would take the size of a document times its depth.
#[derive(Debug)]
pub(in super::super) struct Guesses(pub(super) usize);

impl Default for Guesses {
    fn default() -> Self {
        Guesses(64 << 20)
    }
}

impl Guesses {
    /// Whether the text of two values is the same. If it is not, or there were too many guesses, they may still say the same.
    pub(super) fn are_equal(&mut self, old: Value<'_>, new: Value<'_>) -> bool {
        let (kind, old, new) = (old.kind(), old.raw(), new.raw());
        if old.len() != new.len() {
            return false;
        }
        if !matches!(kind, Kind::Object | Kind::Array) {
            return old == new;
        }
        let Some(left) = self.0.checked_sub(old.len()) else {
            return false;
        };
        let are_equal = old == new;
        if !are_equal {
            self.0 = left;
        }
        are_equal
    }
}

impl Budget {
    /// Whether the guest left the element as it was; none where the budget is used up.
    pub(super) fn unchanged(&mut self, old: Value<'_>, new: Value<'_>, shape: &'static Shape) -> Option<bool> {
        self.charge(old, new)?;
        Some(unchanged(old, new, shape, &mut self.guesses))
    }

    /// Whether two elements look like the same thing, one of them changed; none where the budget is used up.
    pub(super) fn kin(&mut self, old: Value<'_>, new: Value<'_>) -> Option<bool> {
        self.charge(old, new)?;
        Some(kin(old, new, &mut self.guesses))
    }

    fn charge(&mut self, old: Value<'_>, new: Value<'_>) -> Option<()> {
        let cost = old.raw().len() + new.raw().len();
        let left = self.left.checked_sub(cost);
        self.left = left.unwrap_or_default();
        left.map(drop)
    }
}

/// Whether two values that are not both objects or both lists say the same.
pub(super) fn same_scalar(old: Value<'_>, new: Value<'_>) -> bool {
    old.kind() == new.kind() && same(old, new, Numbers::AsDouble)
}

/// Whether merging `new` into `old` would change nothing. Time linear in the size of both.
pub(in super::super) fn unchanged(
    old: Value<'_>,
    new: Value<'_>,
    shape: &'static Shape,
    guesses: &mut Guesses,
) -> bool {
    if guesses.are_equal(old, new) {
        return true;
    }
    match (old.kind(), new.kind()) {
        (Kind::Object, Kind::Object) => {
            let members = Members::of(old, new);
            new.members().all(|(name, value)| {
                let (_, on_null, inner) = shape.member(&name);
                match members.named(&name) {
                    _ if on_null == OnNull::Fixed => true,
                    Some(existing) if value.is_null() => on_null == OnNull::Keep || is_blank(existing),
                    Some(existing) => unchanged(existing, value, inner, guesses),
                    None => shape.says_nothing(value) || inner.says_nothing(value),
                }
            })
        }
        (Kind::Array, Kind::Array) => {
            let mut pairs = old.elements().zip(new.elements());
            old.len() == new.len() && pairs.all(|(old, new)| unchanged(old, new, shape.elements(), guesses))
        }
        (Kind::Null, _) => shape.says_nothing(new),
        _ => same_scalar(old, new),
    }
}
