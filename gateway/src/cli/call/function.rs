//! A function of a plugin that is called by its name, as its own application would.

use std::path::Path;
use std::time::Instant;

use anyhow::anyhow;
use clap::ValueEnum;
use heimdall_host::functions::{Callable, Value, ValueType};
use serde_json::json;

use super::{Arguments, loaded, settings};
use crate::cli::times::Times;
use crate::cli::{Exit, Failed, given, output};
use crate::logging;

/// What is wanted of a function whose ABI does not say what it gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ResultType {
    Text,
    Bytes,
    I32,
    Nothing,
}

impl ResultType {
    fn value(self) -> ValueType {
        match self {
            ResultType::Text => ValueType::Text,
            ResultType::Bytes => ValueType::Bytes,
            ResultType::I32 => ValueType::I32,
            ResultType::Nothing => ValueType::Nothing,
        }
    }
}

/// What one `--input` says: a text, `@` and a file, `-` for standard input, `bytes:` before either for bytes, `i32:` before a
/// number.
fn value(text: &str) -> anyhow::Result<Value> {
    if let Some(number) = text.strip_prefix("i32:") {
        let number = number.parse();
        return number
            .map(Value::I32)
            .map_err(|error| anyhow!("`{text}` is no i32: {error}"));
    }
    let (text, is_bytes) = match text.strip_prefix("bytes:") {
        Some(text) => (text, true),
        None => (text, false),
    };
    let bytes = match text.strip_prefix('@') {
        Some(file) => given::read(Path::new(file))?,
        None if text == "-" => given::read(Path::new("-"))?,
        None => text.as_bytes().to_vec(),
    };
    Ok(match String::from_utf8(bytes) {
        Ok(text) if !is_bytes => Value::Text(text),
        Ok(text) => Value::Bytes(text.into()),
        Err(error) => Value::Bytes(error.into_bytes().into()),
    })
}

/// The plugin, if what is asked for is a function of it. None: it is a hook, or nothing at all.
pub(super) async fn of(arguments: &Arguments, is_hook: bool) -> Result<Option<Callable>, Failed> {
    if is_hook && arguments.inputs.is_empty() {
        return Ok(None);
    }
    let usage = |error| Failed::new(Exit::Usage, error);
    let prepared = loaded::prepare(arguments).await?;
    let callable = match prepared.functions(settings(arguments).map_err(usage)?).await {
        Ok(callable) => callable,
        Err(heimdall_host::loader::LoadError::NoFunctions { .. }) if arguments.inputs.is_empty() => return Ok(None),
        Err(error) => return Err(loaded::failed(error)),
    };
    // An ABI that lists none takes every name.
    let is_there = callable.has(&arguments.hook) || callable.functions().is_empty();
    Ok((is_there || !arguments.inputs.is_empty()).then_some(callable))
}

/// Calls it: what it gives goes to standard output as it is, everything else to standard error.
pub(super) async fn call(callable: &Callable, arguments: &Arguments, lines: &logging::Lines) -> Result<Exit, Failed> {
    let usage = |error| Failed::new(Exit::Usage, error);
    let given: anyhow::Result<Vec<Value>> = arguments.inputs.iter().map(|text| value(text)).collect();
    let given = given.map_err(usage)?;
    let mut times = Times::default();
    let (mut first, mut failures, mut log) = (None, 0, Vec::new());
    for _ in 0..arguments.repeat {
        let began = Instant::now();
        let called = callable
            .call_values(&arguments.hook, &given, arguments.result.value())
            .await;
        times.add(began.elapsed());
        failures += u64::from(called.is_err());
        let said = lines.take();
        if first.is_none() {
            (first, log) = (Some(called), said);
        }
    }
    callable.remove().await;
    let Some(first) = first else { return Ok(Exit::Ok) };
    let value = first.map_err(|error| Failed::new(Exit::Failed, error).with_log(log.clone()))?;
    if arguments.json {
        let repeat = json!({"count": arguments.repeat, "failed": failures, "time_us": times.json()});
        output::print_json(&json!({
            "function": arguments.hook,
            "output": as_json(&value),
            "log": log,
            "repeat": repeat,
        }))?;
    } else {
        for line in &log {
            output::note(&output::log_line(line));
        }
        output::print_bytes(&as_bytes(&value))?;
        if arguments.repeat > 1 {
            output::note(&format!("{} calls: {times}\n", times.count()));
        }
    }
    Ok(if failures == 0 { Exit::Ok } else { Exit::Failed })
}

fn as_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Nothing => serde_json::Value::Null,
        Value::I32(number) => json!(number),
        Value::I64(number) => json!(number),
        Value::F32(number) => json!(number),
        Value::F64(number) => json!(number),
        Value::Text(text) => json!(text),
        Value::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => json!(text),
            Err(_) => json!({"bytes": bytes.iter().collect::<Vec<_>>()}),
        },
    }
}

/// Bytes as they are; texts and numbers end their line.
fn as_bytes(value: &Value) -> Vec<u8> {
    let line = |text: String| format!("{text}\n").into_bytes();
    match value {
        Value::Nothing => Vec::new(),
        Value::I32(number) => line(number.to_string()),
        Value::I64(number) => line(number.to_string()),
        Value::F32(number) => line(number.to_string()),
        Value::F64(number) => line(number.to_string()),
        Value::Text(text) if text.ends_with('\n') => text.clone().into_bytes(),
        Value::Text(text) => line(text.clone()),
        Value::Bytes(bytes) => bytes.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_says_what_it_is() {
        assert_eq!(value("plain").unwrap(), Value::Text("plain".into()));
        assert_eq!(value("bytes:plain").unwrap(), Value::Bytes("plain".into()));
        assert_eq!(value("i32:-7").unwrap(), Value::I32(-7));
        assert!(value("i32:seven").unwrap_err().to_string().contains("is no i32"));
        assert!(value("@/no/such/file").is_err());
    }
}
