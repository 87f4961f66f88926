//! What both sides are given: a plugin, how it is set up, and the calls that are made in turn.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::outcome::Answer;

/// Whose plugins these are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Abi {
    /// Those of Extism.
    Extism,
    /// Those of Wasp.
    Wasp,
    /// Those of the wasmi plugin framework.
    JsonrpcStdio,
}

/// A plugin and its calls.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Task {
    /// Whose plugin it is.
    pub abi: Abi,
    /// A module, or an Extism manifest.
    pub file: PathBuf,
    /// How it is set up.
    pub settings: Settings,
    /// What is called, in this order.
    pub calls: Vec<Call>,
}

/// How a plugin is set up, where that is no matter of its manifest.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether it has WASI, where the original host lets its user choose.
    pub wasi: bool,
    /// Whether it is given the functions that both sides know.
    pub functions: bool,
    /// Steps of one call.
    pub fuel: Option<u64>,
    /// Whether it is told the headers of responses.
    pub http_response_headers: bool,
    /// The least level that is logged.
    pub log_level: LogLevel,
    /// Whether what it logs is compared too.
    pub lines: bool,
    /// Bytes of memory, where the original host has a limit of its own.
    pub memory: Option<usize>,
    /// Milliseconds of one call on our side, where the original has no limit.
    pub timeout_ms: Option<u64>,
    /// Environment variables.
    pub environment: BTreeMap<String, String>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            wasi: true,
            functions: true,
            fuel: None,
            http_response_headers: false,
            log_level: LogLevel::Info,
            lines: false,
            memory: None,
            timeout_ms: None,
            environment: BTreeMap::new(),
        }
    }
}

/// The least level that is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Everything.
    Trace,
    /// What helps to find a fault.
    Debug,
    /// What is usual.
    Info,
    /// What may be wrong.
    Warn,
    /// What is wrong.
    Error,
}

impl LogLevel {
    /// As `tracing` has it.
    pub fn level(self) -> tracing::Level {
        match self {
            LogLevel::Trace => tracing::Level::TRACE,
            LogLevel::Debug => tracing::Level::DEBUG,
            LogLevel::Info => tracing::Level::INFO,
            LogLevel::Warn => tracing::Level::WARN,
            LogLevel::Error => tracing::Level::ERROR,
        }
    }
}

/// One call.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The function, or the method.
    pub function: String,
    /// What it is given: JSON for JSON-RPC.
    #[serde(default)]
    pub input: Input,
    /// The arguments of a Wasp function: texts, numbers, and bytes as lists of numbers.
    #[serde(default)]
    pub arguments: Vec<serde_json::Value>,
    /// What a Wasp function gives.
    #[serde(default)]
    pub result: Wanted,
    /// It is not called, but looked for.
    #[serde(default)]
    pub looked_for: bool,
    /// It is cancelled after so many milliseconds.
    #[serde(default)]
    pub cancelled_after_ms: Option<u64>,
    /// What the original does.
    #[serde(default)]
    pub gives: Gives,
}

/// Bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Input {
    /// A text.
    Text(String),
    /// A text that is repeated.
    Repeated {
        /// The text.
        text: String,
        /// How often.
        times: usize,
    },
    /// Bytes that are no text.
    Base64 {
        /// In base64.
        base64: String,
    },
}

impl Default for Input {
    fn default() -> Self {
        Input::Text(String::new())
    }
}

impl Input {
    /// What is meant.
    ///
    /// # Errors
    /// Where that is no base64.
    pub fn bytes(&self) -> io::Result<Vec<u8>> {
        match self {
            Input::Text(text) => Ok(text.clone().into_bytes()),
            Input::Repeated { text, times } => Ok(text.repeat(*times).into_bytes()),
            Input::Base64 { base64 } => STANDARD.decode(base64).map_err(io::Error::other),
        }
    }
}

/// What a Wasp function gives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wanted {
    /// A text.
    #[default]
    String,
    /// Bytes.
    Bytes,
    /// A number.
    I32,
    /// Nothing.
    None,
}

/// What the original does, so that a task which does not reach what it is about is not taken for a match.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gives {
    /// Some output.
    #[default]
    AnyOutput,
    /// This output.
    Output(String),
    /// A failure of this class.
    Fails(crate::outcome::Class),
}

/// The whole of a side's `main`: `answer` carries the task's calls out one by one and says what came of each.
///
/// # Errors
/// Where there is no task to be read, or nobody to be answered.
pub fn serve(
    asked: &mut impl BufRead,
    said: &mut impl Write,
    run: impl FnOnce(&Task, &mut dyn FnMut(Answer)),
) -> io::Result<()> {
    let mut line = String::new();
    asked.read_line(&mut line)?;
    let task: Task = serde_json::from_str(&line)?;
    let mut written = Ok(());
    run(&task, &mut |answer| {
        if written.is_ok() {
            written = write(said, &answer);
        }
    });
    written
}

fn write(said: &mut impl Write, answer: &Answer) -> io::Result<()> {
    serde_json::to_writer(&mut *said, answer)?;
    said.write_all(b"\n")?;
    said.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Outcome;

    #[test]
    fn each_call_is_answered_with_a_line() {
        let task = r#"{"abi":"extism","file":"x.wasm","settings":{},"calls":[{"function":"echo","input":"a"},
            {"function":"echo","input":{"text":"ab","times":2}},{"function":"echo","input":{"base64":"/w=="}}]}"#;
        let mut said = Vec::new();
        let task = task.replace('\n', "");
        serve(&mut task.as_bytes(), &mut said, |task, answer| {
            for call in &task.calls {
                answer(Outcome::output(&call.input.bytes().unwrap()).into());
            }
        })
        .unwrap();
        let lines: Vec<Answer> = said
            .split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect();
        let expected = [&b"a"[..], b"abab", b"\xff"].map(|bytes| Answer::from(Outcome::output(bytes)));
        assert_eq!(lines, expected);
    }
}
