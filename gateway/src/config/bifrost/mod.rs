//! Bifrost's configuration file, made into Heimdall's: providers become upstreams, plugins stay plugins. What has no
//! counterpart is told.

mod plugins;
mod providers;

use super::tree::{Entry, Node, Place, Step, Value, written};
use super::{ConfigError, Warning};

/// Sections that stand beside `plugins` in Bifrost's file, and that Heimdall's does not have.
const SECTIONS: [&str; 3] = ["providers", "client", "config_store"];

/// Sections that only Heimdall's file has.
const OURS: [&str; 4] = ["auth", "client_keys", "listen", "upstreams"];

/// Whether this is Bifrost's file rather than Heimdall's: by its schema, or by its sections, where none of Heimdall's
/// stands beside them.
pub(super) fn is_bifrost(root: &Node) -> bool {
    let schema = root.get("$schema").and_then(text).unwrap_or_default();
    let has_section = || SECTIONS.iter().any(|key| root.get(key).is_some());
    let is_ours = |entry: &Entry| OURS.contains(&entry.key.as_str());
    schema.contains("bifrost") || (root.get("plugins").is_some() && has_section() && !entries(root).any(is_ours))
}

/// Heimdall's tree for Bifrost's, and what was left out.
pub(super) fn convert(root: &Node) -> Result<(Node, Vec<Warning>), ConfigError> {
    let mut converter = Converter { warnings: Vec::new() };
    let mut tree = Table::new(root.place.clone());
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
    if root.get("providers").is_none() {
        converter.warn(
            &root.place,
            "it has no `providers`, so the built-in echo answers; write `upstreams` for other answers".to_owned(),
        );
    }
    Ok((tree.into_node(), converter.warnings))
}

struct Converter {
    warnings: Vec<Warning>,
}

impl Converter {
    fn warn(&mut self, place: &Place, text: String) {
        self.warnings.push(Warning {
            place: place.clone(),
            text,
        });
    }

    /// Tells of every member of a table but these that it is ignored.
    fn ignore_others(&mut self, table: &Node, path: &[Step], known: &[&str]) {
        for entry in entries(table).filter(|entry| !known.contains(&entry.key.as_str())) {
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
    entries: Vec<Entry>,
}

impl Table {
    fn new(place: Place) -> Table {
        Table {
            place,
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

/// The elements of what has to be a list.
fn list<'a>(node: &'a Node, path: &[Step]) -> Result<&'a [Node], ConfigError> {
    match &node.value {
        Value::List(values) => Ok(values),
        Value::Null => Ok(&[]),
        _ => Err(refuse(node, path, "has to be a list")),
    }
}
