//! Results as JSON.
//!
//! What JSON has no form for is written as protobuf's JSON mapping has it: bytes in base64, moments as RFC 3339,
//! spans in seconds, types by name. An optional is its value or null.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map as Object, Number, Value as Json};

use super::Value;
use crate::function::convert;

/// A number that JSON cannot hold: NaN or an infinity.
#[derive(Debug)]
pub(crate) struct NoJson;

pub(crate) fn to_json(value: &Value<'_>) -> Result<Json, NoJson> {
    Ok(match value {
        Value::Null | Value::Optional(None) => Json::Null,
        Value::Bool(truth) => Json::Bool(*truth),
        Value::Int(int) => Json::from(*int),
        Value::Uint(uint) => Json::from(*uint),
        Value::Double(double) => Json::Number(Number::from_f64(*double).ok_or(NoJson)?),
        Value::String(text) => Json::from(&**text),
        Value::Bytes(bytes) => Json::from(STANDARD.encode(&**bytes)),
        Value::Timestamp(timestamp) => Json::from(timestamp.format()),
        Value::Duration(nanoseconds) => Json::from(convert::duration_text(*nanoseconds)),
        Value::Type(name) => Json::from(*name),
        Value::Optional(Some(value)) => to_json(value)?,
        Value::List(list) => list
            .iter()
            .map(|value| to_json(&value))
            .collect::<Result<_, _>>()?,
        Value::Map(map) => {
            let mut object = Object::new();
            for (key, value) in map.entries() {
                let key = match to_json(&key)? {
                    Json::String(text) => text,
                    other => other.to_string(),
                };
                object.insert(key, to_json(&value)?);
            }
            Json::Object(object)
        }
    })
}
