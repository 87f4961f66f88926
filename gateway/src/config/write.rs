//! The tree as text, in any of the formats.

use saphyr::{Scalar, Yaml, YamlEmitter};
use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};

use super::format::Format;
use super::tree::{Entry, Node, Value};

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            Value::Null => serializer.serialize_unit(),
            Value::Truth(truth) => serializer.serialize_bool(*truth),
            Value::Integer(number) => serializer.serialize_i64(*number),
            Value::Unsigned(number) => serializer.serialize_u64(*number),
            Value::Float(number) => serializer.serialize_f64(*number),
            Value::Text(text) | Value::Given(text) => serializer.serialize_str(text),
            Value::List(values) => {
                let mut list = serializer.serialize_seq(Some(values.len()))?;
                for value in values {
                    list.serialize_element(value)?;
                }
                list.end()
            }
            Value::Table(entries) => {
                let mut table = serializer.serialize_map(Some(entries.len()))?;
                for entry in entries {
                    table.serialize_entry(&entry.key, &entry.node)?;
                }
                table.end()
            }
        }
    }
}

impl Format {
    /// Writes a tree.
    ///
    /// # Errors
    /// In words, what the format has no place for.
    pub(super) fn write(self, root: &Node) -> Result<String, String> {
        match self {
            Format::Json => serde_json::to_string_pretty(root)
                .map(|text| text + "\n")
                .map_err(|error| error.to_string()),
            Format::Toml => toml::to_string_pretty(&sections_last(root)?).map_err(|error| error.to_string()),
            Format::Yaml => {
                keys_fit(root)?;
                let mut text = String::new();
                YamlEmitter::new(&mut text)
                    .dump(&yaml(root))
                    .map_err(|error| error.to_string())?;
                Ok(text.trim_start_matches("---\n").to_owned() + "\n")
            }
        }
    }
}

/// For TOML: values before tables, or they would be the last table's. It has no null.
fn sections_last(node: &Node) -> Result<Node, String> {
    let value = match &node.value {
        Value::Null => return Err(format!("{}: it has no place for a null; YAML and JSON do", node.place)),
        Value::List(values) => Value::List(values.iter().map(sections_last).collect::<Result<_, _>>()?),
        Value::Table(entries) => {
            let mut lines = Vec::new();
            for entry in entries {
                lines.push(Entry {
                    node: sections_last(&entry.node)?,
                    ..entry.clone()
                });
            }
            lines.sort_by_key(|entry| is_section(&entry.node));
            Value::Table(lines)
        }
        value => value.clone(),
    };
    Ok(Node::new(node.place.clone(), value))
}

fn is_section(node: &Node) -> bool {
    match &node.value {
        Value::Table(_) => true,
        Value::List(values) => values.iter().any(|value| matches!(value.value, Value::Table(_))),
        _ => false,
    }
}

/// For YAML: a key is one only if it ends within so many characters.
fn keys_fit(node: &Node) -> Result<(), String> {
    const MOST: usize = 1024;
    // As long as it can get, in quotes.
    let length = |character: char| {
        if character.is_control() || "\"\\".contains(character) {
            6
        } else {
            1
        }
    };
    match &node.value {
        Value::List(values) => values.iter().try_for_each(keys_fit),
        Value::Table(entries) => entries.iter().try_for_each(|entry| {
            if entry.key.chars().map(length).sum::<usize>() + 2 > MOST {
                return Err(format!(
                    "{}: it has no place for a key this long; TOML and JSON do",
                    entry.place
                ));
            }
            keys_fit(&entry.node)
        }),
        _ => Ok(()),
    }
}

fn yaml(node: &Node) -> Yaml<'_> {
    match &node.value {
        Value::Null => Yaml::Value(Scalar::Null),
        Value::Truth(truth) => Yaml::Value(Scalar::Boolean(*truth)),
        Value::Integer(number) => Yaml::Value(Scalar::Integer(*number)),
        Value::Unsigned(number) => Yaml::Representation(number.to_string().into(), saphyr::ScalarStyle::Plain, None),
        Value::Float(number) => Yaml::Value(Scalar::FloatingPoint((*number).into())),
        Value::Text(text) | Value::Given(text) => Yaml::Value(Scalar::String(text.into())),
        Value::List(values) => Yaml::Sequence(values.iter().map(yaml).collect()),
        Value::Table(entries) => Yaml::Mapping(
            entries
                .iter()
                .map(|entry| (Yaml::Value(Scalar::String((&entry.key).into())), yaml(&entry.node)))
                .collect(),
        ),
    }
}
