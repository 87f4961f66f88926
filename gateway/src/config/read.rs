//! The tree into the configuration's structs: a reader for serde whose errors know their place, and which lists the keys
//! that no setting has.

mod error;

use std::cell::RefCell;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, Error as _, IntoDeserializer as _, Visitor};
use serde::forward_to_deserialize_any;

use super::error::UnknownKey;
use super::format::json_value;
use super::tree::{Entry, Node, Step, Value, written};
use crate::text::closest;

pub(super) use error::ReadError;
use error::one_of;

/// Unknown keys that one message lists.
const MAX_UNKNOWN: usize = 20;

/// Reads a tree; gives back the keys that it had no use for too.
pub(super) fn read<T: de::DeserializeOwned>(root: &Node) -> (Result<T, ReadError>, Vec<UnknownKey>) {
    let unknown = RefCell::new(Vec::new());
    let reader = Reader {
        node: root,
        path: &Path::Root,
        unknown: &unknown,
    };
    let read = T::deserialize(reader);
    (read, unknown.into_inner())
}

/// The way from the root, on the stack.
enum Path<'a> {
    Root,
    Key(&'a Path<'a>, &'a str),
    Index(&'a Path<'a>, usize),
}

impl Path<'_> {
    fn steps(&self) -> Vec<Step> {
        match self {
            Path::Root => Vec::new(),
            Path::Key(parent, key) => parent.with(Step::Key((*key).to_owned())),
            Path::Index(parent, index) => parent.with(Step::Index(*index)),
        }
    }

    fn with(&self, step: Step) -> Vec<Step> {
        let mut steps = self.steps();
        steps.push(step);
        steps
    }
}

/// What has to stand somewhere.
#[derive(Clone, Copy)]
enum Container {
    List,
    /// With the keys that may stand in it; none: any.
    Table(Option<&'static [&'static str]>),
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    node: &'a Node,
    path: &'a Path<'a>,
    unknown: &'a RefCell<Vec<UnknownKey>>,
}

impl<'a> Reader<'a> {
    /// The error with this place, unless it has one from further inside.
    fn located(self, mut error: ReadError) -> ReadError {
        if error.place.is_none() {
            error.place = Some((self.node.place.clone(), self.path.steps()));
        }
        error
    }

    fn any<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Truth(truth) => visitor.visit_bool(*truth),
            Value::Integer(number) => visitor.visit_i64(*number),
            Value::Unsigned(number) => visitor.visit_u64(*number),
            Value::Float(number) if !number.is_finite() => Err(ReadError::custom(format!(
                "{number} is a number that neither a setting nor JSON has"
            ))),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Text(text) => visitor.visit_str(text),
            Value::Given(text) => match json_value(text, &self.node.place) {
                Some(node) => Reader { node: &node, ..self }.any(visitor),
                None if text.trim_start().starts_with(['{', '[']) => Err(ReadError::custom(
                    "the environment variable begins like a list or a table of JSON, and is no JSON",
                )),
                None => visitor.visit_str(text),
            },
            Value::List(values) => self.list(values, visitor),
            Value::Table(entries) => self.table(entries, None, visitor),
        }
    }

    fn table<'de, V: Visitor<'de>>(
        self,
        entries: &[Entry],
        settings: Option<&'static [&'static str]>,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_map(Lines {
            reader: self,
            entries: entries.iter(),
            settings,
            value: None,
        })
    }

    fn list<'de, V: Visitor<'de>>(self, values: &[Node], visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_seq(Elements {
            reader: self,
            values,
            next: 0,
        })
    }

    /// What is to be a list or a table: an environment variable holds it as JSON. In YAML, nothing below a key is an
    /// empty one.
    fn container<'de, V: Visitor<'de>>(self, wanted: Container, visitor: V) -> Result<V::Value, ReadError> {
        match (&self.node.value, wanted) {
            (Value::Given(text), wanted) => match json_value(text, &self.node.place) {
                Some(node) => Reader { node: &node, ..self }.container(wanted, visitor),
                None => Err(ReadError::custom(
                    "a list or a table in an environment variable is written as JSON, and this is none",
                )),
            },
            (Value::List(values), Container::List) => self.list(values, visitor),
            (Value::Null, Container::List) => self.list(&[], visitor),
            (Value::Table(entries), Container::Table(settings)) => self.table(entries, settings, visitor),
            (Value::Null, Container::Table(settings)) => self.table(&[], settings, visitor),
            (other, Container::List) => Err(ReadError::wrong_type(other, "a list")),
            (other, Container::Table(_)) => Err(ReadError::wrong_type(other, "a table")),
        }
        .map_err(|error| self.located(error))
    }

    /// A scalar of an environment variable as the type that is asked for; another type fails as it would in a file.
    fn given<'de, T: std::str::FromStr, V: Visitor<'de>>(
        self,
        visitor: V,
        visit: impl FnOnce(V, T) -> Result<V::Value, ReadError>,
    ) -> Result<V::Value, ReadError> {
        match &self.node.value {
            Value::Given(text) => match text.trim().parse() {
                Ok(value) => visit(visitor, value),
                Err(_) => visitor.visit_str(text),
            },
            _ => self.any(visitor),
        }
        .map_err(|error| self.located(error))
    }
}

macro_rules! scalars {
    ($($method:ident $visit:ident $type:ty,)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
            self.given(visitor, |visitor, value: $type| visitor.$visit(value))
        })*
    };
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = ReadError;

    scalars! {
        deserialize_i8 visit_i64 i64,
        deserialize_i16 visit_i64 i64,
        deserialize_i32 visit_i64 i64,
        deserialize_i64 visit_i64 i64,
        deserialize_u8 visit_u64 u64,
        deserialize_u16 visit_u64 u64,
        deserialize_u32 visit_u64 u64,
        deserialize_u64 visit_u64 u64,
        deserialize_f32 visit_f64 f64,
        deserialize_f64 visit_f64 f64,
        deserialize_str visit_string String,
        deserialize_string visit_string String,
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let truth = match &self.node.value {
            Value::Truth(truth) => Some(*truth),
            Value::Given(text) => text.trim().parse().ok(),
            _ => None,
        };
        match truth {
            Some(truth) => visitor.visit_bool(truth),
            None => Err(ReadError::wrong_type(&self.node.value, "`true` or `false`")),
        }
        .map_err(|error| self.located(error))
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.any(visitor).map_err(|error| self.located(error))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.node.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.container(Container::List, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.container(Container::Table(None), visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        settings: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.container(Container::Table(Some(settings)), visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match &self.node.value {
            Value::Text(text) | Value::Given(text) => {
                let text: StrDeserializer<'_, ReadError> = text.as_str().into_deserializer();
                visitor.visit_enum(text)
            }
            other => Err(ReadError::wrong_type(other, &one_of(variants))),
        }
        .map_err(|error| self.located(error))
    }

    forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

/// The elements of a list, as serde asks for them.
struct Elements<'a> {
    reader: Reader<'a>,
    values: &'a [Node],
    next: usize,
}

impl<'de> de::SeqAccess<'de> for Elements<'_> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        let Some(node) = self.values.get(self.next) else {
            return Ok(None);
        };
        let path = Path::Index(self.reader.path, self.next);
        self.next += 1;
        let element = Reader {
            node,
            path: &path,
            unknown: self.reader.unknown,
        };
        seed.deserialize(element).map(Some)
    }
}

/// The lines of a table, as serde asks for them.
struct Lines<'a> {
    reader: Reader<'a>,
    entries: std::slice::Iter<'a, Entry>,
    /// The keys that may stand here; none: any.
    settings: Option<&'static [&'static str]>,
    value: Option<&'a Entry>,
}

impl<'de> de::MapAccess<'de> for Lines<'_> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        while let Some(entry) = self.entries.next() {
            match self.settings {
                Some(settings) if !settings.contains(&entry.key.as_str()) => self.unknown(entry, settings),
                _ => {
                    self.value = Some(entry);
                    let key: StrDeserializer<'_, ReadError> = entry.key.as_str().into_deserializer();
                    return seed.deserialize(key).map(Some);
                }
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let entry = self
            .value
            .take()
            .ok_or_else(|| ReadError::custom("a value was asked for before its key"))?;
        let path = Path::Key(self.reader.path, &entry.key);
        let value = Reader {
            node: &entry.node,
            path: &path,
            unknown: self.reader.unknown,
        };
        seed.deserialize(value).map_err(|error| value.located(error))
    }
}

impl Lines<'_> {
    fn unknown(&self, entry: &Entry, settings: &'static [&'static str]) {
        let mut unknown = self.reader.unknown.borrow_mut();
        if unknown.len() < MAX_UNKNOWN {
            unknown.push(UnknownKey {
                place: entry.place.clone(),
                path: written(&self.reader.path.with(Step::Key(entry.key.clone()))),
                suggestion: closest(&entry.key, settings.iter().copied()),
                known: settings,
            });
        }
    }
}
