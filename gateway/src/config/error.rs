//! What can be wrong with a configuration, in words that say where and what to do.

use std::fmt::{self, Write as _};

use super::format::Format;
use super::tree::Place;
use crate::files::FileError;

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("the configuration {file} {error}")]
    Unreadable { file: String, error: FileError },
    #[error(
        "the name of {file} does not tell its format: it has to end in .toml, .yaml, .yml or .json, or `{option}` has to say what it is"
    )]
    UnknownFormat { file: String, option: &'static str },
    #[error("the file {file} {error}")]
    DataUnreadable { file: String, error: FileError },
    #[error("the name of {file} does not tell its format: it has to end in .json, .yaml or .yml")]
    NoData { file: String },
    #[error("there are several configurations here: {}; name the one to use with `--config`", .0.join(", "))]
    SeveralFiles(Vec<&'static str>),
    #[error("{place}: this is no {}: {message}", .format.name())]
    Syntax {
        place: Place,
        format: Format,
        message: String,
    },
    #[error("{second}: `{key}` is written a second time; the first stands at {first}")]
    DuplicateKey { key: String, first: Place, second: Place },
    #[error("it can't be written as {}: {problem}", .format.name())]
    NotWritable { format: Format, problem: String },
    #[error("the environment variable {name} {problem}")]
    Variable { name: String, problem: String },
    #[error("{place}: {}{message}", of_key(.key))]
    Type {
        place: Place,
        /// Empty: the file as a whole.
        key: String,
        message: String,
    },
    #[error("{}", unknown_keys(.0))]
    UnknownKeys(Vec<UnknownKey>),
    #[error("{place}: `{key}` {problem}")]
    Value { place: Place, key: String, problem: String },
    #[error(
        "{second}: a second plugin is called `{name}`; the first stands at {first}; give one of them another `name`"
    )]
    DuplicateName { name: String, first: Place, second: Place },
}

/// What is allowed, but probably not meant.
#[derive(Debug)]
pub(crate) struct Warning {
    pub(super) place: Place,
    /// The setting that it is about, where it is about one.
    pub(super) key: Option<String>,
    pub(super) text: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Warning { place, key, text } = self;
        match key {
            Some(key) => write!(f, "{place}: `{key}` {text}"),
            None => write!(f, "{place}: {text}"),
        }
    }
}

/// A key that no setting has.
#[derive(Debug)]
pub(crate) struct UnknownKey {
    pub(super) place: Place,
    /// The whole path.
    pub(super) path: String,
    /// The setting that it may have been meant to be.
    pub(super) suggestion: Option<&'static str>,
    /// Every setting that could stand there.
    pub(super) known: &'static [&'static str],
}

fn of_key(key: &str) -> String {
    if key.is_empty() {
        String::new()
    } else {
        format!("`{key}`: ")
    }
}

fn unknown_keys(keys: &[UnknownKey]) -> String {
    let mut text = String::new();
    for key in keys {
        if !text.is_empty() {
            text.push('\n');
        }
        let UnknownKey {
            place,
            path,
            suggestion,
            known,
        } = key;
        // Writing to a string does not fail.
        let _ = write!(text, "{place}: there is no setting `{path}`");
        let _ = match suggestion {
            Some(suggestion) => write!(text, "; did you mean `{suggestion}`?"),
            None => write!(text, "; here can stand: {}", known.join(", ")),
        };
    }
    text
}
