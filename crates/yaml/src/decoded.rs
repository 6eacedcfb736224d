//! Generic Go values, as both versions decode a document into.

use std::fmt::Write;

use serde_json::{Map, Number as JsonNumber, Value};

use crate::error::{ParseError, Version};
use crate::json::go_quote;
use crate::number::{Number, format_yaml, format_yaml_32};

/// Why a document cannot be decoded, or has no JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The text is not YAML, a scalar does not fit its tag, or a merge key has no mapping.
    #[error(transparent)]
    Scalar(#[from] ParseError),
    /// A mapping has a key twice, or the root is none; one line per fault.
    #[error("yaml: unmarshal errors:{0}")]
    Unmarshal(String),
    /// Version 3: a mapping has a key that is no string.
    #[error("json: unsupported type: map[interface {{}}]interface {{}}")]
    KeyNotString,
    /// Version 2: a key has a type that cannot become a string.
    #[error("unsupported map key of type: {kind}, key: {key}, value: {value}")]
    KeyType {
        /// Go's name of the type.
        kind: &'static str,
        /// The key in Go's syntax.
        key: String,
        /// The value in Go's syntax.
        value: String,
    },
    /// Infinity or not a number.
    #[error("json: unsupported value: {0}")]
    NotFinite(&'static str),
    /// An offset of a day or more.
    #[error(
        "json: error calling MarshalJSON for type time.Time: Time.MarshalJSON: timezone hour \
         outside of range [0,23]"
    )]
    Offset,
}

pub(crate) enum Decoded {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    Sequence(Vec<Self>),
    /// Entries with different keys, in any order.
    Mapping(Vec<(String, Self)>),
    /// A value that JSON cannot say.
    Bad(DecodeError),
}

impl Decoded {
    /// Encodes the value. Go does so in the order of keys, so the first fault in it is reported.
    pub(crate) fn into_json(self) -> Result<Value, DecodeError> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Number(Number::Int(int)) => Value::Number(int.into()),
            Self::Number(Number::Uint(uint)) => Value::Number(uint.into()),
            Self::Number(Number::Float(float)) => Value::Number(finite(float)?),
            Self::Text(text) => Value::String(text),
            Self::Bad(error) => return Err(error),
            Self::Sequence(items) => Value::Array(
                items
                    .into_iter()
                    .map(Self::into_json)
                    .collect::<Result<_, _>>()?,
            ),
            Self::Mapping(mut entries) => {
                entries.sort_by(|a, b| a.0.cmp(&b.0));
                let mut map = Map::new();
                for (name, value) in entries {
                    map.insert(name, value.into_json()?);
                }
                Value::Object(map)
            }
        })
    }

    /// The value where a string is wanted; `None` if it is no scalar.
    pub(crate) fn into_text(self) -> Option<String> {
        Some(match self {
            Self::Null => String::new(),
            Self::Bool(value) => value.to_string(),
            Self::Number(Number::Int(int)) => int.to_string(),
            Self::Number(Number::Uint(uint)) => uint.to_string(),
            Self::Number(Number::Float(float)) if float.is_nan() => "NaN".to_owned(),
            Self::Number(Number::Float(f64::INFINITY)) => "+Inf".to_owned(),
            Self::Number(Number::Float(f64::NEG_INFINITY)) => "-Inf".to_owned(),
            Self::Number(Number::Float(float)) => format_yaml_32(float),
            Self::Text(text) => text,
            Self::Sequence(_) | Self::Mapping(_) | Self::Bad(_) => return None,
        })
    }

    /// Why some key cannot become a string.
    pub(crate) fn bad_key(&self) -> Option<&DecodeError> {
        match self {
            Self::Bad(error) => Some(error),
            Self::Sequence(items) => items.iter().find_map(Self::bad_key),
            Self::Mapping(entries) => entries.iter().find_map(|(_, value)| value.bad_key()),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) => None,
        }
    }

    /// The value in Go's syntax (`%#v`), which some errors show.
    pub(crate) fn go_syntax(&self, version: Version) -> String {
        match self {
            Self::Null => "<nil>".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Number(Number::Int(int)) => int.to_string(),
            Self::Number(Number::Uint(uint)) => format!("{uint:#x}"),
            Self::Number(Number::Float(float)) if float.is_finite() => format_yaml(*float),
            Self::Number(Number::Float(float)) if float.is_nan() => "NaN".to_owned(),
            Self::Number(Number::Float(float)) if *float > 0.0 => "+Inf".to_owned(),
            Self::Number(Number::Float(_)) => "-Inf".to_owned(),
            Self::Text(text) => go_quote(text),
            Self::Bad(_) => "interface {}".to_owned(),
            Self::Sequence(items) => {
                let mut text = "[]interface {}{".to_owned();
                for (number, item) in items.iter().enumerate() {
                    if number > 0 {
                        text.push_str(", ");
                    }
                    text.push_str(&item.go_syntax_inside(version));
                }
                text.push('}');
                text
            }
            Self::Mapping(entries) => {
                let mut entries: Vec<_> = entries.iter().collect();
                entries.sort_by(|a, b| a.0.cmp(&b.0));
                let mut text = match version {
                    Version::V2 => "map[interface {}]interface {}{".to_owned(),
                    Version::V3 => "map[string]interface {}{".to_owned(),
                };
                for (number, (key, value)) in entries.into_iter().enumerate() {
                    if number > 0 {
                        text.push_str(", ");
                    }
                    let value = value.go_syntax_inside(version);
                    // Writing to a string cannot fail.
                    let _written = write!(text, "{}:{value}", go_quote(key));
                }
                text.push('}');
                text
            }
        }
    }

    fn go_syntax_inside(&self, version: Version) -> String {
        match self {
            Self::Null => "interface {}(nil)".to_owned(),
            other => other.go_syntax(version),
        }
    }
}

/// A float as JSON has it.
fn finite(float: f64) -> Result<JsonNumber, DecodeError> {
    JsonNumber::from_f64(float).ok_or(DecodeError::NotFinite(match float {
        _ if float.is_nan() => "NaN",
        _ if float > 0.0 => "+Inf",
        _ => "-Inf",
    }))
}

/// A collection where a key must be.
pub(crate) fn invalid_key(key: &Decoded, version: Version) -> DecodeError {
    ParseError::without_line(format!("invalid map key: {}", key.go_syntax(version))).into()
}

/// Something else where a merge key needs a mapping.
pub(crate) fn no_mapping_to_merge() -> DecodeError {
    ParseError::without_line("map merge requires map or sequence of maps as the value").into()
}
