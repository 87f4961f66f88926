//! What can be wrong with a configuration, in words that say where and what to do.

use std::fmt::Write as _;

use super::places::Place;

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("the configuration {file} can't be read: {reason}")]
    Unreadable { file: String, reason: String },
    #[error("{place}: this is no TOML: {message}")]
    Syntax { place: Place, message: String },
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

/// A key that no setting has.
#[derive(Debug)]
pub(crate) struct UnknownKey {
    pub(super) place: Place,
    /// The whole path, as TOML writes it.
    pub(super) path: String,
    /// The setting that it may have been meant to be.
    pub(super) suggestion: Option<String>,
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
