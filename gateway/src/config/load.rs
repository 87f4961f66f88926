//! From the file's text to a checked [`Config`].

use std::path::Path;

use serde::Deserialize;
use serde_ignored::Path as IgnoredPath;

use super::error::UnknownKey;
use super::places::{Places, Step, written};
use super::{
    ADDRESS_FORM, Config, ConfigError, KeyConfig, LimitsConfig, PluginConfig, Source, UpstreamConfig, check, fields,
};

/// How alike a key and a setting have to be for a suggestion (1: equal).
const ALIKE: f64 = 0.75;

/// Reads and checks a configuration file. Relative paths are made to start at its folder.
pub(crate) fn load(file: &Path) -> Result<Config, ConfigError> {
    let name = file.display().to_string();
    let unreadable = |reason: String| ConfigError::Unreadable {
        file: name.clone(),
        reason,
    };
    let bytes = std::fs::read(file).map_err(|error| unreadable(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8".into()))?;
    let mut config = parse(&name, &text)?;
    let folder = file.parent().unwrap_or(Path::new(""));
    for plugin in &mut config.plugins {
        if !plugin.is_remote() {
            plugin.path = folder.join(&plugin.path).display().to_string();
        }
    }
    for file in config.upstreams.values_mut().flat_map(UpstreamConfig::files_mut) {
        *file = folder.join(&file);
    }
    for directory in [&mut config.cache_dir, &mut config.state_dir].into_iter().flatten() {
        if !directory.as_os_str().is_empty() {
            *directory = folder.join(&directory);
        }
    }
    Ok(config)
}

/// Reads and checks the text of a configuration; `file` is named in errors.
pub(crate) fn parse(file: &str, text: &str) -> Result<Config, ConfigError> {
    let places = Places::new(file, text);
    let reader = toml::Deserializer::parse(text).map_err(|error| ConfigError::Syntax {
        place: places.at(error.span()),
        message: error.message().to_owned(),
    })?;
    let mut ignored = Vec::new();
    let config: Result<Config, toml::de::Error> = serde_ignored::deserialize(reader, |path| ignored.push(steps(&path)));
    // A misspelt key is often what makes another one missing, so it is told first.
    if !ignored.is_empty() {
        return Err(ConfigError::UnknownKeys(
            ignored.iter().map(|path| unknown(path, &places)).collect(),
        ));
    }
    let config = config.map_err(|error| {
        let key = places.path_at(error.span());
        ConfigError::Type {
            place: places.at(error.span()),
            message: in_words(&key, error.message()),
            key: written(&key),
        }
    })?;
    check::check(&config, &places)?;
    Ok(config)
}

/// The message without the names of this program's types, and with what to write where the key tells it.
fn in_words(path: &[Step], message: &str) -> String {
    match path {
        [Step::Key(key)] if key == "plugins" => {
            return "it has to be a list: each plugin is a table of its own under `[[plugins]]`, with two brackets"
                .to_owned();
        }
        [Step::Key(key)] if key == "listen" => return format!("it has to be {ADDRESS_FORM}"),
        _ => {}
    }
    ["usize", "u64", "u32"]
        .iter()
        .fold(message.to_owned(), |message, name| {
            message.replace(&format!("expected {name}"), "expected a whole number, not below 0")
        })
}

fn steps(path: &IgnoredPath<'_>) -> Vec<Step> {
    match path {
        IgnoredPath::Root => Vec::new(),
        IgnoredPath::Seq { parent, index } => with(parent, Step::Index(*index)),
        IgnoredPath::Map { parent, key } => with(parent, Step::Key(key.clone())),
        IgnoredPath::Some { parent }
        | IgnoredPath::NewtypeStruct { parent }
        | IgnoredPath::NewtypeVariant { parent } => steps(parent),
    }
}

fn with(parent: &IgnoredPath<'_>, step: Step) -> Vec<Step> {
    let mut path = steps(parent);
    path.push(step);
    path
}

fn unknown(path: &[Step], places: &Places<'_>) -> UnknownKey {
    let (key, table) = match path.split_last() {
        Some((Step::Key(key), table)) => (key.as_str(), table),
        _ => ("", path),
    };
    let known = settings(table);
    let alike = known.iter().map(|name| (strsim::jaro_winkler(key, name), *name));
    let closest = alike
        .filter(|(score, _)| *score >= ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    UnknownKey {
        place: places.key(path),
        path: written(path),
        suggestion: closest.map(|(_, name)| name.to_owned()),
        known,
    }
}

/// The settings that can stand in the table at this path.
fn settings(table: &[Step]) -> &'static [&'static str] {
    let names: Vec<&str> = table
        .iter()
        .map(|step| if let Step::Key(key) = step { key.as_str() } else { "[]" })
        .collect();
    match names.as_slice() {
        [] => fields_of::<Config>(),
        ["upstreams", _] => fields_of::<UpstreamConfig>(),
        ["upstreams", _, "keys", "[]"] => fields_of::<KeyConfig>(),
        ["upstreams", _, "headers", _] | ["upstreams", _, "proxy_credentials"] => fields_of::<Source>(),
        ["plugins", "[]"] => fields_of::<PluginConfig>(),
        ["plugins", "[]", "limits"] => fields_of::<LimitsConfig>(),
        _ => &[],
    }
}

fn fields_of<T: for<'de> Deserialize<'de>>() -> &'static [&'static str] {
    fields::of::<T>()
}
