//! Why a tree is no configuration, in the words of who wrote it.
//!
//! A text that stands where none belongs is never repeated: it may be a key that was put into the wrong place.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use crate::config::tree::{Place, Step, Value};

/// Why a tree is no configuration.
#[derive(Debug)]
pub(in crate::config) struct ReadError {
    /// The innermost value that the error is about; none as long as nobody said.
    pub(in crate::config) place: Option<(Place, Vec<Step>)>,
    pub(in crate::config) message: String,
}

impl ReadError {
    /// This value stands where another kind of value is expected.
    pub(super) fn wrong_type(found: &Value, expected: &str) -> ReadError {
        let found = match found {
            Value::Null => Unexpected::Unit,
            Value::Truth(truth) => Unexpected::Bool(*truth),
            Value::Integer(number) => Unexpected::Signed(*number),
            Value::Unsigned(number) => Unexpected::Unsigned(*number),
            Value::Float(number) => Unexpected::Float(*number),
            Value::Text(text) | Value::Given(text) => Unexpected::Str(text),
            Value::List(_) => Unexpected::Seq,
            Value::Table(_) => Unexpected::Map,
        };
        de::Error::custom(format_args!("invalid type: {}, expected {expected}", in_words(found)))
    }
}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        ReadError {
            place: None,
            message: message.to_string(),
        }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let (found, expected) = (in_words(found), expected_in_words(expected));
        ReadError::custom(format_args!("invalid type: {found}, expected {expected}"))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let (found, expected) = (in_words(found), expected_in_words(expected));
        ReadError::custom(format_args!("invalid value: {found}, expected {expected}"))
    }

    fn unknown_variant(found: &str, expected: &'static [&'static str]) -> Self {
        let found = crate::text::shortened(found);
        ReadError::custom(format_args!("unknown variant `{found}`, expected {}", one_of(expected)))
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}

/// The words of which a setting has to be one.
pub(super) fn one_of(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match words.as_slice() {
        [first, second] => format!("{first} or {second}"),
        words => format!("one of {}", words.join(", ")),
    }
}

fn in_words(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Str(_) | Unexpected::Char(_) | Unexpected::Bytes(_) => "a text".to_owned(),
        Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a table".to_owned(),
        other => other.to_string(),
    }
}

/// Without the names of this program's types.
fn expected_in_words(expected: &dyn Expected) -> String {
    let expected = expected.to_string();
    match expected.as_str() {
        "usize" | "u64" | "u32" => "a whole number, not below 0".to_owned(),
        "a nonzero usize" | "a nonzero u64" | "a nonzero u32" => "a whole number above 0".to_owned(),
        "a string" => "a text".to_owned(),
        _ => expected,
    }
}
