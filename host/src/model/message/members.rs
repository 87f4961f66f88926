//! The members of a message or a part that its record does not name.

use std::borrow::Cow;

use crate::json::{Document, Kind, Value};
use crate::model::write::ObjectWriter;
use crate::model::{EditError, value};

/// The members of an `extra`.
pub(super) fn members_of(extra: Option<&Document>) -> impl Iterator<Item = (Cow<'_, str>, Value<'_>)> {
    extra.into_iter().flat_map(|extra| extra.root().members())
}

/// Whether two extras say the same; an empty one is none.
pub(super) fn same_extra(a: Option<&Document>, b: Option<&Document>) -> bool {
    let some = |extra: Option<&Document>| members_of(extra).next().is_some();
    match (some(a), some(b)) {
        (false, false) => true,
        (true, true) => value::same_optional(a, b),
        _ => false,
    }
}

/// An object of these members; none where there are none.
pub(super) fn extra<'a>(members: impl IntoIterator<Item = (Cow<'a, str>, Value<'a>)>) -> Option<Document> {
    let mut members = members.into_iter().peekable();
    members.peek()?;
    let object = members.fold(ObjectWriter::new(), |object, (name, value)| {
        object.raw(&name, value.raw())
    });
    Some(object.document())
}

/// Checks what a plugin gives as an `extra`.
pub(super) fn check(extra: Option<&Document>, named: &[&str]) -> Result<(), EditError> {
    let Some(extra) = extra.filter(|extra| !extra.root().is_null()) else {
        return Ok(());
    };
    if extra.root().kind() != Kind::Object {
        return Err(EditError::InvalidJson("`extra` is no object".into()));
    }
    let clash = extra.root().members().find(|(name, _)| named.contains(&&**name));
    clash.map_or(Ok(()), |(name, _)| {
        Err(EditError::InvalidJson(format!(
            "`extra` has a member `{name}`, which the record holds itself"
        )))
    })
}

/// Brings an object's unnamed members from one state to another, each at its own pointer.
pub(super) fn edit(
    document: &mut Document,
    before: Option<&Document>,
    after: Option<&Document>,
    place: impl Fn(&str) -> String,
) -> Result<(), EditError> {
    let kept = |name: &str| after.is_some_and(|after| after.root().get(name).is_some());
    for (name, _) in members_of(before).filter(|(name, _)| !kept(name)) {
        document.remove(&place(&name))?;
    }
    for (name, value) in members_of(after) {
        document.set(&place(&name), &value.to_document())?;
    }
    Ok(())
}

/// A name as a part of a pointer.
pub(super) fn token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
