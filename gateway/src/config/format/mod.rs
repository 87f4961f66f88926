//! The formats of a configuration file, each read into the same tree.

mod json;
mod toml;
mod yaml;

use std::path::Path;
use std::sync::Arc;

use clap::ValueEnum;

use super::ConfigError;
use super::tree::{Node, Text, Value};

pub(super) use json::value as json_value;

/// How a configuration is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Toml,
    Yaml,
    Json,
}

impl Format {
    /// The format that a file's name tells.
    pub(super) fn of(file: &Path) -> Option<Format> {
        let ending = file.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "toml" => Some(Format::Toml),
            "yaml" | "yml" => Some(Format::Yaml),
            "json" => Some(Format::Json),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Format::Toml => "TOML",
            Format::Yaml => "YAML",
            Format::Json => "JSON",
        }
    }

    /// Reads a text; the tree's root is a table.
    pub(super) fn read(self, source: &Arc<Text>) -> Result<Node, ConfigError> {
        let root = self.read_any(source)?;
        match root.value {
            Value::Table(_) => Ok(root),
            _ => Err(ConfigError::Syntax {
                place: root.place,
                format: self,
                message: "a configuration is a table of settings".to_owned(),
            }),
        }
    }

    /// Reads a text, whatever its root is.
    pub(super) fn read_any(self, source: &Arc<Text>) -> Result<Node, ConfigError> {
        match self {
            Format::Toml => toml::read(source),
            Format::Yaml => yaml::read(source),
            Format::Json => json::read(source),
        }
    }
}
