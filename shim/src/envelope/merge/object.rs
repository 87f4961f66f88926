//! Merging objects.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use heimdall_host::json::{Kind, Value, push_string};

use super::super::read::is_blank;
use super::unchanged::{Guesses, unchanged};
use super::{Edits, OnNull, Shape};

/// Up to this many members, looking through all of them is faster than hashing.
const FEW: usize = 16;

/// The members of an object, to be found by their names.
enum Names<'a> {
    Few(Value<'a>),
    Many(HashMap<Cow<'a, str>, Value<'a>>),
}

impl<'a> Names<'a> {
    fn of(object: Value<'a>) -> Self {
        if object.len() <= FEW {
            Names::Few(object)
        } else {
            Names::Many(object.members().collect())
        }
    }

    fn get(&self, name: &str) -> Option<Value<'a>> {
        match self {
            Names::Few(object) => object.get(name),
            Names::Many(members) => members.get(name).copied(),
        }
    }
}

/// Which of the values that were sent were named before.
enum Named {
    Few(Vec<usize>),
    Many(HashSet<usize>),
}

impl Named {
    fn of(answer: Value<'_>) -> Self {
        if answer.len() <= FEW {
            Named::Few(Vec::with_capacity(answer.len()))
        } else {
            Named::Many(HashSet::new())
        }
    }

    /// Whether it was not.
    fn insert(&mut self, start: usize) -> bool {
        match self {
            Named::Many(starts) => starts.insert(start),
            Named::Few(starts) if starts.contains(&start) => false,
            Named::Few(starts) => {
                starts.push(start);
                true
            }
        }
    }
}

/// The members of an object that was sent, to be found by the names that a guest prints.
pub(super) struct Members<'a, 'n> {
    sent: Names<'a>,
    /// By name in lower case, where there are many.
    without_case: HashMap<String, (Cow<'a, str>, Value<'a>)>,
    answer: Names<'n>,
}

impl<'a, 'n> Members<'a, 'n> {
    pub(super) fn of(sent: Value<'a>, answer: Value<'n>) -> Self {
        let sent = Names::of(sent);
        let without_case = match &sent {
            Names::Few(_) => HashMap::new(),
            Names::Many(members) => members
                .iter()
                .map(|(name, value)| (name.to_ascii_lowercase(), (name.clone(), *value)))
                .collect(),
        };
        Members {
            sent,
            without_case,
            answer: Names::of(answer),
        }
    }

    /// The member of that name; else one that differs in case alone, if the answer doesn't have that one too.
    pub(super) fn named(&self, name: &str) -> Option<Value<'a>> {
        self.sent.get(name).or_else(|| {
            let (other, value) = match &self.sent {
                Names::Few(object) => {
                    let mut members = object.members();
                    members.find(|(other, _)| other.eq_ignore_ascii_case(name))?
                }
                Names::Many(_) => self.without_case.get(&name.to_ascii_lowercase()).cloned()?,
            };
            self.answer.get(&other).is_none().then_some(value)
        })
    }
}

pub(super) fn merge(edits: &mut Edits, old: Value<'_>, new: Value<'_>, shape: &'static Shape) {
    let members = Members::of(old, new);
    let mut changes = Vec::new();
    let mut named = Named::of(new);
    let mut added = String::new();
    let mut deletes = false;
    for (name, value) in new.members() {
        let (known, on_null, inner) = shape.member(&name);
        if on_null == OnNull::Fixed {
            continue;
        }
        let Some(existing) = members.named(&name) else {
            if !shape.says_nothing(value) && !inner.says_nothing(value) {
                push_member(&mut added, known.unwrap_or(&name), value.raw());
            }
            continue;
        };
        // Of several spellings of one name the first counts.
        if !named.insert(existing.range().start) {
            continue;
        }
        let change = if !value.is_null() {
            Change::Merge(value, inner)
        } else if is_blank(existing) || on_null == OnNull::Keep {
            continue;
        } else if on_null == OnNull::Null {
            Change::Null
        } else {
            deletes = true;
            Change::Delete
        };
        changes.push((existing, change));
    }
    if deletes {
        let text = rebuilt(edits, old, &changes, &added);
        edits.replace(old.range(), text);
        return;
    }
    for (existing, change) in changes {
        match change {
            Change::Merge(value, inner) => edits.merge(existing, value, inner),
            Change::Null | Change::Delete => edits.replace(existing.range(), "null"),
        }
    }
    if !added.is_empty() {
        append(edits, old, added);
    }
}

/// Deletes the members of an object whose names are doomed.
pub(super) fn delete(edits: &mut Edits, object: Value<'_>, doomed: impl Fn(&str) -> bool) {
    let members = object.members().filter(|(name, _)| doomed(name));
    let changes: Vec<_> = members.map(|(_, value)| (value, Change::Delete)).collect();
    if !changes.is_empty() {
        let text = rebuilt(edits, object, &changes, "");
        edits.replace(object.range(), text);
    }
}

enum Change<'n> {
    Merge(Value<'n>, &'static Shape),
    Null,
    Delete,
}

/// `,"name":value`
fn push_member(out: &mut String, name: &str, raw: &str) {
    let mut quoted = Vec::new();
    push_string(&mut quoted, name);
    out.push(',');
    out.push_str(&String::from_utf8_lossy(&quoted));
    out.push(':');
    out.push_str(raw);
}

fn append(edits: &mut Edits, object: Value<'_>, added: String) {
    match object.members().last() {
        Some((_, last)) => {
            let end = last.range().end;
            edits.replace(end..end, added);
        }
        None => {
            let start = object.range().start + 1;
            edits.replace(start..start, added.trim_start_matches(','));
        }
    }
}

/// The object without its deleted members; each other member keeps the bytes around its name and value.
fn rebuilt(edits: &mut Edits, object: Value<'_>, changes: &[(Value<'_>, Change<'_>)], added: &str) -> String {
    let raw = object.raw();
    let base = object.range().start;
    let changes: HashMap<usize, &Change<'_>> = changes
        .iter()
        .map(|(value, change)| (value.range().start, change))
        .collect();
    let mut members = String::new();
    let mut before = 1;
    for (_, value) in object.members() {
        let (start, end) = (value.range().start - base, value.range().end - base);
        let name = raw.get(before..start).unwrap_or_default();
        let name = if before > 1 { behind_comma(name) } else { name };
        before = end;
        let text = match changes.get(&value.range().start) {
            Some(Change::Delete) => continue,
            Some(Change::Null) => Cow::Borrowed("null"),
            Some(Change::Merge(new, inner)) => edits.merged_text(value, *new, inner),
            None => Cow::Borrowed(value.raw()),
        };
        if !members.is_empty() {
            members.push(',');
        }
        members.push_str(name);
        members.push_str(&text);
    }
    members.push_str(if members.is_empty() {
        added.trim_start_matches(',')
    } else {
        added
    });
    let tail = raw.get(before..).unwrap_or("}");
    format!("{{{members}{tail}")
}

/// What follows the comma between two members.
fn behind_comma(between: &str) -> &str {
    between.split_once(',').map_or(between, |(_, behind)| behind)
}

/// Whether two elements of lists look like the same thing, one of them changed.
pub(super) fn kin(old: Value<'_>, new: Value<'_>, guesses: &mut Guesses) -> bool {
    if old.kind() != Kind::Object || new.kind() != Kind::Object {
        return old.kind() == new.kind();
    }
    ["role", "type", "id", "index", "name"]
        .iter()
        .all(|name| match (any_case(old, name), any_case(new, name)) {
            (Some(old), Some(new)) => unchanged(old, new, &super::FREE, guesses),
            _ => true,
        })
}

fn any_case<'a>(object: Value<'a>, name: &str) -> Option<Value<'a>> {
    let other = || object.members().find(|(other, _)| other.eq_ignore_ascii_case(name));
    object.get(name).or_else(|| other().map(|(_, value)| value))
}
