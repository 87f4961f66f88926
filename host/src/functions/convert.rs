//! Rust's types as values.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::value::{Value, ValueType};

/// A value as JSON: `Json(request)` as an argument, `Json<Answer>` as a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json<T>(pub T);

/// What a function is given: one value, none, or a tuple of up to four.
pub trait Arguments: Send {
    /// The values in order.
    ///
    /// # Errors
    /// What is wrong with one of them, in words.
    fn into_values(self) -> Result<Vec<Value>, String>;
}

/// What a function gives.
pub trait Output: Send + Sized + 'static {
    /// What the guest has to give.
    const TYPE: ValueType;

    /// From what it gave.
    ///
    /// # Errors
    /// Why it can't be had, in words.
    fn from_value(value: Value) -> Result<Self, String>;
}

/// One value that Rust has a type for.
pub(super) trait Argument: Send {
    fn into_value(self) -> Result<Value, String>;
}

macro_rules! argument {
    ($($type:ty => $value:expr;)*) => {$(
        impl Argument for $type {
            fn into_value(self) -> Result<Value, String> {
                let make: fn($type) -> Value = $value;
                Ok(make(self))
            }
        }

        impl Arguments for $type {
            fn into_values(self) -> Result<Vec<Value>, String> {
                Ok(vec![self.into_value()?])
            }
        }
    )*};
}

argument! {
    i32 => Value::I32;
    i64 => Value::I64;
    u32 => |number| Value::I32(number.cast_signed());
    u64 => |number| Value::I64(number.cast_signed());
    f32 => Value::F32;
    f64 => Value::F64;
    String => Value::Text;
    &str => |text| Value::Text(text.to_owned());
    &String => |text| Value::Text(text.clone());
    Bytes => Value::Bytes;
    Vec<u8> => |bytes| Value::Bytes(bytes.into());
    &[u8] => |bytes| Value::Bytes(Bytes::copy_from_slice(bytes));
}

impl<T: Serialize + Send> Argument for Json<T> {
    fn into_value(self) -> Result<Value, String> {
        let text = serde_json::to_string(&self.0);
        text.map(Value::Text)
            .map_err(|error| format!("it can't be written as JSON: {error}"))
    }
}

impl<T: Serialize + Send> Arguments for Json<T> {
    fn into_values(self) -> Result<Vec<Value>, String> {
        Ok(vec![self.into_value()?])
    }
}

impl Arguments for () {
    fn into_values(self) -> Result<Vec<Value>, String> {
        Ok(Vec::new())
    }
}

impl Arguments for Vec<Value> {
    fn into_values(self) -> Result<Vec<Value>, String> {
        Ok(self)
    }
}

macro_rules! tuple_of_arguments {
    ($($name:ident: $type:ident),+) => {
        #[allow(private_bounds, reason = "what an argument may be is decided here")]
        impl<$($type: Argument),+> Arguments for ($($type,)+) {
            fn into_values(self) -> Result<Vec<Value>, String> {
                let ($($name,)+) = self;
                Ok(vec![$($name.into_value()?),+])
            }
        }
    };
}

tuple_of_arguments!(a: A);
tuple_of_arguments!(a: A, b: B);
tuple_of_arguments!(a: A, b: B, c: C);
tuple_of_arguments!(a: A, b: B, c: C, d: D);

macro_rules! output {
    ($($type:ty: $kind:ident <= $($pattern:pat => $made:expr),+;)*) => {$(
        impl Output for $type {
            const TYPE: ValueType = ValueType::$kind;

            fn from_value(value: Value) -> Result<Self, String> {
                match value {
                    $($pattern => Ok($made),)+
                    other => Err(format!("{}, where {} is wanted", other.kind().name(), Self::TYPE.name())),
                }
            }
        }
    )*};
}

output! {
    i32: I32 <= Value::I32(number) => number;
    u32: I32 <= Value::I32(number) => number.cast_unsigned();
    i64: I64 <= Value::I64(number) => number;
    u64: I64 <= Value::I64(number) => number.cast_unsigned();
    f32: F32 <= Value::F32(number) => number;
    f64: F64 <= Value::F64(number) => number;
    Bytes: Bytes <= Value::Bytes(bytes) => bytes, Value::Text(text) => text.into(), Value::Nothing => Bytes::new();
    Vec<u8>: Bytes <= Value::Bytes(bytes) => bytes.into(), Value::Text(text) => text.into_bytes(), Value::Nothing => Vec::new();
}

impl Output for () {
    const TYPE: ValueType = ValueType::Nothing;

    fn from_value(_: Value) -> Result<Self, String> {
        Ok(())
    }
}

impl Output for Value {
    const TYPE: ValueType = ValueType::Word;

    fn from_value(value: Value) -> Result<Self, String> {
        Ok(value)
    }
}

impl Output for String {
    const TYPE: ValueType = ValueType::Text;

    fn from_value(value: Value) -> Result<Self, String> {
        match value {
            Value::Text(text) => Ok(text),
            Value::Nothing => Ok(String::new()),
            Value::Bytes(bytes) => String::from_utf8(bytes.into()).map_err(|error| format!("no UTF-8: {error}")),
            other => Err(format!("{}, where text is wanted", other.kind().name())),
        }
    }
}

impl<T: DeserializeOwned + Send + 'static> Output for Json<T> {
    const TYPE: ValueType = ValueType::Json;

    fn from_value(value: Value) -> Result<Self, String> {
        let kind = value.kind().name();
        let bytes = value
            .into_bytes()
            .ok_or_else(|| format!("{kind}, where JSON is wanted"))?;
        serde_json::from_slice(&bytes)
            .map(Json)
            .map_err(|error| format!("no such JSON: {error}"))
    }
}
