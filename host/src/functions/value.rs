//! What goes into functions and comes out of them.

use bytes::Bytes;

/// A value, as ABIs of functions have them.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// None.
    Nothing,
    /// 32 bits.
    I32(i32),
    /// 64 bits.
    I64(i64),
    /// A float of 32 bits.
    F32(f32),
    /// A float of 64 bits.
    F64(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Bytes),
}

/// What a value is, or may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueType {
    /// None.
    Nothing,
    /// 32 bits.
    I32,
    /// 64 bits.
    I64,
    /// A float of 32 bits.
    F32,
    /// A float of 64 bits.
    F64,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
    /// JSON, as text.
    Json,
    /// A text, bytes or an integer of 32 bits: the ABI does not say which.
    Word,
}

impl ValueType {
    /// Its name in messages.
    pub fn name(&self) -> &'static str {
        match self {
            ValueType::Nothing => "nothing",
            ValueType::I32 => "i32",
            ValueType::I64 => "i64",
            ValueType::F32 => "f32",
            ValueType::F64 => "f64",
            ValueType::Text => "text",
            ValueType::Bytes => "bytes",
            ValueType::Json => "json",
            ValueType::Word => "word",
        }
    }
}

impl Value {
    /// What it is.
    pub fn kind(&self) -> ValueType {
        match self {
            Value::Nothing => ValueType::Nothing,
            Value::I32(_) => ValueType::I32,
            Value::I64(_) => ValueType::I64,
            Value::F32(_) => ValueType::F32,
            Value::F64(_) => ValueType::F64,
            Value::Text(_) => ValueType::Text,
            Value::Bytes(_) => ValueType::Bytes,
        }
    }

    /// The bytes of a text or of bytes; none of a number.
    pub fn into_bytes(self) -> Option<Bytes> {
        match self {
            Value::Nothing => Some(Bytes::new()),
            Value::Text(text) => Some(text.into()),
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}
