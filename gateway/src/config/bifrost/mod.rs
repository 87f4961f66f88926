//! Bifrost's configuration file, made into Heimdall's: providers become upstreams, plugins stay plugins. What has no
//! counterpart is told.

mod keys;
mod network;
mod plugins;
mod providers;

use reqwest::Url;

use super::names::Names;
use super::tree::{Entry, Node, Place, Step, Value, written};
use super::{ConfigError, Warning};

/// Sections that stand beside `plugins` in Bifrost's file, and that Heimdall's does not have.
const SECTIONS: [&str; 3] = ["providers", "client", "config_store"];

/// Sections that only Heimdall's file has.
const OURS: [&str; 4] = ["auth", "client_keys", "listen", "upstreams"];

/// Where Bifrost's schema is.
const HOST: &str = "getbifrost.ai";

/// Where its repository's files are, the schema among them.
const REPOSITORY: (&str, &str) = ("raw.githubusercontent.com", "/maximhq/bifrost/");

/// Whether this is Bifrost's file rather than Heimdall's: by its schema, or by its sections, where none of Heimdall's
/// stands beside them.
pub(super) fn is_bifrost(root: &Node) -> bool {
    let has_schema = root.get("$schema").and_then(text).is_some_and(is_bifrosts_schema);
    let has_sections = root.get("plugins").is_some() && SECTIONS.iter().any(|key| root.get(key).is_some());
    let is_ours = |entry: &Entry| OURS.contains(&entry.key.as_str());
    (has_schema || has_sections) && !entries(root).any(is_ours)
}

fn is_bifrosts_schema(address: &str) -> bool {
    let Ok(url) = Url::parse(address) else {
        return false;
    };
    let host = url.host_str().unwrap_or_default();
    let is_own = host
        .strip_suffix(HOST)
        .is_some_and(|before| before.is_empty() || before.ends_with('.'));
    is_own || (host == REPOSITORY.0 && url.path().starts_with(REPOSITORY.1))
}

/// Bifrost's file as Heimdall's.
pub(super) struct Converted {
    pub(super) tree: Node,
    /// What was left out.
    pub(super) warnings: Vec<Warning>,
    /// What the file calls what the tree has.
    pub(super) names: Names,
}

/// Heimdall's tree for Bifrost's.
///
/// # Errors
/// What is not of the type that it has to be, and what must not be taken over.
pub(super) fn convert(root: &Node) -> Result<Converted, ConfigError> {
    let mut converter = Converter {
        warnings: Vec::new(),
        names: Names::default(),
    };
    let mut tree = Table::new(root.place.clone(), Vec::new());
    for entry in entries(root) {
        match entry.key.as_str() {
            "providers" => {
                let upstreams = converter.upstreams(&entry.node)?;
                tree.add_at("upstreams", &entry.place, upstreams);
            }
            "plugins" => {
                let plugins = converter.plugins(&entry.node)?;
                tree.add_at("plugins", &entry.place, plugins);
            }
            "$schema" => {}
            key => converter.warn(
                &entry.place,
                format!("`{key}` is ignored: Heimdall has no such section"),
            ),
        }
    }
    if member(root, "providers").is_none_or(|providers| entries(providers).next().is_none()) {
        converter.warn(
            &root.key(&[Step::Key("providers".to_owned())]),
            "it has no `providers`, so the built-in echo answers; write `upstreams` for other answers".to_owned(),
        );
    }
    Ok(Converted {
        tree: tree.into_node(),
        warnings: converter.warnings,
        names: converter.names,
    })
}

struct Converter {
    warnings: Vec<Warning>,
    names: Names,
}

impl Converter {
    fn warn(&mut self, place: &Place, text: String) {
        self.warnings.push(Warning {
            place: place.clone(),
            key: None,
            text,
        });
    }

    /// Tells of what is taken over otherwise than it is written, or not at all.
    fn warn_of(&mut self, node: &Node, path: &[Step], problem: &str) {
        self.warn(&node.place, format!("`{}` {problem}", written(path)));
    }

    /// Tells of every member of a table but these that it is ignored.
    fn ignore_others(&mut self, table: &Node, path: &[Step], known: &[&str]) {
        let is_ignored =
            |entry: &&Entry| !known.contains(&entry.key.as_str()) && !matches!(entry.node.value, Value::Null);
        for entry in entries(table).filter(is_ignored) {
            let key = written(&with(path, &entry.key));
            self.warn(
                &entry.place,
                format!("`{key}` is ignored: Heimdall has no such setting"),
            );
        }
    }
}

/// A table of Heimdall's that is being made. What was not written stands where the table does.
struct Table {
    place: Place,
    path: Vec<Step>,
    entries: Vec<Entry>,
}

impl Table {
    fn new(place: Place, path: Vec<Step>) -> Table {
        Table {
            place,
            path,
            entries: Vec::new(),
        }
    }

    /// Adds a value that stands somewhere.
    fn add(&mut self, key: &str, node: Node) {
        let place = node.place.clone();
        self.add_at(key, &place, node);
    }

    fn add_at(&mut self, key: &str, place: &Place, node: Node) {
        self.entries.push(Entry {
            key: key.to_owned(),
            place: place.clone(),
            node,
        });
    }

    fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// Adds a value that nobody wrote.
    fn add_new(&mut self, key: &str, value: Value) {
        self.add(key, Node::new(self.place.clone(), value));
    }

    fn into_node(self) -> Node {
        Node::new(self.place, Value::Table(self.entries))
    }
}

fn entries(node: &Node) -> impl Iterator<Item = &Entry> {
    match &node.value {
        Value::Table(entries) => entries.iter(),
        _ => [].iter(),
    }
}

/// The member of a table, where it is there and not null, which says as much as nothing.
fn member<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    node.get(key).filter(|node| !matches!(node.value, Value::Null))
}

fn text(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn number(node: &Node) -> Option<f64> {
    match node.value {
        Value::Integer(number) => Some(number as f64),
        Value::Unsigned(number) => Some(number as f64),
        Value::Float(number) => Some(number),
        _ => None,
    }
}

fn with(path: &[Step], key: &str) -> Vec<Step> {
    path.iter().cloned().chain([Step::Key(key.to_owned())]).collect()
}

fn refuse(node: &Node, path: &[Step], problem: impl Into<String>) -> ConfigError {
    ConfigError::Value {
        place: node.place.clone(),
        key: written(path),
        problem: problem.into(),
    }
}

/// Refuses what has to be a table and is none.
fn check_table(node: &Node, path: &[Step]) -> Result<(), ConfigError> {
    match node.value {
        Value::Table(_) => Ok(()),
        _ => Err(refuse(node, path, "has to be a table")),
    }
}

/// A member of what has to be a table, that has to be a table itself.
fn inner<'a>(node: &'a Node, path: &[Step], key: &str) -> Result<Option<(&'a Node, Vec<Step>)>, ConfigError> {
    let Some(inner) = member(node, key) else {
        return Ok(None);
    };
    let path = with(path, key);
    check_table(inner, &path)?;
    Ok(Some((inner, path)))
}

/// The elements of what has to be a list.
fn list<'a>(node: &'a Node, path: &[Step]) -> Result<&'a [Node], ConfigError> {
    match &node.value {
        Value::List(values) => Ok(values),
        Value::Null => Ok(&[]),
        _ => Err(refuse(node, path, "has to be a list")),
    }
}
