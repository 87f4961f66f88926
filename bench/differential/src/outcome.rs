//! What comes of a call.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// What a side says of one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// What the guest logged meanwhile, each line behind its level.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
}

/// What comes of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Outcome {
    /// Bytes.
    Output {
        /// In base64.
        output: String,
    },
    /// None.
    Failure {
        /// Its class.
        failure: Class,
        /// The guest's own words, or the number that it gave: what has to be in whatever is said of it.
        words: String,
        /// All that is said of it.
        message: String,
    },
}

/// How a call may fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// The guest's own error.
    Error,
    /// A code that is no success, without an error.
    Code,
    /// A trap, or an error of the host's function that the guest called.
    Trap,
    /// The guest ended itself.
    Exit,
    /// It took too long.
    Timeout,
    /// The caller ended it.
    Cancelled,
    /// It needed too much memory.
    Memory,
    /// It took too many steps.
    Fuel,
    /// It has no such function.
    MissingFunction,
    /// What it said is no answer.
    Protocol,
    /// The plugin can't be loaded.
    Load,
    /// It never ended, and nobody ended it.
    Hangs,
    /// The side itself ended.
    Crashed,
    /// Anything else.
    Other,
}

impl Class {
    /// As tables have it.
    pub fn name(self) -> &'static str {
        match self {
            Class::Error => "error",
            Class::Code => "code",
            Class::Trap => "trap",
            Class::Exit => "exit",
            Class::Timeout => "timeout",
            Class::Cancelled => "cancelled",
            Class::Memory => "memory",
            Class::Fuel => "fuel",
            Class::MissingFunction => "missing function",
            Class::Protocol => "no answer",
            Class::Load => "not loaded",
            Class::Hangs => "hangs",
            Class::Crashed => "crashed",
            Class::Other => "other failure",
        }
    }
}

impl Outcome {
    /// Bytes came out.
    pub fn output(bytes: &[u8]) -> Outcome {
        Outcome::Output {
            output: STANDARD.encode(bytes),
        }
    }

    /// It failed.
    pub fn failed(failure: Class, words: impl Into<String>, message: impl Into<String>) -> Outcome {
        Outcome::Failure {
            failure,
            words: words.into(),
            message: message.into(),
        }
    }

    /// The bytes that came out.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        match self {
            Outcome::Output { output } => STANDARD.decode(output).ok(),
            Outcome::Failure { .. } => None,
        }
    }
}

impl From<Outcome> for Answer {
    fn from(outcome: Outcome) -> Self {
        Answer {
            outcome,
            lines: Vec::new(),
        }
    }
}

impl Answer {
    /// Whether another host does as this one: the same bytes, or a failure of the same class with at least as much said; and
    /// the same lines.
    pub fn is_matched_by(&self, other: &Answer) -> bool {
        let is_matched = match (&self.outcome, &other.outcome) {
            (Outcome::Output { output: one }, Outcome::Output { output: two }) => one == two,
            (
                Outcome::Failure { failure, words, .. },
                Outcome::Failure {
                    failure: other_failure,
                    message,
                    ..
                },
            ) => failure == other_failure && message.contains(words),
            _ => false,
        };
        is_matched && self.lines == other.lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_matched_by_one_of_its_class_that_says_as_much() {
        let one = Answer::from(Outcome::failed(Class::Error, "why", "why"));
        for (class, message, is_matched) in [
            (Class::Error, "it returned an error: why", true),
            (Class::Error, "it returned an error", false),
            (Class::Trap, "it trapped: why", false),
        ] {
            let other = Outcome::failed(class, "", message).into();
            assert_eq!(one.is_matched_by(&other), is_matched, "{message}");
        }
    }

    #[test]
    fn lines_count() {
        let one = Answer::from(Outcome::output(b"a"));
        let other = Answer {
            lines: vec!["INFO a".to_owned()],
            ..one.clone()
        };
        assert!(one.is_matched_by(&one) && !one.is_matched_by(&other));
    }

    #[test]
    fn an_answer_is_read_as_it_is_written() {
        for outcome in [
            Outcome::output(b"\xff"),
            Outcome::failed(Class::MissingFunction, "f", "no f"),
        ] {
            let answer = Answer::from(outcome);
            let text = serde_json::to_string(&answer).unwrap();
            assert_eq!(serde_json::from_str::<Answer>(&text).unwrap(), answer, "{text}");
        }
    }
}
