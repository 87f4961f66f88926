//! A configuration as it is written, in whatever format: values and the place of each.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::ConfigError;

/// What is read: a file, or an environment variable.
pub(super) struct Text {
    /// As messages call it.
    pub(super) name: String,
    pub(super) text: String,
}

/// A place in a file, as editors understand it (`heimdall.toml:3:1`), or an environment variable.
#[derive(Clone)]
pub(crate) struct Place {
    source: Arc<Text>,
    at: At,
}

#[derive(Clone, Copy)]
enum At {
    /// The file as a whole.
    Whole,
    Byte(usize),
    /// Both from 1.
    LineAndColumn(usize, usize),
}

impl Place {
    pub(super) fn whole(source: &Arc<Text>) -> Place {
        Place {
            source: source.clone(),
            at: At::Whole,
        }
    }

    pub(super) fn byte(source: &Arc<Text>, offset: usize) -> Place {
        Place {
            source: source.clone(),
            at: At::Byte(offset),
        }
    }

    pub(super) fn line_and_column(source: &Arc<Text>, line: usize, column: usize) -> Place {
        Place {
            source: source.clone(),
            at: At::LineAndColumn(line, column),
        }
    }

    /// Whether it is in the same file, or the same variable, as another one.
    pub(super) fn is_within(&self, other: &Place) -> bool {
        Arc::ptr_eq(&self.source, &other.source)
    }

    /// Line and column, both from 1, the column in characters.
    fn position(&self) -> Option<(usize, usize)> {
        match self.at {
            At::Whole => None,
            At::LineAndColumn(line, column) => Some((line, column)),
            At::Byte(offset) => {
                let before = self.source.text.get(..offset)?;
                let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
                let column = before.get(line_start..)?.chars().count() + 1;
                Some((before.matches('\n').count() + 1, column))
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position() {
            Some((line, column)) => write!(f, "{}:{line}:{column}", self.source.name),
            None => f.write_str(&self.source.name),
        }
    }
}

/// Without the text, which may hold what nobody is to see.
impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

#[derive(Debug, Clone)]
pub(super) enum Value {
    Null,
    Truth(bool),
    Integer(i64),
    /// Above what `Integer` holds.
    Unsigned(u64),
    Float(f64),
    Text(String),
    /// The text of an environment variable: what it is, the setting decides that it is read for.
    Given(String),
    List(Vec<Node>),
    Table(Vec<Entry>),
}

/// One line of a table.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    /// Where the key stands.
    pub(super) place: Place,
    pub(super) node: Node,
}

/// One step from a table or a list to what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// A path as it is told: `plugins[0].limits.memory_mib`.
pub(super) fn written(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Index(index) => text.push_str(&format!("[{index}]")),
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => text.push_str(&format!(".{key}")),
        }
    }
    text
}

impl Node {
    pub(super) fn new(place: Place, value: Value) -> Node {
        Node { place, value }
    }

    /// The member of this table; none in anything else.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.value {
            Value::Table(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// Where the key stands that a path ends in; of one that is not written, the place of what is written around it.
    pub(super) fn key(&self, path: &[Step]) -> Place {
        let mut node = self;
        let mut place = &self.place;
        for step in path {
            let next = match (step, &node.value) {
                (Step::Key(key), Value::Table(_)) => node.entry(key).map(|entry| (&entry.place, &entry.node)),
                (Step::Index(index), Value::List(values)) => values.get(*index).map(|value| (&value.place, value)),
                _ => None,
            };
            let Some(found) = next else { break };
            (place, node) = found;
        }
        place.clone()
    }

    /// Leaves out what is not set, which is null. A plugin's own configuration may hold nulls that mean something.
    pub(super) fn drop_unset(&mut self) {
        let Value::Table(entries) = &mut self.value else {
            return;
        };
        entries.retain(|entry| !matches!(entry.node.value, Value::Null));
        for entry in entries {
            match &mut entry.node.value {
                Value::List(plugins) if entry.key == "plugins" => {
                    plugins.iter_mut().for_each(|plugin| plugin.drop_nulls(Some("config")));
                }
                _ => entry.node.drop_nulls(None),
            }
        }
    }

    /// Leaves out members that are null, but for those within the member of this name.
    fn drop_nulls(&mut self, but: Option<&str>) {
        match &mut self.value {
            Value::List(values) => values.iter_mut().for_each(|value| value.drop_nulls(None)),
            Value::Table(entries) => {
                entries.retain(|entry| !matches!(entry.node.value, Value::Null));
                for entry in entries.iter_mut().filter(|entry| Some(entry.key.as_str()) != but) {
                    entry.node.drop_nulls(None);
                }
            }
            _ => {}
        }
    }

    /// How many values this is, itself counted.
    pub(super) fn count(&self) -> usize {
        1 + match &self.value {
            Value::List(values) => values.iter().map(Node::count).sum(),
            Value::Table(entries) => entries.iter().map(|entry| entry.node.count()).sum(),
            _ => 0_usize,
        }
    }
}

/// A table that is being read: no key may be written twice.
#[derive(Default)]
pub(super) struct Entries {
    list: Vec<Entry>,
    /// Where in the list each key is.
    keys: HashMap<String, usize>,
}

impl Entries {
    pub(super) fn insert(&mut self, entry: Entry) -> Result<(), ConfigError> {
        let first = self.keys.insert(entry.key.clone(), self.list.len());
        if let Some(first) = first.and_then(|index| self.list.get(index)) {
            return Err(ConfigError::DuplicateKey {
                key: entry.key,
                first: first.place.clone(),
                second: entry.place,
            });
        }
        self.list.push(entry);
        Ok(())
    }

    pub(super) fn into_list(self) -> Vec<Entry> {
        self.list
    }
}
