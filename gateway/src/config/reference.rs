//! The reference of all settings, from the schema, for `docs/configuration.md`.

use std::collections::VecDeque;
use std::fmt::Write as _;

use serde_json::Value;

use super::schema::{resolved, schema, settings};

/// What stands before the tables.
const INTRODUCTION: &str = include_str!("reference.md");

/// What the end of a setting's name says of its unit.
const UNITS: [(&str, &str); 4] = [
    ("_ms", "milliseconds"),
    ("_s", "seconds"),
    ("_kib", "KiB"),
    ("_mib", "MiB"),
];

/// The reference as Markdown.
pub(crate) fn reference() -> String {
    let root = schema();
    let mut text = INTRODUCTION.to_owned();
    let mut sections = VecDeque::from([Section {
        path: String::new(),
        schema: &root,
    }]);
    while let Some(section) = sections.pop_front() {
        section.write(&root, &mut text);
        sections.extend(section.inner(&root));
    }
    text
}

/// A table of settings.
struct Section<'a> {
    /// As it is written: `upstreams.NAME.keys[]`. Empty: the whole file.
    path: String,
    schema: &'a Value,
}

impl<'a> Section<'a> {
    fn write(&self, root: &Value, text: &mut String) {
        let title = if self.path.is_empty() {
            "The top of the file".to_owned()
        } else {
            format!("`{}`", self.path)
        };
        // Writing to a string does not fail.
        let _ = write!(text, "\n## {title}\n\n");
        if let Some(description) = description(self.schema) {
            let _ = write!(text, "{description}\n\n");
        }
        text.push_str("| key | type | default | effect |\n| --- | --- | --- | --- |\n");
        let required = self.schema.get("required").and_then(Value::as_array);
        for (key, setting) in settings(self.schema).into_iter().flatten() {
            let required = required.is_some_and(|required| required.iter().any(|name| name == key));
            let _ = writeln!(
                text,
                "| `{key}` | {} | {} | {} |",
                type_of(setting, root),
                default_of(key, setting, required),
                effect_of(setting, root)
            );
        }
    }

    /// The tables within this one.
    fn inner(&self, root: &'a Value) -> Vec<Section<'a>> {
        let mut sections = Vec::new();
        for (key, setting) in settings(self.schema).into_iter().flatten() {
            let setting = resolved(setting, root);
            let (end, schema) = match (setting.get("items"), setting.get("additionalProperties")) {
                (Some(items), _) => ("[]", resolved(items, root)),
                (_, Some(values @ Value::Object(_))) => (".NAME", resolved(values, root)),
                _ => ("", setting),
            };
            if settings(schema).is_some() {
                let dot = if self.path.is_empty() { "" } else { "." };
                sections.push(Section {
                    path: format!("{}{dot}{key}{end}", self.path),
                    schema,
                });
            }
        }
        sections
    }
}

/// In one line: a table's cell has no more.
fn description(schema: &Value) -> Option<String> {
    let text = schema.get("description")?.as_str()?;
    Some(
        text.split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .replace('|', "\\|"),
    )
}

fn type_of(setting: &Value, root: &Value) -> String {
    let schema = resolved(setting, root);
    if let Some(values) = values_of(schema) {
        let values: Vec<String> = values.iter().map(|(value, _)| format!("`\"{value}\"`")).collect();
        return values.join(", ");
    }
    let name = match schema.get("type") {
        Some(Value::String(name)) => name.as_str(),
        Some(Value::Array(names)) => names.first().and_then(Value::as_str).unwrap_or_default(),
        _ => "",
    };
    match name {
        "integer" => number(schema),
        "number" => fraction(schema),
        "boolean" => "`true` or `false`".to_owned(),
        "string" => "text".to_owned(),
        "array" => {
            let items = schema.get("items").map(|items| resolved(items, root));
            match items {
                Some(items) if settings(items).is_some() => "list of tables".to_owned(),
                _ => "list of texts".to_owned(),
            }
        }
        "object" => "table".to_owned(),
        _ => "anything".to_owned(),
    }
}

fn number(schema: &Value) -> String {
    let bound = |name: &str| schema.get(name).and_then(Value::as_u64).filter(|bound| *bound > 0);
    match (bound("minimum"), bound("maximum")) {
        (None, None) => "number".to_owned(),
        (Some(1), None) => "number above 0".to_owned(),
        (Some(least), None) => format!("number from {least}"),
        (least, Some(most)) => format!("number from {} to {most}", least.unwrap_or_default()),
    }
}

/// A number that need not be whole.
fn fraction(schema: &Value) -> String {
    match (schema.get("minimum"), schema.get("maximum")) {
        (Some(least), Some(most)) => format!("number from {least} to {most}"),
        _ => "number".to_owned(),
    }
}

/// The values that a setting may have, where they are few, each with what it means.
fn values_of(schema: &Value) -> Option<Vec<(&str, String)>> {
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return Some(
            values
                .iter()
                .filter_map(Value::as_str)
                .map(|value| (value, String::new()))
                .collect(),
        );
    }
    let choices = schema.get("oneOf")?.as_array()?;
    let values = choices
        .iter()
        .filter_map(|choice| Some((choice.get("const")?.as_str()?, description(choice).unwrap_or_default())));
    Some(values.collect())
}

fn default_of(key: &str, setting: &Value, required: bool) -> String {
    let unit = UNITS.iter().find(|(end, _)| key.ends_with(end)).map(|(_, unit)| *unit);
    let default = match setting.get("default") {
        _ if required => "**required**".to_owned(),
        None | Some(Value::Null) => String::new(),
        Some(Value::Object(_)) => String::new(),
        Some(Value::Array(values)) if values.is_empty() => "none".to_owned(),
        Some(value) => format!("`{value}`"),
    };
    match unit {
        Some(unit) if !default.is_empty() => format!("{default} {unit}"),
        Some(unit) => format!("in {unit}"),
        None => default,
    }
}

fn effect_of(setting: &Value, root: &Value) -> String {
    let mut effect = description(setting)
        .or_else(|| description(resolved(setting, root)))
        .unwrap_or_default();
    for (value, meaning) in values_of(resolved(setting, root)).into_iter().flatten() {
        if !meaning.is_empty() {
            let _ = write!(effect, " `\"{value}\"`: {meaning}");
        }
    }
    effect
}
