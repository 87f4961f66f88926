//! Files beside the configuration that are read by its rules: errors that know their place, and what was probably meant
//! where a key is misspelt.

use std::path::Path;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::ConfigError;
use super::format::Format;
use super::load::text_of;
use super::read;
use super::tree::{Node, Place, Step, Text, Value, written};

/// What was read, and where it stands.
pub(crate) struct Item<T> {
    pub(crate) value: T,
    node: Node,
}

impl<T> Item<T> {
    /// As editors understand it: `cases/guard.json:3:1`.
    pub(crate) fn place(&self) -> &Place {
        &self.node.place
    }

    /// The error that something is wrong below this key; `problem` follows it.
    pub(crate) fn wrong(&self, key: &str, index: Option<usize>, problem: String) -> ConfigError {
        let key = Step::Key(key.to_owned());
        let path: Vec<Step> = [key].into_iter().chain(index.map(Step::Index)).collect();
        ConfigError::Value {
            place: self.node.key(&path),
            key: written(&path),
            problem,
        }
    }
}

/// Reads a file of JSON or YAML that holds one item, or a list of them.
///
/// # Errors
/// When it can't be read, or an item is none.
pub(crate) fn read_items<T: DeserializeOwned>(file: &Path) -> Result<Vec<Item<T>>, ConfigError> {
    let name = file.display().to_string();
    let format = match Format::of(file) {
        Some(format @ (Format::Json | Format::Yaml)) => format,
        _ => return Err(ConfigError::NoData { file: name }),
    };
    let text = text_of(file).map_err(|error| ConfigError::DataUnreadable {
        file: name.clone(),
        error,
    })?;
    let source = Arc::new(Text { name, text });
    let root = format.read_any(&source)?;
    match root.value {
        Value::List(nodes) => nodes.into_iter().map(item).collect(),
        _ => Ok(vec![item(root)?]),
    }
}

fn item<T: DeserializeOwned>(node: Node) -> Result<Item<T>, ConfigError> {
    let (value, unknown) = read::read::<T>(&node);
    // A misspelt key is often what makes another one missing, so it is told first.
    if !unknown.is_empty() {
        return Err(ConfigError::UnknownKeys(unknown));
    }
    let value = value.map_err(|error| {
        let (place, path) = error.place.unwrap_or_else(|| (node.place.clone(), Vec::new()));
        ConfigError::Type {
            place,
            message: error.message,
            key: written(&path),
        }
    })?;
    Ok(Item { value, node })
}
