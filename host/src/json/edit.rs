//! Edits: the text is spliced, the tape follows, and whatever was not named stays byte for byte.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::index::{Growth, Piece, Splice};
use super::{Document, EditError, Kind, MAX_DEPTH, Numbers, Value, pointer, same};

/// Where an edit takes place: in which container, under which name or index.
struct Place<'p> {
    /// The tape places of the containers around it, from the root down to `container`.
    ancestors: Vec<usize>,
    container: usize,
    token: Cow<'p, str>,
}

/// One child of a container: its first node (of a member the name's) and its value's.
#[derive(Clone, Copy)]
struct Child {
    first: usize,
    value: usize,
}

impl Document {
    /// Puts a value in a place: replaces what is there, adds a member to an object, or appends to an array (with `-` or
    /// the array's length as the last part). `""` replaces the whole document. Containers on the way must exist.
    ///
    /// `Ok(false)`: the place already holds that very value (as [`same`] sees it with [`Numbers::Exact`]), and nothing
    /// was touched. A new member comes last in its object.
    ///
    /// # Errors
    /// An [`EditError`], and the document is as it was.
    pub fn set(&mut self, pointer: &str, value: &Document) -> Result<bool, EditError> {
        if value.has_duplicates() {
            return self.set(pointer, &value.without_duplicates());
        }
        if self.has_duplicates() {
            let mut unique = self.without_duplicates();
            let changed = unique.set(pointer, value)?;
            if changed {
                *self = unique;
            }
            return Ok(changed);
        }
        let Some(place) = self.place(pointer)? else {
            return Ok(self.replace_whole(value));
        };
        let container = Value::new(self, place.container);
        let existing = match container.kind() {
            Kind::Object => container.get(&place.token),
            _ => array_place(&place.token, container.len())?.and_then(|index| container.at(index)),
        };
        match existing.map(|existing| (existing.at_node(), same(existing, value.root(), Numbers::Exact))) {
            Some((_, true)) => return Ok(false),
            Some((existing, false)) => self.replace(&place, existing, value)?,
            None => self.append(&place, value)?,
        }
        Ok(true)
    }

    /// Puts a value in front of the array's element that has this index; `-` or the array's length appends. In an
    /// object, and for the whole document, it does what [`set`](Self::set) does.
    ///
    /// # Errors
    /// An [`EditError`], and the document is as it was.
    pub fn insert(&mut self, pointer: &str, value: &Document) -> Result<(), EditError> {
        if value.has_duplicates() {
            return self.insert(pointer, &value.without_duplicates());
        }
        if self.has_duplicates() {
            let mut unique = self.without_duplicates();
            unique.insert(pointer, value)?;
            *self = unique;
            return Ok(());
        }
        let place = self
            .place(pointer)?
            .filter(|place| Value::new(self, place.container).kind() == Kind::Array);
        let Some(place) = place else {
            return self.set(pointer, value).map(drop);
        };
        let array = Value::new(self, place.container);
        let next = array_place(&place.token, array.len())?.and_then(|index| array.at(index));
        match next.map(|next| next.at_node()) {
            Some(next) => self.insert_before(&place, next, value),
            None => self.append(&place, value),
        }
    }

    /// Removes a member or an element. `Ok(false)`: it was not there.
    ///
    /// # Errors
    /// [`EditError::BadPointer`] and [`EditError::WholeDocument`]; the document is as it was.
    pub fn remove(&mut self, pointer: &str) -> Result<bool, EditError> {
        if self.has_duplicates() {
            let mut unique = self.without_duplicates();
            let removed = unique.remove(pointer)?;
            if removed {
                *self = unique;
            }
            return Ok(removed);
        }
        let place = match self.place(pointer) {
            Ok(Some(place)) => place,
            Ok(None) => return Err(EditError::WholeDocument),
            Err(EditError::NotFound { .. } | EditError::NotAContainer { .. }) => return Ok(false),
            Err(error) => return Err(error),
        };
        let Some(position) = self.position_of(&place) else {
            return Ok(false);
        };
        self.cut(&place, position)?;
        Ok(true)
    }

    /// Follows a pointer to the container that holds its last part; `None` for the whole document.
    fn place<'p>(&self, pointer: &'p str) -> Result<Option<Place<'p>>, EditError> {
        let mut tokens = pointer::tokens(pointer).ok_or_else(|| EditError::BadPointer {
            pointer: pointer.to_owned(),
        })?;
        let mut value = self.root();
        let mut ancestors = Vec::new();
        while let Some(token) = tokens.next() {
            let so_far = |parts| pointer::first_parts(pointer, parts).to_owned();
            ancestors.push(value.at_node());
            let inner = match value.kind() {
                Kind::Object | Kind::Array if tokens.is_done() => {
                    return Ok(Some(Place {
                        ancestors,
                        container: value.at_node(),
                        token,
                    }));
                }
                Kind::Object => value.get(&token),
                Kind::Array => pointer::array_index(&token).and_then(|index| value.at(index)),
                _ => {
                    return Err(EditError::NotAContainer {
                        pointer: so_far(ancestors.len() - 1),
                    });
                }
            };
            value = inner.ok_or_else(|| EditError::NotFound {
                pointer: so_far(ancestors.len()),
            })?;
        }
        Ok(None)
    }

    fn replace_whole(&mut self, value: &Document) -> bool {
        let changed = !same(self.root(), value.root(), Numbers::Exact);
        if changed {
            *self = value.clone();
        }
        changed
    }

    fn replace(&mut self, place: &Place<'_>, existing: usize, value: &Document) -> Result<(), EditError> {
        let old = Value::new(self, existing);
        let bytes = old.range();
        let nodes = existing..existing + old.node().span as usize;
        let replacement = &[piece(value, bytes.start)];
        let parts = &[value.root().raw()];
        check_depth(place, value)?;
        self.splice(
            parts,
            Splice {
                bytes,
                nodes,
                replacement,
                ancestors: &place.ancestors,
                children: Growth::Same,
            },
        )
    }

    /// Adds a value behind a container's last child: to an object under the name of the place.
    fn append(&mut self, place: &Place<'_>, value: &Document) -> Result<(), EditError> {
        check_depth(place, value)?;
        let container = Value::new(self, place.container);
        let last = self
            .children(place.container)
            .last()
            .map(|child| Value::new(self, child.value).range().end);
        let at = last.unwrap_or(container.range().start + 1);
        let comma = if last.is_some() { "," } else { "" };
        let end = place.container + container.node().span as usize;
        let name = (container.kind() == Kind::Object).then(|| Document::string(&place.token));
        let (name_text, colon) = name.as_ref().map_or(("", ""), |name| (name.as_str(), ":"));
        let parts = &[comma, name_text, colon, value.root().raw()];
        let name_at = at + comma.len();
        let mut replacement: Vec<Piece<'_>> = name.iter().map(|name| piece(name, name_at)).collect();
        replacement.push(piece(value, name_at + name_text.len() + colon.len()));
        let ancestors = &place.ancestors;
        let replacement = &replacement;
        self.splice(
            parts,
            Splice {
                bytes: at..at,
                nodes: end..end,
                replacement,
                ancestors,
                children: Growth::One,
            },
        )
    }

    fn insert_before(&mut self, place: &Place<'_>, next: usize, value: &Document) -> Result<(), EditError> {
        check_depth(place, value)?;
        let at = Value::new(self, next).range().start;
        let parts = &[value.root().raw(), ","];
        let replacement = &[piece(value, at)];
        let ancestors = &place.ancestors;
        self.splice(
            parts,
            Splice {
                bytes: at..at,
                nodes: next..next,
                replacement,
                ancestors,
                children: Growth::One,
            },
        )
    }

    /// Removes the child at a position with the comma that would be one too many: the one behind it, or of the last
    /// child the one in front.
    fn cut(&mut self, place: &Place<'_>, position: usize) -> Result<(), EditError> {
        let mut around = self.children(place.container).skip(position.saturating_sub(1));
        let before = if position > 0 { around.next() } else { None };
        let Some(child) = around.next() else { return Ok(()) };
        let start = |node| Value::new(self, node).range().start;
        let end = |node| Value::new(self, node).range().end;
        let bytes = match (around.next(), before) {
            (Some(next), _) => start(child.first)..start(next.first),
            (None, Some(before)) => end(before.value)..end(child.value),
            (None, None) => start(child.first)..end(child.value),
        };
        drop(around);
        let nodes = child.first..child.value + Value::new(self, child.value).node().span as usize;
        let ancestors = &place.ancestors;
        self.splice(
            &[],
            Splice {
                bytes,
                nodes,
                replacement: &[],
                ancestors,
                children: Growth::LessOne,
            },
        )
    }

    /// The children of a container in order.
    fn children(&self, container: usize) -> impl Iterator<Item = Child> {
        let container = Value::new(self, container);
        let elements = container.elements().map(|value| Child {
            first: value.at_node(),
            value: value.at_node(),
        });
        elements.chain(container.member_nodes().map(|(first, value)| Child { first, value }))
    }

    /// The position among its container's children of what a place names.
    fn position_of(&self, place: &Place<'_>) -> Option<usize> {
        let container = Value::new(self, place.container);
        if container.kind() == Kind::Object {
            container.members().position(|(name, _)| name == place.token)
        } else {
            pointer::array_index(&place.token).filter(|&index| index < container.len())
        }
    }

    /// Replaces a piece of the text by `parts` and lets the tape follow.
    fn splice(&mut self, parts: &[&str], edit: Splice<'_>) -> Result<(), EditError> {
        let Range { start, end } = edit.bytes.clone();
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let edited = self.len() - (end - start) + length;
        if u32::try_from(edited).is_err() {
            return Err(EditError::TooLarge);
        }
        let mut text = String::with_capacity(edited);
        text.push_str(self.text.get(..start).unwrap_or_default());
        text.extend(parts.iter().copied());
        text.push_str(self.text.get(end..).unwrap_or_default());
        Arc::make_mut(&mut self.index).splice(edit, length);
        self.text = text.into();
        Ok(())
    }
}

/// What a pointer's last part means in an array: an element that is there, or `None` for one behind the last.
fn array_place(token: &str, length: usize) -> Result<Option<usize>, EditError> {
    match pointer::array_index(token) {
        Some(index) if index < length => Ok(Some(index)),
        Some(index) if index == length => Ok(None),
        None if token == "-" => Ok(None),
        _ => Err(EditError::BadIndex {
            token: token.to_owned(),
            length,
        }),
    }
}

/// The tape of a document's root, to go to where its text comes to stand.
fn piece(document: &Document, at: usize) -> Piece<'_> {
    // An offset too large for the index is refused before it is used.
    Piece {
        nodes: document.nodes(),
        from: document.root().node().start,
        to: at as u32,
    }
}

fn check_depth(place: &Place<'_>, value: &Document) -> Result<(), EditError> {
    if place.ancestors.len() + depth(value) > MAX_DEPTH {
        Err(EditError::TooDeep)
    } else {
        Ok(())
    }
}

/// How many containers of a document lie in each other at most.
fn depth(document: &Document) -> usize {
    let mut ends: Vec<usize> = Vec::new();
    let mut deepest = 0;
    for (at, node) in document.nodes().iter().enumerate() {
        while ends.last().is_some_and(|&end| end <= at) {
            ends.pop();
        }
        if matches!(Value::new(document, at).kind(), Kind::Array | Kind::Object) {
            ends.push(at + node.span as usize);
            deepest = deepest.max(ends.len());
        }
    }
    deepest
}
