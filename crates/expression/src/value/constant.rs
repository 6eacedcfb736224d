//! Values that stand in an expression itself.

use super::{Bytes, Text, Timestamp, Value};

/// A literal, or what a call on literals gives. Unlike a [`Value`] it may cross threads.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Constant {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(Box<str>),
    Bytes(Box<[u8]>),
    Timestamp(Timestamp),
    /// In nanoseconds.
    Duration(i64),
    Type(&'static str),
}

impl Constant {
    /// The value, borrowed.
    pub(crate) fn value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(truth) => Value::Bool(*truth),
            Self::Int(int) => Value::Int(*int),
            Self::Uint(uint) => Value::Uint(*uint),
            Self::Double(double) => Value::Double(*double),
            Self::String(text) => Value::String(Text::Borrowed(text)),
            Self::Bytes(bytes) => Value::Bytes(Bytes::Borrowed(bytes)),
            Self::Timestamp(timestamp) => Value::Timestamp(*timestamp),
            Self::Duration(nanoseconds) => Value::Duration(*nanoseconds),
            Self::Type(name) => Value::Type(name),
        }
    }

    /// A value that has no parts, kept.
    pub(crate) fn keep(value: &Value<'_>) -> Option<Self> {
        Some(match value {
            Value::Null => Self::Null,
            Value::Bool(truth) => Self::Bool(*truth),
            Value::Int(int) => Self::Int(*int),
            Value::Uint(uint) => Self::Uint(*uint),
            Value::Double(double) => Self::Double(*double),
            Value::String(text) => Self::String((**text).into()),
            Value::Bytes(bytes) => Self::Bytes((**bytes).into()),
            Value::Timestamp(timestamp) => Self::Timestamp(*timestamp),
            Value::Duration(nanoseconds) => Self::Duration(*nanoseconds),
            Value::Type(name) => Self::Type(name),
            Value::List(_) | Value::Map(_) | Value::Optional(_) => return None,
        })
    }
}
