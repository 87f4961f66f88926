//! Reading what guests print: names without case, nothing and emptiness taken for the same.

use std::collections::HashSet;

use heimdall_host::json::{Kind, Value};

/// The member of this name: as it is written, else without regard to case and underscores (`ChatRequest` is
/// `chat_request` in a guest that prints its fields' names).
pub(super) fn member<'a>(object: Value<'a>, name: &str) -> Option<Value<'a>> {
    let loose = || {
        object
            .members()
            .find(|(other, _)| same_name(other, name))
            .map(|(_, value)| value)
    };
    object.get(name).or_else(loose)
}

/// The member of this name, unless it is null.
pub(super) fn present<'a>(object: Value<'a>, name: &str) -> Option<Value<'a>> {
    member(object, name).filter(|value| !value.is_null())
}

/// The member of this name, unless it says nothing.
pub(super) fn told<'a>(object: Value<'a>, name: &str) -> Option<Value<'a>> {
    member(object, name).filter(|value| !is_blank(*value))
}

/// Whether two names differ in case and underscores alone.
pub(super) fn same_name(a: &str, b: &str) -> bool {
    a.len().abs_diff(b.len()) < 8 && letters(a).eq(letters(b))
}

/// What a name has beside case and underscores.
fn letters(name: &str) -> impl Iterator<Item = u8> {
    let bytes = name.bytes().filter(|byte| *byte != b'_');
    bytes.map(|byte| byte.to_ascii_lowercase())
}

/// Whether a member of `answer` that says something has the name of a member of `sent`.
pub(super) fn share_a_name(sent: Value<'_>, answer: Value<'_>) -> bool {
    let told = answer.members().filter(|(_, value)| !is_blank(*value));
    let told: HashSet<Vec<u8>> = told.map(|(name, _)| letters(&name).collect()).collect();
    let mut names = sent.members();
    names.any(|(name, _)| told.contains(&letters(&name).collect::<Vec<_>>()))
}

/// Whether a value says nothing: null, an empty string or list, an object none of whose members says anything.
pub(super) fn is_blank(value: Value<'_>) -> bool {
    match value.kind() {
        Kind::Null => true,
        Kind::String => value.raw() == "\"\"",
        Kind::Array => value.is_empty(),
        Kind::Object => value.members().all(|(_, member)| is_blank(member)),
        Kind::Bool | Kind::Number => false,
    }
}

/// The text of an error in words: a string, or an object's `message`. None where there is no error.
pub(super) fn error_text(object: Value<'_>, name: &str) -> Option<String> {
    let error = told(object, name)?;
    let message = match error.kind() {
        Kind::String => error.as_str(),
        Kind::Object => told(error, "message").and_then(|message| message.as_str()),
        Kind::Bool if error.as_bool() == Some(false) => return None,
        _ => None,
    };
    Some(message.map_or_else(|| error.raw().to_owned(), Into::into))
}

/// A truth value of this name, where there is one.
pub(super) fn flag(object: Value<'_>, name: &str) -> Option<bool> {
    member(object, name)?.as_bool()
}
