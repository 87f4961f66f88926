//! The embedder's functions as methods that a guest calls: JSON into values and back.

use bytes::Bytes;
use heimdall_host::functions::{HostError, HostFunction, Value, ValueType};
use heimdall_host::json::{self, Document};

use super::messages::{INVALID_PARAMS, RpcError, float};

/// Carries a method out. Its parameters are the one argument, or a list of several. The result has no more than `limit` bytes.
pub(super) async fn call(function: HostFunction, params: Document, limit: usize) -> Result<Bytes, RpcError> {
    let arguments = arguments(function.parameters(), params.root()).ok_or_else(|| RpcError::of(INVALID_PARAMS))?;
    let given = function.call(arguments).await;
    let value = given.map_err(|error| match error {
        HostError::Arguments(_) => RpcError::of(INVALID_PARAMS),
        HostError::Fatal(message) | HostError::Recoverable(message) => RpcError::custom(&message),
    })?;
    match as_json(value, function.result())? {
        result if result.len() > limit => {
            let size = result.len();
            Err(RpcError::custom(format!(
                "the result has {size} bytes, {limit} are allowed"
            )))
        }
        result => Ok(result),
    }
}

fn arguments(kinds: &[ValueType], params: json::Value<'_>) -> Option<Vec<Value>> {
    match kinds {
        [] => Some(Vec::new()),
        [kind] => {
            let argument = typed(*kind, params).or_else(|| match params.len() {
                1 => typed(*kind, params.at(0)?),
                _ => None,
            });
            Some(vec![argument?])
        }
        several => {
            let elements = params.elements();
            if params.kind() != json::Kind::Array || params.len() != several.len() {
                return None;
            }
            several
                .iter()
                .zip(elements)
                .map(|(kind, value)| typed(*kind, value))
                .collect()
        }
    }
}

/// JSON as a value of this type, if it can be one: a text is what a JSON text says.
pub(super) fn typed(kind: ValueType, value: json::Value<'_>) -> Option<Value> {
    let signed = value.as_i64();
    let unsigned = value.as_u64();
    Some(match kind {
        ValueType::Nothing => Value::Nothing,
        ValueType::I32 => {
            let signed = signed.and_then(|number| i32::try_from(number).ok());
            let unsigned = unsigned.and_then(|number| u32::try_from(number).ok());
            Value::I32(signed.or(unsigned.map(u32::cast_signed))?)
        }
        ValueType::I64 => Value::I64(signed.or(unsigned.map(u64::cast_signed))?),
        #[allow(clippy::cast_possible_truncation, reason = "who takes 32 bits wants no more of it")]
        ValueType::F32 => Value::F32(value.as_f64()? as f32),
        ValueType::F64 => Value::F64(value.as_f64()?),
        ValueType::Text => Value::Text(value.as_str()?.into_owned()),
        ValueType::Json | ValueType::Bytes | ValueType::Word => Value::Bytes(value.bytes()),
    })
}

/// A value as JSON. A text is one, unless the method says that it is JSON; bytes have to be JSON.
fn as_json(value: Value, kind: ValueType) -> Result<Bytes, RpcError> {
    Ok(match value {
        Value::Nothing => Bytes::from_static(b"null"),
        Value::I32(number) => number.to_string().into(),
        Value::I64(number) => number.to_string().into(),
        Value::F32(number) => float(f64::from(number)).into(),
        Value::F64(number) => float(number).into(),
        Value::Text(text) if kind == ValueType::Json => text.into(),
        Value::Text(text) => Document::string(&text).bytes().clone(),
        Value::Bytes(bytes) => match Document::parse(bytes) {
            Ok(document) => document.bytes().clone(),
            Err(error) => return Err(RpcError::custom(format!("the result is no JSON: {error}"))),
        },
    })
}

#[cfg(test)]
mod tests {
    use heimdall_host::functions::{HostClosure, HostFunctions, Json};

    use super::*;

    async fn called<M>(closure: impl HostClosure<M>, params: &str) -> Result<String, RpcError> {
        let functions = HostFunctions::new().function("host", "method", closure);
        let function = functions.named("method").unwrap().clone();
        let result = call(function, Document::parse(params.to_owned()).unwrap(), 100).await;
        result.map(|bytes| String::from_utf8(bytes.into()).unwrap())
    }

    #[tokio::test]
    async fn one_argument_is_the_parameters_and_several_are_their_elements() {
        let echo = async |value: Json<serde_json::Value>| Ok(value);
        assert_eq!(called(echo, r#"{"a":[1]}"#).await.unwrap(), r#"{"a":[1]}"#);
        assert_eq!(called(echo, "[1]").await.unwrap(), "[1]");
        let add = async |a: i32, b: i64| Ok(i64::from(a) + b);
        assert_eq!(called(add, "[1,2]").await.unwrap(), "3");
        let double = async |number: f64| Ok(number * 2.0);
        assert_eq!(called(double, "1.25").await.unwrap(), "2.5");
        assert_eq!(called(double, "[4]").await.unwrap(), "8.0");
        assert_eq!(called(async || Ok(()), "null").await.unwrap(), "null");
        let unsigned = async |number: u32| Ok(u64::from(number));
        assert_eq!(called(unsigned, "4294967295").await.unwrap(), "4294967295");
    }

    #[tokio::test]
    async fn a_text_is_what_json_says_and_becomes_json_again() {
        let upper = async |text: String| Ok(text.to_uppercase());
        assert_eq!(called(upper, r#""a\n""#).await.unwrap(), r#""A\n""#);
        let both = async |text: String, Json(more): Json<Vec<u8>>| Ok(format!("{text}{more:?}"));
        assert_eq!(called(both, r#"["x",[1]]"#).await.unwrap(), r#""x[1]""#);
        let raw = async || Ok(b"{\"a\": 1}".to_vec());
        assert_eq!(called(raw, "null").await.unwrap(), r#"{"a": 1}"#);
    }

    #[tokio::test]
    async fn what_does_not_fit_is_told_to_the_guest() {
        let add = async |a: i32, b: i32| Ok(a + b);
        for params in ["null", "[1]", "[1,2,3]", r#"["1","2"]"#, "{}", "[4294967296,1]"] {
            assert_eq!(
                called(add, params).await.unwrap_err(),
                RpcError::of(INVALID_PARAMS),
                "{params}"
            );
        }
        let typed = async |Json(number): Json<u8>| Ok(u32::from(number));
        assert_eq!(called(typed, "300").await.unwrap_err(), RpcError::of(INVALID_PARAMS));
        let fails = async || Err::<(), _>(HostError::recoverable("no"));
        assert_eq!(called(fails, "null").await.unwrap_err(), RpcError::custom("no"));
        let garbage = async || Ok(vec![0xff]);
        assert_eq!(called(garbage, "null").await.unwrap_err().code, -32000);
        let long = async || Ok("x".repeat(1000));
        let told = "the result has 1002 bytes, 100 are allowed";
        assert_eq!(called(long, "null").await.unwrap_err(), RpcError::custom(told));
    }
}
