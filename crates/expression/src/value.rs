//! Values during an evaluation.
//!
//! What comes from a variable is borrowed: looking into a Kubernetes object costs what is looked at, not what
//! the object weighs. What an expression makes is counted, so that values are cheap to copy.

mod constant;
mod json;
mod list;
mod map;
mod order;
mod shared;
mod show;
mod time;

use std::rc::Rc;

use serde_json::Value as Json;

use crate::environment::Numbers;

pub(crate) use constant::Constant;
pub(crate) use json::to_json;
pub(crate) use list::List;
pub(crate) use map::{Map, insert};
pub(crate) use order::{compare, equal};
pub(crate) use shared::{Bytes, Text};
pub(crate) use show::show;
pub(crate) use time::{Part, Timestamp};

/// A value that lives as long as the variables and the expression.
#[derive(Clone, Debug)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(Text<'a>),
    Bytes(Bytes<'a>),
    List(List<'a>),
    Map(Map<'a>),
    Timestamp(Timestamp),
    /// In nanoseconds.
    Duration(i64),
    Type(&'static str),
    Optional(Option<Rc<Value<'a>>>),
}

impl<'a> Value<'a> {
    /// A variable, or a part of one.
    pub(crate) fn of_json(json: &'a Json, numbers: Numbers) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(truth) => Self::Bool(*truth),
            Json::Number(number) => match (numbers, number.as_i64()) {
                (Numbers::Integer, Some(whole)) => Self::Int(whole),
                _ => Self::Double(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Self::String(Text::Borrowed(text)),
            Json::Array(elements) => Self::List(List::of_json(elements, numbers)),
            Json::Object(fields) => Self::Map(Map::of_json(fields, numbers)),
        }
    }

    pub(crate) fn string(text: impl Into<Rc<str>>) -> Self {
        Self::String(Text::Counted(text.into()))
    }

    pub(crate) fn bytes(bytes: impl Into<Rc<[u8]>>) -> Self {
        Self::Bytes(Bytes::Counted(bytes.into()))
    }

    pub(crate) fn list(elements: Vec<Self>) -> Self {
        Self::List(List::new(elements))
    }

    /// An optional that has a value.
    pub(crate) fn some(value: Self) -> Self {
        Self::Optional(Some(Rc::new(value)))
    }

    /// The name of the type, as `type()` and errors give it.
    pub(crate) const fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null_type",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint",
            Self::Double(_) => "double",
            Self::String(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Timestamp(_) => "google.protobuf.Timestamp",
            Self::Duration(_) => "google.protobuf.Duration",
            Self::Type(_) => "type",
            Self::Optional(_) => "optional_type",
        }
    }

    /// The name of the Go type behind it, which a few of cel-go's errors show.
    pub(crate) const fn go_type(&self) -> &'static str {
        match self {
            Self::Null => "<nil>",
            Self::Bool(_) => "types.Bool",
            Self::Int(_) => "types.Int",
            Self::Uint(_) => "types.Uint",
            Self::Double(_) => "types.Double",
            Self::String(_) => "types.String",
            Self::Bytes(_) => "types.Bytes",
            Self::List(list) if list.is_json() => "[]interface {}",
            Self::List(_) => "*types.baseList",
            Self::Map(map) if map.is_json() => "map[string]interface {}",
            Self::Map(_) => "*types.baseMap",
            Self::Timestamp(_) => "types.Timestamp",
            Self::Duration(_) => "types.Duration",
            Self::Type(_) => "*types.Type",
            Self::Optional(_) => "*types.Optional",
        }
    }

    /// Whether it is the zero of its type; types and optionals have none.
    pub(crate) fn is_zero(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(truth) => !truth,
            Self::Int(int) => *int == 0,
            Self::Uint(uint) => *uint == 0,
            Self::Double(double) => *double == 0.0,
            Self::String(text) => text.is_empty(),
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::List(list) => list.len() == 0,
            Self::Map(map) => map.len() == 0,
            Self::Timestamp(timestamp) => timestamp.is_zero(),
            Self::Duration(nanoseconds) => *nanoseconds == 0,
            Self::Type(_) | Self::Optional(_) => false,
        }
    }
}
