//! What guests are given: functions, and the arguments of their own.

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use heimdall_differential::task::{Abi, Call, Wanted};
use heimdall_host::functions::{HostError, HostFunctions, Json, Value, ValueType};

/// Those that the other side has too.
pub fn functions() -> HostFunctions {
    let refuse = async |reason: String| Err::<String, _>(HostError::fatal(format!("the host refuses: {reason}")));
    HostFunctions::new()
        .function("extism:host/user", "greet", async |name: String| {
            Ok(format!("Hello, {name}!"))
        })
        .function("app", "refuse", refuse)
        .function("app", "sum", async |a: i32, b: i64, c: f32, d: f64| {
            Ok(f64::from(a) + b as f64 + f64::from(c) + d)
        })
        .function("env", "add", async |a: i32, b: i32| Ok(a.wrapping_add(b)))
        .function("plugin", "upper", async |text: String| Ok(text.to_uppercase()))
        .function("", "first", async |given: Json<serde_json::Value>| Ok(given))
        .function("", "second", async |given: Json<serde_json::Value>| Ok(given))
}

/// What a call has, and what it gives.
pub fn arguments(abi: Abi, call: &Call) -> Result<(Vec<Value>, ValueType)> {
    if abi != Abi::Wasp {
        let input = Bytes::from(call.input.bytes()?);
        return Ok((vec![Value::Bytes(input)], ValueType::Bytes));
    }
    let result = match call.result {
        Wanted::String => ValueType::Text,
        Wanted::Bytes => ValueType::Bytes,
        Wanted::I32 => ValueType::I32,
        Wanted::None => ValueType::Nothing,
    };
    let arguments: Result<_> = call.arguments.iter().map(argument).collect();
    Ok((arguments?, result))
}

fn argument(value: &serde_json::Value) -> Result<Value> {
    Ok(match value {
        serde_json::Value::String(text) => Value::Text(text.clone()),
        serde_json::Value::Number(number) => {
            let number = number.as_i64().context("a number that is whole is wanted")?;
            Value::I32(i32::try_from(number)?)
        }
        serde_json::Value::Array(_) => {
            let bytes: Vec<u8> = serde_json::from_value(value.clone())?;
            Value::Bytes(bytes.into())
        }
        other => bail!("{other} is no argument"),
    })
}
